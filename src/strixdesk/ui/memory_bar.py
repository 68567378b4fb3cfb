"""The memory of a box as a bar: who takes what today, and what it would be like after a start."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QHelpEvent,
    QKeyEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QToolTip, QVBoxLayout, QWidget

from strixdesk.core.memory import Forecast, Share, Use, gb
from strixdesk.ui.plain import empty, plain
from strixdesk.ui.theme import Theme

HEIGHT = 18
LEAST_BYTES = 50_000_000
"""Less than this is not worth a word in the legend."""


class MemoryBar(QWidget):
    """One row of segments. The arrow keys go from one to the next; a tooltip tells of each."""

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._name = name
        self._shares: tuple[Share, ...] = ()
        self._new: frozenset[int] = frozenset()
        self._total = 1
        self._at: int | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(name)

    def sizeHint(self) -> QSize:
        return QSize(200, HEIGHT)

    def show_shares(self, shares: Sequence[Share], total: int, new: Sequence[int] = ()) -> None:
        """`new`: the places of those that a start would add, or that are still to come."""
        self._shares, self._total = tuple(shares), max(1, total)
        self._new = frozenset(new)
        self._at = None
        words = ", ".join(share_line(share) for share in self._shares)
        self.setAccessibleDescription(f"{words}. {self._free_words()}")
        self.update()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def _free_words(self) -> str:
        free = self._total - sum(share.bytes for share in self._shares)
        return f"{gb(free)} free" if free >= 0 else f"{gb(-free)} too much"

    def _boxes(self) -> list[QRectF]:
        taken = sum(share.bytes for share in self._shares)
        scale = (self.width() - 2) / max(self._total, taken)
        boxes, left = [], 1.0
        for share in self._shares:
            width = share.bytes * scale
            boxes.append(QRectF(left, 1, width, self.height() - 2))
            left += width
        return boxes

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QPainterPath()
        frame.addRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 5, 5)
        painter.fillPath(frame, QColor(self._theme.border))
        painter.setClipPath(frame)
        taken = sum(share.bytes for share in self._shares)
        for place, (share, box) in enumerate(zip(self._shares, self._boxes(), strict=True)):
            painter.fillRect(box, use_brush(share.use, self._theme))
            if place in self._new:
                stripe = QBrush(QColor(self._theme.raised), Qt.BrushStyle.BDiagPattern)
                painter.fillRect(box, stripe)
            painter.fillRect(QRectF(box.right() - 0.75, 0, 1.5, self.height()), self._gap())
            if place == self._at:
                painter.setPen(QPen(QColor(self._theme.text), 2))
                painter.drawRect(box.adjusted(1, 1, -2, -1))
        if taken > self._total:  # where the memory ends
            end = 1 + (self.width() - 2) * self._total / taken
            painter.setPen(QPen(QColor(self._theme.danger), 3))
            painter.drawLine(int(end), 0, int(end), self.height())
        painter.setClipping(False)
        if self.hasFocus():
            painter.setPen(QPen(QColor(self._theme.accent), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 5, 5)
        painter.end()

    def _gap(self) -> QColor:
        return QColor(self._theme.surface)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent):
            for share, box in zip(self._shares, self._boxes(), strict=True):
                if box.left() <= event.pos().x() < box.right():
                    QToolTip.showText(event.globalPos(), share_line(share), self)
                    return True
            QToolTip.showText(event.globalPos(), self._free_words(), self)
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        step = steps.get(Qt.Key(event.key()))
        if step is None or not self._shares:
            super().keyPressEvent(event)
            return
        first = 0 if step > 0 else len(self._shares) - 1
        self._at = first if self._at is None else (self._at + step) % len(self._shares)
        line = share_line(self._shares[self._at])
        self.setAccessibleName(f"{self._name}: {line}")
        box = self._boxes()[self._at]
        QToolTip.showText(self.mapToGlobal(box.center().toPoint()), line, self)
        self.update()


class MemoryView(QWidget):
    """Today's bar; beneath it the bar after a start while one is considered; a legend in words."""

    def __init__(self, theme: Theme, name: str = "Memory", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.today = MemoryBar(theme, f"{name} today")
        self.after = MemoryBar(theme, f"{name} after the start")
        self._today_label, self._after_label = plain("Today", "small"), plain("After", "small")
        self._legend = QGridLayout()
        self._legend.setContentsMargins(0, 2, 0, 0)
        self._legend.setHorizontalSpacing(6)
        self._legend.setVerticalSpacing(1)
        self._marks: list[_Swatch] = []
        rows = QGridLayout()
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setHorizontalSpacing(8)
        rows.setVerticalSpacing(4)
        rows.addWidget(self._today_label, 0, 0)
        rows.addWidget(self.today, 0, 1)
        rows.addWidget(self._after_label, 1, 0)
        rows.addWidget(self.after, 1, 1)
        rows.setColumnStretch(1, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(rows)
        column.addLayout(self._legend)
        self.compare(False)

    def show_forecast(self, forecast: Forecast, *, compared: bool) -> None:
        """`compared`: with the bar after the start."""
        self.today.show_shares(forecast.today, forecast.total_bytes)
        new = range(len(forecast.today) - 1, len(forecast.after) - 1)  # before the reserve
        self.after.show_shares(forecast.after, forecast.total_bytes, new)
        self.compare(compared)
        shares = forecast.after if compared else forecast.today
        taken = sum(share.bytes for share in shares)
        free = forecast.free_bytes if compared else forecast.total_bytes - taken
        self._show_legend(shares, free)

    def compare(self, on: bool) -> None:
        for one in (self._today_label, self._after_label, self.after):
            one.setVisible(on)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        for bar in (self.today, self.after):
            bar.set_theme(theme)
        for swatch in self._marks:
            swatch.set_theme(theme)

    def _show_legend(self, shares: Sequence[Share], free: int) -> None:
        empty(self._legend)
        self._marks = []
        sums = {use: sum(s.bytes for s in shares if s.use is use) for use in Use}
        entries: list[tuple[Use | None, str]] = [
            (use, f"{use.value} {gb(count)}") for use, count in sums.items() if count >= LEAST_BYTES
        ]
        entries.append((None, f"free {gb(free)}" if free >= 0 else f"{gb(-free)} too much"))
        for number, (use, words) in enumerate(entries):
            swatch = _Swatch(use, self._theme)
            self._marks.append(swatch)
            row, column = divmod(number, 2)
            self._legend.addWidget(swatch, row, column * 2)
            self._legend.addWidget(plain(words, "small"), row, column * 2 + 1)
        self._legend.setColumnStretch(1, 1)
        self._legend.setColumnStretch(3, 1)


class _Swatch(QWidget):
    def __init__(self, use: Use | None, theme: Theme) -> None:
        super().__init__()
        self._use = use
        self._theme = theme
        self.setFixedSize(12, 12)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = QColor(self._theme.border)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(use_brush(self._use, self._theme) if self._use else QBrush(ground))
        painter.drawRoundedRect(QRectF(1, 1, 10, 10), 3, 3)
        painter.end()


def use_brush(use: Use, theme: Theme) -> QBrush:
    """A colour and, for the reserve, a pattern: it is not taken by anything."""
    match use:
        case Use.OTHER:
            return QBrush(QColor(theme.muted))
        case Use.WEIGHTS:
            return QBrush(QColor(theme.weights))
        case Use.KV_CACHE:
            return QBrush(QColor(theme.kv_cache))
        case Use.RESERVE:
            return QBrush(QColor(theme.muted), Qt.BrushStyle.Dense5Pattern)


def share_line(share: Share) -> str:
    of = f" of {share.service}" if share.service else ""
    return f"{share.use.value}{of}: {gb(share.bytes)}"
