"""The window: keys, the mouse and events, each to its effect."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QAbstractButton, QLabel, QPushButton, QToolButton, QWidget

from strixdesk.core.conversation import (
    Conversation,
    ConversationSummary,
    Message,
    MessageStatus,
    Role,
    Text,
)
from strixdesk.core.events import (
    ConversationChanged,
    Event,
    Failed,
    HandsFreeSwitched,
    LevelChanged,
    MessageAdded,
    MicrophoneChanged,
    MicrophoneState,
    ServersFound,
    TextDelta,
    TierChanged,
    TiersChanged,
    TurnChanged,
)
from strixdesk.core.route import Route
from strixdesk.core.tier import Capability, Tier, TierState, TierStatus
from strixdesk.core.turn import Turn, TurnSource, TurnState
from strixdesk.ui.composer import Composer
from strixdesk.ui.conversation_list import ConversationList
from strixdesk.ui.marks import LevelMeter
from tests.support.patient_bot import PatientBot
from tests.support.pictures import flat_png
from tests.ui.conftest import Desk, until

CODER = Tier("coder", "http://box:8002/v1", role="coder")


TOMORROW = time.time() + 86_400
"""Counts as today, also when midnight passes meanwhile."""


def turn(state: TurnState, number: int = 1) -> Turn:
    route = Route(CODER, "This looks like a programming question.")
    return Turn(str(number), "c", TurnSource.TYPED, state, time.monotonic(), route)


# -- talking -------------------------------------------------------------------------------------


def test_given_the_talk_key_held_in_the_field_then_it_records_until_let_go(
    desk: Desk, qtbot: PatientBot
) -> None:
    field = the(desk, Composer).field
    qtbot.keyPress(field, Qt.Key.Key_F9)
    assert desk.assistant.calls_of("press") == [()]
    assert desk.assistant.calls_of("release") == []
    qtbot.keyRelease(field, Qt.Key.Key_F9)
    qtbot.waitUntil(lambda: desk.assistant.calls_of("release") == [()])


def test_given_the_talk_button_held_with_the_mouse_then_it_records_until_let_go(
    desk: Desk, qtbot: PatientBot
) -> None:
    talk = the(desk, Composer).talk
    qtbot.mousePress(talk, Qt.MouseButton.LeftButton)
    assert desk.assistant.calls_of("press") == [()]
    qtbot.mouseRelease(talk, Qt.MouseButton.LeftButton)
    assert desk.assistant.calls_of("release") == [()]


def test_given_space_held_on_the_talk_button_then_it_records(desk: Desk, qtbot: PatientBot) -> None:
    talk = the(desk, Composer).talk
    talk.setFocus()
    qtbot.keyPress(talk, Qt.Key.Key_Space)
    qtbot.keyRelease(talk, Qt.Key.Key_Space)
    assert desk.assistant.calls == [
        *[call for call in desk.assistant.calls if call[0] in ("new", "set_watched")],
        ("press",),
        ("release",),
    ]


def test_given_escape_then_the_assistant_stops(desk: Desk, qtbot: PatientBot) -> None:
    qtbot.activate(desk.window)
    qtbot.keyClick(desk.window, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: desk.assistant.calls_of("stop") == [()])


def test_given_hands_free_refused_then_the_switch_goes_back(desk: Desk) -> None:
    switch = button(desk, "Hands-free")
    switch.click()
    assert desk.assistant.calls_of("hands_free") == [(True,)]
    desk.assistant.say(HandsFreeSwitched(False))
    assert not switch.isChecked()
    assert desk.assistant.calls_of("hands_free") == [(True,)], "no echo of what it was told"


# -- writing -------------------------------------------------------------------------------------


def test_given_enter_then_the_question_is_sent_and_the_field_is_empty(
    desk: Desk, qtbot: PatientBot
) -> None:
    composer = the(desk, Composer)
    qtbot.keyClicks(composer.field, "Hello")
    qtbot.keyClick(composer.field, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClicks(composer.field, "there")
    qtbot.keyClick(composer.field, Qt.Key.Key_Return)
    assert desk.assistant.calls_of("ask") == [("Hello\nthere", ())]
    assert composer.field.toPlainText() == ""
    qtbot.keyClick(composer.field, Qt.Key.Key_Up)
    assert composer.field.toPlainText() == "Hello\nthere"


async def test_given_a_pasted_picture_then_it_is_shown_removed_and_sent(
    desk: Desk, qtbot: PatientBot
) -> None:
    composer = the(desk, Composer)
    image = QImage(40, 20, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.red)
    data = QMimeData()
    data.setImageData(image)
    composer.field.insertFromMimeData(data)
    await until(lambda: len(composer.draft.images) == 1)
    button(desk, "Remove pasted picture").click()
    assert composer.draft.images == []

    composer.field.insertFromMimeData(data)
    await until(lambda: len(composer.draft.images) == 1)
    qtbot.keyClicks(composer.field, "What colour?")
    qtbot.keyClick(composer.field, Qt.Key.Key_Return)
    ((text, images),) = desk.assistant.calls_of("ask")
    assert text == "What colour?"
    assert isinstance(images, tuple)
    assert [(one.width, one.height, one.media_type) for one in images] == [(40, 20, "image/png")]


async def test_given_a_file_that_is_no_picture_then_the_text_stays_and_a_sentence_says_why(
    desk: Desk, qtbot: PatientBot, tmp_path: Path
) -> None:
    composer = the(desk, Composer)
    qtbot.keyClicks(composer.field, "Look at this")
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear reader")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(letter))])
    composer.field.insertFromMimeData(data)
    await until(lambda: bool(notices(desk)))
    assert "letter.txt is not a picture" in notices(desk)[0]
    assert composer.field.toPlainText() == "Look at this"


async def test_given_a_dropped_picture_file_then_it_is_attached(desk: Desk, tmp_path: Path) -> None:
    composer = the(desk, Composer)
    picture = tmp_path / "blue.png"
    picture.write_bytes(flat_png((0, 0, 255)))
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(picture))])
    composer.field.insertFromMimeData(data)
    await until(lambda: [one.name for one in composer.draft.images] == ["blue.png"])


async def test_given_another_conversation_then_each_keeps_its_draft(
    desk: Desk, qtbot: PatientBot
) -> None:
    desk.assistant.stored["old"] = Conversation("old", "Old one")
    desk.assistant.say(ConversationChanged(ConversationSummary("old", "Old one", TOMORROW)))
    composer = the(desk, Composer)
    first = desk.assistant.current
    qtbot.keyClicks(composer.field, "half a thought")
    desk.assistant.stored[first] = Conversation(first, "First")
    desk.assistant.say(ConversationChanged(ConversationSummary(first, "First", TOMORROW)))
    open_conversation(desk, "Old one")
    await until(lambda: desk.assistant.current == "old")
    await until(lambda: composer.field.toPlainText() == "")
    open_conversation(desk, "First")
    await until(lambda: composer.field.toPlainText() == "half a thought")


def test_given_a_restart_then_the_unsent_text_is_back(
    make_desk: Callable[..., Desk], qtbot: PatientBot
) -> None:
    desk = make_desk()
    qtbot.keyClicks(the(desk, Composer).field, "not sent yet")
    desk.window.close()
    again = make_desk()
    assert the(again, Composer).field.toPlainText() == "not sent yet"


# -- what is shown -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (TurnState.LISTENING, "Listening …"),
        (TurnState.TRANSCRIBING, "Transcribing …"),
        (TurnState.THINKING, "Thinking … · coder"),
        (TurnState.SPEAKING, "Speaking · coder"),
        (TurnState.INTERRUPTED, "Stopped"),
    ],
)
def test_given_a_turn_then_its_state_is_in_words(desk: Desk, state: TurnState, words: str) -> None:
    desk.assistant.say(TurnChanged(turn(state)))
    assert words in shown(desk)


def test_given_a_late_word_of_an_older_turn_then_the_newer_one_stays(desk: Desk) -> None:
    desk.assistant.say(TurnChanged(turn(TurnState.THINKING, 2)))
    desk.assistant.say(TurnChanged(turn(TurnState.INTERRUPTED, 1)))
    assert "Thinking … · coder" in shown(desk)


def test_given_a_live_turn_then_the_send_button_stops_it(desk: Desk) -> None:
    desk.assistant.say(TurnChanged(turn(TurnState.THINKING)))
    button(desk, "Stop the answer").click()
    assert desk.assistant.calls_of("stop") == [()]


def test_given_microphone_states_then_each_is_told_in_words(desk: Desk) -> None:
    for state, words in {
        MicrophoneState.CLOSED: "Microphone off",
        MicrophoneState.STANDBY: "Microphone ready",
        MicrophoneState.LISTENING: "Listening for you",
        MicrophoneState.RECORDING: "Recording",
        MicrophoneState.PAUSED: "Not listening while it answers",
    }.items():
        desk.assistant.say(MicrophoneChanged(state))
        assert words in shown(desk)


def test_given_levels_then_the_meter_rises_at_once_and_falls_smoothly(desk: Desk) -> None:
    desk.assistant.say(MicrophoneChanged(MicrophoneState.RECORDING), LevelChanged(-10.0, True))
    meter = the(desk, LevelMeter)
    loud = meter.shown
    desk.assistant.say(LevelChanged(-90.0, False))
    assert 0 < meter.shown < loud
    for _ in range(40):
        desk.assistant.say(LevelChanged(-90.0, False))
    assert meter.shown == 0


def test_given_tiers_then_a_card_tells_state_model_and_abilities_and_can_be_chosen(
    desk: Desk, qtbot: PatientBot
) -> None:
    status = TierStatus(
        TierState.READY, 0.0, model="qwen3", capabilities=frozenset({Capability.VISION})
    )
    desk.assistant.say(TiersChanged((CODER,)), TierChanged(CODER, status))
    card = named(desk, "coder: ready, qwen3, vision")
    qtbot.keyClick(card, Qt.Key.Key_Return)
    assert desk.assistant.calls_of("tier") == [("coder",)]
    assert card.accessibleName().endswith("chosen")
    dead = TierStatus(TierState.UNREACHABLE, 0.0, detail="Nobody answers at box:8002.")
    desk.assistant.say(TierChanged(CODER, dead))
    assert "not reachable" in card.accessibleName()
    assert "Nobody answers" in card.accessibleName()


def test_given_a_found_server_then_it_can_be_added(desk: Desk) -> None:
    desk.assistant.say(ServersFound((Tier("Ollama", "http://127.0.0.1:11434/v1"),)))
    button(desk, "Add Ollama").click()
    assert desk.assistant.calls_of("adopt") == [("Ollama",)]
    assert [tier.name for tier in desk.saved[0].tiers] == ["Ollama"]


def test_given_a_failure_then_a_notice_stays_until_it_is_dismissed(desk: Desk) -> None:
    desk.assistant.say(Failed("The microphone is gone.", "Plug it in."))
    assert notices(desk) == ["The microphone is gone. Plug it in."]
    button(desk, "Dismiss: The microphone is gone. Plug it in.").click()


async def test_given_a_deleted_conversation_then_undo_brings_it_back(desk: Desk) -> None:
    desk.assistant.stored["old"] = Conversation("old", "Old one")
    desk.assistant.say(ConversationChanged(ConversationSummary("old", "Old one", TOMORROW)))
    rows = the(desk, ConversationList).rows
    rows.setCurrentRow(1)
    rows.delete_pressed.emit()
    await until(lambda: desk.assistant.calls_of("remove") == [("old",)])
    await until(lambda: bool(notices(desk)))
    button(desk, "Undo").click()
    await until(lambda: desk.assistant.calls_of("restore") == [("old",)])


async def test_given_words_that_were_said_then_the_conversation_is_found(desk: Desk) -> None:
    said = Message("1", Role.USER, (Text("the price of copper"),), MessageStatus.COMPLETE, 0.0)
    for key, title, messages in (("a", "Metals", (said,)), ("b", "Weather", ())):
        desk.assistant.stored[key] = Conversation(key, title, messages)
        desk.assistant.say(ConversationChanged(ConversationSummary(key, title, TOMORROW)))
    conversations = the(desk, ConversationList)
    conversations.filter.setText("copper")
    rows = conversations.rows
    await until(lambda: [rows.item(i).text() for i in range(rows.count())] == ["Today", "Metals"])
    conversations.filter.setText("weather")
    await until(lambda: [rows.item(i).text() for i in range(rows.count())] == ["Today", "Weather"])


# -- for everyone --------------------------------------------------------------------------------


def busy_events(desk: Desk) -> list[Event]:
    conversation = desk.assistant.current
    asked = Message("1", Role.USER, (Text("Hello"),), MessageStatus.COMPLETE, 0.0)
    answer = Message("2", Role.ASSISTANT, (Text(""),), MessageStatus.STREAMING, 0.0, "coder")
    return [
        TiersChanged((CODER,)),
        ConversationChanged(ConversationSummary("x", "Some title", TOMORROW)),
        MessageAdded(conversation, asked),
        MessageAdded(conversation, answer),
        TextDelta(conversation, "2", "Hi **there**"),
        Failed("Something.", "Do this."),
    ]


def test_every_control_has_an_accessible_name(desk: Desk) -> None:
    desk.assistant.say(*busy_events(desk))
    desk.assistant.say(ServersFound((Tier("Ollama", "http://127.0.0.1:11434/v1"),)))
    nameless = [
        f"{type(one).__name__} {one.objectName()}"
        for one in desk.window.findChildren(QWidget)
        if one.focusPolicy() != Qt.FocusPolicy.NoFocus
        and not one.objectName().startswith("qt_")
        and not (one.accessibleName() or (isinstance(one, QAbstractButton) and one.text()))
    ]
    assert nameless == []


def test_no_label_reads_its_text_as_markup(desk: Desk) -> None:
    desk.assistant.say(*busy_events(desk))
    rich = [
        label.text()
        for label in desk.window.findChildren(QLabel)
        if label.textFormat() != Qt.TextFormat.PlainText and label.pixmap().isNull()
    ]
    assert rich == []


def test_ten_thousand_repaints_do_not_abort(desk: Desk) -> None:
    # PySide6 6.12 on CPython 3.11 loses a reference to None with each of Qt's void calls.
    meter = the(desk, LevelMeter)
    for number in range(10_000):
        meter.show_level(-float(number % 60), speech=True)
        meter.repaint()
    assert meter.shown > 0


def test_given_a_narrow_window_then_the_panes_make_room(desk: Desk, qtbot: PatientBot) -> None:
    rows = the(desk, ConversationList).rows
    assert rows.isVisible()
    desk.window.resize(700, 600)
    qtbot.waitUntil(lambda: not rows.isVisible())
    button(desk, "Show or hide the conversations").click()
    assert rows.isVisible()


def test_given_the_dark_theme_then_the_window_is_dark(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(theme="dark")
    corner = desk.window.grab().toImage().pixelColor(desk.window.width() // 2, 130)
    assert corner.lightness() < 60


# -- finding things ------------------------------------------------------------------------------


W = TypeVar("W", bound=QWidget)


def the(desk: Desk, kind: type[W]) -> W:
    (found,) = desk.window.findChildren(kind)
    return found


def named(desk: Desk, name: str) -> QWidget:
    found = [w for w in desk.window.findChildren(QWidget) if w.accessibleName() == name]
    assert found, [w.accessibleName() for w in desk.window.findChildren(QWidget)]
    return found[0]


def button(desk: Desk, name: str) -> QAbstractButton:
    found = named(desk, name)
    assert isinstance(found, QPushButton | QToolButton)
    return found


def shown(desk: Desk) -> list[str]:
    """On a machine that stalls a turn has been thinking for seconds when it is looked at."""
    labels = [label for label in desk.window.findChildren(QLabel) if label.isVisible()]
    return [re.sub(r"^Thinking \d+ s", "Thinking …", label.text()) for label in labels]


def notices(desk: Desk) -> list[str]:
    return [
        label.text()
        for frame in desk.window.findChildren(QWidget, "notice")
        for label in frame.findChildren(QLabel)
    ]


def open_conversation(desk: Desk, title: str) -> None:
    rows = the(desk, ConversationList).rows
    (item,) = rows.findItems(title, Qt.MatchFlag.MatchExactly)
    rows.itemClicked.emit(item)
