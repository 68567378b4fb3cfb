"""Line icons in the colour asked for, sharp on every screen, drawn from the package's own files."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap

if TYPE_CHECKING:
    from PySide6.QtSvg import QSvgRenderer

RESOURCES = Path(__file__).parent / "resources"  # importlib.resources takes 10 ms to import
DENSITIES = (1.0, 2.0)
"""Device pixels a pixel: what lies between is scaled down from the larger."""
DISABLED_OPACITY = 0.4
APP_SIZES = (16, 24, 32, 48, 64, 128, 256)


@lru_cache(maxsize=256)
def icon(name: str, colour: str, *, size: int = 20) -> QIcon:
    """The drawing `resources/NAME.svg` with its lines in `colour` (`#rrggbb`), `size` pixels wide.

    Needs a QGuiApplication. Raises FileNotFoundError for a name that was never drawn.
    """
    drawing = _renderer(_drawing(name).replace("currentColor", colour))
    made = QIcon()
    for density in DENSITIES:
        pixmap = _painted(drawing, size, density)
        made.addPixmap(pixmap)
        made.addPixmap(_faint(pixmap), QIcon.Mode.Disabled)
    return made


@lru_cache(maxsize=1)
def app_icon() -> QIcon:
    """The owl, for the window, the task bar and the dialogs."""
    drawing = _renderer(_drawing("app"))
    made = QIcon()
    for size in APP_SIZES:
        made.addPixmap(_painted(drawing, size, 1.0))
    return made


@lru_cache(maxsize=64)
def _drawing(name: str) -> str:
    return (RESOURCES / f"{name}.svg").read_text(encoding="utf-8")


def _renderer(drawing: str) -> QSvgRenderer:
    from PySide6.QtSvg import QSvgRenderer  # late: not before the first icon is wanted

    return QSvgRenderer(drawing.encode())


def _painted(drawing: QSvgRenderer, size: int, density: float) -> QPixmap:
    edge = round(size * density)
    pixmap = _empty(edge)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    drawing.render(painter, QRectF(0, 0, edge, edge))
    painter.end()
    pixmap.setDevicePixelRatio(density)
    return pixmap


def _faint(pixmap: QPixmap) -> QPixmap:
    faint = _empty(pixmap.width())
    faint.setDevicePixelRatio(pixmap.devicePixelRatio())
    painter = QPainter(faint)
    painter.setOpacity(DISABLED_OPACITY)
    painter.drawPixmap(0, 0, pixmap)
    painter.end()
    return faint


def _empty(edge: int) -> QPixmap:
    pixmap = QPixmap(edge, edge)
    pixmap.fill(Qt.GlobalColor.transparent)
    return pixmap
