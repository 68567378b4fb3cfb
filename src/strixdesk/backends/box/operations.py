"""What is started and stopped on one box: one operation after the other, each under its lock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from strixdesk.backends.box.control import Conductor, Eyes, Patience
from strixdesk.backends.box.lock import BoxLock
from strixdesk.backends.box.plans import Plan
from strixdesk.backends.box.shell import Shell
from strixdesk.core.box import Box, Deed, Operation, OperationState
from strixdesk.core.errors import StrixError
from strixdesk.core.ids import new_id
from strixdesk.core.stack import Stack


@dataclass(frozen=True, slots=True)
class Wish:
    """A deed, and what it comes down to."""

    deed: Deed
    plan: Plan
    mode: str | None = None
    override: bool = False

    @property
    def words(self) -> str:
        return f"{self.deed.value} {self.mode or ', '.join(self.plan.services) or 'nothing'}"


def ends(newer: Wish, older: Wish) -> bool:
    """The newer wish takes the place of the older one while that is being carried out: they are
    about the same services, and do not both want them up."""
    same = set(newer.plan.services) & set(older.plan.services)
    return bool(same) and not (newer.deed is Deed.START and older.deed is Deed.START)


class Operations:
    def __init__(
        self,
        box: Box,
        shell: Shell,
        eyes: Eyes,
        on_change: Callable[[], None],
        *,
        patience: Patience | None = None,
        who: str | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`who`: as others are told who holds the box; None: the user on this computer."""
        self._box = box
        self._shell = shell
        self._eyes = eyes
        self._on_change = on_change
        self._patience = patience
        self._who = who
        self._now = now
        self.latest: Operation | None = None
        """Running or over."""
        self.owner = new_id()
        """With this its locks' tokens begin: a box that is held with one is held from here."""
        self._task: asyncio.Task[None] | None = None
        self._wish: Wish | None = None
        self._turn = asyncio.Lock()

    @property
    def running(self) -> bool:
        return self._task is not None

    async def do(
        self, stack: Stack, wish: Wish, *, unwanted: Callable[[], bool] = lambda: False
    ) -> Operation:
        """Returns when it is over. `unwanted` tells, when its turn has come, whether it was
        cancelled meanwhile. Raises BoxBusy or BoxUnreachable when it could not begin."""
        if self._wish and ends(wish, self._wish):
            self.cancel()
        async with self._turn:
            lock = BoxLock(
                self._shell, stack.directory, wish.words, who=self._who, owner=self.owner
            )
            try:
                await lock.ensure()
                return await self._carry_out(stack, wish, lock, unwanted)
            finally:
                await lock.release()

    def cancel(self) -> None:
        if self._task:
            self._task.cancel()

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _carry_out(
        self, stack: Stack, wish: Wish, lock: BoxLock, unwanted: Callable[[], bool]
    ) -> Operation:
        operation = Operation(
            new_id(),
            wish.deed,
            wish.plan.services,
            OperationState.RUNNING,
            self._now(),
            wish.mode,
            progress=0.0,
        )
        conductor = Conductor(
            self._shell,
            stack,
            self._eyes,
            self._tell,
            lock,
            patience=self._patience,
            reserve_bytes=self._box.reserve_bytes,
            override=wish.override,
        )
        task = asyncio.create_task(conductor.run(wish.plan), name=f"{self._box.name}: {wish.words}")
        self._task, self._wish, self.latest = task, wish, operation
        self._on_change()
        if unwanted():
            task.cancel()
        try:
            await asyncio.wait([task])
        finally:
            task.cancel()  # where the caller itself was cancelled
            await asyncio.wait([task])
            self._task = self._wish = None
            self.latest = _over(self.latest, task)
            self._on_change()
        if not task.cancelled() and (fault := task.exception()) and not _is_ours(fault):
            raise fault
        return self.latest

    def _tell(self, step: str, progress: float | None, eta_s: float | None) -> None:
        if self.latest:
            self.latest = replace(self.latest, step=step, progress=progress, eta_s=eta_s)
            self._on_change()


def _is_ours(fault: BaseException) -> bool:
    return isinstance(fault, StrixError)


def _over(operation: Operation, task: asyncio.Task[None]) -> Operation:
    """How it went."""
    operation = replace(operation, eta_s=None)
    if task.cancelled():
        step = "Cancelled. What is up by now stays up."
        return replace(operation, state=OperationState.CANCELLED, step=step)
    fault = task.exception()
    if fault is None:
        return replace(operation, state=OperationState.DONE, step=_done(operation), progress=1.0)
    step = fault.sentence() if isinstance(fault, StrixError) else "The program made a mistake."
    return replace(operation, state=OperationState.FAILED, step=step)


def _done(operation: Operation) -> str:
    names = ", ".join(operation.services)
    if not names:
        return "There was nothing to do."
    match operation.deed:
        case Deed.START | Deed.RESTART:
            return f"Up: {names}."
        case Deed.STOP:
            return f"Stopped: {names}."
        case Deed.PULL:
            return f"The newest images are there: {names}."
