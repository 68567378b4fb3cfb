"""Writes assets/icons/strixdesk-SIZE.png and the package's app.svg from assets/strixdesk.svg.

Run it after changing the drawing: `python assets/make_icons.py`. Needs no screen.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QRectF
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

HERE = Path(__file__).resolve().parent
DRAWING = HERE / "strixdesk.svg"
IN_PACKAGE = HERE.parent / "src" / "strixdesk" / "ui" / "resources" / "app.svg"
SIZES = (16, 24, 32, 48, 64, 128, 256, 512)


def main() -> None:
    application = QGuiApplication([])
    renderer = QSvgRenderer(str(DRAWING))
    folder = HERE / "icons"
    folder.mkdir(exist_ok=True)
    for size in SIZES:
        image = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(0)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        renderer.render(painter, QRectF(0, 0, size, size))
        painter.end()
        target = folder / f"strixdesk-{size}.png"
        if not image.save(str(target)):
            raise SystemExit(f"{target} could not be written")
        print(target.relative_to(HERE.parent))
    shutil.copyfile(DRAWING, IN_PACKAGE)
    application.quit()


if __name__ == "__main__":
    main()
