"""The settings dialog, used as a person uses it: keys, clicks, and what is then stored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QSlider,
    QSpinBox,
    QWidget,
)
from pytestqt.qtbot import QtBot

from strixdesk.core.errors import AudioInputError, SettingsError
from strixdesk.core.tier import Capability
from strixdesk.settings import (
    ChatSettings,
    MicrophoneSettings,
    Settings,
    TierSettings,
    VoiceSettings,
)
from strixdesk.settings_file import load, save
from strixdesk.ui.settings_dialog import ANSWERS, GENERAL, TIERS, VOICE, SettingsDialog
from strixdesk.ui.settings_fields import Field
from strixdesk.ui.settings_words import needs_restart

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

Open = Callable[..., SettingsDialog]

# What Qt's screenless platform says of every dialog that is opened.
pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints", extend=True)


@pytest.fixture
def stored() -> list[Settings]:
    return []


@pytest.fixture
def open_dialog(qtbot: QtBot, stored: list[Settings]) -> Open:
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


# -- saving ------------------------------------------------------------------------------------


def test_what_is_set_on_every_page_is_saved_together(
    qtbot: QtBot, open_dialog: Open, stored: list[Settings]
) -> None:
    dialog = open_dialog(page=VOICE)
    choose(dialog.general.theme, "Dark")
    choose(dialog.general.starter, "Never runs")
    qtbot.keyClick(dialog.voice.enabled.control, Qt.Key.Key_Space)
    speed = dialog.voice.speed.control
    assert isinstance(speed, QSlider)
    speed.setValue(speed.value() + 5)
    choose(dialog.voice.microphone, "Headset")
    pause = dialog.voice.pause.control
    assert isinstance(pause, QSpinBox)
    pause.setValue(900)
    prompt = dialog.answers.system_prompt.control
    assert isinstance(prompt, QPlainTextEdit)
    prompt.setPlainText("Answer like an owl.")
    temperature = dialog.answers.temperature.control
    assert isinstance(temperature, QDoubleSpinBox)
    temperature.setValue(0.4)
    press_save(qtbot, dialog)
    (saved,) = stored
    assert saved.ui.theme == "dark"
    assert saved.starter.enabled == "never"
    assert (saved.voice.enabled, saved.voice.speed) == (not BOX.voice.enabled, 1.25)
    assert saved.microphone.device == "Headset"
    assert saved.microphone.hands_free_pause_ms == 900
    assert saved.chat.system_prompt == "Answer like an owl."
    assert saved.chat.temperature == 0.4
    assert dialog.result() == QDialog.DialogCode.Accepted


def test_what_was_not_touched_stays_as_it_was_to_the_last_value(
    open_dialog: Open, stored: list[Settings]
) -> None:
    odd = BOX.model_copy(
        update={
            "voice": VoiceSettings(speed=1.037, model="a-voice"),
            "microphone": MicrophoneSettings(device="Unplugged", keep_warm_s=12.5),
            "chat": ChatSettings(temperature=0.333, connect_timeout_s=1.5),
        }
    )
    dialog = open_dialog(odd, page=VOICE)
    choose(dialog.general.theme, "Light")
    dialog.save()
    (saved,) = stored
    assert saved == odd.model_copy(update={"ui": odd.ui.model_copy(update={"theme": "light"})})


def test_saving_tells_the_window(qtbot: QtBot, open_dialog: Open, stored: list[Settings]) -> None:
    dialog = open_dialog()
    choose(dialog.general.theme, "Dark")
    with qtbot.waitSignal(dialog.saved) as told:
        press_save(qtbot, dialog)
    assert told.args == stored


def test_nothing_changed_writes_nothing(
    qtbot: QtBot, open_dialog: Open, stored: list[Settings]
) -> None:
    dialog = open_dialog(page=TIERS)
    press_save(qtbot, dialog)
    assert stored == []
    assert not dialog.isVisible()


def test_saving_goes_through_the_file_and_back(open_dialog: Open, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    save(path, BOX)
    dialog = open_dialog(load(path).settings, save=lambda settings: save(path, settings))
    choose(dialog.general.theme, "Dark")
    dialog.save()
    again = load(path)
    assert again.problem is None
    assert again.settings.ui.theme == "dark"
    assert again.settings.tiers == BOX.tiers


def test_ctrl_s_saves_and_escape_does_not(
    qtbot: QtBot, open_dialog: Open, stored: list[Settings]
) -> None:
    cancelled = open_dialog()
    choose(cancelled.general.theme, "Dark")
    qtbot.keyClick(cancelled, Qt.Key.Key_Escape)
    assert not cancelled.isVisible()
    assert stored == []
    dialog = open_dialog()
    choose(dialog.general.theme, "Dark")
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow)
    qtbot.keyClick(dialog, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert len(stored) == 1


def test_a_save_that_fails_is_told_and_keeps_what_was_typed(
    qtbot: QtBot, open_dialog: Open
) -> None:
    def full(_settings: Settings) -> None:
        raise SettingsError("The disk is full.", "Make room and save again.")

    dialog = open_dialog(page=ANSWERS, save=full)
    prompt = dialog.answers.system_prompt.control
    assert isinstance(prompt, QPlainTextEdit)
    prompt.setPlainText("Answer like an owl.")
    press_save(qtbot, dialog)
    assert dialog.isVisible()
    assert dialog.problem.isVisible()
    assert dialog.problem.text() == "The disk is full. Make room and save again."
    assert prompt.toPlainText() == "Answer like an owl."


def test_only_looks_and_talk_key_change_at_once() -> None:
    dark = BOX.model_copy(update={"ui": BOX.ui.model_copy(update={"theme": "dark"})})
    assert not needs_restart(BOX, dark)
    assert needs_restart(BOX, dark.model_copy(update={"tiers": ()}))


# -- tiers -------------------------------------------------------------------------------------


def test_a_tier_is_added(qtbot: QtBot, open_dialog: Open, stored: list[Settings]) -> None:
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
    qtbot: QtBot, open_dialog: Open, stored: list[Settings]
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
    qtbot: QtBot, open_dialog: Open, stored: list[Settings]
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
    qtbot: QtBot, open_dialog: Open, stored: list[Settings]
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
    open_dialog: Open, stored: list[Settings]
) -> None:
    dialog = open_dialog(page=TIERS)
    choose(dialog.tiers.editor.default, "This computer")
    dialog.save()
    assert stored[0].default_tier == "This computer"


def test_an_address_without_http_is_told_at_its_field(
    qtbot: QtBot, open_dialog: Open, stored: list[Settings]
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
    qtbot: QtBot, open_dialog: Open
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


def test_two_tiers_of_one_name_are_told_at_the_second(qtbot: QtBot, open_dialog: Open) -> None:
    dialog = open_dialog(page=TIERS)
    editor = dialog.tiers.editor
    editor.table.setCurrentCell(1, 0)
    type_into(qtbot, editor.name, "Utility")
    editor.table.setCurrentCell(0, 0)
    dialog.save()
    assert editor.table.currentRow() == 1
    assert editor.name.error == 'Two tiers are called "Utility".'


# -- keys of tiers -----------------------------------------------------------------------------


def test_a_key_is_nowhere_to_be_read(open_dialog: Open) -> None:
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
    qtbot: QtBot, open_dialog: Open, stored: list[Settings]
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
    qtbot: QtBot, open_dialog: Open, stored: list[Settings]
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
    qtbot: QtBot, open_dialog: Open, stored: list[Settings]
) -> None:
    dialog = open_dialog(page=TIERS)
    editor = dialog.tiers.editor
    assert not editor.forget_button.isEnabled()
    editor.table.setCurrentCell(1, 0)
    qtbot.mouseClick(editor.forget_button, Qt.MouseButton.LeftButton)
    dialog.save()
    assert stored[0].tiers[1].api_key is None


# -- devices -----------------------------------------------------------------------------------


def test_devices_are_asked_for_when_their_page_is_opened(open_dialog: Open) -> None:
    asked: list[int] = []

    def names() -> tuple[list[str], list[str]]:
        asked.append(1)
        return ["Desk mic"], ["Loudspeaker", "Loudspeaker"]

    dialog = open_dialog(device_names=names)
    assert asked == []
    dialog.show_page(VOICE)
    assert asked == [1]
    assert offered(dialog.voice.microphone) == ["The system's default", "Desk mic"]
    assert offered(dialog.voice.speaker) == ["The system's default", "Loudspeaker"]


def test_a_device_that_is_not_plugged_in_stays_chosen(
    qtbot: QtBot, open_dialog: Open, stored: list[Settings]
) -> None:
    away = BOX.model_copy(update={"microphone": MicrophoneSettings(device="Yeti")})
    dialog = open_dialog(away, page=VOICE)
    assert "Yeti (not connected)" in offered(dialog.voice.microphone)
    assert "(not connected)" not in " ".join(offered(dialog.voice.speaker))
    assert dialog.voice.microphone.value == "Yeti"
    press_save(qtbot, dialog)
    assert stored == []


def test_a_part_of_a_name_that_is_plugged_in_is_not_called_away(open_dialog: Open) -> None:
    part = BOX.model_copy(update={"microphone": MicrophoneSettings(device="desk")})
    dialog = open_dialog(part, page=VOICE)
    assert offered(dialog.voice.microphone)[-1] == "desk"
    assert dialog.voice.microphone.value == "desk"


def test_sound_that_cannot_be_asked_is_told_at_the_microphone(open_dialog: Open) -> None:
    def broken() -> tuple[list[str], list[str]]:
        raise AudioInputError("PortAudio is missing.", "Install libportaudio2.")

    dialog = open_dialog(page=VOICE, device_names=broken)
    assert dialog.voice.microphone.error == "PortAudio is missing. Install libportaudio2."


# -- talk key ----------------------------------------------------------------------------------


def test_the_next_key_becomes_the_talk_key(
    qtbot: QtBot, open_dialog: Open, stored: list[Settings]
) -> None:
    dialog = open_dialog()
    key = dialog.general.talk_key.control
    qtbot.mouseClick(key, Qt.MouseButton.LeftButton)
    qtbot.keyClick(key, Qt.Key.Key_Control)
    qtbot.keyClick(key, Qt.Key.Key_Space, Qt.KeyboardModifier.ControlModifier)
    dialog.save()
    assert stored[0].ui.talk_key == "Ctrl+Space"


@pytest.mark.parametrize(
    ("key", "modifiers", "why"),
    [
        (Qt.Key.Key_A, Qt.KeyboardModifier.NoModifier, "writes text"),
        (Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier, "writes text"),
        (Qt.Key.Key_A, Qt.KeyboardModifier.ShiftModifier, "writes text"),
        (Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier, "something else"),
        (Qt.Key.Key_F5, Qt.KeyboardModifier.NoModifier, "something else"),
    ],
)
def test_a_key_that_has_work_already_is_refused_with_the_reason(
    qtbot: QtBot,
    open_dialog: Open,
    stored: list[Settings],
    key: Qt.Key,
    modifiers: Qt.KeyboardModifier,
    why: str,
) -> None:
    dialog = open_dialog(taken_keys=["F5"])
    field = dialog.general.talk_key
    qtbot.mouseClick(field.control, Qt.MouseButton.LeftButton)
    qtbot.keyClick(field.control, key, modifiers)
    assert why in field.error
    assert field.value == "F9"
    assert dialog.isVisible()
    assert stored == []


def test_escape_in_the_key_field_keeps_the_old_key_and_the_dialog(
    qtbot: QtBot, open_dialog: Open
) -> None:
    dialog = open_dialog()
    key = dialog.general.talk_key.control
    qtbot.mouseClick(key, Qt.MouseButton.LeftButton)
    qtbot.keyClick(key, Qt.Key.Key_Escape)
    assert dialog.isVisible()
    assert dialog.general.talk_key.value == "F9"
    qtbot.keyClick(key, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def test_tab_leaves_the_key_field(qtbot: QtBot, open_dialog: Open) -> None:
    dialog = open_dialog()
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow)
    key = dialog.general.talk_key.control
    qtbot.mouseClick(key, Qt.MouseButton.LeftButton)
    qtbot.keyClick(key, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is dialog.general.starter.control


# -- hands -------------------------------------------------------------------------------------


def test_scrolling_past_a_value_does_not_change_it(qtbot: QtBot, open_dialog: Open) -> None:
    dialog = open_dialog(page=VOICE)
    pause = dialog.voice.pause.control
    middle = QPointF(pause.rect().center())
    wheel = QWheelEvent(
        middle,
        QPointF(pause.mapToGlobal(middle.toPoint())),
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(pause, wheel)
    assert dialog.voice.pause.value == BOX.microphone.hands_free_pause_ms


# -- accessibility -----------------------------------------------------------------------------


def test_every_control_has_a_name_and_every_label_a_control(open_dialog: Open) -> None:
    dialog = open_dialog()
    controls = (QLineEdit, QPlainTextEdit, QComboBox, QAbstractSpinBox, QSlider, QAbstractButton)
    named = [
        widget
        for kind in controls
        for widget in dialog.findChildren(kind)
        if not widget.objectName().startswith("qt_")  # parts of Qt's own controls
        and not (widget.parent() and widget.parent() is dialog.tiers.editor.table)
    ]
    assert len(named) > 15
    assert [widget for widget in named if not widget.accessibleName()] == []
    for field in dialog.findChildren(Field):
        assert field.label.buddy() is field.control
