"""The last minute of a number as a small line."""

from __future__ import annotations

from collections import deque

from PySide6.QtCore import QPointF, QSize
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from strixdesk.ui.theme import Theme

SAMPLES = 60


class Sparkline(QWidget):
    """Decoration: the number beside it says where the line ends."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._samples: deque[float] = deque(maxlen=SAMPLES)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(80, 26)

    def add(self, value: float) -> None:
        self._samples.append(value)
        self.setToolTip(
            f"Lately between {min(self._samples):.0f} and {max(self._samples):.0f} tokens a second"
        )
        self.update()

    @property
    def samples(self) -> tuple[float, ...]:
        """Oldest first."""
        return tuple(self._samples)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if len(self._samples) < 2:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        top, foot, right = 3.0, self.height() - 2.0, self.width() - 5.0
        most = max(self._samples) * 1.05 or 1.0
        step = right / (len(self._samples) - 1)
        points = [
            QPointF(number * step, foot - (foot - top) * value / most)
            for number, value in enumerate(self._samples)
        ]
        line = QPainterPath(points[0])
        for point in points[1:]:
            line.lineTo(point)
        ground = QPainterPath(line)
        ground.lineTo(points[-1].x(), foot)
        ground.lineTo(points[0].x(), foot)
        colour = QColor(self._theme.ok)
        faint = QColor(colour)
        faint.setAlpha(40)
        painter.fillPath(ground, faint)
        painter.setPen(QPen(colour, 1.5))
        painter.drawPath(line)
        painter.setBrush(colour)
        painter.drawEllipse(points[-1], 2.2, 2.2)
        painter.end()
