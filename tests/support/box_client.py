"""A client of a box as the tests need it: the real thing, but for what only a large box has."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence

from strixdesk.backends.box.boxes import BoxWatch
from strixdesk.backends.box.control import Patience
from strixdesk.backends.box.keeper import BoxPace
from strixdesk.backends.box.local_shell import LocalShell
from strixdesk.backends.box.shell import Shell
from strixdesk.backends.box.start_history import StartHistory
from strixdesk.backends.box.world import BoxWorld
from strixdesk.backends.http import make_http_client
from strixdesk.core.box import (
    Box,
    BoxStatus,
    Deed,
    Hop,
    HopKind,
    HopState,
    Operation,
    ServiceStatus,
)
from strixdesk.core.events import BoxChanged, BoxesChanged
from strixdesk.core.memory import Forecast
from strixdesk.core.stack import Service, Stack
from tests.support.box_stack import BoxStack, environment
from tests.support.cut_shell import CutShell

HASTE = Patience(look_s=0.2, ready_s=60, memory_s=0.5, stalled_s=60, away_s=10)
ALL_WELL = tuple(Hop(kind, HopState.OK) for kind in HopKind)


class TestWorld(BoxWorld):
    """Every start fits, since the models are not real."""

    __test__ = False

    async def hops(self, box: Box, shell: Shell) -> tuple[Hop, ...]:
        if isinstance(shell, CutShell) and shell.is_cut:
            return (Hop(HopKind.SSH, HopState.FAILED, "The connection is cut."),)
        return ALL_WELL

    def forecast(
        self, box: Box, stack: Stack, status: BoxStatus, services: Sequence[str]
    ) -> Forecast | None:
        return None


class Client:
    """One program that looks at a box and acts on it."""

    def __init__(self, watch: BoxWatch, box: Box, world: TestWorld) -> None:
        self.watch = watch
        self.box = box
        self.world = world
        self.seen: list[BoxStatus] = []
        watch.subscribe(self._see)

    def _see(self, event: BoxChanged | BoxesChanged) -> None:
        if isinstance(event, BoxChanged):
            self.seen.append(event.status)

    @property
    def status(self) -> BoxStatus:
        return self.watch.status_of(self.box)

    def service(self, name: str) -> ServiceStatus:
        found = self.status.service(name)
        assert found is not None, f"{name} is not known"
        return found

    def stack_service(self, name: str) -> Service:
        stack = self.watch.stack_of(self.box)
        service = stack.service(name) if stack else None
        assert service is not None
        return service

    async def do(self, deed: Deed, *services: str, mode: str | None = None) -> Operation:
        return await self.watch.do(self.box, deed, services, mode=mode)


@contextlib.asynccontextmanager
async def client_of(
    stack: BoxStack,
    who: str = "anna on laptop",
    *,
    patience: Patience = HASTE,
    pace: BoxPace | None = None,
    shell: Shell | None = None,
    history: StartHistory | None = None,
) -> AsyncIterator[Client]:
    box = Box("box", stack=str(stack.directory), reserve_gb=0)
    async with make_http_client() as http:
        world = TestWorld(http, _nothing)  # type: ignore[arg-type]
        watch = BoxWatch(
            [box],
            lambda _: shell or LocalShell(environment(stack.engine)),
            world,
            wake=print,
            history=history,
            pace=pace or BoxPace(watched_s=0.3, busy_s=0.3),
            patience=patience,
            who=who,
        )
        client = Client(watch, box, world)
        try:
            await watch.refresh(box)
            yield client
        finally:
            await watch.close()


async def _nothing(*_: object) -> None:
    """Never called: the tests' world answers itself."""
