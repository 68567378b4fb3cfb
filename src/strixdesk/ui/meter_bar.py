"""A thin bar for a part of a whole: progress, or how full something is."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from strixdesk.ui.theme import Theme


class MeterBar(QWidget):
    """Decoration: words beside it give the number."""

    def __init__(self, theme: Theme, colour: str = "accent", height: int = 6) -> None:
        super().__init__()
        self._theme = theme
        self._colour = colour
        self._height = height
        self._part = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(60, self._height)

    def show_part(self, part: float, colour: str = "") -> None:
        """0 to 1. `colour`: the name of one of the theme's."""
        self._part = min(1.0, max(0.0, part))
        self._colour = colour or self._colour
        self.update()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        round_by = self.height() / 2
        painter.setBrush(QColor(self._theme.border))
        painter.drawRoundedRect(QRectF(self.rect()), round_by, round_by)
        width = max(self.height(), self.width() * self._part) if self._part > 0 else 0
        painter.setBrush(QColor(getattr(self._theme, self._colour)))
        painter.drawRoundedRect(QRectF(0, 0, width, self.height()), round_by, round_by)
        painter.end()
