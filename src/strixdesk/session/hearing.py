"""From the microphone's events to an utterance that is kept on disk and nearly transcribed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from strixdesk.core.hearing import (
    LevelHeard,
    ListenerEvent,
    MicrophoneMoved,
    SpeechEnded,
    SpeechFrame,
    SpeechPaused,
    SpeechStarted,
)
from strixdesk.session.ports import Recogniser, Recognition
from strixdesk.session.recordings import RecordingJournal, RecordingWriter

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Heard:
    """An utterance under way: its recording and its recognition go on side by side."""

    utterance_id: str
    hands_free: bool
    recognition: Recognition
    recording: RecordingWriter
    duration_s: float = 0.0


class Hearing:
    """Feeds each utterance to the recogniser and to disk while it is spoken."""

    def __init__(
        self,
        recogniser: Recogniser,
        recordings: RecordingJournal,
        *,
        on_started: Callable[[Heard], None],
        on_ended: Callable[[Heard, bool], None],
        on_partial: Callable[[str], None],
        on_level: Callable[[LevelHeard], None],
        on_microphone: Callable[[MicrophoneMoved], None],
    ) -> None:
        self._recogniser = recogniser
        self._recordings = recordings
        self._on_started = on_started
        self._on_ended = on_ended
        self._on_partial = on_partial
        self._on_level = on_level
        self._on_microphone = on_microphone
        self._current: Heard | None = None

    def take(self, event: ListenerEvent) -> None:
        """The listener's subscriber."""
        match event:
            case SpeechStarted(utterance_id=utterance_id, hands_free=hands_free):
                self._begin(utterance_id, hands_free)
            case SpeechFrame(utterance_id=utterance_id, frame=frame):
                if heard := self._match(utterance_id):
                    heard.recording.append(frame.samples)
                    heard.recognition.feed(frame.samples)
                    heard.duration_s += frame.duration_s
            case SpeechPaused(utterance_id=utterance_id):
                if heard := self._match(utterance_id):
                    heard.recognition.pause()
            case SpeechEnded(utterance_id=utterance_id, heard_speech=heard_speech):
                if heard := self._match(utterance_id):
                    self._current = None
                    self._on_ended(heard, heard_speech)
            case LevelHeard():
                self._on_level(event)
            case MicrophoneMoved():
                self._on_microphone(event)

    def drop(self) -> None:
        """Forget the utterance under way: the user does not want it."""
        if heard := self._current:
            self._current = None
            heard.recognition.cancel()
            self._recordings.discard(heard.utterance_id)

    def _begin(self, utterance_id: str, hands_free: bool) -> None:
        self.drop()

        def partial(text: str) -> None:
            if self._match(utterance_id):  # words of a former utterance may come late
                self._on_partial(text)

        self._current = Heard(
            utterance_id,
            hands_free,
            self._recogniser.begin(utterance_id, partial),
            self._recordings.begin(utterance_id),
        )
        self._on_started(self._current)

    def _match(self, utterance_id: str) -> Heard | None:
        return (
            self._current
            if self._current is not None and self._current.utterance_id == utterance_id
            else None
        )
