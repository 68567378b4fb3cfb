"""Small painted marks: a state as colour and shape, and the microphone's level."""

from __future__ import annotations

from enum import Enum

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from strixdesk.core.tier import TierState
from strixdesk.ui.theme import Theme

QUIET_DB = -60.0
_FALL = 0.75
"""How much of a level is left at the next one: it rises at once and falls smoothly."""


class Mark(Enum):
    """A shape for those who do not tell the colours apart."""

    DISC = "disc"
    HALF = "half"
    RING = "ring"
    SQUARE = "square"
    TRIANGLE = "triangle"


TIER_MARKS = {
    TierState.UNKNOWN: (Mark.RING, "muted"),
    TierState.STOPPED: (Mark.SQUARE, "muted"),
    TierState.STARTING: (Mark.HALF, "warning"),
    TierState.LOADING: (Mark.HALF, "warning"),
    TierState.READY: (Mark.DISC, "ok"),
    TierState.STOPPING: (Mark.HALF, "muted"),
    TierState.FAILED: (Mark.TRIANGLE, "danger"),
    TierState.UNREACHABLE: (Mark.TRIANGLE, "danger"),
}


class StateMark(QWidget):
    """Decoration: the words beside it say the same."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._mark, self._colour = Mark.RING, "muted"
        self.setFixedSize(14, 14)

    def show_mark(self, mark: Mark, colour: str) -> None:
        """`colour`: the name of one of the theme's."""
        if (mark, colour) != (self._mark, self._colour):
            self._mark, self._colour = mark, colour
            self.update()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = QColor(getattr(self._theme, self._colour))
        painter.setPen(QPen(colour, 2))
        box = QRectF(3, 3, 8, 8)
        match self._mark:
            case Mark.DISC:
                painter.setBrush(colour)
                painter.drawEllipse(box)
            case Mark.RING:
                painter.drawEllipse(box)
            case Mark.HALF:
                painter.drawEllipse(box)
                painter.setBrush(colour)
                painter.drawPie(box, 90 * 16, 180 * 16)
            case Mark.SQUARE:
                painter.drawRect(box)
            case Mark.TRIANGLE:
                painter.setBrush(colour)
                painter.drawPolygon(QPolygonF([QPointF(7, 3), QPointF(11.5, 11), QPointF(2.5, 11)]))
        painter.end()


class LevelMeter(QWidget):
    """The microphone's level as a row of bars, scaled in decibels."""

    BARS = 14

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._shown = 0.0
        self._speech = False
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Microphone level")

    def sizeHint(self) -> QSize:
        return QSize(self.BARS * 6, 18)

    @property
    def shown(self) -> float:
        """0 to 1."""
        return self._shown

    def show_level(self, level_db: float, *, speech: bool) -> None:
        level = min(1.0, max(0.0, 1 - level_db / QUIET_DB))
        level = max(level, self._shown * _FALL if level < self._shown else level)
        if level < 0.02:
            level = 0.0
        if (level, speech) != (self._shown, self._speech):
            self._shown, self._speech = level, speech
            self.update()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(Qt.PenStyle.NoPen)
        lit = round(self._shown * self.BARS)
        on = QColor(self._theme.ok if self._speech else self._theme.muted)
        off = QColor(self._theme.border)
        for bar in range(self.BARS):
            height = 5 + 12 * bar / (self.BARS - 1)
            painter.setBrush(on if bar < lit else off)
            painter.drawRoundedRect(QRectF(bar * 6, (18 - height) / 2, 4, height), 1.5, 1.5)
        painter.end()
