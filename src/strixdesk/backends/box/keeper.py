"""Keeps the status of one box: the only writer of it, and who starts and stops things there."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from strixdesk.backends.box.control import Patience
from strixdesk.backends.box.docker_trouble import docker_trouble
from strixdesk.backends.box.look import Look, look
from strixdesk.backends.box.look_stream import LookStream
from strixdesk.backends.box.operations import Operations, Wish
from strixdesk.backends.box.plans import make_plan
from strixdesk.backends.box.services import ServiceBook
from strixdesk.backends.box.shell import Shell
from strixdesk.backends.box.start_history import StartHistory
from strixdesk.core.box import (
    Box,
    BoxStatus,
    ContainerState,
    Deed,
    Hop,
    HopKind,
    HopState,
    Operation,
)
from strixdesk.core.errors import (
    BoxError,
    BoxUnreachable,
    CommandTimeout,
    NotEnoughMemory,
)
from strixdesk.core.memory import Forecast
from strixdesk.core.stack import Service, Stack


@dataclass(frozen=True, slots=True)
class BoxPace:
    """How often a box is looked at; seconds."""

    watched_s: float = 5.0
    idle_s: float = 60.0
    busy_s: float = 1.0
    """While something starts, or is started or stopped from here."""
    away_s: float = 2.5
    """While it is out of reach and somebody looks."""
    hops_s: float = 60.0
    """The way there is looked at anew, even while all is well."""
    stack_s: float = 60.0
    """A stack that could not be read is tried again."""


class World(Protocol):
    """What a keeper learns about a box beside its containers."""

    async def hops(self, box: Box, shell: Shell) -> tuple[Hop, ...]: ...

    async def stack(self, shell: Shell, box: Box) -> Stack:
        """Raises BoxError."""

    async def answers(self, box: Box, service: Service) -> bool:
        """Its server says that it is ready."""

    async def port_taken(self, box: Box, service: Service) -> bool: ...

    def forecast(
        self, box: Box, stack: Stack, status: BoxStatus, services: Sequence[str]
    ) -> Forecast | None: ...


class BoxKeeper:
    """One task looks and writes; others ask and read. Operations come one after the other."""

    def __init__(
        self,
        box: Box,
        shell: Shell,
        world: World,
        on_change: Callable[[BoxKeeper, bool], None],
        *,
        history: StartHistory | None = None,
        pace: BoxPace | None = None,
        patience: Patience | None = None,
        who: str | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`on_change` is told the keeper, and whether its stack was read anew."""
        self.box = box
        self.stack: Stack | None = None
        self._shell = shell
        self._world = world
        self._on_change = on_change
        self._pace = pace or BoxPace()
        self._now = now
        self._book = ServiceBook(box, history or StartHistory())
        unknown = tuple(Hop(kind, HopState.UNKNOWN) for kind in HopKind)
        self.status = BoxStatus(unknown, now())
        self._hops: tuple[Hop, ...] = unknown
        self._requests: list[asyncio.Future[BoxStatus]] = []
        self._deep = False
        self._work = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._watched: bool | None = None
        """None: not looking by itself."""
        self._asleep = False
        self._stream = LookStream(shell, self._streamed)
        self._brought: Look | None = None
        self._hops_at = self._stack_at = self._looked_at = float("-inf")
        self._cancels = 0
        self._operations = Operations(
            box, shell, self, self._operation_changed, patience=patience, who=who, now=now
        )

    # -- looking -------------------------------------------------------------------------------

    def poll(self, *, watched: bool) -> None:
        self._watched = watched
        self._ensure_task()
        self._work.set()

    def set_asleep(self, asleep: bool) -> None:
        self._asleep = asleep
        if not asleep:
            self._hops_at = float("-inf")
        self._work.set()

    def nudge(self) -> None:
        """There is reason to doubt what is known; not more often than something starting is
        looked at."""
        if self._watched is not None and time.monotonic() - self._looked_at > self._pace.busy_s:
            self._work.set()

    async def refresh(self) -> BoxStatus:
        """A look from now on, the stack's files included."""
        self._deep = True
        return await self.look()

    async def look(self) -> BoxStatus:
        answer: asyncio.Future[BoxStatus] = asyncio.get_running_loop().create_future()
        self._requests.append(answer)
        self._ensure_task()
        self._work.set()
        return await answer

    async def close(self) -> None:
        await self._operations.close()
        await self._stream.stop()
        task, self._task = self._task, None
        if task:
            task.cancel()
            await asyncio.wait([task])
        await self._shell.close()

    def _ensure_task(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._keep(), name=f"box {self.box.name}")
            self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Nobody may wait for a task that is gone: closed, or dead of a programming error."""
        requests, self._requests = self._requests, []
        fault = None if task.cancelled() else task.exception()
        for answer in requests:
            if answer.done():
                continue
            if fault:
                answer.set_exception(fault)
            else:
                answer.cancel()

    async def _keep(self) -> None:
        while True:
            await self._tend_stream()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._delay_s()):
                    await self._work.wait()
            self._work.clear()
            if self._asleep and not self._requests:
                continue
            requests, self._requests = self._requests, []
            brought, self._brought = self._brought, None
            try:
                await self._look(None if requests else brought)
            except BaseException:
                self._requests += requests  # `_ended` answers them
                raise
            for answer in requests:
                if not answer.done():
                    answer.set_result(self.status)

    def _delay_s(self) -> float | None:
        if self._watched is None or self._asleep:
            return None
        if self._operations.running:
            return 2 * self._pace.busy_s  # it looks for itself
        if self._book.starting and self._watched:
            return self._pace.busy_s
        if self.status.broken and self._watched:
            return self._pace.away_s
        if self._stream.running:
            return 3 * self._pace.watched_s  # it brings looks by itself, or else is doubted
        return self._pace.watched_s if self._watched else self._pace.idle_s

    async def _tend_stream(self) -> None:
        """While somebody looks and nothing moves, the box itself looks and tells."""
        steady = (
            self._watched
            and not self._asleep
            and self.stack is not None
            and self.status.broken is None
            and not self._operations.running
            and not self._book.starting
        )
        if steady:
            self._stream.ensure(self._folder(), self._projects(), self._pace.watched_s)
        else:
            await self._stream.stop()

    def _streamed(self, look: Look | None) -> None:
        self._brought = look  # None: it ended, which one's own look explains
        self._work.set()

    async def _look(self, brought: Look | None) -> None:
        deep, self._deep = self._deep, False
        at = self._looked_at = time.monotonic()
        try:
            if deep or at - self._hops_at > self._pace.hops_s or self.status.broken:
                self._hops = await self._world.hops(self.box, self._shell)
                self._hops_at = time.monotonic()
                if any(hop.state is HopState.FAILED for hop in self._hops):
                    self._write(replace(self.status, hops=self._hops))
                    return
            if deep or (self.stack is None and at - self._stack_at > self._pace.stack_s):
                await self._read_stack()
            seen = brought or await look(self._shell, self._folder(), self._projects())
            services = await self._book.read(
                self._shell, seen, self.stack, lambda one: self._world.answers(self.box, one)
            )
        except (BoxUnreachable, CommandTimeout) as error:
            await self._lost(error)
            return
        holder = seen.holder
        if holder and holder.token.startswith(f"{self._operations.owner}-"):
            holder = None
        self._write(
            replace(
                self.status,
                hops=self._with_docker(seen),
                services=services if services is not None else self.status.services,
                memory=seen.memory or self.status.memory,
                holder=holder.words(seen.box_now) if holder else "",
            )
        )

    def _folder(self) -> str:
        return self.stack.directory if self.stack else ""

    def _projects(self) -> tuple[str, ...]:
        return self.stack.projects if self.stack else ()

    async def _read_stack(self) -> None:
        """What stands against it is told with the hop to docker; the rest is looked at anyway."""
        self._stack_at = time.monotonic()
        try:
            stack = await self._world.stack(self._shell, self.box)
        except (BoxUnreachable, CommandTimeout):
            raise
        except BoxError as error:
            self._hops = _with_hop(
                self._hops, Hop(HopKind.DOCKER, HopState.IMPAIRED, error.sentence())
            )
            return
        if stack != self.stack:
            self.stack = stack
            self._on_change(self, True)

    async def _lost(self, error: BoxError) -> None:
        """Which hop it is, the hops themselves say best."""
        self._hops = await self._world.hops(self.box, self._shell)
        self._hops_at = time.monotonic()
        if all(hop.state is not HopState.FAILED for hop in self._hops):
            kind = HopKind.SSH
            if isinstance(error, BoxUnreachable) and error.hop in {one.value for one in HopKind}:
                kind = HopKind(error.hop)
            self._hops = _with_hop(self._hops, Hop(kind, HopState.FAILED, error.sentence()))
        self._write(replace(self.status, hops=self._hops))

    def _with_docker(self, seen: Look) -> tuple[Hop, ...]:
        if not seen.refusal:
            return self._hops
        trouble = docker_trouble(seen.refusal_status, seen.refusal)
        return _with_hop(self._hops, Hop(HopKind.DOCKER, HopState.FAILED, trouble.sentence()))

    def _write(self, status: BoxStatus) -> None:
        old = self.status
        self.status = replace(status, checked_at=self._now(), operation=self._operations.latest)
        if _news(self.status) != _news(old):
            self._on_change(self, False)

    # -- doing ---------------------------------------------------------------------------------

    async def do(
        self, deed: Deed, services: Sequence[str], mode: str | None, *, override: bool
    ) -> Operation:
        """As `Boxes.do`."""
        cancels = self._cancels
        status = await self.refresh() if self.stack is None else await self.look()
        if status.broken:
            raise BoxUnreachable(
                f"“{self.box.name}” cannot be reached: {status.broken.detail}",
                hop=status.broken.kind.value,
            )
        stack = self.stack
        if stack is None:
            raise BoxError(
                f"No stack was found on “{self.box.name}”.",
                "Give the folder of its compose files in the settings.",
            )
        up = {one.name for one in status.services if one.container is ContainerState.RUNNING}
        plan = make_plan(stack, deed, services, mode, up)
        # reckoned with already, though one in a restart loop may have to be started
        counted = {one.name for one in status.services if one.container.alive}
        new = [name for name in plan.starts if name not in counted or deed is Deed.RESTART]
        if new and not override:
            forecast = self._world.forecast(self.box, stack, status, new)
            if forecast and not forecast.fits:
                ways = " Or: ".join(remedy.sentence for remedy in forecast.remedies)
                raise NotEnoughMemory(forecast.sentence, ways)
        wish = Wish(deed, plan, mode, override)
        return await self._operations.do(stack, wish, unwanted=lambda: self._cancels > cancels)

    def cancel(self) -> None:
        """Also what has been asked for and has not begun yet."""
        self._cancels += 1
        self._operations.cancel()

    def _operation_changed(self) -> None:
        self._write(self.status)
        if not self._operations.running:
            self._work.set()  # and what really runs now

    def is_up(self, service: str) -> bool:
        return self._book.is_up(service)

    async def port_taken(self, service: Service) -> bool:
        return await self._world.port_taken(self.box, service)

    # -- logs ----------------------------------------------------------------------------------

    async def log_lines(self, service: str, tail: int) -> AsyncGenerator[str, None]:
        container = self._book.container(service)
        if container is None:
            await self.look()
            container = self._book.container(service)
        if container is None:
            return
        command = ["docker", "logs", "--follow", "--tail", str(tail), container.id]
        async with contextlib.aclosing(self._shell.lines(command)) as lines:
            async for line in lines:
                yield line


def _with_hop(hops: tuple[Hop, ...], hop: Hop) -> tuple[Hop, ...]:
    if all(one.kind is not hop.kind for one in hops):
        return (*hops, hop)
    return tuple(hop if one.kind is hop.kind else one for one in hops)


def _news(status: BoxStatus) -> BoxStatus:
    """Without what moves with every look and is no news."""
    memory = status.memory
    if memory:
        memory = replace(memory, available_bytes=memory.available_bytes // 200_000_000)
    hops = tuple(replace(hop, latency_ms=None) for hop in status.hops)
    return replace(status, checked_at=0.0, memory=memory, hops=hops)
