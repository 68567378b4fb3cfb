"""What a session does with boxes: it obeys words, asks first, and answers what had to wait."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace

from strixdesk.core.conversation import Offer
from strixdesk.core.tier import Tier, TierStatus
from strixdesk.session.announcer import Announcer
from strixdesk.session.asked import Question
from strixdesk.session.box_control import BoxControl
from strixdesk.session.confirmations import Confirmations
from strixdesk.session.conversation_desk import ConversationDesk
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
                services.boxes,
                services.tiers,
                services.controls,
                self.confirmations,
                self._spawn,
                self._say,
            )
            self._waiting = Waiting(
                services,
                services.boxes,
                self._box_control,
                self.confirmations,
                emit=self._emit,
                spawn=self._spawn,
                quiet=self._quiet,
                log_of=self._log_of,
                ask_in=self._ask_in,
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

    def remove_box(self, name: str) -> None:
        super().remove_box(name)
        self._spawn(self._drop_all(name))

    # -- questions that wait -------------------------------------------------------------------

    async def _drop_all(self, box: str) -> None:
        for message_id in await self._waiting.waiting_for(box) if self._waiting else ():
            await self._drop_waiting(message_id, f"{box} was taken out of StrixDesk.")

    def drop_waiting(self, message_id: str) -> None:
        self._spawn(self._drop_waiting(message_id, DROPPED))

    async def _drop_waiting(self, message_id: str, words: str) -> None:
        if self._waiting and (kept := await self._waiting.drop(message_id)):
            log = await self._log_of(kept.conversation_id)
            message = log.message(message_id)
            if message and message.waits:  # else it is being answered
                parts = (*message.without_offer().parts, Offer(dropped=True))
                await log.update(replace(message, parts=parts, detail=words))

    @abstractmethod
    async def _ask_in(self, conversation: ConversationLog, question: Question) -> bool:
        """A turn for a question that stands in that conversation, to its end. False: the user asked
        something else, before or meanwhile."""
