"""Answers the questions that were kept, in order, each once, whatever cuts in: a new question of
the user, or the end of the program.

A question leaves the list when its answer has ended. One that was cut off before its first word
waits again; one of which words were shown is an incomplete answer, which can go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from strixdesk.core.conversation import Message, MessageStatus, Offer, Role
from strixdesk.core.errors import StoreError
from strixdesk.core.events import Event, Failed
from strixdesk.session.asked import Question
from strixdesk.session.kept_questions import Kept, KeptQuestions
from strixdesk.session.log import STOPPED, ConversationLog

CUT_OFF = "Your next question cut this answer off."


class KeptAnswers:
    def __init__(
        self,
        kept: KeptQuestions,
        *,
        emit: Callable[[Event], None],
        can_answer: Callable[[Kept], bool],
        quiet: Callable[[], Awaitable[None]],
        log_of: Callable[[str], Awaitable[ConversationLog]],
        ask_in: Callable[[ConversationLog, Question], Awaitable[bool]],
    ) -> None:
        """`quiet` returns when no turn is live. `log_of` gives a conversation by its id. `ask_in`
        asks a question that stands in a conversation, to the end of its turn; False: the user asked
        something else, before or meanwhile."""
        self._kept = kept
        self._emit = emit
        self._can_answer = can_answer
        self._quiet = quiet
        self._log_of = log_of
        self._ask_in = ask_in
        self._one_at_a_time = asyncio.Lock()

    async def answer_all(self) -> None:
        """Those for which somebody is ready."""
        async with self._one_at_a_time:
            try:
                while kept := await self._next():
                    await self._quiet()
                    if self._can_answer(kept) and await self._kept.take(kept.message_id):
                        await self._answer(kept)
            except StoreError as error:
                self._emit(Failed(error.message, error.advice))

    async def recover(self) -> None:
        """Settles what a program that ended in the middle of an answer left behind."""
        async with self._one_at_a_time:
            try:
                for kept in await self._kept.left_behind():
                    await self._recover(kept)
            except StoreError as error:
                self._emit(Failed(error.message, error.advice))

    async def _next(self) -> Kept | None:
        return next((kept for kept in await self._kept.all() if self._can_answer(kept)), None)

    async def _answer(self, kept: Kept) -> None:
        """In its own conversation, where it waited."""
        log = await self._log_of(kept.conversation_id)
        earlier = log.before(kept.message_id)
        asked = next((m for m in reversed(earlier) if m.role is Role.USER), None)
        waiting = log.message(kept.message_id)
        if asked is None or waiting is None:
            await self._kept.remove(kept.message_id)
            return
        question = Question(
            asked.text,
            asked.images,
            kept.tier,
            spoken=asked.spoken,
            history_before=kept.message_id,
            continues=replace(waiting, reason=f"It waited until {kept.box} could answer."),
        )
        undisturbed = await self._ask_in(log, question)
        log = await self._log_of(kept.conversation_id)  # another may be the one in memory now
        message = log.message(kept.message_id) or waiting
        if undisturbed:
            await self._kept.remove(kept.message_id)
            if message.waits:  # stopped before its turn began
                await log.update(replace(message.without_offer(), detail=STOPPED))
        elif message.waits or not _shows(message):
            if await self._kept.put_back(kept.message_id):
                await log.update(waiting)
        else:
            await self._kept.remove(kept.message_id)
            if message.status is MessageStatus.INCOMPLETE:
                await log.update(replace(message, detail=CUT_OFF))

    async def _recover(self, kept: Kept) -> None:
        log = await self._log_of(kept.conversation_id)
        message = log.message(kept.message_id)
        if message is None or (_shows(message) and not message.waits):
            await self._kept.remove(kept.message_id)
            return
        if not message.waits:
            words = f"Waiting: this is answered when {kept.box} can answer."
            parts = (*message.without_offer().parts, Offer(waits=True))
            message = replace(message, parts=parts, status=MessageStatus.FAILED, detail=words)
            await log.update(message)
        if kept.taken_by is not None:
            await self._kept.put_back(kept.message_id)


def _shows(message: Message) -> bool:
    """There is something of an answer, or its end in words."""
    return message.status is not MessageStatus.INCOMPLETE or bool(message.text.strip())
