"""The window shows what it is told of, to everyone."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QLabel, QWidget

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
from strixdesk.ui.conversation_list import ConversationList
from strixdesk.ui.marks import LevelMeter
from tests.support.patient_bot import PatientBot
from tests.ui.conftest import Desk, until
from tests.ui.finding import button, named, notices, shown, the
from tests.ui.test_main_window import TOMORROW

CODER = Tier("coder", "http://box:8002/v1", role="coder")


def turn(state: TurnState, number: int = 1) -> Turn:
    route = Route(CODER, "This looks like a programming question.")
    return Turn(str(number), "c", TurnSource.TYPED, state, time.monotonic(), route)


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
