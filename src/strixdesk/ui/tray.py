"""The icon in the system's tray: how many tiers are ready, and the few things wanted from afar."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QIcon
from PySide6.QtWidgets import QMenu, QSystemTrayIcon, QWidget

from strixdesk.core.box import Box
from strixdesk.core.tier import Tier, TierState, TierStatus


class Tray(QObject):
    """Where the desktop has no tray nothing is shown; the window has it all."""

    window_asked = Signal()
    talk_asked = Signal()
    silence_asked = Signal()
    quit_asked = Signal()

    def __init__(self, icon: QIcon, parent: QWidget, *, available: bool | None = None) -> None:
        """`available`: None asks the desktop."""
        super().__init__(parent)
        self._tiers: tuple[Tier, ...] = ()
        self._states: dict[str, TierState] = {}
        self._boxes: tuple[str, ...] = ()
        self._summary = QAction("", self)
        self._summary.setEnabled(False)
        self.menu = QMenu(parent)
        self.menu.addAction(self._summary)
        self.menu.addSeparator()
        for text, signal in (
            ("Show the window", self.window_asked),
            ("Talk (again: send)", self.talk_asked),
            ("Stop speaking and answering", self.silence_asked),
            ("Quit", self.quit_asked),
        ):
            action = QAction(text, self)
            action.triggered.connect(signal)
            self.menu.addAction(action)
        self._icon: QSystemTrayIcon | None = None
        if QSystemTrayIcon.isSystemTrayAvailable() if available is None else available:
            self._icon = QSystemTrayIcon(icon, self)
            self._icon.setContextMenu(self.menu)
            self._icon.activated.connect(self._activated)
            self._icon.show()
        self._show()

    @property
    def shown(self) -> bool:
        return self._icon is not None

    @property
    def summary(self) -> str:
        if not self._tiers:
            return "StrixDesk"
        ready = sum(self._states.get(one.name) is TierState.READY for one in self._tiers)
        where = f" ({', '.join(self._boxes)})" if self._boxes else ""
        busy = [
            one.title
            for one in self._tiers
            if self._states.get(one.name) in (TierState.STARTING, TierState.LOADING)
        ]
        failed = [
            one.title for one in self._tiers if self._states.get(one.name) is TierState.FAILED
        ]
        words = [f"{ready} of {len(self._tiers)} tiers ready{where}"]
        if busy:
            words.append(f"{', '.join(busy)} loading")
        if failed:
            words.append(f"{', '.join(failed)} failed")
        return "; ".join(words)

    def show_tiers(self, tiers: Sequence[Tier]) -> None:
        self._tiers = tuple(tiers)
        self._show()

    def show_status(self, tier: Tier, status: TierStatus) -> None:
        state = TierState.STOPPED if status.unloaded else status.state
        if self._states.get(tier.name) is not state:
            self._states[tier.name] = state
            self._show()

    def show_boxes(self, boxes: Sequence[Box]) -> None:
        self._boxes = tuple(box.name for box in boxes)
        self._show()

    def hide(self) -> None:
        if self._icon:
            self._icon.hide()

    def _show(self) -> None:
        self._summary.setText(self.summary)
        if self._icon:
            self._icon.setToolTip(self.summary)

    def _activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason is QSystemTrayIcon.ActivationReason.Trigger:
            self.window_asked.emit()
