"""Every state of a turn and of the microphone has its words."""

from __future__ import annotations

import pytest

from strixdesk.core.events import MicrophoneState
from strixdesk.core.route import Route
from strixdesk.core.tier import Tier
from strixdesk.core.turn import Turn, TurnSource, TurnState
from strixdesk.ui.turn_words import MICROPHONE_ICONS, MICROPHONE_WORDS, turn_words

ROUTE = Route(Tier("coder", "http://127.0.0.1:1/v1"), "This looks like code.")


def turn(state: TurnState, since: float = 100.0, route: Route | None = ROUTE) -> Turn:
    return Turn("1", "c", TurnSource.TYPED, state, since, route)


@pytest.mark.parametrize(
    ("state", "now", "words"),
    [
        (TurnState.LISTENING, 100.0, "Listening …"),
        (TurnState.TRANSCRIBING, 100.0, "Transcribing …"),
        (TurnState.THINKING, 100.4, "Thinking … · coder"),
        (TurnState.THINKING, 103.9, "Thinking 3 s · coder"),
        (TurnState.SPEAKING, 100.0, "Speaking · coder"),
        (TurnState.DONE, 100.0, "Ready"),
        (TurnState.INTERRUPTED, 100.0, "Stopped"),
        (TurnState.FAILED, 100.0, "That did not work"),
    ],
)
def test_each_state_is_told_with_its_tier_and_time(
    state: TurnState, now: float, words: str
) -> None:
    assert turn_words(turn(state), now) == words


def test_no_turn_yet_is_ready() -> None:
    assert turn_words(None, 0.0) == "Ready"


def test_every_microphone_state_has_words_and_an_icon_of_its_own_meaning() -> None:
    assert set(MICROPHONE_WORDS) == set(MICROPHONE_ICONS) == set(MicrophoneState)
    assert len(set(MICROPHONE_WORDS.values())) == len(MicrophoneState)
