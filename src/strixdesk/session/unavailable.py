"""Stand where an engine would: every use says what is missing and how to mend it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import NoReturn

from strixdesk.core.audio import AudioFrame, Samples, Utterance
from strixdesk.core.errors import AudioInputError, StrixError
from strixdesk.core.hearing import ListenerEvent, Transcript


class _Unavailable:
    def __init__(self, error: StrixError) -> None:
        self._error = error

    async def ensure_ready(self) -> None:
        raise self._error

    async def close(self) -> None:
        """Nothing was started."""


class _UnavailableRecognition:
    def __init__(self, error: StrixError) -> None:
        self._error = error

    def feed(self, samples: Samples) -> None:
        """The recording is kept by others."""

    def pause(self) -> None:
        """Nothing decodes ahead."""

    async def finish(self) -> NoReturn:
        raise self._error

    def cancel(self) -> None:
        """Nothing runs."""


class UnavailableRecogniser(_Unavailable):
    def begin(
        self, utterance_id: str, on_partial: Callable[[str], None] | None = None
    ) -> _UnavailableRecognition:
        return _UnavailableRecognition(self._error)

    async def transcribe(self, utterance: Utterance) -> Transcript:
        raise self._error


class UnavailableVoice(_Unavailable):
    async def speak(self, text: str, turn_id: str) -> AsyncGenerator[AudioFrame, None]:
        raise self._error
        yield  # makes it a generator


class NoMicrophone:
    """For commands that never listen."""

    def subscribe(self, on_event: Callable[[ListenerEvent], None]) -> None:
        """No event ever comes."""

    async def press(self) -> None:
        raise AudioInputError("This command does not listen to the microphone.")

    def release(self) -> None:
        """Nothing is recorded."""

    def discard(self) -> None:
        """Nothing is recorded."""

    async def listen(self, on: bool) -> None:
        raise AudioInputError("This command does not listen to the microphone.")

    def pause(self, paused: bool) -> None:
        """Never listening."""

    async def close(self) -> None:
        """Nothing was opened."""
