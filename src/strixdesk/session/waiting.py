"""Ask now, answer later: questions for a tier that is stopped, or on a box that is asleep.

Such a question is kept; the tier is started or the box woken, by the user's yes or by itself, and
it is answered once a tier that suits is ready, be it after a restart of the program.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

from strixdesk.core.conversation import Message, MessageStatus, Offer, Role, Text
from strixdesk.core.errors import StoreError
from strixdesk.core.events import Event
from strixdesk.core.ids import new_id
from strixdesk.core.on_demand import HERE, Demand, is_on, state_of, wanted
from strixdesk.core.route import Route
from strixdesk.core.tier import Tier, TierState, TierStatus
from strixdesk.session.asked import Question
from strixdesk.session.box_control import BoxControl
from strixdesk.session.bringing_up import BringingUp
from strixdesk.session.confirmations import Confirmations
from strixdesk.session.kept_answers import KeptAnswers
from strixdesk.session.kept_questions import Kept, KeptQuestions
from strixdesk.session.log import ConversationLog
from strixdesk.session.ports import Boxes
from strixdesk.session.services import Services

DROPPED = "You dropped this question."
ASKED_AGAIN = "You asked this again."


class Waiting:
    """Keeps questions. `BringingUp` brings up who can answer them, `KeptAnswers` has them
    answered."""

    def __init__(
        self,
        services: Services,
        boxes: Boxes,
        control: BoxControl,
        confirmations: Confirmations,
        *,
        emit: Callable[[Event], None],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        quiet: Callable[[], Awaitable[None]],
        log_of: Callable[[str], Awaitable[ConversationLog]],
        ask_in: Callable[[ConversationLog, Question], Awaitable[bool]],
    ) -> None:
        self._tiers = services.tiers
        self._boxes = boxes
        self._confirmations = confirmations
        self._spawn = spawn
        self._kept = KeptQuestions(services.store)
        self._bringing_up = BringingUp(
            services.tiers,
            boxes,
            control,
            confirmations,
            self._kept,
            emit=emit,
            spawn=spawn,
            log_of=log_of,
            can_answer=self._can_answer,
        )
        self._answers = KeptAnswers(
            self._kept,
            emit=emit,
            can_answer=self._can_answer,
            quiet=quiet,
            log_of=log_of,
            ask_in=ask_in,
        )

    async def postpone(
        self, route: Route, question: Question, conversation: ConversationLog, *, aloud: bool
    ) -> bool:
        """True: it waits, or was refused in words; nobody is asked now."""
        demand = wanted(
            route,
            self._tiers.statuses(),
            self._tiers.all(),
            self._boxes.all(),
            self._bringing_up.awake(),
        )
        if demand is None or demand.box.start_on_demand == "never":
            return False
        look = None if demand.asleep else self._bringing_up.forecast(demand.box, demand.tier)
        message = Message(
            new_id(),
            Role.ASSISTANT,
            (Text(""),),
            MessageStatus.FAILED,
            time.time(),
            tier=demand.tier.name,
        )
        if look and not look.fits:
            words = f"“{demand.tier.title}” is stopped, and would not fit. {look.sentence}"
            await conversation.add(replace(message, detail=words))
            return True
        parts = (*message.parts, Offer(waits=True))
        message = replace(message, parts=parts, detail=self._words(demand))
        exact = demand.tier.name if not route.fallbacks or not demand.asleep else None
        await conversation.add(message)
        try:
            await self._kept.add(message.id, demand.box.name, exact)
        except StoreError as error:
            await conversation.update(replace(message.without_offer(), detail=error.sentence()))
            return True
        self._spawn(self._bringing_up.begin(demand, message, conversation, aloud=aloud))
        self._spawn(self._answers.answer_all())  # somebody may have come up meanwhile
        return True

    def _words(self, demand: Demand) -> str:
        box, tier = demand.box, demand.tier
        if demand.asleep:
            return f"Waiting: {box.name} is not up. This is answered when it is."
        eta = self._bringing_up.eta(box, tier)
        return f"Waiting: “{tier.title}” is stopped. This is answered when it is up.{eta}"

    async def waiting_for(self, box: str) -> list[str]:
        """The messages of questions that wait for that box."""
        return [kept.message_id for kept in await self._kept.all() if kept.box == box]

    async def drop(self, message_id: str) -> Kept | None:
        """Not answered any more, and nothing is offered for it. None: it did not wait."""
        kept = await self._kept.one(message_id)
        if kept is None or not await self._kept.remove(message_id):
            return None
        self._confirmations.answer(message_id, yes=False)
        return kept

    def moved(self, tier: Tier, status: TierStatus) -> None:
        self._bringing_up.tier_moved(tier, status)
        if status.state is TierState.READY:
            self._spawn(self._answers.answer_all())

    async def take_up(self) -> None:
        """What an earlier run of the program left behind."""
        await self._answers.recover()
        await self._answers.answer_all()
        await self._bringing_up.see_to(HERE.name)  # of the boxes their first look tells

    def _can_answer(self, kept: Kept) -> bool:
        statuses, boxes = self._tiers.statuses(), self._boxes.all()
        return any(
            state_of(tier, statuses) is TierState.READY
            and (tier.name == kept.tier if kept.tier else is_on(tier, kept.box, boxes))
            for tier in self._tiers.all()
        )
