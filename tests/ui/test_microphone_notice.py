"""What is said about a silent or lost microphone stays as long as it is so."""

from __future__ import annotations

import pytest

from strixdesk.core.events import LevelChanged, MicrophoneChanged, MicrophoneState
from strixdesk.ui.notices import Notices
from tests.ui.conftest import Desk

SILENT = 'Nothing at all comes from "Headset". It may be muted.'
LOST = 'The microphone "Headset" went away. Connect it again.'


@pytest.mark.parametrize("trouble", [SILENT, LOST])
def test_given_sound_then_the_notice_about_the_microphone_goes_away(
    desk: Desk, trouble: str
) -> None:
    desk.assistant.say(MicrophoneChanged(MicrophoneState.LISTENING, trouble))
    assert told(desk) == [trouble]
    desk.assistant.say(LevelChanged(-60.0, speech=False))
    assert told(desk) == []


def test_given_zeros_then_the_notice_outlives_the_talk_key(desk: Desk) -> None:
    desk.assistant.say(
        MicrophoneChanged(MicrophoneState.RECORDING, SILENT),
        LevelChanged(-120.0, speech=False),
        MicrophoneChanged(MicrophoneState.STANDBY),
        MicrophoneChanged(MicrophoneState.RECORDING),
        LevelChanged(-120.0, speech=False),
    )
    assert told(desk) == [SILENT]


def test_given_other_trouble_then_it_takes_the_place_of_the_former(desk: Desk) -> None:
    desk.assistant.say(
        MicrophoneChanged(MicrophoneState.LISTENING, SILENT),
        MicrophoneChanged(MicrophoneState.CLOSED, LOST),
    )
    assert told(desk) == [LOST]


def test_given_silence_that_comes_back_then_it_is_told_again(desk: Desk) -> None:
    desk.assistant.say(
        MicrophoneChanged(MicrophoneState.LISTENING, SILENT),
        LevelChanged(-40.0, speech=True),
        MicrophoneChanged(MicrophoneState.LISTENING, SILENT),
    )
    assert told(desk) == [SILENT]


def told(desk: Desk) -> list[str]:
    notices = desk.window.findChild(Notices)
    assert notices is not None
    return notices.texts
