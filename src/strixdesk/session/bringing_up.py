"""Brings up what a kept question waits for: wakes its box, starts its tier, by the user's yes or by
itself. A tier that a box leaves stopped when it comes up is started, or offered, too."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

from strixdesk.core.box import Box, BoxStatus, HopKind, HopState
from strixdesk.core.conversation import Message
from strixdesk.core.errors import StoreError, StrixError
from strixdesk.core.events import BoxChanged, BoxesChanged, Event, Failed, Noticed
from strixdesk.core.memory import Forecast
from strixdesk.core.on_demand import HERE, Demand, box_of, is_on, is_startable, state_of
from strixdesk.core.tier import Tier, TierState, TierStatus
from strixdesk.session.box_control import YES_WITHIN_S, BoxControl, about, start_of
from strixdesk.session.confirmations import Confirmations
from strixdesk.session.kept_questions import Kept, KeptQuestions
from strixdesk.session.log import ConversationLog
from strixdesk.session.ports import Boxes, Tiers

WAKES_WITHIN_S = 180.0
"""A box that is not up after so long may be woken once more."""
COMES_UP_WITHIN_S = 20.0
"""On a box that is up: docker restarts what ran before, and nobody need start that."""
_LOOK_S = 2.0
_LOOKS = 150
"""So often a server that was started is looked at, until it answers."""


class BringingUp:
    """`can_answer` tells whether somebody could answer a kept question now."""

    def __init__(
        self,
        tiers: Tiers,
        boxes: Boxes,
        control: BoxControl,
        confirmations: Confirmations,
        kept: KeptQuestions,
        *,
        emit: Callable[[Event], None],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        log_of: Callable[[str], Awaitable[ConversationLog]],
        can_answer: Callable[[Kept], bool],
    ) -> None:
        self._tiers = tiers
        self._boxes = boxes
        self._control = control
        self._confirmations = confirmations
        self._kept = kept
        self._emit = emit
        self._spawn = spawn
        self._log_of = log_of
        self._can_answer = can_answer
        self._woken: dict[str, float] = {}
        """When boxes that have not come up yet were sent a wake; monotonic seconds."""
        self._up: set[str] = set()
        """Boxes on which commands can be run."""
        self._seen_to: set[str] = set()
        """Boxes whose stopped tiers are being seen to."""
        self._let_be: set[tuple[str, str]] = set()
        """Boxes and tiers: declined, failed or done already since that box came up."""
        self._dealt_with: set[str] = set()
        """Messages whose tier is offered or started already."""
        boxes.subscribe(self._box_moved)

    def awake(self) -> frozenset[str]:
        """Names of the boxes on which commands can be run."""
        return frozenset({box.name for box in self._boxes.all() if self._is_up(box)} | {HERE.name})

    def forecast(self, box: Box, tier: Tier) -> Forecast | None:
        """What its start would do to the memory; None: nothing is known of it."""
        services = start_of(tier, box).command.services
        return self._boxes.forecast(box, services) if services else None

    def eta(self, box: Box, tier: Tier) -> str:
        """A sentence, with the blank before it; empty where it is not known."""
        services = start_of(tier, box).command.services
        took_s = self._boxes.expected_start_s(box, services[0]) if services else None
        return f" That takes {about(took_s)}." if took_s is not None else ""

    async def begin(
        self, demand: Demand, message: Message, conversation: ConversationLog, *, aloud: bool
    ) -> None:
        """For the question that waits at this message."""
        if demand.asleep:
            await self._wake(demand.box, message.id)
            return
        self._dealt_with.add(message.id)
        try:
            await self._start(demand, message, conversation, aloud=aloud)
        finally:
            self._dealt_with.discard(message.id)

    async def _start(
        self, demand: Demand, message: Message, conversation: ConversationLog, *, aloud: bool
    ) -> None:
        box, tier = demand.box, demand.tier
        self._let_be.discard((box.name, tier.name))  # it is wanted anew
        if box.start_on_demand != "automatic":
            offer = f"“{tier.title}” is stopped. Shall I start it and answer then?"
            sentence = f"{offer}{self.eta(box, tier)} Say yes."
            confirmed = await self._confirmations.ask(sentence, YES_WITHIN_S, message.id)
            if confirmed is None:  # it waits on, and is offered again after what was asked since
                self._spawn(self.see_to(box.name))
                return
            if not confirmed:
                self._let_be.add((box.name, tier.name))
                await self._give_up(message, f"“{tier.title}” is stopped.", conversation)
                return
        if self._is_busy(box):  # it comes up as part of that, or is seen to after
            self._spawn(self.see_to(box.name))
            return
        self._let_be.add((box.name, tier.name))
        if await self._control.do(start_of(tier, box), conversation, aloud=aloud):
            await self._expect(tier)
        else:
            await self._give_up(message, f"“{tier.title}” was not started.", conversation)

    async def _expect(self, tier: Tier) -> None:
        """Looks at it until it answers, or says why it does not."""
        for _ in range(_LOOKS):
            self._tiers.doubt(tier)
            if self._state(tier) not in {TierState.STOPPED, TierState.UNREACHABLE}:
                return
            await asyncio.sleep(_LOOK_S)

    async def _give_up(self, message: Message, words: str, conversation: ConversationLog) -> None:
        if await self._kept.remove(message.id, taken=False):
            await conversation.update(replace(message.without_offer(), detail=words))

    # -- a box that is asleep ------------------------------------------------------------------

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

    # -- a box that came up --------------------------------------------------------------------

    def tier_moved(self, tier: Tier, status: TierStatus) -> None:
        box = box_of(tier, self._boxes.all())
        if box and status.state is TierState.READY:
            self._woken.pop(box.name, None)
        if box and status.state is TierState.STOPPED:
            self._spawn(self.see_to(box.name))

    def _box_moved(self, event: BoxChanged | BoxesChanged) -> None:
        if not isinstance(event, BoxChanged):
            return
        box = event.box
        if not _is_open(box, event.status):
            self._up.discard(box.name)
            self._let_be = {one for one in self._let_be if one[0] != box.name}
        elif box.name not in self._up:
            self._up.add(box.name)
            self._spawn(self.see_to(box.name))

    async def see_to(self, name: str) -> None:
        """Starts or offers what questions wait for on a box, if it does not come up by itself."""
        if name in self._seen_to:
            return
        self._seen_to.add(name)
        try:
            await asyncio.sleep(COMES_UP_WITHIN_S)
            while found := await self._left_stopped(name):
                box = found[-1]
                if self._is_busy(box):
                    await asyncio.sleep(_LOOK_S)
                elif box.start_on_demand != "automatic" and self._confirmations.open:
                    await self._confirmations.none_open()  # it takes no other's place
                else:
                    await self._start_late(*found)
        except StoreError as error:
            self._emit(Failed(error.message, error.advice))
        finally:
            self._seen_to.discard(name)

    async def _left_stopped(self, name: str) -> tuple[Kept, Tier, Box] | None:
        waiting = await self._kept.all()
        boxes = self._boxes.all()
        box = next((box for box in (*boxes, HERE) if box.name == name), None)
        if box is None or box.start_on_demand == "never":
            return None
        for kept in waiting:
            if kept.box != name or kept.message_id in self._dealt_with or self._can_answer(kept):
                continue
            able = [
                tier
                for tier in self._tiers.all()
                if (tier.name == kept.tier if kept.tier else is_on(tier, name, boxes))
            ]
            if any(self._state(tier) in {TierState.STARTING, TierState.LOADING} for tier in able):
                continue
            for tier in able:
                is_wanted = tier.name == (kept.tier or kept.wanted)
                if not is_wanted or (name, tier.name) in self._let_be:
                    continue
                if is_startable(tier, self._state(tier), awake=self._is_up(box)):
                    return kept, tier, box
        return None

    async def _start_late(self, kept: Kept, tier: Tier, box: Box) -> None:
        """The question stays kept in any case, as it did when its box was asleep."""
        self._let_be.add((box.name, tier.name))
        log = await self._log_of(kept.conversation_id)
        message = log.message(kept.message_id)
        if message is None:
            return
        words = f"{box.name} is up, but “{tier.title}” is stopped."
        look = self.forecast(box, tier)
        if look and not look.fits:
            words = f"{words} It would not fit. {look.sentence}"
        await log.update(replace(message, detail=f"Waiting: {words}"))
        if look and not look.fits:
            return
        if box.start_on_demand != "automatic":
            sentence = f"{words} A question waits for it. Shall I start it? Say yes."
            confirmed = await self._confirmations.ask(sentence, YES_WITHIN_S, kept.message_id)
            if not confirmed:
                if confirmed is None or not await self._kept.one(kept.message_id):
                    self._let_be.discard((box.name, tier.name))  # displaced or dropped: once more
                return
        if await self._control.do(start_of(tier, box), log, aloud=False):
            await self._expect(tier)

    # -- what is known -------------------------------------------------------------------------

    def _is_up(self, box: Box) -> bool:
        return box.is_here or _is_open(box, self._boxes.status_of(box))

    def _is_busy(self, box: Box) -> bool:
        watched = next((one for one in self._boxes.all() if one.name == box.name), None)
        operation = self._boxes.status_of(watched).operation if watched else None
        return self._control.busy(box) or (operation is not None and not operation.state.over)

    def _state(self, tier: Tier) -> TierState:
        return state_of(tier, self._tiers.statuses())


def _is_open(box: Box, status: BoxStatus) -> bool:
    """Commands can be run there."""
    well = {HopState.OK, HopState.IMPAIRED}
    return box.is_here or any(hop.kind is HopKind.SSH and hop.state in well for hop in status.hops)
