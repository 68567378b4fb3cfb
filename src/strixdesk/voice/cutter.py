"""Cuts the microphone's frames into utterances: by key, or hands-free.

A decision over samples: frames and commands go in, events come out; no clock, no device.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from strixdesk.core.audio import SPEECH_RATE_HZ, AudioFrame, Samples, level_db
from strixdesk.core.events import MicrophoneState
from strixdesk.core.hearing import (
    LevelHeard,
    ListenerEvent,
    SpeechEnded,
    SpeechFrame,
    SpeechPaused,
    SpeechStarted,
)
from strixdesk.core.ids import new_id
from strixdesk.voice.endpointer import Endpointer, EndpointerSettings, Mark, SpeechState
from strixdesk.voice.vad import FRAME_SAMPLES

_MS = SPEECH_RATE_HZ // 1000
PRE_ROLL_SAMPLES = 320 * _MS
"""What was heard before the key went down, or before speech was noticed, and is kept."""
TAIL_SAMPLES = 250 * _MS
"""Recorded after the key came up, for people let go on their last syllable."""
TAIL_QUIET_SAMPLES = 160 * _MS
"""After this much silence the tail ends early: longer than the gap inside a final "p" or "t"."""
LONGEST_SAMPLES = 120_000 * _MS
"""An utterance this long is ended, so that it can be answered at all."""
_HISTORY_FRAMES = 24
"""Pre-roll, and what the endpointer needs to be sure."""
_LEVEL_FRAMES = 2
"""A level per 64 ms."""


class SpeechDetector(Protocol):
    def probability(self, frame: Samples) -> float: ...

    def reset(self) -> None: ...


@dataclass(slots=True)
class _Recording:
    id: str
    held: bool
    """By the key; otherwise a pause ends it."""
    endpointer: Endpointer
    start_sample: int
    heard_speech: bool
    frames: list[AudioFrame] = field(default_factory=list)
    """All of it, while a key press may still take it over."""
    release_sample: int | None = None
    """The key came up here."""


class UtteranceCutter:
    """The single writer of what is being recorded."""

    def __init__(
        self,
        detector: SpeechDetector,
        *,
        pause_ms: int,
        make_id: Callable[[], str] = new_id,
    ) -> None:
        self._detector = detector
        self._make_id = make_id
        self._watching = EndpointerSettings(pause_ms=pause_ms)
        # The key says that these are words: two frames of speech are enough to believe it.
        self._holding = EndpointerSettings(start_ms=64, pause_ms=None)
        self._endpointer = Endpointer(self._watching)
        self._history: deque[AudioFrame] = deque(maxlen=_HISTORY_FRAMES)
        self._recording: _Recording | None = None
        self._hands_free = False
        self._paused = False
        self._levels: list[Samples] = []

    @property
    def state(self) -> MicrophoneState:
        """Of an open microphone."""
        if self._recording:
            return MicrophoneState.RECORDING
        if not self._hands_free:
            return MicrophoneState.STANDBY
        return MicrophoneState.PAUSED if self._paused else MicrophoneState.LISTENING

    @property
    def hands_free(self) -> bool:
        return self._hands_free

    # -- commands ------------------------------------------------------------------------------

    def press(self) -> list[ListenerEvent]:
        events: list[ListenerEvent] = []
        taken: list[AudioFrame] = []
        heard = False
        if (former := self._recording) and former.held:
            if former.release_sample is None:
                return []
            events += self._end()
        elif former:
            # What was already said hands-free belongs to this.
            taken, heard = former.frames, True
        if not taken:
            taken = self._pre_roll()
            self._detector.reset()
        self._recording = _Recording(
            id=self._make_id(),
            held=True,
            endpointer=Endpointer(self._holding),
            start_sample=taken[0].start_sample if taken else -1,
            heard_speech=heard,
        )
        self._history.clear()
        events.append(SpeechStarted(self._recording.id, hands_free=False))
        for frame in taken:
            events.append(SpeechFrame(self._recording.id, frame))
            if not heard:
                self._judge(self._recording, frame)
        return events

    def release(self, latency_samples: int, now_sample: int) -> None:
        """Key up; what was said until now arrives up to `latency_samples` later."""
        if self._recording and self._recording.held and self._recording.release_sample is None:
            self._recording.release_sample = now_sample + latency_samples

    def discard(self) -> None:
        self._recording = None
        self._fresh()

    def listen(self, on: bool) -> list[ListenerEvent]:
        """Switching it off ends what is being said, as if a pause had."""
        if on == self._hands_free:
            return []
        self._hands_free = on
        if self._recording and not self._recording.held:
            return self._end()
        self._endpointer.reset()
        self._detector.reset()
        return []

    def pause(self, paused: bool) -> None:
        """What is heard while paused is forgotten, even as pre-roll: it may be the assistant's own
        voice. An utterance that is under way goes on."""
        self._paused = paused
        if not self._recording:
            self._fresh()

    def end_now(self) -> list[ListenerEvent]:
        """No more sound will come: what there is becomes an utterance."""
        events = self._end() if self._recording else []
        self._fresh()
        return events

    # -- sound ---------------------------------------------------------------------------------

    def frame(self, frame: AudioFrame) -> list[ListenerEvent]:
        """The next 512 samples."""
        if self._recording:
            return self._record(self._recording, frame)
        if self._paused:
            return []
        self._history.append(frame)
        return self._watch(frame) if self._hands_free else []

    def _watch(self, frame: AudioFrame) -> list[ListenerEvent]:
        probability = self._detector.probability(frame.samples)
        mark = self._endpointer.take(probability, frame.start_sample, FRAME_SAMPLES)
        events = self._level(frame, probability)
        if mark is Mark.STARTED:
            taken = self._pre_roll()
            self._recording = _Recording(
                id=self._make_id(),
                held=False,
                endpointer=self._endpointer,
                start_sample=taken[0].start_sample,
                heard_speech=True,
                frames=taken,
            )
            self._history.clear()
            events.append(SpeechStarted(self._recording.id, hands_free=True))
            events += [SpeechFrame(self._recording.id, early) for early in taken]
        return events

    def _record(self, recording: _Recording, frame: AudioFrame) -> list[ListenerEvent]:
        if recording.start_sample < 0:
            recording.start_sample = frame.start_sample
        if not recording.held:
            recording.frames.append(frame)
        probability, mark = self._judge(recording, frame)
        events: list[ListenerEvent] = [SpeechFrame(recording.id, frame)]
        events += self._level(frame, probability)
        if mark is Mark.PAUSED:
            events.append(SpeechPaused(recording.id))
        now = frame.start_sample + FRAME_SAMPLES
        too_long = now - recording.start_sample >= LONGEST_SAMPLES
        if mark is Mark.ENDED or too_long or self._tail_over(recording, now):
            events += self._end()
        return events

    def _judge(self, recording: _Recording, frame: AudioFrame) -> tuple[float, Mark | None]:
        probability = self._detector.probability(frame.samples)
        mark = recording.endpointer.take(probability, frame.start_sample, FRAME_SAMPLES)
        recording.heard_speech |= mark is Mark.STARTED
        return probability, mark

    def _tail_over(self, recording: _Recording, now: int) -> bool:
        if recording.release_sample is None or now < recording.release_sample:
            return False
        endpointer = recording.endpointer
        quiet = (
            endpointer.state is SpeechState.QUIET or endpointer.silent_samples >= TAIL_QUIET_SAMPLES
        )
        return quiet or now - recording.release_sample >= TAIL_SAMPLES

    def _end(self) -> list[ListenerEvent]:
        assert self._recording is not None  # noqa: S101 — only called then
        ended = SpeechEnded(self._recording.id, self._recording.heard_speech)
        self._recording = None
        self._fresh()
        return [ended]

    def _fresh(self) -> None:
        """What comes next has nothing to do with what was."""
        self._history.clear()
        self._endpointer.reset()
        self._detector.reset()
        self._levels.clear()

    def _pre_roll(self) -> list[AudioFrame]:
        frames = list(self._history)
        if not frames:
            return []
        since = frames[-1].start_sample + FRAME_SAMPLES
        if self._endpointer.state is not SpeechState.QUIET:
            since = self._endpointer.onset_sample
        return [f for f in frames if f.start_sample >= since - PRE_ROLL_SAMPLES]

    def _level(self, frame: AudioFrame, probability: float) -> list[ListenerEvent]:
        self._levels.append(frame.samples)
        if len(self._levels) < _LEVEL_FRAMES:
            return []
        level = level_db(np.concatenate(self._levels))
        self._levels.clear()
        return [LevelHeard(level, probability >= self._watching.speech_probability)]
