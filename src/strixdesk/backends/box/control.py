"""Carries out a plan on a box: one GPU service after the other, told step by step."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from strixdesk.backends.box.containers import failed
from strixdesk.backends.box.docker_trouble import docker_trouble, lacks_compose, no_compose
from strixdesk.backends.box.lock import BoxLock
from strixdesk.backends.box.plans import Act, Plan, Step
from strixdesk.backends.box.shell import Completed, Shell
from strixdesk.core.box import BoxMemory, BoxStatus, ContainerHealth, ContainerState, ServiceStatus
from strixdesk.core.demand import share_of
from strixdesk.core.errors import BoxError, BoxUnreachable, CommandFailed, NotEnoughMemory
from strixdesk.core.memory import gb
from strixdesk.core.stack import Service, Stack

_IN_FOLDER = 'cd -- "$1" || exit 91; shift; exec "$@"'
_ATTEMPTS = 5
"""Of one command, each after another lost connection."""
_LAST_LINES = 20
"""Of what a command says, kept for the case that it fails."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds."""

    look_s: float = 1.0
    """Between two looks while something is awaited."""
    command_s: float = 120.0
    """For one compose command that stops; what does not is killed after its own grace."""
    ready_s: float = 720.0
    """Until a server is ready, counted anew with each sign of progress in its log: the stack's own
    health window, 120 s and 60 checks 10 s apart."""
    memory_s: float = 30.0
    """For memory that something else is just giving back."""
    stalled_s: float = 180.0
    """A command that may download, and prints nothing for so long, has stalled."""
    away_s: float = 60.0
    """A connection that is lost for longer ends the operation; what runs there goes on."""
    restarts: int = 2
    """So many restarts during one start are a restart loop."""


Tell = Callable[[str, float | None, float | None], None]
"""A step as a sentence, the progress of the whole, seconds that are left."""


class Eyes(Protocol):
    """What a conductor sees of the box."""

    async def look(self) -> BoxStatus:
        """The box as it is now. A broken hop is in the status."""

    def is_up(self, service: str) -> bool:
        """As of the last look: it is ready to be asked."""

    async def port_taken(self, service: Service) -> bool:
        """Something listens on its port."""


class Conductor:
    """One operation. Raises what stands against its success; what is up by then stays up."""

    def __init__(
        self,
        shell: Shell,
        stack: Stack,
        eyes: Eyes,
        tell: Tell,
        lock: BoxLock,
        *,
        patience: Patience | None = None,
        reserve_bytes: int = 0,
        override: bool = False,
    ) -> None:
        """`override`: do not wait for memory."""
        self._shell = shell
        self._stack = stack
        self._eyes = eyes
        self._tell_all = tell
        self._lock = lock
        self._patience = patience or Patience()
        self._reserve_bytes = reserve_bytes
        self._override = override
        self._done = 0
        self._all = 1

    async def run(self, plan: Plan) -> None:
        ups = [step for step in plan.steps if step.act is Act.UP]
        waiting = [step.services[0] for step in ups if not step.alone]
        self._all = max(1, len(plan.steps) + len(waiting))
        for step in plan.steps:
            match step.act:
                case Act.UP:
                    await self._up(step)
                case Act.PULL:
                    self._tell(f"Fetching the image of {_names(step.services)}.")
                    await self._command(step, _never)
                case Act.STOP | Act.DOWN:
                    self._tell(f"Stopping {_names(step.services)}.")
                    await self._command(step, _never)
            self._done += 1
        for name in waiting:  # they share nothing: all load at the same time
            await self._until_ready(name)
            self._done += 1

    # -- starting ------------------------------------------------------------------------------

    async def _up(self, step: Step) -> None:
        (name,) = step.services
        service = self._stack.service(name)
        status = await self._seen()
        if service and not _runs(status.service(name)):
            if service.port is not None and await self._eyes.port_taken(service):
                raise BoxError(
                    f"{name} was not started: another program already listens on port "
                    f"{service.port}.",
                    f"`ss -ltnp 'sport = :{service.port}'` on the box tells which; stop it, or "
                    "change the port in the .env file.",
                )
            if step.alone and not self._override:
                await self._await_memory(service, status)
            self._tell(f"Starting {name}.")
            await self._command(step, lambda now: _runs(now.service(name)))
        if step.alone:
            await self._until_ready(name)

    async def _await_memory(self, service: Service, status: BoxStatus) -> None:
        """What a service takes by its share must be there when it measures."""
        deadline = time.monotonic() + self._patience.memory_s
        while status.memory is not None and service.gpu_fraction is not None:
            needed, have = needed_and_free(service, status.memory, self._reserve_bytes)
            if have >= needed:
                return
            if time.monotonic() > deadline:
                raise NotEnoughMemory(
                    f"{service.name} was not started: it takes {gb(needed)} with the "
                    f"reserve, and {gb(have)} are free.",
                    "Stop another service first, or give it a smaller share in the .env file.",
                )
            self._tell(f"Waiting for memory for {service.name}: {gb(have)} of {gb(needed)}.")
            await asyncio.sleep(self._patience.look_s)
            status = await self._seen()

    async def _until_ready(self, name: str) -> None:
        first = (await self._seen()).service(name)
        restarts = first.restarts if first else 0
        sign: object = None
        deadline = 0.0
        while True:
            one = (await self._seen()).service(name)
            if one and self._eyes.is_up(name):
                return
            self._demand_hope(name, one, restarts)
            now = time.monotonic()
            phase = one.phase if one and one.phase else "starting"
            if (seen := one and (one.phase, one.progress, one.container)) != sign:
                sign, deadline = seen, now + self._patience.ready_s
            if now > deadline:
                minutes = f"{self._patience.ready_s / 60:.0f} minutes"
                how = f"is not ready after {minutes} without any progress ({phase})"
                raise _failure(name, how, one)
            self._tell(
                f"{name}: {phase}.", one.progress if one else None, one.eta_s if one else None
            )
            await asyncio.sleep(self._patience.look_s)

    def _demand_hope(self, name: str, one: ServiceStatus | None, restarts: int) -> None:
        if one is None or one.container is ContainerState.ABSENT:
            raise BoxError(f"{name} was removed by somebody else while it started.")
        if failed(one):
            raise _failure(name, f"ended with exit status {one.exit_code}", one)
        if one.container in {ContainerState.EXITED, ContainerState.PAUSED}:
            raise BoxError(f"{name} was {_ENDED[one.container]} by somebody else while it started.")
        if one.restarts - restarts >= self._patience.restarts:
            raise _failure(name, "ends and is restarted again and again", one)

    # -- other steps ---------------------------------------------------------------------------

    async def _fetching(self, step: Step) -> Completed:
        """A command that may fetch an image: held to its progress, since that can take hours."""
        (name,) = step.services
        said: deque[str] = deque(maxlen=_LAST_LINES)
        try:
            async with contextlib.aclosing(self._shell.lines(self._argv(step))) as lines:
                while True:
                    async with asyncio.timeout(self._patience.stalled_s):
                        line = await anext(lines, None)
                    if line is None:
                        return Completed(0, "", "")
                    words = " ".join(line.split())
                    said.append(words)
                    if words and not words.startswith("Container "):
                        self._tell(f"Fetching the image of {name}: {words[:120]}")
        except CommandFailed as error:
            return Completed(error.status, "", "\n".join(said))
        except TimeoutError:
            raise BoxError(
                f"Fetching the image of {name} has stalled: nothing came for "
                f"{self._patience.stalled_s:.0f} seconds.",
                "Check the box's connection to the internet and its disk, then try again.",
            ) from None

    async def _command(self, step: Step, is_done: Callable[[BoxStatus], bool]) -> None:
        """Once more after a lost connection, unless it turns out to have worked: every one of
        these commands can be given twice."""
        attempts = _ATTEMPTS
        while True:
            try:
                if step.act in {Act.UP, Act.PULL}:
                    completed = await self._fetching(step)
                else:
                    argv, limit_s = self._argv(step), self._patience.command_s
                    completed = await self._shell.run(argv, timeout_s=limit_s)
                break
            except BoxUnreachable:
                attempts -= 1
                if is_done(await self._seen()):
                    return
                if not attempts:
                    raise
                await asyncio.sleep(self._patience.look_s)
        if not completed.ok:
            raise _refused(step, completed)

    def _argv(self, step: Step) -> tuple[str, ...]:
        return ("sh", "-c", _IN_FOLDER, "sh", self._stack.directory, *step.argv)

    async def _seen(self) -> BoxStatus:
        """A look at the box that came through; and the box is still ours."""
        deadline = time.monotonic() + self._patience.away_s
        while True:
            status = await self._eyes.look()
            if status.broken is None:
                await self._lock.ensure()
                return status
            if time.monotonic() > deadline:
                raise BoxUnreachable(
                    "The connection to the box was lost meanwhile. What was started there goes on.",
                    status.broken.detail,
                    status.broken.kind.value,
                )
            self._tell("The connection to the box is lost; waiting for it.")
            await asyncio.sleep(self._patience.look_s)

    def _tell(self, step: str, within: float | None = None, eta_s: float | None = None) -> None:
        self._tell_all(step, (self._done + (within or 0.0)) / self._all, eta_s)


def needed_and_free(service: Service, memory: BoxMemory, reserve_bytes: int) -> tuple[int, int]:
    """Bytes that its share takes of the memory which it measures, and that are free of it. A part
    that is carved out for the graphics unit has no reserve."""
    share = share_of(service, memory.gpu_total_bytes or memory.total_bytes)
    if memory.gpu_apart and memory.gpu_total_bytes is not None:
        return share, memory.gpu_total_bytes - (memory.gpu_used_bytes or 0)
    return share + reserve_bytes, memory.available_bytes


def _never(status: BoxStatus) -> bool:
    """Nothing is certain enough to leave the command out."""
    return False


_ENDED = {ContainerState.EXITED: "stopped", ContainerState.PAUSED: "paused"}


def _runs(one: ServiceStatus | None) -> bool:
    return one is not None and one.container in {ContainerState.RUNNING, ContainerState.RESTARTING}


def _names(services: tuple[str, ...]) -> str:
    return ", ".join(services)


def _failure(name: str, how: str, one: ServiceStatus | None) -> BoxError:
    quote = f" Its log says: “{one.last_error.rstrip('.')}”." if one and one.last_error else ""
    unwell = one is not None and one.health is ContainerHealth.UNHEALTHY
    called = "; docker calls it unhealthy" if unwell else ""
    return BoxError(f"{name} {how}{called}.{quote}", f"Look at the log of {name} for more.")


def _refused(step: Step, completed: Completed) -> BoxError:
    text = completed.last_words
    if completed.status == 127 or "cannot connect to the docker" in completed.err.casefold():
        return docker_trouble(completed.status, completed.err)
    if completed.status == 91:
        return BoxError("The stack's folder is not there any more.", "Correct it in the settings.")
    if lacks_compose(completed.err):
        return no_compose()
    what = f"`docker compose {step.act.value}` of {_names(step.services)}"
    return CommandFailed(
        f"{what} failed: “{text}”." if text else f"{what} failed.",
        "Run it on the box by hand to see more.",
        completed.status,
    )
