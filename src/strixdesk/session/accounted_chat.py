"""A `Chat` that keeps the books: what each answer took, and none that could pass the budget."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from strixdesk.core.chat import ChatDelta, ChatEnd, ChatMessage
from strixdesk.core.errors import StoreError, StrixError, TierRefused, TierUnreachable
from strixdesk.core.tier import Tier, TierStatus
from strixdesk.core.usage import (
    AnswerOutcome,
    AnswerRecord,
    cost_nano_usd,
    most_prompt_tokens,
)
from strixdesk.session.answer_cache import AnswerCache
from strixdesk.session.course import Course
from strixdesk.session.ports import Chat
from strixdesk.session.usage_book import UsageBook
from strixdesk.settings import ChatSettings

log = logging.getLogger(__name__)


class AccountedChat:
    """Around another `Chat`. A book that cannot be written costs the record, not the answer,
    unless the answer costs money."""

    def __init__(
        self,
        chat: Chat,
        book: UsageBook,
        cache: AnswerCache,
        settings: ChatSettings,
        status_of: Callable[[Tier], TierStatus | None],
        on_speed: Callable[[str, float], None],
    ) -> None:
        """`on_speed` is told how fast a tier was lately, after each answer of it."""
        self._chat = chat
        self._book = book
        self._cache = cache
        self._settings = settings
        self._status_of = status_of
        self._on_speed = on_speed
        self._writing: set[asyncio.Task[None]] = set()

    def admission(self, tier: Tier, *, insists: bool = False) -> AbstractContextManager[None]:
        return self._chat.admission(tier, insists=insists)

    def busy(self, tier: Tier) -> bool:
        return self._chat.busy(tier)

    async def close(self) -> None:
        """When everything is in the book."""
        await asyncio.gather(*self._writing)
        await self._chat.close()

    async def stream(
        self,
        tier: Tier,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int | None = None,
        fresh: bool = False,
    ) -> AsyncGenerator[ChatDelta | ChatEnd, None]:
        """As the chat's own. Raises BudgetReached too, before anything is sent."""
        status = self._status_of(tier)
        model = tier.model or (status.model if status else None)
        cap = self._settings.max_answer_tokens if max_tokens is None else max_tokens
        question = self._cache.question(
            tier.name, model, messages, temperature=self._settings.temperature, max_tokens=cap
        )
        record = AnswerRecord(tier.name, time.time(), AnswerOutcome.RUNNING, model)
        if question and not fresh:
            kept = await self._quietly(self._cache.find(question))
            if kept:
                self._write(self._book.add(replace(record, outcome=AnswerOutcome.CACHED)))
                yield ChatDelta(kept.text, kept.thinking)
                yield ChatEnd("stop", None, kept.model, kept_at=kept.kept_at)
                return
        worst = cost_nano_usd(tier.price, most_prompt_tokens(messages), cap)
        number = await self._reserve(tier, replace(record, cost_nano_usd=worst))
        course = Course()
        outcome, end, error = AnswerOutcome.STOPPED, None, None
        try:
            stream = self._chat.stream(tier, messages, max_tokens=max_tokens, fresh=fresh)
            async with contextlib.aclosing(stream) as items:
                async for item in items:
                    if isinstance(item, ChatDelta):
                        course.take(item)
                    else:
                        end = item
                        capped = item.finish_reason == "length"
                        outcome = AnswerOutcome.CAPPED if capped else AnswerOutcome.COMPLETE
                    yield item
        except StrixError as failure:
            error = failure
            begun = course.first_at is not None
            outcome = AnswerOutcome.BROKEN if begun else AnswerOutcome.FAILED
            raise
        finally:
            counted = _counted(record, course, end, messages)
            cost = self._cost(tier, counted, worst, end, error, begun=course.first_at is not None)
            counted = replace(
                counted,
                outcome=outcome,
                cost_nano_usd=cost,
                error=error.sentence() if error else "",
            )
            self._write(self._end(number, counted))
            whole = end is not None and end.finish_reason == "stop" and not end.tool_calls
            if question and whole and course.text:
                keep = self._cache.keep(question, counted.model, course.text, course.thinking)
                self._write(keep)

    async def _reserve(self, tier: Tier, record: AnswerRecord) -> int | None:
        """None: it costs nothing, and is booked when it has ended."""
        return await self._book.reserve(tier, record) if record.cost_nano_usd else None

    def _cost(
        self,
        tier: Tier,
        counted: AnswerRecord,
        worst: int,
        end: ChatEnd | None,
        error: StrixError | None,
        *,
        begun: bool,
    ) -> int:
        """What the server did not count is booked at the most that it can be."""
        if end and end.usage:
            return cost_nano_usd(tier.price, counted.prompt_tokens, counted.completion_tokens)
        if not begun and isinstance(error, TierRefused | TierUnreachable):
            return 0
        return worst

    async def _end(self, number: int | None, record: AnswerRecord) -> None:
        if number is None:
            await self._book.add(record)
        else:
            await self._book.settle(number, record)
        if speed := self._book.tokens_per_s(record.tier):
            self._on_speed(record.tier, speed)

    def _write(self, writing: Coroutine[Any, Any, None]) -> None:
        """Beside the answer, which does not wait for the disk."""
        task = asyncio.get_running_loop().create_task(self._quietly(writing))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _quietly(self, use: Coroutine[Any, Any, Any]) -> Any:
        try:
            return await use
        except StoreError as error:
            log.warning("the book of answers: %s", error)
            return None


def _counted(
    record: AnswerRecord,
    course: Course,
    end: ChatEnd | None,
    messages: Sequence[ChatMessage],
) -> AnswerRecord:
    figures = course.figures(end, messages)
    return replace(
        record,
        model=(end.model if end else None) or record.model,
        prompt_tokens=figures.prompt_tokens or 0,
        completion_tokens=figures.completion_tokens or 0,
        estimated=figures.estimated,
        ttft_ms=figures.ttft_ms,
        total_ms=course.total_ms(),
        tokens_per_s=figures.tokens_per_s,
    )
