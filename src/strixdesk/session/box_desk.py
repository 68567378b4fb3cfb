"""What a session does with boxes: it obeys words, asks first, and answers what had to wait."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace

from strixdesk.core.conversation import Role
from strixdesk.core.tier import Tier, TierStatus
from strixdesk.session.announcer import Announcer
from strixdesk.session.asked import Question
from strixdesk.session.box_control import BoxControl
from strixdesk.session.confirmations import Confirmations
from strixdesk.session.conversation_desk import ConversationDesk
from strixdesk.session.kept_questions import Kept
from strixdesk.session.log import ConversationLog
from strixdesk.session.services import Services
from strixdesk.session.waiting import DROPPED, Waiting


class BoxDesk(ConversationDesk):
    def __init__(self, services: Services, *, speech_on: bool) -> None:
        super().__init__(services)
        self._speech_on = speech_on
        self.confirmations = Confirmations(self._emit)
        self._announcer = Announcer(services, self._emit, self._quiet)
        self._box_control: BoxControl | None = None
        self._waiting: Waiting | None = None
        if services.boxes:
            self._box_control = BoxControl(
                services.boxes, services.tiers, self.confirmations, self._spawn, self._say
            )
            self._waiting = Waiting(
                services,
                services.boxes,
                self._box_control,
                self.confirmations,
                emit=self._emit,
                spawn=self._spawn,
                quiet=self._quiet,
                answer=self._answer_kept,
            )

    def confirm(self, question: str, yes: bool) -> None:
        self.confirmations.answer(question, yes=yes)

    async def _say(self, sentence: str) -> None:
        if self._speech_on:
            await self._announcer.say(sentence)

    def _tier_moved(self, tier: Tier, status: TierStatus) -> None:
        super()._tier_moved(tier, status)
        if self._waiting:
            self._waiting.moved(tier, status)

    # -- questions that wait -------------------------------------------------------------------

    def drop_waiting(self, message_id: str) -> None:
        self._spawn(self._drop_waiting(message_id, DROPPED))

    async def _drop_waiting(self, message_id: str, words: str) -> None:
        if self._waiting and (kept := await self._waiting.drop(message_id)):
            log = await self._log_of(kept.conversation_id)
            if message := log.message(message_id):
                await log.update(replace(message.without_offer(), detail=words))

    async def _answer_kept(self, kept: Kept) -> None:
        """In its own conversation, where it waited."""
        log = await self._log_of(kept.conversation_id)
        earlier = log.before(kept.message_id)
        asked = next((m for m in reversed(earlier) if m.role is Role.USER), None)
        message = log.message(kept.message_id)
        if asked is None or message is None:
            return
        question = Question(
            asked.text,
            asked.images,
            kept.tier,
            spoken=asked.spoken,
            history_before=kept.message_id,
            continues=replace(message, reason=f"It waited until {kept.box} could answer."),
        )
        await self._ask_in(log, question)

    @abstractmethod
    async def _ask_in(self, conversation: ConversationLog, question: Question) -> None:
        """A turn for a question that stands in that conversation, to its end."""
