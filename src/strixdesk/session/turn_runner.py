"""One turn: transcript, route, answer, speech. Cancelling its task interrupts it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace

from strixdesk.core.chat import ChatDelta, ChatEnd, ChatImage, ChatMessage
from strixdesk.core.conversation import Image, Message, MessageStatus, Role, Text
from strixdesk.core.errors import AttachmentError, AudioOutputError, StrixError, TierError
from strixdesk.core.events import Event, Failed, SpeechProgress, TurnChanged
from strixdesk.core.ids import new_id
from strixdesk.core.route import Route
from strixdesk.core.routing import choose_route
from strixdesk.core.tier import Tier
from strixdesk.core.turn import Turn, TurnState, Usage
from strixdesk.session.context import prompt_for
from strixdesk.session.log import ConversationLog, StreamingAnswer
from strixdesk.session.prompt import PromptMessage, needed_tokens
from strixdesk.session.services import Services
from strixdesk.session.speech import SpeechOut

log = logging.getLogger(__name__)

CHECKPOINT_INTERVAL_S = 0.2
STOPPED = "You stopped this answer."


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, once it is text."""

    text: str
    images: tuple[Image, ...] = ()
    tier: str | None = None
    """A tier that the user named: it is used exactly."""
    spoken: bool = False
    history_before: str | None = None
    """Asked again: the message id of the former answer, which the tier is not shown."""


@dataclass(slots=True)
class TurnRunner:
    """Carries one turn through its states and is the only one to change them."""

    turn: Turn
    conversation: ConversationLog
    services: Services
    emit: Callable[[Event], None]
    speak: bool
    started_at: float = field(default_factory=time.monotonic)
    """When the user was done: key up, end of file, Enter. Monotonic seconds."""
    transcript: str | None = None
    answer: Message | None = None
    usage: Usage | None = None
    model: str | None = None
    error: StrixError | None = None
    _speaking: asyncio.Task[None] | None = None

    # -- states and timings --------------------------------------------------------------------

    def move(self, state: TurnState) -> None:
        self.turn = self.turn.moved(state, time.monotonic())
        self.emit(TurnChanged(self.turn))

    def time(self, **measured: float) -> None:
        self.turn = replace(self.turn, timings=replace(self.turn.timings, **measured))

    def elapsed_ms(self, since: float | None = None) -> float:
        return (time.monotonic() - (self.started_at if since is None else since)) * 1000

    # -- the turn ------------------------------------------------------------------------------

    async def run(self, question: Callable[[], Awaitable[Question | None]]) -> None:
        """From the question to the end of the answer. Whatever happens, the turn ends in a final
        state, and what was said and answered so far is kept."""
        try:
            asked = await question()
            if asked is not None:
                if self.turn.state is not TurnState.THINKING:
                    self.move(TurnState.THINKING)
                await self._answer(asked)
            self._end(TurnState.FAILED if self.error else TurnState.DONE)
        except asyncio.CancelledError:
            self._end(TurnState.INTERRUPTED)
            raise
        except StrixError as error:
            self.error = error
            self._end(TurnState.FAILED)
        except BaseException:
            self._end(TurnState.FAILED)
            raise

    def _end(self, state: TurnState) -> None:
        self.time(total_ms=self.elapsed_ms())
        self.move(state)
        log.info("turn %s: %s, %s", self.turn.id, state.value, self.turn.timings)

    async def _answer(self, question: Question) -> None:
        message = Message(
            id=new_id(),
            role=Role.ASSISTANT,
            parts=(Text(""),),
            status=MessageStatus.STREAMING,
            created_at=time.time(),
        )
        begun = time.monotonic()
        try:
            route = choose_route(
                question.text,
                images=len(question.images),
                spoken=question.spoken,
                tiers=self.services.tiers.all(),
                statuses=self.services.tiers.statuses(),
                named=question.tier,
                default=self.services.settings.default_tier,
                needed_tokens=self._needed_tokens(question),
                policy=self.services.settings.routing.policy(
                    self.services.settings.chat.max_answer_tokens
                ),
            )
        except StrixError as error:
            await self.conversation.add(
                replace(message, status=MessageStatus.FAILED, detail=error.sentence())
            )
            raise
        self.time(route_ms=self.elapsed_ms(begun))
        self.turn = replace(self.turn, route=route)
        self.emit(TurnChanged(self.turn))
        message = replace(message, tier=route.tier.name, reason=route.reason)
        await self.conversation.add(message)
        answer = StreamingAnswer(message, self.conversation, self.emit)

        speech = self._speech(answer) if self.speak else None
        self._speaking = asyncio.create_task(self._read_out(speech)) if speech else None
        try:
            try:
                async with _every(CHECKPOINT_INTERVAL_S, answer.checkpoint):
                    status, detail = await self._write(route, answer, question, speech)
            except asyncio.CancelledError:
                await answer.end(MessageStatus.INCOMPLETE, STOPPED, spoken=self.speak)
                raise
            await answer.end(status, detail, spoken=self.speak)
            if speech and self._speaking:
                speech.finish()
                await asyncio.wait({self._speaking})
        finally:
            self.answer = answer.message
            self.hush()
            if self._speaking:
                await asyncio.wait({self._speaking})
                self.services.sink.flush()

    async def _write(
        self, route: Route, answer: StreamingAnswer, question: Question, speech: SpeechOut | None
    ) -> tuple[MessageStatus, str | None]:
        """Ask the tiers of the route in order; only an answer that has not begun may move on."""
        tiers = (route.tier, *route.fallbacks)
        for number, tier in enumerate(tiers):
            if number:
                await answer.asked(tier.name, f"Instead of {tiers[number - 1].name}: {self.error}")
            try:
                end = await self._stream(tier, answer, question, speech)
            except (TierError, AttachmentError) as error:
                self.error = error
                self.services.tiers.doubt(tier)
                log.warning("tier %s: %s", tier.name, type(error).__name__)
                if answer.has_text:
                    return MessageStatus.INCOMPLETE, error.sentence()
                continue
            self.error = None
            self.usage = end.usage
            self.model = end.model or tier.model
            if end.finish_reason == "length":
                return MessageStatus.INCOMPLETE, (
                    "The answer reached its length limit. Ask it to go on, or raise "
                    "chat.max_answer_tokens in the settings."
                )
            if not answer.has_text:
                return MessageStatus.FAILED, f"{tier.name} ended without saying anything."
            return MessageStatus.COMPLETE, None
        return MessageStatus.FAILED, self.error.sentence() if self.error else None

    async def _stream(
        self, tier: Tier, answer: StreamingAnswer, question: Question, speech: SpeechOut | None
    ) -> ChatEnd:
        status = await self.services.tiers.ensure_ready(tier)
        prompt = await prompt_for(
            tier,
            status,
            self.conversation.before(question.history_before or answer.id),
            chat=self.services.settings.chat,
            counter=self.services.tokens,
            summary=self.conversation.summary,
        )
        if words := prompt.left_out_words():
            await answer.noted(words)
        messages = [await self._wire_message(message) for message in prompt.messages]
        asked_at = time.monotonic()
        stream = self.services.chat.stream(tier, messages, max_tokens=prompt.answer_tokens)
        async with contextlib.aclosing(stream) as items:
            async for item in items:
                match item:
                    case ChatDelta(text=text, thinking=thinking):
                        if thinking:
                            answer.append_thinking(thinking)
                        if text:
                            if self.turn.timings.ttft_ms is None:
                                self.time(ttft_ms=self.elapsed_ms(asked_at))
                            answer.append(text)
                            if speech:
                                speech.feed(text)
                    case ChatEnd():
                        return item
        raise TierError(f"{tier.name} ended its answer without saying so.")

    def _needed_tokens(self, question: Question) -> int:
        history = self.conversation.messages
        if question.history_before:
            history = self.conversation.before(question.history_before)
        return needed_tokens(
            self.services.settings.chat.system_prompt,
            history,
            vision=bool(question.images),
            summary=self.conversation.summary,
        )

    async def _wire_message(self, message: PromptMessage) -> ChatMessage:
        images = [
            ChatImage(image.media_type, await self.services.attachments.read(image))
            for image in message.images
        ]
        return ChatMessage(message.role, message.text, tuple(images))

    # -- speech --------------------------------------------------------------------------------

    def hush(self) -> None:
        """Stop reading out; the text goes on."""
        self.services.sink.flush()
        if self._speaking:
            self._speaking.cancel()

    def _speech(self, answer: StreamingAnswer) -> SpeechOut:
        def first_audio() -> None:
            self.time(first_audio_ms=self.elapsed_ms())
            if self.turn.state is TurnState.THINKING:
                self.move(TurnState.SPEAKING)

        return SpeechOut(
            self.services.voice,
            self.services.sink,
            self.turn.id,
            language=self.services.settings.recogniser.language,
            on_first_audio=first_audio,
            on_progress=lambda chars: self.emit(SpeechProgress(self.turn.id, answer.id, chars)),
        )

    async def _read_out(self, speech: SpeechOut) -> None:
        """A voice that fails never takes the text with it."""
        try:
            await speech.run()
        except AudioOutputError as error:
            self.emit(Failed(error.message, error.advice or "The answer can still be read."))
        except StrixError as error:
            self.emit(Failed(f"The answer could not be read out. {error.message}", error.advice))


@contextlib.asynccontextmanager
async def _every(interval_s: float, do: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Does something again and again while the body runs, never twice at once."""

    async def repeat() -> None:
        while True:
            await asyncio.sleep(interval_s)
            await do()

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
