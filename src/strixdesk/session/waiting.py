"""Ask now, answer later: questions for a tier that is stopped, or on a box that is asleep.

Such a question is kept; the tier is started or the box woken, by the user's yes or by itself, and
it is answered once a tier that suits is ready, be it after a restart of the program.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any

from strixdesk.core.box import Box, Deed
from strixdesk.core.commands import Command
from strixdesk.core.conversation import Message, MessageStatus, Offer, Role, Text
from strixdesk.core.errors import StoreError, StrixError
from strixdesk.core.events import Event, Failed, Noticed
from strixdesk.core.ids import new_id
from strixdesk.core.route import Route
from strixdesk.core.tier import ControlKind, Tier, TierState, TierStatus
from strixdesk.session.asked import Question
from strixdesk.session.box_control import YES_WITHIN_S, BoxControl, Plan, about
from strixdesk.session.confirmations import Confirmations
from strixdesk.session.kept_answers import KeptAnswers
from strixdesk.session.kept_questions import Kept, KeptQuestions
from strixdesk.session.log import ConversationLog
from strixdesk.session.ports import Boxes
from strixdesk.session.services import Services

DROPPED = "You dropped this question."
ASKED_AGAIN = "You asked this again."

WAKES_WITHIN_S = 180.0
"""A box that is not up after so long may be woken once more."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What has to come up before a question can be answered."""

    box: Box
    tier: Tier
    asleep: bool
    """The box itself; else only the tier is stopped."""


class Waiting:
    """Keeps questions and brings up who can answer them; `KeptAnswers` has them answered."""

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
        self._services = services
        self._boxes = boxes
        self._control = control
        self._confirmations = confirmations
        self._emit = emit
        self._spawn = spawn
        self._kept = KeptQuestions(services.store)
        self._answers = KeptAnswers(
            self._kept,
            emit=emit,
            can_answer=self._can_answer,
            quiet=quiet,
            log_of=log_of,
            ask_in=ask_in,
        )
        self._woken: dict[str, float] = {}
        """When boxes that have not come up yet were sent a wake; monotonic seconds."""

    # -- keeping -------------------------------------------------------------------------------

    async def postpone(
        self, route: Route, question: Question, conversation: ConversationLog, *, aloud: bool
    ) -> bool:
        """True: it waits, or was refused in words; nobody is asked now."""
        demand = wanted(route, self._services.tiers.statuses(), self._all(), self._boxes.all())
        if demand is None or demand.box.start_on_demand == "never":
            return False
        plan = self._plan(demand)
        look = None if demand.asleep else self._boxes.forecast(demand.box, plan.command.services)
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
        self._spawn(self._bring_up(demand, plan, message, conversation, aloud=aloud))
        self._spawn(self._answers.answer_all())  # somebody may have come up meanwhile
        return True

    def _all(self) -> tuple[Tier, ...]:
        return self._services.tiers.all()

    def _plan(self, demand: Demand) -> Plan:
        unit = demand.tier.control.unit if demand.tier.control else ""
        what = f"the {demand.tier.title}"
        return Plan(Command(Deed.START, demand.box.name, (unit,), words=what), demand.box)

    def _words(self, demand: Demand) -> str:
        if demand.asleep:
            return f"Waiting: {demand.box.name} is not up. This is answered when it is."
        took_s = self._boxes.expected_start_s(demand.box, self._plan(demand).command.services[0])
        eta = f" That takes {about(took_s)}." if took_s is not None else ""
        return f"Waiting: “{demand.tier.title}” is stopped. This is answered when it is up.{eta}"

    # -- bringing up ---------------------------------------------------------------------------

    async def _bring_up(
        self,
        demand: Demand,
        plan: Plan,
        message: Message,
        conversation: ConversationLog,
        *,
        aloud: bool,
    ) -> None:
        if demand.asleep:
            await self._wake(demand.box, message.id)
            return
        if demand.box.start_on_demand != "automatic":
            sentence = f"{message.detail} Shall I start it? Say yes."
            if not await self._confirmations.ask(sentence, YES_WITHIN_S, message.id):
                await self._give_up(message, f"“{demand.tier.title}” is stopped.", conversation)
                return
        if self._control.busy(demand.box):
            return  # it comes up as part of that, or the user starts it after
        if await self._control.do(plan, conversation, aloud=aloud):
            self._services.tiers.doubt(demand.tier)  # look at it soon
        else:
            await self._give_up(message, f"“{demand.tier.title}” was not started.", conversation)

    async def _wake(self, box: Box, message_id: str) -> None:
        """The question stays kept in any case: somebody else may switch it on."""
        if time.monotonic() - self._woken.get(box.name, float("-inf")) < WAKES_WITHIN_S:
            return
        if box.start_on_demand != "automatic":
            sentence = f"{box.name} is not up. Shall I wake it and answer then? Say yes."
            if not await self._confirmations.ask(sentence, YES_WITHIN_S, message_id):
                return
        try:
            await self._boxes.wake(box)
        except StrixError as error:
            self._emit(Failed(error.message, error.advice))
            return
        self._woken[box.name] = time.monotonic()
        self._emit(Noticed(f"{box.name} is being woken."))

    async def _give_up(self, message: Message, words: str, conversation: ConversationLog) -> None:
        if await self._kept.remove(message.id, taken=False):
            await conversation.update(replace(message.without_offer(), detail=words))

    async def drop(self, message_id: str) -> Kept | None:
        """Not answered any more, and nothing is offered for it. None: it did not wait."""
        kept = await self._kept.one(message_id)
        if kept is None or not await self._kept.remove(message_id):
            return None
        self._confirmations.answer(message_id, yes=False)
        return kept

    # -- answering -----------------------------------------------------------------------------

    def moved(self, tier: Tier, status: TierStatus) -> None:
        if status.state is TierState.READY:
            if tier.control:
                self._woken.pop(tier.control.box, None)
            self._spawn(self._answers.answer_all())

    async def take_up(self) -> None:
        """What an earlier run of the program left behind."""
        await self._answers.recover()
        await self._answers.answer_all()

    def _can_answer(self, kept: Kept) -> bool:
        statuses = self._services.tiers.statuses()
        return any(
            _state(tier, statuses) is TierState.READY
            and (tier.name == kept.tier if kept.tier else _is_on(tier, kept.box))
            for tier in self._all()
        )


def wanted(
    route: Route,
    statuses: Mapping[str, TierStatus],
    tiers: tuple[Tier, ...],
    boxes: tuple[Box, ...],
) -> Demand | None:
    """None: somebody on the route can be asked now, or nothing can be brought up."""
    order = (route.tier, *route.fallbacks)
    away = {TierState.STOPPED, TierState.UNREACHABLE, TierState.FAILED, TierState.STOPPING}
    if any(_state(tier, statuses) not in away or tier.starter for tier in order):
        return None
    for state in (TierState.STOPPED, TierState.UNREACHABLE):
        for tier in order:
            box = next((one for one in boxes if _is_on(tier, one.name)), None)
            if box is None or _state(tier, statuses) is not state:
                continue
            if state is TierState.STOPPED:
                return Demand(box, tier, asleep=False)
            there = [_state(one, statuses) for one in tiers if _is_on(one, box.name)]
            if box.mac and all(one is TierState.UNREACHABLE for one in there):
                return Demand(box, tier, asleep=True)
    return None


def _state(tier: Tier, statuses: Mapping[str, TierStatus]) -> TierState:
    status = statuses.get(tier.name)
    return status.state if status else TierState.UNKNOWN


def _is_on(tier: Tier, box: str) -> bool:
    control = tier.control
    return control is not None and control.kind is ControlKind.COMPOSE and control.box == box
