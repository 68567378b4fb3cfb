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
from strixdesk.core.events import Failed, Noticed
from strixdesk.core.hearing import Transcript
from strixdesk.core.ids import new_id
from strixdesk.core.turn import TurnState
from strixdesk.session.asked import Question
from strixdesk.session.hearing import Heard
from strixdesk.session.services import Services
from strixdesk.session.turn_runner import TurnRunner

STOPPED = "Stopped before it was transcribed."
NO_WORDS = "No words were recognised in this recording."
SHORT_PRESS_S = 0.7
"""A key that was held no longer than this was touched by mistake: nothing is said about it."""


class _Spoken:
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
            await self._fail(message, STOPPED)
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


class FromMicrophone(_Spoken):
    """An utterance that is spoken right now."""

    def __init__(
        self,
        runner: TurnRunner,
        services: Services,
        heard: Heard,
        ended: asyncio.Future[bool],
        *,
        tier: str | None,
    ) -> None:
        super().__init__(runner, services, tier=tier)
        self._heard = heard
        self._ended = ended

    async def ask(self) -> Question | None:
        heard = self._heard
        heard_speech = await self._ended
        self._runner.started_at = time.monotonic()
        self._runner.move(TurnState.TRANSCRIBING)
        if not heard_speech and (heard.hands_free or heard.duration_s <= SHORT_PRESS_S):
            heard.recognition.cancel()
            self._services.recordings.discard(heard.utterance_id)
            return None
        # Hands-free hears coughs and doors too, and who holds the key may only whisper: where
        # no speech is sure, there is no message until there are words.
        quiet = heard.hands_free or not heard_speech
        question = await self._settle(self._recorded(), self._transcribe, quiet=quiet)
        if question is None and not heard_speech:
            self._runner.emit(Noticed("Nothing was heard. Is the right microphone chosen?"))
        return question

    async def abandon(self) -> None:
        self._heard.recognition.cancel()
        if self._ended.done() and not self._ended.cancelled() and self._ended.result():
            await self._heard.recording.finish()
            await self._fail(self._recorded(), STOPPED)

    def _recorded(self) -> Message:
        return self._message(Recording(self._heard.utterance_id, self._heard.duration_s))

    async def _transcribe(self) -> Transcript:
        """The nearly finished recognition; should it fail, once more from the recording."""
        try:
            return await self._heard.recognition.finish()
        except StrixError:
            await self._heard.recording.finish()
            return await self._from_disk(self._heard.utterance_id)
        finally:
            await self._heard.recording.finish()
            if problem := self._heard.recording.problem:
                self._runner.emit(Failed(problem.message, problem.advice))


class FromFile(_Spoken):
    """A recording that somebody else keeps."""

    def __init__(
        self,
        runner: TurnRunner,
        services: Services,
        utterance: Utterance,
        *,
        tier: str | None,
        images: Sequence[Image] = (),
    ) -> None:
        super().__init__(runner, services, tier=tier, images=images)
        self._utterance = utterance

    async def ask(self) -> Question | None:
        return await self._settle(
            self._message(None), lambda: self._services.recogniser.transcribe(self._utterance)
        )

    async def abandon(self) -> None:
        """The file is still there."""


class FromMessage(_Spoken):
    """A kept recording, once more."""

    def __init__(
        self,
        runner: TurnRunner,
        services: Services,
        message: Message,
        recording: Recording,
        *,
        tier: str | None,
    ) -> None:
        super().__init__(runner, services, tier=tier, images=message.images)
        self._kept = message
        self._recording = recording

    async def ask(self) -> Question | None:
        pending = replace(self._kept, status=MessageStatus.PENDING, detail=None)
        utterance_id = self._recording.utterance_id
        return await self._settle(pending, lambda: self._from_disk(utterance_id))

    async def abandon(self) -> None:
        """Message and recording are as they were."""
