"""Carries a question to the tiers of its route until one has answered it, or nobody can.

An answer that has not begun moves on to the next tier; one that breaks off is continued by the
next from its exact text. Whatever happens, it ends with a status that says how far it got.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from strixdesk.core.chat import ChatDelta, ChatEnd, ChatImage, ChatMessage
from strixdesk.core.conversation import HandOver, Image, Message, MessageStatus
from strixdesk.core.errors import (
    AttachmentError,
    BudgetReached,
    StreamBroken,
    StrixError,
    TierError,
    TierRefused,
)
from strixdesk.core.figures import Figures
from strixdesk.core.handover import Continuation, instruction
from strixdesk.core.prefill import Prefill, prefill
from strixdesk.core.route import Route
from strixdesk.core.tier import Tier, TierState, TierStatus
from strixdesk.session.asked import Question
from strixdesk.session.context import prompt_for, tokens_of
from strixdesk.session.course import Course
from strixdesk.session.log import ConversationLog, StreamingAnswer
from strixdesk.session.prompt import PromptMessage
from strixdesk.session.services import Services

log = logging.getLogger(__name__)

CONTINUES_ANSWERS = frozenset({"llama.cpp", "vllm"})
"""Servers that can be given the beginning of the answer (`TierStatus.server`)."""
_NO_PREFILL = frozenset({400, 422, 500, 501})
"""How such a server says that it cannot with this model."""
_LEAST_TOKENS = 64
"""Of room for the rest of an answer."""
LENGTH_LIMIT = (
    "The answer reached its length limit. Let it continue, or raise chat.max_answer_tokens in the "
    "settings."
)


class _Way(Enum):
    """How a tier is let go on with an answer."""

    LAST_WORD_AGAIN = "last word again"
    EXACT = "exact"
    """Only for servers that can be given a beginning; so is the one before."""
    TOLD = "told"


class _OtherWord(Exception):
    """The tier would end the last word otherwise than it began."""


class _BeginsToThink(Exception):
    """The tier was given the beginning of its answer, and what it writes is taken for thinking."""


@dataclass(slots=True)
class Attempt:
    """What became of asking one tier."""

    tier: Tier
    continued: bool
    """It went on with an answer that another began."""
    status: TierStatus | None = None
    """None: it was not even ready."""
    prefilled: bool = False
    """It was given the text so far as the beginning of its own answer."""
    end: ChatEnd | None = None
    """None: it did not end properly."""
    error: StrixError | None = None
    """None and no `end`: it was stopped."""
    thought: bool = False
    answer_chars: int = 0
    """Of what it wrote."""
    figures: Figures = field(default_factory=Figures)
    """As they are booked."""


@dataclass(frozen=True, slots=True)
class Outcome:
    status: MessageStatus
    detail: str | None = None
    error: StrixError | None = None
    end: ChatEnd | None = None
    tier: Tier | None = None
    """Who ended it."""


@dataclass(slots=True)
class Carrier:
    """For one question."""

    services: Services
    conversation: ConversationLog
    question: Question
    answer: StreamingAnswer
    on_text: Callable[[str, float], None]
    """Each piece of the answer, with the milliseconds from the request to now."""
    attempts: list[Attempt] = field(default_factory=list)
    _begun_by: str | None = None
    """Who wrote the text so far, if it is another than the one that is asked."""
    _cut: StrixError | None = None
    """Why the text so far is not whole."""

    async def carry(self, route: Route) -> Outcome:
        """Asks the tiers of the route in order."""
        exact = not route.fallbacks
        left = [route.tier, *route.fallbacks]
        if self.answer.has_text:
            self._begun_by = self.answer.message.tier
        error: StrixError | None = None
        former = route.tier
        while left:
            tier = self._next(left)
            left.remove(tier)
            if tier is not route.tier and not self.answer.has_text:
                why = error or f"it is busy with another answer; “{tier.title}” is free."
                await self.answer.asked(tier.name, f"Instead of “{former.title}”: {why}")
            former = tier
            try:
                with self.services.chat.admission(tier, insists=exact):
                    end = await self._ask(tier)
            except (TierError, AttachmentError, BudgetReached) as failure:
                log.warning("tier %s: %s", tier.name, type(failure).__name__)
                error = failure
                if self.answer.has_text and self._cut is None:
                    self._cut = failure
                continue
            return self._ended(tier, end)
        if self.answer.has_text:
            return Outcome(MessageStatus.INCOMPLETE, self._cut_words(error), error)
        return Outcome(MessageStatus.FAILED, error.sentence() if error else None, error)

    def figures(self) -> Figures | None:
        """What the whole answer has taken; None: that is not known of all of it."""
        begun = self.question.continues
        former = begun.figures if begun and begun.text else Figures()
        if former is None:
            return None
        taken = functools.reduce(
            Figures.and_then, (attempt.figures for attempt in self.attempts), former
        )
        return None if taken == Figures() else taken

    def _next(self, left: list[Tier]) -> Tier:
        """The first; or, where that one is busy, the first that is ready and free."""
        chat, statuses = self.services.chat, self.services.tiers.statuses()

        def free(tier: Tier) -> bool:
            status = statuses.get(tier.name)
            ready = status is not None and status.state is TierState.READY
            return ready and not tier.starter and not chat.busy(tier)

        if not chat.busy(left[0]):
            return left[0]
        return next((tier for tier in left[1:] if free(tier)), left[0])

    def _ended(self, tier: Tier, end: ChatEnd) -> Outcome:
        if end.finish_reason == "length":
            return Outcome(MessageStatus.INCOMPLETE, LENGTH_LIMIT, None, end, tier)
        if not self.answer.has_text:
            words = f"{tier.name} ended without saying anything."
            return Outcome(MessageStatus.FAILED, words, None, end, tier)
        return Outcome(MessageStatus.COMPLETE, None, None, end, tier)

    def _cut_words(self, last: StrixError | None) -> str:
        cut = self._cut or last
        if cut is None:
            return ""
        if last is None or last is cut:
            return cut.sentence()
        return f"{cut.message} Nobody else could go on with it. {last.sentence()}"

    # -- one tier ------------------------------------------------------------------------------

    async def _ask(self, tier: Tier) -> ChatEnd:
        """The best way to go on with an answer first, then those that are left."""
        try:
            try:
                return await self._attempt(tier, _Way.LAST_WORD_AGAIN)
            except _OtherWord:
                return await self._attempt(tier, _Way.EXACT)
        except TierRefused as error:
            if not self.attempts[-1].prefilled or error.status not in _NO_PREFILL:
                raise
        except _BeginsToThink:
            pass
        return await self._attempt(tier, _Way.TOLD)

    async def _attempt(self, tier: Tier, way: _Way) -> ChatEnd:
        attempt = Attempt(tier, continued=self.answer.has_text)
        self.attempts.append(attempt)
        began = time.monotonic()
        try:
            attempt.status = await self.services.tiers.ensure_ready(tier)
            continues = attempt.status.server in CONTINUES_ANSWERS
            attempt.prefilled = way is not _Way.TOLD and attempt.continued and continues
            attempt.end = await self._stream(attempt, attempt.status, way)
            return attempt.end
        except (TierError, AttachmentError, BudgetReached) as error:
            attempt.error = error
            if attempt.status is None and self.services.usage:
                await self.services.usage.never_ready(tier.name, error)
            if attempt.status and isinstance(error, TierError):
                self.services.tiers.doubt(tier)  # else it was just looked at
            raise
        finally:
            _log_end(attempt, (time.monotonic() - began) * 1000)

    async def _stream(self, attempt: Attempt, status: TierStatus, way: _Way) -> ChatEnd:
        tier = attempt.tier
        so_far = self.answer.text if attempt.continued else ""
        given = prefill(so_far, exact=way is _Way.EXACT) if attempt.prefilled else None
        messages, max_tokens = await self._wire(tier, status, so_far, given)
        joint = Continuation(so_far, prefilled=given)
        reason = self.answer.message.reason or ""
        waiting = self.services.chat.busy(tier)
        if waiting:
            words = f"Waiting for its turn: “{tier.title}” is busy with another answer."
            await self.answer.asked(self.answer.message.tier or tier.name, f"{reason} {words}")
        asked_at = time.monotonic()
        fresh = attempt.continued or self.question.history_before is not None
        course, end = Course(asked_at), None
        stream = self.services.chat.stream(tier, messages, max_tokens=max_tokens, fresh=fresh)
        try:
            async with contextlib.aclosing(stream) as items:
                async for item in items:
                    if waiting:
                        waiting = False
                        await self.answer.asked(self.answer.message.tier or tier.name, reason)
                    match item:
                        case ChatDelta(text=text, thinking=thinking):
                            course.take(item)
                            if thinking:
                                self._think(attempt, thinking)
                            await self._write(attempt, joint.feed(text), asked_at)
                            _check(joint, tier)
                        case ChatEnd():
                            end = item
                            await self._write(attempt, joint.finish(), asked_at)
                            _check(joint, tier)
                            await self._mark_kept(item)
                            return item
        finally:
            cached = end is not None and end.kept_at is not None
            attempt.figures = Figures() if cached else course.figures(end, messages)
        raise TierError(f"{tier.name} ended its answer without saying so.")

    async def _mark_kept(self, end: ChatEnd) -> None:
        if end.kept_at is not None:
            given = datetime.fromtimestamp(end.kept_at).strftime("%d %B, %H:%M")
            message = self.answer.message
            words = f"{message.reason or ''} From the cache: this is the answer of {given}."
            await self.answer.asked(message.tier or "", words.strip())

    async def _write(self, attempt: Attempt, text: str, asked_at: float) -> None:
        if not text:
            return
        took_ms = (time.monotonic() - asked_at) * 1000
        if attempt.continued and self._begun_by not in {None, attempt.tier.name}:
            await self._hand_over(attempt.tier)
        attempt.answer_chars += len(text)
        self._begun_by = attempt.tier.name
        self.answer.append(text)
        self.on_text(text, took_ms)

    def _think(self, attempt: Attempt, thinking: str) -> None:
        if attempt.prefilled and not attempt.answer_chars and thinking.strip():
            raise _BeginsToThink
        if not attempt.thought and self.answer.has_thinking:
            thinking = f"\n\n{thinking}"  # another one's, or about how to go on
        attempt.thought = True
        self.answer.append_thinking(thinking)

    async def _hand_over(self, tier: Tier) -> None:
        """Another tier's first words after the cut: from here on it is its answer too."""
        former = self._begun_by or ""
        why = self._cut.message if self._cut else "You let it continue."
        part = HandOver(former, tier.name, len(self.answer.text), why)
        await self.answer.handed_over(part)
        self._cut = None

    # -- what is sent --------------------------------------------------------------------------

    async def _wire(
        self, tier: Tier, status: TierStatus, so_far: str, given: Prefill | None
    ) -> tuple[list[ChatMessage], int]:
        """The messages, and the cap for the answer. Raises TierError where the answer is longer
        than what the tier holds."""
        counter = self.services.tokens
        begun = so_far if given or not so_far else f"{so_far}{instruction(so_far)}"
        taken = await tokens_of(tier, status, begun, counter) if begun else 0
        prompt = await prompt_for(
            tier,
            status,
            self._history(),
            chat=self.services.settings.chat,
            counter=counter,
            summary=self.conversation.summary,
            taken_tokens=taken,
        )
        context = status.context_tokens or tier.context_tokens
        if taken and context and prompt.tokens + taken + _LEAST_TOKENS > context:
            raise TierError(
                f"“{tier.title}” holds too little text to go on with this answer.",
                "Let a tier with a larger context continue it.",
            )
        if (words := prompt.left_out_words()) and not so_far:
            await self.answer.noted(words)
        messages = [await self._wire_message(message) for message in prompt.messages]
        if given:
            messages.append(ChatMessage("assistant", given.given, goes_on=given.again))
        elif so_far:
            messages.append(ChatMessage("assistant", so_far))
            messages.append(ChatMessage("user", instruction(so_far)))
        return messages, prompt.answer_tokens

    def _history(self) -> tuple[Message, ...]:
        history = self.conversation.before(self.question.history_before or self.answer.id)
        if not self.question.without_pictures or not history:
            return history
        asked = history[-1]
        parts = tuple(part for part in asked.parts if not isinstance(part, Image))
        return (*history[:-1], replace(asked, parts=parts))

    async def _wire_message(self, message: PromptMessage) -> ChatMessage:
        images = [
            ChatImage(image.media_type, await self.services.attachments.read(image))
            for image in message.images
        ]
        return ChatMessage(message.role, message.text, tuple(images))


def _check(joint: Continuation, tier: Tier) -> None:
    if joint.differs:
        raise _OtherWord
    if not joint.caught_up:
        raise StreamBroken(
            f"“{tier.title}” added nothing to what had been said.",
            "Let it continue once more, or ask again.",
        )


def _log_end(attempt: Attempt, took_ms: float) -> None:
    failed = type(attempt.error).__name__ if attempt.error else ""
    how = failed or ("ended" if attempt.end else "stopped")
    log.info(
        "tier %s: %d characters in %.0f ms, %s",
        attempt.tier.name,
        attempt.answer_chars,
        took_ms,
        how,
    )
