"""Two programs on one box that start, stop, kill and lose their connection as they like."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import signal
import time
from collections.abc import Iterator

import pytest

from strixdesk.backends.box.local_shell import LocalShell
from strixdesk.core.box import BoxStatus, ContainerState, Deed, Operation, OperationState
from strixdesk.core.errors import BoxBusy, BoxError, BoxUnreachable
from tests.support.box_client import Client, client_of
from tests.support.box_stack import CPU, UTILITY, BoxStack, environment, write_stack
from tests.support.cut_shell import CutShell
from tests.support.docker_engine import DockerEngine
from tests.support.eventually import eventually

WHO = ("anna on laptop", "ben on desktop")


@pytest.fixture(scope="module")
def stack(
    docker_engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BoxStack]:
    folder = tmp_path_factory.mktemp("box") / f"strix-{os.urandom(4).hex()}"
    folder.mkdir()
    stack = write_stack(docker_engine, folder)
    stack.acts(REVIEWER="loading=0.3", UTILITY="loading=0.3")
    yield stack
    stack.remove()


class Spells:
    """When each client was seen to be at work."""

    def __init__(self) -> None:
        self.spells: list[tuple[float, float, str]] = []
        self._began: dict[str, float] = {}

    def watch(self, client: Client, who: str) -> None:
        def see(operation: Operation | None) -> None:
            if operation is None:
                return
            if not operation.state.over:
                self._began.setdefault(operation.id, time.monotonic())
            elif began := self._began.pop(operation.id, None):
                self.spells.append((began, time.monotonic(), who))

        def status(event: object) -> None:
            told = getattr(event, "status", None)
            if isinstance(told, BoxStatus):
                see(told.operation)

        client.watch.subscribe(status)

    def overlapping(self) -> list[tuple[float, float, str]]:
        ordered = sorted(self.spells)
        return [
            later
            for earlier, later in itertools.pairwise(ordered)
            if later[0] < earlier[1] and later[2] != earlier[2]
        ]


async def interleave(stack: BoxStack, seed: int) -> None:
    """A random play of the two; then each in turn has one last wish, which must come true."""
    dice = random.Random(seed)
    shells = [CutShell(LocalShell(environment(stack.engine))) for _ in WHO]
    spells = Spells()
    async with contextlib.AsyncExitStack() as ending:
        clients = []
        for who, shell in zip(WHO, shells, strict=True):
            client = await ending.enter_async_context(client_of(stack, who, shell=shell))
            spells.watch(client, who)
            clients.append(client)
        doing: list[asyncio.Task[object]] = []
        for _ in range(dice.randint(4, 8)):
            number = dice.randrange(2)
            client, shell, service = clients[number], shells[number], dice.choice(CPU)
            match dice.choice(["start", "stop", "restart", "kill", "cut", "cancel"]):
                case "kill":
                    await asyncio.to_thread(kill, stack, service)
                case "cut":
                    shell.cut()
                    asyncio.get_running_loop().call_later(dice.uniform(0.1, 1.0), shell.mend)
                case "cancel":
                    client.watch.cancel(client.box)
                case wish:
                    doing.append(asyncio.create_task(quietly(client, Deed(wish), service)))
            await asyncio.sleep(dice.choice([0.0, 0.05, 0.3]))
        await asyncio.gather(*doing)
        for shell in shells:
            shell.mend()
        assert spells.overlapping() == []
        last = dice.choice(clients)
        deed, service = dice.choice([Deed.START, Deed.STOP]), dice.choice(CPU)
        operation = await insist(last, deed, service)
        assert operation.state is OperationState.DONE, operation.step
        assert (service in stack.running()) is (deed is Deed.START)
        for client in clients:  # and both know
            await client.watch.refresh(client.box)
            runs = client.service(service).container is ContainerState.RUNNING
            assert runs is (deed is Deed.START)
    containers = stack.engine.containers(stack.project)
    assert len(containers) == len(set(containers)) <= len(CPU)
    await eventually(
        lambda: not any("strixdesk" in one.name for one in stack.directory.iterdir()),
        within_s=30,
    )


async def quietly(client: Client, deed: Deed, service: str) -> None:
    with contextlib.suppress(BoxBusy, BoxUnreachable):
        await client.do(deed, service)


async def insist(client: Client, deed: Deed, service: str) -> Operation:
    """A lock whose client lost its connection is free again after a while."""
    async with asyncio.timeout(100):
        while True:
            try:
                return await client.do(deed, service)
            except BoxError:
                await asyncio.sleep(0.2)


def kill(stack: BoxStack, service: str) -> None:
    told = stack.engine.run(
        "inspect", "--format", "{{.State.Pid}}", stack.container(service), check=False
    )
    if told.returncode == 0 and (pid := int(told.stdout)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("seed", range(12))
async def test_the_last_wish_comes_true_whatever_went_before(stack: BoxStack, seed: int) -> None:
    await interleave(stack, seed)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("batch", range(20))
async def test_the_last_wish_comes_true_in_two_hundred_plays(stack: BoxStack, batch: int) -> None:
    for seed in range(100 + 10 * batch, 110 + 10 * batch):
        await interleave(stack, seed)


async def test_a_start_goes_on_after_the_connection_was_away(stack: BoxStack) -> None:
    stack.engine.remove(stack.project)
    shell = CutShell(LocalShell(environment(stack.engine)))
    async with client_of(stack, shell=shell) as client:
        starting = asyncio.create_task(client.do(Deed.START, *CPU))
        await eventually(lambda: client.status.operation is not None, within_s=30)
        shell.cut()
        await eventually(lambda: client.status.broken is not None, within_s=30)
        shell.mend()
        operation = await starting
        assert operation.state is OperationState.DONE, operation.step
        assert client.status.broken is None
        assert stack.running() == set(CPU)


async def test_a_connection_that_stays_away_ends_the_operation_with_what_is_known(
    stack: BoxStack,
) -> None:
    shell = CutShell(LocalShell(environment(stack.engine)))
    async with client_of(stack, shell=shell) as client:
        await client.watch.start()
        starting = asyncio.create_task(client.do(Deed.RESTART, UTILITY))
        await eventually(lambda: client.status.operation is not None, within_s=30)
        shell.cut()
        await eventually(lambda: client.status.broken is not None, within_s=30)
        operation = await starting
        assert operation.state is OperationState.FAILED
        assert "goes on" in operation.step
        shell.mend()
        await eventually(lambda: client.status.broken is None, within_s=30)
