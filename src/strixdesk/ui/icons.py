"""Line icons in the colour asked for, sharp on every screen, drawn from the package's own files."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap

DENSITIES = (1.0, 2.0)
"""Device pixels a pixel: what lies between is scaled down from the larger."""
DISABLED_OPACITY = 0.4
APP_SIZES = (16, 24, 32, 48, 64, 128, 256)


@lru_cache(maxsize=256)
def icon(name: str, colour: str, *, size: int = 20) -> QIcon:
    """The drawing `resources/NAME.svg` with its lines in `colour` (`#rrggbb`), `size` pixels wide.

    Needs a QGuiApplication. Raises FileNotFoundError for a name that was never drawn.
    """
    drawing = _drawing(name).replace("currentColor", colour)
    made = QIcon()
    for density in DENSITIES:
        made.addPixmap(_painted(drawing, size, density))
        made.addPixmap(
            _painted(drawing, size, density, opacity=DISABLED_OPACITY), QIcon.Mode.Disabled
        )
    return made


@lru_cache(maxsize=1)
def app_icon() -> QIcon:
    """The owl, for the window, the task bar and the dialogs."""
    drawing = _drawing("app")
    made = QIcon()
    for size in APP_SIZES:
        made.addPixmap(_painted(drawing, size, 1.0))
    return made


@lru_cache(maxsize=64)
def _drawing(name: str) -> str:
    return (files("strixdesk.ui") / "resources" / f"{name}.svg").read_text(encoding="utf-8")


def _painted(drawing: str, size: int, density: float, opacity: float = 1.0) -> QPixmap:
    from PySide6.QtSvg import QSvgRenderer  # late: the first paint does not wait for it

    edge = round(size * density)
    pixmap = QPixmap(edge, edge)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setOpacity(opacity)
    QSvgRenderer(drawing.encode()).render(painter, QRectF(0, 0, edge, edge))
    painter.end()
    pixmap.setDevicePixelRatio(density)
    return pixmap
