"""Reads an answer out while it is still being written."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from strixdesk.core.errors import AudioOutputError, StrixError, WorkerError
from strixdesk.core.events import Failed
from strixdesk.core.sentences import SentenceSplitter, SpeechChunk
from strixdesk.core.speakable import speakable
from strixdesk.session.ports import AudioSink, Voice

log = logging.getLogger(__name__)

PROGRESS_INTERVAL_S = 0.1


def unheard(error: StrixError) -> Failed:
    """What is told when something could not be read out. It stands on the screen all the same."""
    if isinstance(error, AudioOutputError):
        return Failed(error.message, error.advice or "The text can still be read.")
    return Failed(f"This could not be read out. {error.message}", error.advice)


class SpeechOut:
    """One answer's way from text to speaker. `feed` and `finish` never wait, `run` works."""

    def __init__(
        self,
        voice: Voice,
        sink: AudioSink,
        turn_id: str,
        *,
        language: str = "en",
        on_first_audio: Callable[[], None] = lambda: None,
        on_progress: Callable[[int], None] = lambda _chars: None,
    ) -> None:
        self._voice = voice
        self._sink = sink
        self._turn_id = turn_id
        self._language = language
        self._on_first_audio = on_first_audio
        self._on_progress = on_progress
        self._splitter = SentenceSplitter()
        self._chunks: asyncio.Queue[SpeechChunk | None] = asyncio.Queue()
        self._written_s = 0.0
        self._marks: list[tuple[float, int]] = []
        """Where each chunk ends: in seconds of this turn's sound, and in characters of the text."""
        self._marked = 0

    def feed(self, text: str) -> None:
        for chunk in self._splitter.feed(text):
            self._chunks.put_nowait(chunk)

    def finish(self, unsaid: int = 0) -> None:
        """No more text will come. `unsaid`: so many characters at its end are not read."""
        for chunk in self._splitter.flush(unsaid):
            self._chunks.put_nowait(chunk)
        self._chunks.put_nowait(None)

    @property
    def heard_chars(self) -> int:
        """Length of the text whose sound was played."""
        played = self._sink.played_s(self._turn_id)
        while self._marked < len(self._marks) and self._marks[self._marked][0] <= played + 0.005:
            self._marked += 1
        return self._marks[self._marked - 1][1] if self._marked else 0

    async def run(self) -> None:
        """Speak until all text was heard. Raises VoiceError, WorkerError or AudioOutputError.

        Cancelling it leaves what is queued in the sink: flush that."""
        progress = asyncio.create_task(self._report_progress())
        try:
            while (chunk := await self._chunks.get()) is not None:
                text = speakable(chunk.raw, self._language)
                if text:
                    await self._sink.open()
                    await self._say(text)
                self._marks.append((self._written_s, chunk.end))
            await self._sink.drain()
        finally:
            progress.cancel()
            await asyncio.wait({progress})
        self._on_progress(self.heard_chars)

    async def _say(self, text: str) -> None:
        for attempt in (1, 2):
            written_before = self._written_s
            try:
                await self._play(text)
            except AudioOutputError:
                raise
            except WorkerError as error:
                # Half a sentence must not be said twice: only a chunk of which nothing was
                # written yet is tried again.
                if attempt == 2 or self._written_s > written_before:
                    raise
                log.warning("voice worker failed before the first sound, trying again: %s", error)
                await self._voice.ensure_ready()
            else:
                return

    async def _play(self, text: str) -> None:
        async with contextlib.aclosing(self._voice.speak(text, self._turn_id)) as frames:
            async for frame in frames:
                await self._sink.write(frame)
                if self._written_s == 0.0:
                    self._on_first_audio()
                self._written_s += frame.duration_s

    async def _report_progress(self) -> None:
        told = 0
        while True:
            await asyncio.sleep(PROGRESS_INTERVAL_S)
            heard = self.heard_chars
            if heard != told:
                told = heard
                self._on_progress(heard)
