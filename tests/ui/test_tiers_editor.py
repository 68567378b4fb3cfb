"""Tiers in the settings: added, changed, removed; their keys are kept and never shown."""

from __future__ import annotations

import pytest
from pydantic import SecretStr
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QLabel,
    QLineEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from strixdesk.settings import (
    Settings,
    TierSettings,
)
from strixdesk.ui.settings_dialog import GENERAL, TIERS
from tests.support.settings_desk import (
    BOX,
    SECRET,
    OpenSettings,
    choose,
    opener,
    press_save,
    type_into,
)
from tests.ui.no_screen import NO_SCREEN

pytestmark = NO_SCREEN


@pytest.fixture
def stored() -> list[Settings]:
    return []


@pytest.fixture
def open_dialog(qtbot: QtBot, stored: list[Settings]) -> OpenSettings:
    return opener(qtbot, stored)


# -- tiers -------------------------------------------------------------------------------------


def test_a_tier_is_added(qtbot: QtBot, open_dialog: OpenSettings, stored: list[Settings]) -> None:
    dialog = open_dialog(page=TIERS)
    editor = dialog.tiers.editor
    qtbot.mouseClick(editor.add_button, Qt.MouseButton.LeftButton)
    type_into(qtbot, editor.name, "reviewer")
    type_into(qtbot, editor.base_url, " http://box:8003/v1/ ")
    type_into(qtbot, editor.role, "reads code")
    type_into(qtbot, editor.api_key, "sk-new")
    choose(editor.default, "reviewer")
    press_save(qtbot, dialog)
    (saved,) = stored
    added = TierSettings(
        name="reviewer",
        base_url="http://box:8003/v1",
        role="reads code",
        api_key=SecretStr("sk-new"),
    )
    assert saved.tiers == (*BOX.tiers, added)
    assert saved.default_tier == "reviewer"


def test_a_tier_is_removed_and_the_choice_of_who_is_usually_asked_with_it(
    qtbot: QtBot, open_dialog: OpenSettings, stored: list[Settings]
) -> None:
    dialog = open_dialog(page=TIERS)
    editor = dialog.tiers.editor
    editor.table.setCurrentCell(1, 0)
    qtbot.mouseClick(editor.remove_button, Qt.MouseButton.LeftButton)
    press_save(qtbot, dialog)
    (saved,) = stored
    assert saved.tiers == BOX.tiers[:1]
    assert saved.default_tier is None


def test_the_last_tier_can_be_removed(
    qtbot: QtBot, open_dialog: OpenSettings, stored: list[Settings]
) -> None:
    dialog = open_dialog(page=TIERS)
    editor = dialog.tiers.editor
    for _ in BOX.tiers:
        qtbot.mouseClick(editor.remove_button, Qt.MouseButton.LeftButton)
    assert not editor.remove_button.isEnabled()
    assert not editor.name.isEnabled()
    press_save(qtbot, dialog)
    assert stored[0].tiers == ()


def test_a_new_name_goes_with_the_usual_tier_and_keeps_what_only_the_file_can_set(
    qtbot: QtBot, open_dialog: OpenSettings, stored: list[Settings]
) -> None:
    dialog = open_dialog(page=TIERS)
    dialog.tiers.editor.table.setCurrentCell(1, 0)
    # On its way to "utility-2" the name is "utility", which another tier has.
    type_into(qtbot, dialog.tiers.editor.name, "utility-2")
    press_save(qtbot, dialog)
    (saved,) = stored
    assert saved.default_tier == "utility-2"
    assert saved.tiers[1] == BOX.tiers[1].model_copy(update={"name": "utility-2"})


def test_the_small_model_of_the_program_can_be_the_usual_one(
    open_dialog: OpenSettings, stored: list[Settings]
) -> None:
    dialog = open_dialog(page=TIERS)
    choose(dialog.tiers.editor.default, "This computer")
    dialog.save()
    assert stored[0].default_tier == "This computer"


def test_an_address_without_http_is_told_at_its_field(
    qtbot: QtBot, open_dialog: OpenSettings, stored: list[Settings]
) -> None:
    dialog = open_dialog(page=TIERS)
    editor = dialog.tiers.editor
    type_into(qtbot, editor.base_url, "localhost:8012")
    editor.table.setCurrentCell(1, 0)
    dialog.show_page(GENERAL)
    press_save(qtbot, dialog)
    assert stored == []
    assert dialog.isVisible()
    assert editor.table.currentRow() == 0
    assert editor.base_url.isVisible()
    assert "begins with http://" in editor.base_url.error
    assert editor.name.error == ""
    assert editor.base_url.value == "localhost:8012"
    type_into(qtbot, editor.base_url, "http://localhost:8012")
    assert editor.base_url.error == ""


def test_of_two_wrong_tiers_the_first_is_shown_and_the_other_is_not_forgotten(
    qtbot: QtBot, open_dialog: OpenSettings
) -> None:
    dialog = open_dialog(page=TIERS)
    editor = dialog.tiers.editor
    type_into(qtbot, editor.name, "a/b")
    editor.table.setCurrentCell(1, 0)
    type_into(qtbot, editor.base_url, "nowhere")
    dialog.save()
    assert editor.table.currentRow() == 0
    assert "no “/”" in editor.name.error
    editor.table.setCurrentCell(1, 0)
    assert "begins with http://" in editor.base_url.error


def test_two_tiers_of_one_name_are_told_at_the_second(
    qtbot: QtBot, open_dialog: OpenSettings
) -> None:
    dialog = open_dialog(page=TIERS)
    editor = dialog.tiers.editor
    editor.table.setCurrentCell(1, 0)
    type_into(qtbot, editor.name, "Utility")
    editor.table.setCurrentCell(0, 0)
    dialog.save()
    assert editor.table.currentRow() == 1
    assert editor.name.error == 'Two tiers are called "Utility".'


# -- keys of tiers -----------------------------------------------------------------------------


def test_a_key_is_nowhere_to_be_read(open_dialog: OpenSettings) -> None:
    dialog = open_dialog(page=TIERS)
    editor = dialog.tiers.editor
    editor.table.setCurrentCell(1, 0)
    cells = [editor.table.item(row, column) for row in range(2) for column in range(5)]
    texts = [cell.text() for cell in cells if cell]
    for widget in dialog.findChildren(QWidget):
        texts += [widget.toolTip(), widget.accessibleName(), widget.accessibleDescription()]
        if isinstance(widget, (QLineEdit, QLabel, QAbstractButton)):
            texts.append(widget.text())
    assert "coder" in texts
    assert not [text for text in texts if SECRET in text]


def test_a_key_that_is_typed_is_hidden_and_replaces_the_old_one(
    qtbot: QtBot, open_dialog: OpenSettings, stored: list[Settings]
) -> None:
    dialog = open_dialog(page=TIERS)
    editor = dialog.tiers.editor
    editor.table.setCurrentCell(1, 0)
    type_into(qtbot, editor.api_key, "sk-other")
    control = editor.api_key.control
    assert isinstance(control, QLineEdit)
    assert control.displayText() == "●" * 8
    dialog.save()
    assert stored[0].tiers[1].api_key == SecretStr("sk-other")


def test_a_key_typed_and_deleted_again_leaves_the_old_one(
    qtbot: QtBot, open_dialog: OpenSettings, stored: list[Settings]
) -> None:
    dialog = open_dialog(page=TIERS)
    editor = dialog.tiers.editor
    editor.table.setCurrentCell(1, 0)
    type_into(qtbot, editor.name, "programmer")
    type_into(qtbot, editor.api_key, "sk-other")
    type_into(qtbot, editor.api_key, "")
    dialog.save()
    assert stored[0].tiers[1].api_key == SecretStr(SECRET)


def test_a_key_is_forgotten_only_when_asked_to(
    qtbot: QtBot, open_dialog: OpenSettings, stored: list[Settings]
) -> None:
    dialog = open_dialog(page=TIERS)
    editor = dialog.tiers.editor
    assert not editor.forget_button.isEnabled()
    editor.table.setCurrentCell(1, 0)
    qtbot.mouseClick(editor.forget_button, Qt.MouseButton.LeftButton)
    dialog.save()
    assert stored[0].tiers[1].api_key is None
