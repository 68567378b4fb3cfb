"""The settings dialog on a desk with two tiers, and the hands that use it."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import SecretStr
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QLineEdit,
)
from pytestqt.qtbot import QtBot

from strixdesk.core.tier import Capability
from strixdesk.settings import (
    Settings,
    TierSettings,
)
from strixdesk.ui.settings_dialog import GENERAL, SettingsDialog
from strixdesk.ui.settings_fields import Field

SECRET = "sk-never-to-be-seen"
BOX = Settings(
    tiers=(
        TierSettings(name="utility", base_url="http://127.0.0.1:8012/v1", role="quick"),
        TierSettings(
            name="coder",
            base_url="http://127.0.0.1:8013/v1",
            api_key=SecretStr(SECRET),
            capabilities=frozenset({Capability.VISION}),
            context_tokens=65536,
        ),
    ),
    default_tier="coder",
)

OpenSettings = Callable[..., SettingsDialog]


def opener(qtbot: QtBot, stored: list[Settings]) -> OpenSettings:
    """A function that opens the dialog on a page; what it saves is appended to `stored`."""

    def opened(
        settings: Settings = BOX, page: int = GENERAL, **arguments: object
    ) -> SettingsDialog:
        known = {
            "save": stored.append,
            "device_names": lambda: (["Desk mic", "Headset"], ["Headset"]),
            **arguments,
        }
        dialog = SettingsDialog(settings, **known)  # type: ignore[arg-type]
        qtbot.addWidget(dialog)
        dialog.open()
        dialog.show_page(page)
        return dialog

    return opened


def type_into(qtbot: QtBot, field: Field, text: str) -> None:
    control = field.control
    assert isinstance(control, QLineEdit)
    control.selectAll()
    qtbot.keyClick(control, Qt.Key.Key_Delete)
    qtbot.keyClicks(control, text)


def choose(field: Field, words: str) -> None:
    """As a click in the opened list does."""
    control = field.control
    assert isinstance(control, QComboBox)
    row = control.findText(words)
    assert row >= 0, f"{words} is not offered"
    control.setCurrentIndex(row)
    control.activated.emit(row)


def offered(field: Field) -> list[str]:
    control = field.control
    assert isinstance(control, QComboBox)
    return [control.itemText(row) for row in range(control.count())]


def press_save(qtbot: QtBot, dialog: SettingsDialog) -> None:
    qtbot.mouseClick(dialog.save_button, Qt.MouseButton.LeftButton)
