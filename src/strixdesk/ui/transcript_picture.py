"""A picture of the user's as a thumbnail that opens when it is clicked."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QImageReader, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QWidget

from strixdesk.core.conversation import Image
from strixdesk.ui.theme import Theme

_MOST = QSize(240, 180)


class PictureButton(QAbstractButton):
    def __init__(
        self, image: Image, path: Path, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.image = image
        self._theme = theme
        self._size = QSize(image.width, image.height).scaled(
            _MOST, Qt.AspectRatioMode.KeepAspectRatio
        )
        if image.width < _MOST.width() and image.height < _MOST.height():
            self._size = QSize(max(48, image.width), max(48, image.height))
        self._pixels = self._read(path)
        name = image.name or "without a name"
        self.setAccessibleName(f"Picture {name}")
        self.setToolTip(image.name)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFixedSize(self._size)

    def _read(self, path: Path) -> QImage:
        """Scaled while it is read; null when the file is gone."""
        reader = QImageReader(str(path))
        reader.setAutoTransform(True)
        ratio = self.devicePixelRatioF()
        reader.setScaledSize(self._size * ratio)
        pixels = reader.read()
        pixels.setDevicePixelRatio(ratio)
        return pixels

    def sizeHint(self) -> QSize:
        return self._size

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        area = QRectF(self.rect()).adjusted(0.75, 0.75, -0.75, -0.75)
        edge = QPainterPath()
        edge.addRoundedRect(area, 10, 10)
        painter.save()
        painter.setClipPath(edge)
        if self._pixels.isNull():
            painter.fillRect(self.rect(), QColor(self._theme.code))
            painter.setPen(QColor(self._theme.muted))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "Picture is gone")
        else:
            painter.drawImage(self.rect(), self._pixels)
        painter.restore()
        focused = self.hasFocus()
        painter.setPen(QPen(QColor(self._theme.accent if focused else self._theme.border), 1.5))
        painter.drawPath(edge)
        painter.end()
