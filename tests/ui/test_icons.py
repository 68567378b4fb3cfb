"""Icons: every drawing of the package, in the colour asked for, at every density."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QIcon, QImage
from pytestqt.qtbot import QtBot

from strixdesk.ui.icons import RESOURCES, app_icon, icon

NAMES = sorted(
    path.stem for path in RESOURCES.glob("*.svg") if not path.name.startswith(("app", "field-"))
)
COPPER = "#b3441e"


def painted(image: QImage) -> list[QColor]:
    """The colours of the pixels that are not empty."""
    pixels = (image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height()))
    return [pixel for pixel in pixels if pixel.alpha() > 0]


@pytest.mark.parametrize("name", NAMES)
def test_an_icon_is_drawn_in_its_colour_alone(qtbot: QtBot, name: str) -> None:
    pixels = painted(icon(name, COPPER).pixmap(QSize(20, 20), 1.0).toImage())
    solid = [pixel for pixel in pixels if pixel.alpha() > 250]
    assert len(pixels) > 20
    assert all(abs(pixel.red() - 0xB3) < 4 and abs(pixel.blue() - 0x1E) < 4 for pixel in solid)


def test_dense_screens_get_twice_the_pixels(qtbot: QtBot) -> None:
    pixmap = icon("mic", COPPER, size=16).pixmap(QSize(16, 16), 2.0)
    assert (pixmap.width(), pixmap.devicePixelRatio()) == (32, 2.0)


def test_what_is_disabled_is_faint(qtbot: QtBot) -> None:
    drawn = icon("stop", COPPER)
    strongest = [
        max(pixel.alpha() for pixel in painted(drawn.pixmap(QSize(20, 20), 1.0, mode).toImage()))
        for mode in (QIcon.Mode.Normal, QIcon.Mode.Disabled)
    ]
    assert strongest[0] == 255
    assert strongest[1] == pytest.approx(0.4 * 255, abs=2)


def test_an_icon_is_painted_once(qtbot: QtBot) -> None:
    assert icon("send", COPPER, size=18) is icon("send", COPPER, size=18)


def test_a_name_without_a_drawing_is_an_error(qtbot: QtBot) -> None:
    with pytest.raises(FileNotFoundError):
        icon("unicorn", COPPER)


def test_the_owl_has_every_size_that_desktops_ask_for(qtbot: QtBot) -> None:
    sizes = {size.width() for size in app_icon().availableSizes()}
    assert {16, 24, 32, 48, 64, 128, 256} <= sizes


def test_the_owl_in_the_package_is_the_one_that_the_pictures_are_made_from() -> None:
    drawing = Path(__file__).parents[2] / "assets" / "strixdesk.svg"
    assert (RESOURCES / "app.svg").read_text() == drawing.read_text()
