"""One turn: transcript, route, answer, speech. Cancelling its task interrupts it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace

from strixdesk.core.cloud import choose_with_cloud
from strixdesk.core.conversation import Message, MessageStatus, Offer, Role, Text
from strixdesk.core.errors import NoTier, StrixError
from strixdesk.core.events import Event, SpeechProgress, TurnChanged
from strixdesk.core.ids import new_id
from strixdesk.core.prefill import broken_from
from strixdesk.core.route import Route, begun_by_first
from strixdesk.core.tier import TierState
from strixdesk.core.turn import Turn, TurnState, Usage
from strixdesk.session.asked import Question
from strixdesk.session.box_control import BoxControl
from strixdesk.session.carrying import Carrier
from strixdesk.session.log import STOPPED, ConversationLog, StreamingAnswer
from strixdesk.session.prompt import needed_tokens
from strixdesk.session.services import Services
from strixdesk.session.speech import SpeechOut, unheard
from strixdesk.session.waiting import Waiting

log = logging.getLogger(__name__)

CHECKPOINT_INTERVAL_S = 0.2
MOST_OFFERED = 2


@dataclass(slots=True)
class TurnRunner:
    """Carries one turn through its states and is the only one to change them."""

    turn: Turn
    conversation: ConversationLog
    services: Services
    emit: Callable[[Event], None]
    speak: bool
    control: BoxControl | None = None
    """Takes what is said to the program itself; None: there are no boxes."""
    waiting: Waiting | None = None
    """Keeps what nobody can answer until somebody is up; None: there are no boxes."""
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
                if (words := self._taken(asked)) is not None:
                    await self._tell(words)
                else:
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

    def _taken(self, question: Question) -> str | None:
        """What the program itself says to it; None: a model is asked."""
        if self.control is None:
            return None
        if question.history_before or question.continues or question.images:
            self.control.moved_on()
            return None
        return self.control.take(question.text, self.conversation, aloud=self.speak)

    async def _postponed(self, route: Route, question: Question) -> bool:
        if self.waiting is None or question.continues or question.without_pictures:
            return False
        if again := question.history_before:  # what is kept is the newest question
            later = self.conversation.messages[len(self.conversation.before(again)) :]
            if any(message.role is Role.USER for message in later):
                return False
        return await self.waiting.postpone(route, question, self.conversation, aloud=self.speak)

    async def _tell(self, words: str) -> None:
        message = Message(
            new_id(), Role.ASSISTANT, (Text(""),), MessageStatus.STREAMING, time.time()
        )
        answer = StreamingAnswer(message, self.conversation, self.emit)
        try:
            await self.conversation.add(message)
        finally:  # what was done is told, even if it is stopped here
            answer.append(words)
            await answer.end(MessageStatus.COMPLETE, None, spoken=self.speak)
        self.answer = answer.message
        if self.speak:
            await self._read_whole(answer)

    async def _read_whole(self, answer: StreamingAnswer) -> None:
        speech = self._speech(answer, before=0)
        speech.feed(answer.text)
        speech.finish()
        self._speaking = asyncio.create_task(self._read_out(speech))
        try:
            await asyncio.wait({self._speaking})
        finally:
            self.hush()
            await asyncio.wait({self._speaking})

    async def _answer(self, question: Question) -> None:
        begun = time.monotonic()
        message = question.continues or Message(
            id=new_id(),
            role=Role.ASSISTANT,
            parts=(Text(""),),
            status=MessageStatus.STREAMING,
            created_at=time.time(),
        )
        try:
            route = self._route(question)
        except StrixError as error:
            await self._no_route(message, question, error)
            raise
        self.time(route_ms=self.elapsed_ms(begun))
        self.turn = replace(self.turn, route=route)
        self.emit(TurnChanged(self.turn))
        if await self._postponed(route, question):
            return
        if question.continues:
            message = replace(message.without_offer(), status=MessageStatus.STREAMING, detail=None)
        else:
            message = replace(message, tier=route.tier.name, reason=route.reason)
        await self._carry(route, message, question)

    async def _carry(self, route: Route, message: Message, question: Question) -> None:
        answer = StreamingAnswer(message, self.conversation, self.emit)
        # Of an answer that is continued, what stands was read out, or stopped: all but a last
        # word that may not be whole.
        begun = broken_from(answer.text)
        speech = self._speech(answer, before=begun) if self.speak else None
        if speech:
            speech.feed(answer.text[begun:])
        self._speaking = asyncio.create_task(self._read_out(speech)) if speech else None

        def on_text(text: str, took_ms: float) -> None:
            if self.turn.timings.ttft_ms is None:
                self.time(ttft_ms=took_ms)
            if speech:
                speech.feed(text)

        carrier = Carrier(self.services, self.conversation, question, answer, on_text)
        try:
            try:
                store = self.conversation
                await (store.update(message) if question.continues else store.add(message))
                async with _every(CHECKPOINT_INTERVAL_S, answer.checkpoint):
                    outcome = await carrier.carry(route)
            except asyncio.CancelledError:
                await answer.end(
                    MessageStatus.INCOMPLETE, STOPPED, spoken=self.speak, figures=carrier.figures()
                )
                raise
            self.error = outcome.error
            if outcome.end:
                self.usage = outcome.end.usage
                self.model = outcome.end.model or (outcome.tier.model if outcome.tier else None)
            offer = self._offer(route) if outcome.error else None
            await answer.end(
                outcome.status,
                outcome.detail,
                spoken=self.speak,
                offer=offer,
                figures=carrier.figures(),
            )
            if speech and self._speaking:
                cut = outcome.status is MessageStatus.INCOMPLETE
                text = answer.text
                speech.finish(len(text) - broken_from(text) if cut else 0)
                await asyncio.wait({self._speaking})
        finally:
            self.answer = answer.message
            self.hush()
            if self._speaking:
                await asyncio.wait({self._speaking})
                self.services.sink.flush()

    # -- who is asked --------------------------------------------------------------------------

    def _route(self, question: Question) -> Route:
        settings = self.services.settings
        route = choose_with_cloud(
            question.text,
            cloud=self.services.cloud.roles,
            images=0 if question.without_pictures else len(question.images),
            spoken=question.spoken,
            tiers=self.services.tiers.all(),
            statuses=self.services.tiers.statuses(),
            named=question.tier,
            default=settings.default_tier,
            needed_tokens=self._needed_tokens(question),
            policy=settings.routing.policy(settings.chat.max_answer_tokens),
        )
        return begun_by_first(route, question.continues.tier) if question.continues else route

    def _needed_tokens(self, question: Question) -> int:
        history = self.conversation.messages
        if question.history_before:
            history = self.conversation.before(question.history_before)
        return needed_tokens(
            self.services.settings.chat.system_prompt,
            history,
            vision=bool(question.images) and not question.without_pictures,
            summary=self.conversation.summary,
            count=self.services.tokens.count_by_any,
        )

    async def _no_route(self, message: Message, question: Question, error: StrixError) -> None:
        """Nobody can be asked: it is told where the answer would stand."""
        offer = Offer()
        if isinstance(error, NoTier):
            without_pictures = error.without_pictures and bool(question.text.strip())
            offer = Offer(error.offer, without_pictures)
        parts = (*message.without_offer().parts, offer)
        failed = replace(message, parts=parts, detail=error.sentence())
        if question.continues:
            await self.conversation.update(failed)
        else:
            await self.conversation.add(replace(failed, status=MessageStatus.FAILED))

    def _offer(self, route: Route) -> Offer | None:
        """Whom the user could ask instead of a tier that was named and did not answer."""
        if route.fallbacks:
            return None
        statuses = self.services.tiers.statuses()
        ready = [
            tier.name
            for tier in self.services.tiers.all()
            if tier != route.tier
            and not tier.cloud
            and tier.name in statuses
            and statuses[tier.name].state is TierState.READY
        ]
        names = tuple(tier.name for tier in route.offer) or tuple(ready)
        return Offer(names[:MOST_OFFERED]) if names else None

    # -- speech --------------------------------------------------------------------------------

    def hush(self) -> None:
        """Stop reading out; the text goes on."""
        self.services.sink.flush()
        if self._speaking:
            self._speaking.cancel()

    def _speech(self, answer: StreamingAnswer, *, before: int) -> SpeechOut:
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
            on_progress=lambda chars: self.emit(
                SpeechProgress(self.turn.id, answer.id, before + chars)
            ),
        )

    async def _read_out(self, speech: SpeechOut) -> None:
        """A voice that fails never takes the text with it."""
        try:
            await speech.run()
        except StrixError as error:
            self.emit(unheard(error))


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
