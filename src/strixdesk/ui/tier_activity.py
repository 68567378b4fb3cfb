"""What a tier is doing: how fast it writes, who waits, how full its cache is, how far it loaded."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from strixdesk.core.spans import span
from strixdesk.core.tier import TierState, TierStatus
from strixdesk.ui.meter_bar import MeterBar
from strixdesk.ui.plain import plain
from strixdesk.ui.sparkline import Sparkline
from strixdesk.ui.theme import Theme

NEARLY_FULL = 0.9


class TierActivity(QWidget):
    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words = ""
        """All of it, for a screen reader."""
        self._speed = plain("", "figure")
        self.sparkline = Sparkline(theme)
        self._requests = plain("", "small")
        self._cache_label = plain("KV cache", "small")
        self._cache = MeterBar(theme, "kv_cache", 5)
        self._cache_part = plain("", "small")
        self._loading = MeterBar(theme, "warning")
        self._eta = plain("", "small")
        self._live, self._cache_row, self._load_row = QWidget(), QWidget(), QWidget()
        for holder, widgets in (
            (self._live, (self._speed, self.sparkline, self._requests)),
            (self._cache_row, (self._cache_label, self._cache, self._cache_part)),
            (self._load_row, (self._loading, self._eta)),
        ):
            row = QHBoxLayout(holder)
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(8)
            for widget in widgets:
                stretch = isinstance(widget, Sparkline | MeterBar)
                row.addWidget(widget, 1 if stretch else 0)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for holder in (self._live, self._cache_row, self._load_row):
            column.addWidget(holder)

    def show_status(self, status: TierStatus) -> None:
        ready = status.state is TierState.READY
        activity = status.activity if ready else None
        speed = activity.tokens_per_s if activity else None
        speed = speed if speed is not None else status.tokens_per_s if ready else None
        spoken = []
        if speed is not None:
            self.sparkline.add(speed)
            self._speed.setText(f"{speed:.1f} t/s" if speed < 10 else f"{speed:.0f} t/s")
            spoken.append(f"{speed:.0f} tokens a second")
        requests = ""
        if activity:
            waiting = f", {activity.waiting} waiting" if activity.waiting else ""
            requests = f"{activity.running} running{waiting}" if activity.running else "idle"
            spoken.append(requests)
        self._requests.setText(requests)
        self._speed.setVisible(speed is not None)
        self._live.setVisible(speed is not None or bool(requests))
        cache = activity.kv_cache_use if activity else None
        self._cache_row.setVisible(cache is not None)
        if cache is not None:
            self._cache.show_part(cache, "warning" if cache >= NEARLY_FULL else "kv_cache")
            self._cache_part.setText(f"{cache:.0%}")
            spoken.append(f"KV cache {cache:.0%} full")
        loading = status.state in (TierState.STARTING, TierState.LOADING)
        self._load_row.setVisible(loading and status.progress is not None)
        self._loading.show_part(status.progress or 0.0)
        self._eta.setText(span(status.eta_s) if loading and status.eta_s is not None else "")
        self.words = ", ".join(spoken)
        shown = not all(one.isHidden() for one in (self._live, self._cache_row, self._load_row))
        self.setVisible(shown)

    def set_theme(self, theme: Theme) -> None:
        for part in (self.sparkline, self._cache, self._loading):
            part.set_theme(theme)
