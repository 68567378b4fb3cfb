"""From an utterance to a question, so that what was said survives whatever goes wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from strixdesk.core.audio import Utterance
from strixdesk.core.conversation import (
    Image,
    Message,
    MessageStatus,
    Part,
    Recording,
    Role,
    Text,
)
from strixdesk.core.errors import StrixError
from strixdesk.core.events import Noticed
from strixdesk.core.hearing import Transcript
from strixdesk.core.ids import new_id
from strixdesk.core.turn import TurnState
from strixdesk.session.hearing import Heard
from strixdesk.session.services import Services
from strixdesk.session.turn_runner import Question, TurnRunner

NO_WORDS = "No words were recognised in this recording."
SHORT_PRESS_S = 0.7
"""A key that was held no longer than this was touched by mistake: nothing is said about it."""


class SpokenQuestion:
    """The user's side of one spoken turn.

    A recording stays on disk until its transcript is stored. When recognition fails, or is
    stopped, the message keeps the recording and offers to transcribe it again.
    """

    def __init__(
        self,
        runner: TurnRunner,
        services: Services,
        *,
        tier: str | None,
        images: Sequence[Image] = (),
    ) -> None:
        self._runner = runner
        self._services = services
        self._tier = tier
        self._images = tuple(images)

    async def from_microphone(self, heard: Heard, ended: asyncio.Future[bool]) -> Question | None:
        heard_speech = await ended
        self._runner.started_at = time.monotonic()
        self._runner.move(TurnState.TRANSCRIBING)
        if not heard_speech:
            heard.recognition.cancel()
            self._services.recordings.discard(heard.utterance_id)
            if not heard.hands_free and heard.duration_s > SHORT_PRESS_S:
                self._runner.emit(Noticed("Nothing was heard. Is the right microphone chosen?"))
            return None
        message = self._message(Recording(heard.utterance_id, heard.duration_s))
        # Hands-free hears coughs and doors too: no message until they turn out to be words.
        return await self._settle(message, lambda: self._finish(heard), quiet=heard.hands_free)

    async def from_utterance(self, utterance: Utterance) -> Question | None:
        return await self._settle(
            self._message(None), lambda: self._services.recogniser.transcribe(utterance)
        )

    async def again(self, message: Message) -> Question | None:
        recording = message.recording
        assert recording is not None  # noqa: S101 — the caller checked
        pending = replace(message, status=MessageStatus.PENDING, detail=None)
        return await self._settle(pending, lambda: self._from_disk(recording.utterance_id))

    async def _settle(
        self,
        message: Message,
        transcribe: Callable[[], Awaitable[Transcript]],
        *,
        quiet: bool = False,
    ) -> Question | None:
        try:
            if not quiet:
                await self._show(message)
            transcript = await transcribe()
        except StrixError as error:
            await self._fail(message, error.sentence())
            raise
        except asyncio.CancelledError:
            await self._fail(message, "Stopped before it was transcribed.")
            raise
        self._runner.time(stt_ms=self._runner.elapsed_ms())
        self._runner.transcript = transcript.text
        text = transcript.text.strip()
        if not text:
            if quiet and message.recording:
                self._services.recordings.discard(message.recording.utterance_id)
            else:
                await self._fail(message, NO_WORDS)
            return None
        done = replace(message, parts=(*self._images, Text(text)), status=MessageStatus.COMPLETE)
        on_disk = await self._show(done)
        if on_disk and message.recording:
            self._services.recordings.discard(message.recording.utterance_id)
        return Question(text, self._images, self._tier, spoken=True)

    async def _finish(self, heard: Heard) -> Transcript:
        """The nearly finished recognition; should it fail, once more from the recording."""
        try:
            return await heard.recognition.finish()
        except StrixError:
            await heard.recording.finish()
            return await self._from_disk(heard.utterance_id)
        finally:
            await heard.recording.finish()

    async def _from_disk(self, utterance_id: str) -> Transcript:
        utterance = await self._services.recordings.load(utterance_id)
        return await self._services.recogniser.transcribe(utterance)

    def _message(self, recording: Recording | None) -> Message:
        parts: tuple[Part, ...] = (*self._images, recording) if recording else self._images
        return Message(
            id=new_id(),
            role=Role.USER,
            parts=parts,
            status=MessageStatus.PENDING,
            created_at=time.time(),
            spoken=True,
        )

    async def _fail(self, message: Message, detail: str) -> None:
        await self._show(replace(message, status=MessageStatus.FAILED, detail=detail))

    async def _show(self, message: Message) -> bool:
        log = self._runner.conversation
        known = log.message(message.id) is not None
        return await (log.update(message) if known else log.add(message))
