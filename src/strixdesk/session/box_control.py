"""Starts and stops things on boxes by word: plan, read-back, yes, progress, end.

Nothing is done before the yes. What is done goes on beside the turns, on each box by itself, and
“stop” ends it everywhere.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any

from strixdesk.core.box import Box, Deed, Operation, OperationState
from strixdesk.core.commands import Command, Reply, Unclear, command, listed, reply
from strixdesk.core.conversation import Message, MessageStatus, Role, Text
from strixdesk.core.errors import BoxError, StrixError
from strixdesk.core.events import BoxChanged, BoxesChanged
from strixdesk.core.ids import new_id
from strixdesk.core.memory import Forecast, gb
from strixdesk.core.tier import ControlKind, Tier
from strixdesk.session.confirmations import Confirmations
from strixdesk.session.log import ConversationLog
from strixdesk.session.ports import Boxes, Controls, Tiers

YES_WITHIN_S = 60.0
CANCEL_WITHIN_S = 0.2
"""An operation that has not reached a safe point by then is cut off."""
CANCELLED = "Cancelled: what was up stays up."
_DOING = {
    Deed.START: "Starting",
    Deed.STOP: "Stopping",
    Deed.RESTART: "Restarting",
    Deed.PULL: "Pulling",
}


@dataclass(frozen=True, slots=True)
class Plan:
    command: Command
    override: bool = False

    @property
    def box(self) -> Box:
        return self.command.box


def start_of(tier: Tier, box: Box) -> Plan:
    """The start of one tier that has a control, on its box."""
    words = f"the {tier.title}"
    if tier.control and tier.control.kind is ControlKind.COMPOSE:
        return Plan(Command(Deed.START, box, (tier.control.unit,), words=words))
    return Plan(Command(Deed.START, box, tiers=(tier.name,), words=words))


@dataclass(slots=True)
class _Running:
    task: asyncio.Task[Operation]
    grace_s: float
    """For it to reach a safe point when it is cancelled."""
    progress: asyncio.Queue[str]
    stopped: bool = False


class BoxControl:
    """`controls` deals with tiers that are no compose services. `spawn` runs something beside the
    turns, `say` reads a sentence out when there is quiet."""

    def __init__(
        self,
        boxes: Boxes,
        tiers: Tiers,
        controls: Controls | None,
        confirmations: Confirmations,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        say: Callable[[str], Awaitable[None]],
    ) -> None:
        self._boxes = boxes
        self._tiers = tiers
        self._controls = controls
        self._confirmations = confirmations
        self._spawn = spawn
        self._say = say
        self._refused: tuple[Plan, ...] = ()
        """Something of it does not fit: “start anyway” would do it all the same."""
        self._running: dict[str, _Running] = {}
        boxes.subscribe(self._moved)

    def take(self, text: str, conversation: ConversationLog, *, aloud: bool) -> str | None:
        """What to tell the user at once; None: it is a question for a model. `aloud`: the turn is
        spoken, and so is what comes of it."""
        said, waits = reply(text), self._confirmations.open
        refused, self._refused = self._refused, ()
        if waits and said is Reply.YES and waits == self._confirmations.open_to_words:
            self._confirmations.answer(waits, yes=True)
            return "All right."
        self.moved_on()
        declined = waits and said in {Reply.NO, Reply.STOP}
        if waits and declined:
            self._confirmations.answer(waits, yes=False)
        if said is Reply.STOP and self.stop():
            return "I am stopping it."
        if declined:
            return "All right, nothing is done."
        if said is Reply.ANYWAY and refused:
            return self._ask(refused, conversation, aloud=aloud)
        stacks = {box: self._boxes.stack_of(box) for box in self._boxes.all()}
        found = command(text, self._tiers.all(), stacks)
        if isinstance(found, Unclear):
            return f"Which {found.called}: {_or(found.boxes)}? Say it with the name of the machine."
        return self._ask([Plan(one) for one in found], conversation, aloud=aloud) if found else None

    def moved_on(self) -> None:
        """Something else is said: a yes after it is not meant for what was asked before. That waits
        on for the window's own yes."""
        self._confirmations.moved_on()

    def busy(self, box: Box) -> bool:
        return box.name in self._running

    def stop(self) -> bool:
        """Cancels what is being done. False: nothing is."""
        running = [(name, one) for name, one in self._running.items() if not one.stopped]
        for name, one in running:
            one.stopped = True
            for box in self._boxes.all():
                if box.name == name:
                    self._boxes.cancel(box)
            asyncio.get_running_loop().call_later(one.grace_s, one.task.cancel)
        return bool(running)

    # -- before the yes ------------------------------------------------------------------------

    def _ask(self, plans: Sequence[Plan], conversation: ConversationLog, *, aloud: bool) -> str:
        if refusal := next(filter(None, map(self._unable, plans)), ""):
            return refusal
        looks = {plan: self._forecast(plan) for plan in plans}
        tight = {plan: look for plan, look in looks.items() if look and not look.fits}
        if not all(plan.override for plan in tight):
            self._refused = tuple(replace(plan, override=plan in tight) for plan in plans)
            return " ".join((*map(_why_not, tight.values()), "Or say: start anyway."))
        said = " And ".join(self._sentence(plan, look) for plan, look in looks.items())
        sentence = f"{said} Say yes."
        self._spawn(self._confirmed(plans, sentence, conversation, aloud=aloud))
        return sentence

    def _unable(self, plan: Plan) -> str:
        """Why nothing can be done there now."""
        box = plan.box
        if self.busy(box):
            return _busy(box)
        if not plan.command.by_compose:
            return ""
        status = self._boxes.status_of(box)
        if status.broken:
            return f"{box.name} cannot be reached. {status.broken.detail}".strip()
        if status.holder:
            return f"{status.holder} is starting or stopping things on {box.name} right now."
        return ""

    def services(self, plan: Plan) -> tuple[str, ...]:
        """What it is about, in the order in which it is dealt with."""
        meant = plan.command
        stack = None if meant.tiers else self._boxes.stack_of(plan.box)
        if meant.services or meant.tiers or stack is None:
            return meant.services
        mode = stack.mode(meant.mode) if meant.mode else None
        return mode.services if mode else tuple(one.name for one in stack.services)

    def _forecast(self, plan: Plan) -> Forecast | None:
        if plan.command.deed is not Deed.START or not plan.command.by_compose:
            return None
        return self._boxes.forecast(plan.box, self.services(plan))

    def _sentence(self, plan: Plan, look: Forecast | None) -> str:
        meant = plan.command
        what = meant.words
        if not (meant.services or meant.tiers):
            stack = self._boxes.stack_of(plan.box)
            roles = [
                one.role or one.name
                for name in self.services(plan)
                if stack and (one := stack.service(name))
            ]
            what += f": {listed(roles)}" if roles else ""
        facts = [f"I would {meant.deed.value} {what} on {plan.box.name}."]
        if meant.deed in {Deed.START, Deed.RESTART}:
            past = [self._boxes.expected_start_s(plan.box, one) for one in self.services(plan)]
            known = [seconds for seconds in past if seconds is not None]
            if known and len(known) == len(past):
                facts.append(f"That takes {about(sum(known))}.")
        if look and look.fits:
            facts.append(f"It leaves {gb(look.free_bytes)} free.")
        elif look:
            facts.append("The memory does not suffice for that, and the box may freeze.")
        return " ".join(facts)

    # -- after it ------------------------------------------------------------------------------

    async def _confirmed(
        self, plans: Sequence[Plan], sentence: str, conversation: ConversationLog, *, aloud: bool
    ) -> None:
        if await self._confirmations.ask(sentence, YES_WITHIN_S):
            for plan in plans:  # side by side: one box need not wait for another
                self._spawn(self._carry_out(plan, conversation, aloud=aloud))

    async def _carry_out(self, plan: Plan, conversation: ConversationLog, *, aloud: bool) -> None:
        await self.do(plan, conversation, aloud=aloud)

    async def do(self, plan: Plan, conversation: ConversationLog, *, aloud: bool) -> bool:
        """Does it and tells of it in the conversation. True: it is done."""
        meant = plan.command
        begun = f"{_DOING[meant.deed]} {meant.words} on {plan.box.name}."
        message = Message(
            new_id(), Role.ASSISTANT, (Text(begun),), MessageStatus.STREAMING, time.time()
        )
        if self.busy(plan.box):  # begun meanwhile, by another yes
            words = _busy(plan.box)
            failed = MessageStatus.FAILED
            await conversation.add(
                replace(message, parts=(Text(words),), status=failed, detail=words)
            )
            return False
        # A tier's own command knows no safe points: it is ended at once.
        grace_s = CANCEL_WITHIN_S if meant.by_compose else 0.0
        running = _Running(asyncio.ensure_future(self._done(plan)), grace_s, asyncio.Queue())
        self._running[plan.box.name] = running
        try:
            await conversation.add(message)
            follower = asyncio.create_task(self._follow(message, running, conversation))
            try:
                done, words = await self._end(running)
            finally:
                running.task.cancel()
                follower.cancel()
                await asyncio.wait({follower, running.task})
        finally:
            del self._running[plan.box.name]
        status = MessageStatus.COMPLETE if done or running.stopped else MessageStatus.FAILED
        shown = words or f"Done: {meant.deed.value} {meant.words}."
        await conversation.update(
            replace(
                message,
                parts=(Text(shown),),
                status=status,
                detail=None if status is MessageStatus.COMPLETE else shown,
                spoken=aloud,
            )
        )
        if aloud:
            await self._say(shown)
        return done

    async def _done(self, plan: Plan) -> Operation:
        meant = plan.command
        began = time.time()
        dealt_with: list[str] = []
        if meant.by_compose:
            ended = await self._boxes.do(
                plan.box, meant.deed, meant.services, mode=meant.mode, override=plan.override
            )
            if ended.state is not OperationState.DONE or not meant.tiers:
                return ended
            dealt_with.append(ended.step)
        for tier in [one for one in self._tiers.all() if one.name in meant.tiers]:
            if self._controls is None:
                raise BoxError(f"“{tier.title}” cannot be started or stopped from here.")
            try:
                await self._controls.do(tier, meant.deed)
            except StrixError as error:
                raise BoxError(" ".join((*dealt_with, error.message)), error.advice) from error
            finally:
                self._tiers.doubt(tier)  # its state is another one now
            dealt_with.append(f"Done: {meant.deed.value} the {tier.title}.")
        return Operation(new_id(), meant.deed, meant.tiers, OperationState.DONE, began)

    async def _end(self, running: _Running) -> tuple[bool, str]:
        try:
            await asyncio.wait({running.task})
            ended = running.task.result()
        except asyncio.CancelledError:
            if not running.stopped:
                raise
            return False, CANCELLED
        except StrixError as error:
            return False, error.sentence()
        if ended.state is OperationState.CANCELLED:
            return False, CANCELLED
        return ended.state is OperationState.DONE, ended.step

    async def _follow(
        self, message: Message, running: _Running, conversation: ConversationLog
    ) -> None:
        told = message.text
        while True:
            step = await running.progress.get()
            while not running.progress.empty():
                step = running.progress.get_nowait()
            if step and step != told:
                told = step
                await conversation.update(replace(message, parts=(Text(step),)))

    def _moved(self, event: BoxChanged | BoxesChanged) -> None:
        if isinstance(event, BoxChanged) and (now := event.status.operation):
            running = self._running.get(event.box.name)
            if running and not now.state.over:
                running.progress.put_nowait(now.step)


def about(seconds: float) -> str:
    if seconds < 90:
        return f"about {max(1, round(seconds))} seconds"
    return f"about {round(seconds / 60)} minutes"


def _busy(box: Box) -> str:
    return f"Something is being done on {box.name} already. Say stop to end it."


def _why_not(look: Forecast) -> str:
    ways = " Or: ".join(one.sentence for one in look.remedies[:2])
    return f"{look.sentence} {ways}".strip()


def _or(boxes: Sequence[Box]) -> str:
    return " or ".join(f"on {box.name}" for box in boxes)
