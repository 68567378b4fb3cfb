from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from strixdesk.core.audio import SPEECH_RATE_HZ, AudioFrame, Samples
from strixdesk.core.events import MicrophoneState
from strixdesk.core.hearing import (
    LevelHeard,
    ListenerEvent,
    SpeechEnded,
    SpeechFrame,
    SpeechPaused,
    SpeechStarted,
)
from strixdesk.voice.cutter import UtteranceCutter

FRAME = 512
PRE_ROLL_FRAMES = 10


class Loudness:
    """Takes the loudness of a frame for the probability of speech."""

    def probability(self, frame: Samples) -> float:
        return float(np.max(np.abs(frame)))

    def reset(self) -> None:
        """It has no memory."""


class Room:
    """A person in front of a cutter: says what happens, and keeps the events."""

    def __init__(self, pause_ms: int = 700) -> None:
        ids = iter("abcdefgh")
        self.cutter = UtteranceCutter(Loudness(), pause_ms=pause_ms, make_id=lambda: next(ids))
        self.events: list[ListenerEvent] = []
        self.at = 0

    def pass_ms(self, ms: int, loudness: float) -> None:
        for _ in range(round(ms / 32)):
            samples = np.full(FRAME, loudness, dtype=np.float32)
            self.events += self.cutter.frame(AudioFrame(samples, SPEECH_RATE_HZ, self.at))
            self.at += FRAME

    def speech(self, ms: int) -> None:
        self.pass_ms(ms, 0.9)

    def silence(self, ms: int) -> None:
        self.pass_ms(ms, 0.01)

    def press(self) -> None:
        self.events += self.cutter.press()

    def release(self, latency_samples: int = 0) -> None:
        self.cutter.release(latency_samples, self.at)

    def story(self) -> list[ListenerEvent]:
        return [e for e in self.events if not isinstance(e, (LevelHeard, SpeechFrame))]

    def frames(self, utterance_id: str) -> list[AudioFrame]:
        return [
            e.frame
            for e in self.events
            if isinstance(e, SpeechFrame) and e.utterance_id == utterance_id
        ]


@pytest.fixture
def room() -> Iterator[Room]:
    room = Room()
    yield room
    # Whatever happens: no frame twice, none missing, in the order they were heard.
    for utterance_id in "abcdefgh":
        starts = [frame.start_sample for frame in room.frames(utterance_id)]
        assert set(np.diff(starts)) <= {FRAME}


# -- by key ---------------------------------------------------------------------------------------


def test_a_press_keeps_what_was_said_just_before_it(room: Room) -> None:
    room.silence(640)
    room.speech(128)
    pressed_at = room.at
    room.press()
    room.speech(320)
    assert room.frames("a")[0].start_sample == pressed_at - PRE_ROLL_FRAMES * FRAME
    assert room.frames("a")[-1].start_sample == room.at - FRAME


def test_a_release_in_the_middle_of_a_word_keeps_a_tail(room: Room) -> None:
    room.press()
    room.speech(640)
    room.release(latency_samples=1024)
    released_at = room.at
    room.speech(640)
    kept = room.frames("a")[-1].start_sample + FRAME - released_at
    assert 0.25 <= (kept - 1024) / SPEECH_RATE_HZ < 0.25 + 0.032
    assert room.story() == [SpeechStarted("a", False), SpeechEnded("a", True)]


def test_a_release_after_a_silence_ends_as_soon_as_the_last_sound_arrived(room: Room) -> None:
    room.press()
    room.speech(640)
    room.silence(192)
    room.release(latency_samples=1024)
    released_at = room.at
    room.silence(640)
    assert room.frames("a")[-1].start_sample + FRAME - released_at == 1024


def test_a_press_with_nothing_said_is_told_apart(room: Room) -> None:
    room.press()
    room.silence(960)
    room.release()
    room.silence(640)
    assert room.story() == [SpeechStarted("a", False), SpeechEnded("a", False)]


def test_a_short_word_under_the_key_is_speech(room: Room) -> None:
    room.press()
    room.silence(320)
    room.speech(96)
    room.silence(320)
    room.release()
    room.silence(320)
    assert room.story()[-1] == SpeechEnded("a", True)


def test_pauses_under_the_key_are_reported_and_end_nothing(room: Room) -> None:
    room.press()
    room.speech(640)
    room.silence(3200)
    room.speech(640)
    assert room.story() == [SpeechStarted("a", False), SpeechPaused("a")]
    assert room.cutter.state is MicrophoneState.RECORDING


def test_pressing_a_key_that_is_down_changes_nothing(room: Room) -> None:
    room.press()
    room.speech(320)
    room.press()
    assert room.story() == [SpeechStarted("a", False)]


def test_pressing_again_within_the_tail_starts_another_without_repeating_words(room: Room) -> None:
    room.press()
    room.speech(640)
    room.release()
    room.speech(96)
    room.press()
    room.speech(320)
    assert room.story() == [
        SpeechStarted("a", False),
        SpeechEnded("a", True),
        SpeechStarted("b", False),
    ]
    assert room.frames("b")[0].start_sample == room.frames("a")[-1].start_sample + FRAME


def test_an_utterance_of_two_minutes_is_ended_and_kept(room: Room) -> None:
    room.press()
    room.speech(121_000)
    assert room.story() == [SpeechStarted("a", False), SpeechEnded("a", True)]
    assert len(room.frames("a")) * FRAME / SPEECH_RATE_HZ == pytest.approx(120, abs=0.04)


def test_a_discarded_utterance_never_ends(room: Room) -> None:
    room.press()
    room.speech(320)
    room.cutter.discard()
    room.release()
    room.silence(640)
    assert room.story() == [SpeechStarted("a", False)]
    assert room.cutter.state is MicrophoneState.STANDBY


# -- hands-free -----------------------------------------------------------------------------------


def test_hands_free_begins_with_speech_and_ends_with_a_pause(room: Room) -> None:
    room.cutter.listen(True)
    room.silence(960)
    said_at = room.at
    room.speech(960)
    room.silence(960)
    assert room.story() == [
        SpeechStarted("a", True),
        SpeechPaused("a"),
        SpeechEnded("a", True),
    ]
    assert room.frames("a")[0].start_sample == said_at - PRE_ROLL_FRAMES * FRAME
    assert room.cutter.state is MicrophoneState.LISTENING


@pytest.mark.parametrize("cough_ms", [32, 96, 128])
def test_a_click_or_cough_starts_no_utterance(room: Room, cough_ms: int) -> None:
    room.cutter.listen(True)
    for _ in range(5):
        room.silence(320)
        room.speech(cough_ms)
    room.silence(960)
    assert room.story() == []


def test_the_second_utterance_does_not_repeat_the_end_of_the_first(room: Room) -> None:
    room.cutter.listen(True)
    room.speech(640)
    room.silence(704)
    room.speech(640)
    assert room.frames("b")[0].start_sample > room.frames("a")[-1].start_sample


def test_while_paused_nothing_starts_and_nothing_is_remembered(room: Room) -> None:
    room.cutter.listen(True)
    room.silence(320)
    room.cutter.pause(True)
    room.speech(3200)
    assert room.story() == []
    assert room.cutter.state is MicrophoneState.PAUSED
    room.cutter.pause(False)
    resumed_at = room.at
    room.speech(320)
    assert room.story() == [SpeechStarted("a", True)]
    assert room.frames("a")[0].start_sample == resumed_at


def test_the_key_cuts_in_while_paused_without_the_assistants_own_words(room: Room) -> None:
    room.cutter.listen(True)
    room.cutter.pause(True)
    room.speech(640)
    pressed_at = room.at
    room.press()
    room.speech(320)
    assert room.frames("a")[0].start_sample == pressed_at


def test_an_utterance_under_way_survives_a_pause_of_listening(room: Room) -> None:
    room.cutter.listen(True)
    room.speech(640)
    room.cutter.pause(True)
    room.speech(320)
    room.silence(960)
    assert room.story()[-1] == SpeechEnded("a", True)


def test_a_press_takes_over_what_was_already_said_hands_free(room: Room) -> None:
    room.cutter.listen(True)
    room.silence(640)
    room.speech(960)
    room.press()
    room.silence(3200)
    room.release()
    room.silence(320)
    assert [e for e in room.story() if not isinstance(e, SpeechPaused)] == [
        SpeechStarted("a", True),
        SpeechStarted("b", False),
        SpeechEnded("b", True),
    ]
    assert room.frames("b")[0].start_sample == room.frames("a")[0].start_sample


def test_switching_off_in_mid_sentence_ends_the_utterance(room: Room) -> None:
    room.cutter.listen(True)
    room.speech(640)
    room.events += room.cutter.listen(False)
    assert room.story()[-1] == SpeechEnded("a", True)
    room.speech(960)
    assert room.story()[-1] == SpeechEnded("a", True)


def test_a_lost_microphone_ends_the_utterance_with_what_there_is(room: Room) -> None:
    room.press()
    room.speech(640)
    room.events += room.cutter.end_now()
    assert room.story() == [SpeechStarted("a", False), SpeechEnded("a", True)]


def test_levels_come_at_most_thirty_times_a_second_and_only_while_hearing(room: Room) -> None:
    room.speech(960)
    assert room.events == []
    room.cutter.listen(True)
    room.silence(3200)
    levels = [e for e in room.events if isinstance(e, LevelHeard)]
    assert 10 < len(levels) / 3.2 <= 30
    assert levels[0] == LevelHeard(pytest.approx(-40, abs=0.1), speech=False)  # type: ignore[arg-type]
