"""Condenses what no longer fits, between turns and never during one."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any

from strixdesk.core.candidates import answer_room
from strixdesk.core.chat import ChatDelta
from strixdesk.core.errors import StrixError
from strixdesk.core.events import Event, Noticed
from strixdesk.core.routing import sees
from strixdesk.core.summary import Summary
from strixdesk.core.tier import Tier
from strixdesk.session.log import ConversationLog
from strixdesk.session.prompt import cost_of, sent_texts
from strixdesk.session.services import Services
from strixdesk.session.summary_plan import (
    SUMMARY_TOKENS,
    SummaryPlan,
    plan_summary,
    request_for,
    summary_tier,
    within,
)

log = logging.getLogger(__name__)

_COUNTING_S = 5.0
_REQUEST_TOKENS = 160
"""The instruction and what is around the conversation."""
_AROUND_TOKENS = 12
"""What is put around a summary in a prompt."""
_WORTH_IT = 0.7
"""A summary that takes more than this share of what it stands for is thrown away."""
_MOST_STEPS = 12
"""A small tier condenses a long conversation in several steps."""


class Summariser:
    """It works on one conversation at a time, and stops as soon as a turn begins."""

    def __init__(
        self,
        services: Services,
        emit: Callable[[Event], None],
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        """`spawn` makes a task that its owner also ends when everything does."""
        self._services = services
        self._emit = emit
        self._spawn = spawn
        self._task: asyncio.Task[None] | None = None

    def begin(self, conversation: ConversationLog, tier: Tier) -> None:
        """A turn has ended that `tier` answered: make room for the next if there is little."""
        self.stop()
        if self._services.settings.chat.summarise:
            self._task = self._spawn(self._make_room(conversation, tier))

    def stop(self) -> None:
        """What was not finished is begun anew after the next turn."""
        task, self._task = self._task, None
        if task:
            task.cancel()

    async def _make_room(self, conversation: ConversationLog, tier: Tier) -> None:
        before = conversation.summary
        try:
            for _ in range(_MOST_STEPS):
                if not await self._step(conversation, tier):
                    break
        except StrixError as error:
            log.warning("no summary: %s", type(error).__name__)
        if (summary := conversation.summary) and summary is not before:
            self._emit(Noticed(summary.sentence()))
            await conversation.note(summary.sentence())

    async def _step(self, conversation: ConversationLog, tier: Tier) -> bool:
        """True when there is less to send than before."""
        plan = await self._plan(conversation, tier)
        writer = self._writer()
        if plan is None or writer is None:
            return False
        status = self._services.tiers.statuses()[writer.name]
        count = self._services.tokens.counts_of(writer, status)
        if room := status.context_tokens or writer.context_tokens:
            room -= SUMMARY_TOKENS + _REQUEST_TOKENS
            plan = within(plan, room, lambda message: cost_of(message, count, vision=False))
        if plan is None:
            return False
        text = await self._write(plan, writer)
        await self._services.tokens.learn(writer, status, [text], within_s=_COUNTING_S)
        after = count(text) + _AROUND_TOKENS
        if not text or after > plan.replaced_tokens * _WORTH_IT:
            log.info("a summary by %s was of no use", writer.name)
            return False
        await conversation.summarised(
            Summary(
                text=text,
                through_id=plan.through_id,
                messages=plan.covers,
                before_tokens=plan.before_tokens,
                after_tokens=after,
                tier=writer.title,
                created_at=time.time(),
            )
        )
        return True

    async def _plan(self, conversation: ConversationLog, tier: Tier) -> SummaryPlan | None:
        status = self._services.tiers.statuses().get(tier.name)
        context = (status.context_tokens if status else None) or tier.context_tokens
        if status is None or context is None:
            return None
        chat, tokens = self._services.settings.chat, self._services.tokens
        count, vision = tokens.counts_of(tier, status), sees(tier, status)
        budget = context - answer_room(context, chat.max_answer_tokens) - count(chat.system_prompt)

        def plan() -> SummaryPlan | None:
            return plan_summary(
                conversation.messages,
                conversation.summary,
                budget_tokens=budget,
                cost=lambda message: cost_of(message, count, vision=vision),
            )

        if plan() is None:
            return None
        # It seems to be time: then the exact counts decide.
        texts = sent_texts(conversation.messages, vision=vision)
        await tokens.learn(tier, status, texts, within_s=_COUNTING_S)
        return plan()

    def _writer(self) -> Tier | None:
        settings, services = self._services.settings, self._services
        tiers = [tier for tier in services.tiers.all() if not services.chat.busy(tier)]
        return summary_tier(
            tiers,
            services.tiers.statuses(),
            wanted=settings.chat.summary_tier,
            slow_below_tokens_per_s=settings.routing.slow_tokens_per_s,
        )

    async def _write(self, plan: SummaryPlan, writer: Tier) -> str:
        text = ""
        chat = self._services.chat
        with chat.admission(writer):
            stream = chat.stream(writer, request_for(plan), max_tokens=SUMMARY_TOKENS)
            async with contextlib.aclosing(stream) as items:
                async for item in items:
                    if isinstance(item, ChatDelta):
                        text += item.text
        return text.strip()
