"""The settings dialog, used as a person uses it: keys, clicks, and what is then stored."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QLineEdit,
    QPlainTextEdit,
    QSlider,
    QSpinBox,
)

from strixdesk.core.errors import AudioInputError, SettingsError
from strixdesk.settings import (
    ChatSettings,
    MicrophoneSettings,
    Settings,
    VoiceSettings,
)
from strixdesk.settings_file import load, save
from strixdesk.ui.settings_dialog import ANSWERS, TIERS, VOICE
from strixdesk.ui.settings_fields import Field
from strixdesk.ui.settings_words import needs_restart
from tests.support.patient_bot import PatientBot
from tests.support.settings_desk import (
    BOX,
    OpenSettings,
    choose,
    offered,
    opener,
    press_save,
)
from tests.ui.no_screen import NO_SCREEN

pytestmark = NO_SCREEN


@pytest.fixture
def stored() -> list[Settings]:
    return []


@pytest.fixture
def open_dialog(qtbot: PatientBot, stored: list[Settings]) -> OpenSettings:
    return opener(qtbot, stored)


# -- saving ------------------------------------------------------------------------------------


def test_what_is_set_on_every_page_is_saved_together(
    qtbot: PatientBot, open_dialog: OpenSettings, stored: list[Settings]
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
    open_dialog: OpenSettings, stored: list[Settings]
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


def test_saving_tells_the_window(
    qtbot: PatientBot, open_dialog: OpenSettings, stored: list[Settings]
) -> None:
    dialog = open_dialog()
    choose(dialog.general.theme, "Dark")
    with qtbot.waitSignal(dialog.saved) as told:
        press_save(qtbot, dialog)
    assert told.args == stored


def test_nothing_changed_writes_nothing(
    qtbot: PatientBot, open_dialog: OpenSettings, stored: list[Settings]
) -> None:
    dialog = open_dialog(page=TIERS)
    press_save(qtbot, dialog)
    assert stored == []
    assert not dialog.isVisible()


def test_saving_goes_through_the_file_and_back(open_dialog: OpenSettings, tmp_path: Path) -> None:
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
    qtbot: PatientBot, open_dialog: OpenSettings, stored: list[Settings]
) -> None:
    cancelled = open_dialog()
    choose(cancelled.general.theme, "Dark")
    qtbot.keyClick(cancelled, Qt.Key.Key_Escape)
    assert not cancelled.isVisible()
    assert stored == []
    dialog = open_dialog()
    choose(dialog.general.theme, "Dark")
    qtbot.activate(dialog)
    qtbot.keyClick(dialog, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert len(stored) == 1


def test_a_save_that_fails_is_told_and_keeps_what_was_typed(
    qtbot: PatientBot, open_dialog: OpenSettings
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


# -- devices -----------------------------------------------------------------------------------


def test_devices_are_asked_for_when_their_page_is_opened(open_dialog: OpenSettings) -> None:
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
    qtbot: PatientBot, open_dialog: OpenSettings, stored: list[Settings]
) -> None:
    away = BOX.model_copy(update={"microphone": MicrophoneSettings(device="Yeti")})
    dialog = open_dialog(away, page=VOICE)
    assert "Yeti (not connected)" in offered(dialog.voice.microphone)
    assert "(not connected)" not in " ".join(offered(dialog.voice.speaker))
    assert dialog.voice.microphone.value == "Yeti"
    press_save(qtbot, dialog)
    assert stored == []


def test_a_part_of_a_name_that_is_plugged_in_is_not_called_away(open_dialog: OpenSettings) -> None:
    part = BOX.model_copy(update={"microphone": MicrophoneSettings(device="desk")})
    dialog = open_dialog(part, page=VOICE)
    assert offered(dialog.voice.microphone)[-1] == "desk"
    assert dialog.voice.microphone.value == "desk"


def test_sound_that_cannot_be_asked_is_told_at_the_microphone(open_dialog: OpenSettings) -> None:
    def broken() -> tuple[list[str], list[str]]:
        raise AudioInputError("PortAudio is missing.", "Install libportaudio2.")

    dialog = open_dialog(page=VOICE, device_names=broken)
    assert dialog.voice.microphone.error == "PortAudio is missing. Install libportaudio2."


# -- talk key ----------------------------------------------------------------------------------


def test_the_next_key_becomes_the_talk_key(
    qtbot: PatientBot, open_dialog: OpenSettings, stored: list[Settings]
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
    qtbot: PatientBot,
    open_dialog: OpenSettings,
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
    qtbot: PatientBot, open_dialog: OpenSettings
) -> None:
    dialog = open_dialog()
    key = dialog.general.talk_key.control
    qtbot.mouseClick(key, Qt.MouseButton.LeftButton)
    qtbot.keyClick(key, Qt.Key.Key_Escape)
    assert dialog.isVisible()
    assert dialog.general.talk_key.value == "F9"
    qtbot.keyClick(key, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def test_tab_leaves_the_key_field(qtbot: PatientBot, open_dialog: OpenSettings) -> None:
    dialog = open_dialog()
    qtbot.activate(dialog)
    key = dialog.general.talk_key.control
    qtbot.mouseClick(key, Qt.MouseButton.LeftButton)
    qtbot.keyClick(key, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is dialog.general.starter.control


# -- hands -------------------------------------------------------------------------------------


def test_scrolling_past_a_value_does_not_change_it(
    qtbot: PatientBot, open_dialog: OpenSettings
) -> None:
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


def test_every_control_has_a_name_and_every_label_a_control(open_dialog: OpenSettings) -> None:
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
