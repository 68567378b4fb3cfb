"""Start and stop on a real docker engine, with a stack of the usual shape."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from strixdesk.backends.box.keeper import BoxPace
from strixdesk.backends.box.local_shell import LocalShell
from strixdesk.backends.box.shell import Completed
from strixdesk.backends.box.world import BoxWorld
from strixdesk.core.box import (
    ContainerHealth,
    ContainerState,
    Deed,
    HopKind,
    HopState,
    OperationState,
)
from strixdesk.core.errors import BoxBusy, BoxError, NotEnoughMemory
from tests.support.box_client import HASTE, Client, client_of
from tests.support.box_stack import (
    CODER,
    CPU,
    GPU,
    ORCHESTRATOR,
    REVIEWER,
    UTILITY,
    BoxStack,
    environment,
    write_stack,
)
from tests.support.docker_engine import DockerEngine
from tests.support.eventually import eventually


class CountingShell(LocalShell):
    runs = 0
    streams = 0

    async def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float = 20.0
    ) -> Completed:
        self.runs += 1
        return await super().run(argv, stdin=stdin, timeout_s=timeout_s)

    def lines(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float | None = None
    ) -> AsyncGenerator[str, None]:
        self.streams += 1
        return super().lines(argv, stdin=stdin, timeout_s=timeout_s)


@pytest.fixture
def stack(docker_engine: DockerEngine, tmp_path: Path) -> Iterator[BoxStack]:
    folder = tmp_path / f"strix-{os.urandom(4).hex()}"
    folder.mkdir()
    stack = write_stack(docker_engine, folder)
    yield stack
    stack.remove()


@pytest.fixture
async def client(stack: BoxStack) -> AsyncIterator[Client]:
    async with client_of(stack) as client:
        yield client


def started(stack: BoxStack, service: str) -> str:
    """When its container was started last."""
    form = "{{.Id}} {{.State.StartedAt}}"
    return stack.engine.run("inspect", "--format", form, stack.container(service)).stdout


async def test_a_mode_comes_up_one_gpu_service_after_the_other(
    client: Client, stack: BoxStack
) -> None:
    stack.acts(ORCH="loading=1.5", CODER="loading=1", REVIEWER="loading=1")
    operation = await client.do(Deed.START, mode="full")
    assert operation.state is OperationState.DONE, operation.step
    assert stack.running() == {*GPU, *CPU}
    for status in client.seen:  # the second never ran before the first was healthy
        first, second = status.service(ORCHESTRATOR), status.service(CODER)
        if first and second and second.container is ContainerState.RUNNING:
            assert first.health is ContainerHealth.HEALTHY


async def test_a_start_tells_its_phases_and_ends_with_everything_done(
    client: Client, stack: BoxStack
) -> None:
    stack.acts(ORCH="loading=5")
    operation = await client.do(Deed.START, ORCHESTRATOR)
    phases = {one.phase for status in client.seen for one in status.services}
    assert any(re.search(r"loading weights, (25|50|75)", phase) for phase in phases)
    told = [status.operation.progress for status in client.seen if status.operation]
    assert told == sorted(told, key=lambda one: one or 0.0)
    assert operation.progress == 1.0
    assert client.service(ORCHESTRATOR).phase == ""


async def test_starting_what_is_up_leaves_it_alone(client: Client, stack: BoxStack) -> None:
    await client.do(Deed.START, UTILITY)
    before = started(stack, UTILITY)
    stack.acts(UTILITY="loading=9")  # a container made anew would differ
    operation = await client.do(Deed.START, UTILITY)
    assert operation.state is OperationState.DONE
    assert started(stack, UTILITY) == before


async def test_the_parts_of_a_stack_may_be_projects_of_their_own(stack: BoxStack) -> None:
    other = f"{stack.project}-cpu"
    file = stack.directory / "compose" / "cpu.yml"
    file.write_text(f"name: {other}\n{file.read_text()}")
    try:
        async with client_of(stack) as client:
            assert (await client.do(Deed.START, ORCHESTRATOR)).state is OperationState.DONE
            assert (await client.do(Deed.START, UTILITY)).state is OperationState.DONE
            assert client.service(UTILITY).container is ContainerState.RUNNING
            assert stack.engine.containers(other) == [f"{other}-{UTILITY}-1"]
            assert (await client.do(Deed.STOP)).state is OperationState.DONE
            assert not stack.engine.containers(other) + stack.engine.containers(stack.project)
    finally:
        stack.engine.remove(other)


async def test_stopping_one_leaves_the_others(client: Client, stack: BoxStack) -> None:
    await client.do(Deed.START, mode="cpu")
    operation = await client.do(Deed.STOP, UTILITY)
    assert operation.state is OperationState.DONE
    assert stack.running() == {REVIEWER}
    await client.watch.refresh(client.box)
    assert client.service(UTILITY).container is ContainerState.EXITED
    assert (await client.do(Deed.STOP, UTILITY)).state is OperationState.DONE


async def test_a_restart_takes_up_what_was_changed_in_the_env_file(
    client: Client, stack: BoxStack
) -> None:
    await client.do(Deed.START, UTILITY)
    before = started(stack, UTILITY)
    stack.acts(UTILITY="model=another")
    assert (await client.do(Deed.RESTART, UTILITY)).state is OperationState.DONE
    assert started(stack, UTILITY) != before


async def test_everything_goes_down_as_the_stacks_own_script_does_it(
    client: Client, stack: BoxStack
) -> None:
    await client.do(Deed.START, mode="cpu")
    await client.do(Deed.STOP)
    assert stack.engine.containers(stack.project) == []


async def test_a_server_that_ends_at_each_start_is_told_with_its_last_words(
    client: Client, stack: BoxStack
) -> None:
    stack.acts(ORCH="loading=0.1 crash=3")
    operation = await client.do(Deed.START, mode="gpu")
    assert operation.state is OperationState.FAILED
    assert "No available memory for the cache blocks" in operation.step
    assert stack.running() - {ORCHESTRATOR} == set()
    await client.watch.refresh(client.box)
    assert client.service(ORCHESTRATOR).restarts >= 2


async def test_a_server_that_never_gets_ready_is_given_up_in_the_end(stack: BoxStack) -> None:
    stack.acts(ORCH="deaf")
    async with client_of(stack, patience=replace(HASTE, ready_s=2)) as client:
        operation = await client.do(Deed.START, ORCHESTRATOR)
    assert operation.state is OperationState.FAILED
    assert "is not ready after" in operation.step


async def test_a_container_that_is_killed_is_seen_to_come_back(
    client: Client, stack: BoxStack
) -> None:
    await client.do(Deed.START, UTILITY)
    told = stack.engine.run("inspect", "--format", "{{.State.Pid}}", stack.container(UTILITY))
    os.kill(int(told.stdout), signal.SIGKILL)
    await client.watch.start()
    await eventually(lambda: client.service(UTILITY).restarts == 1, within_s=30)


async def test_a_steady_box_tells_by_itself_and_no_command_is_started_for_a_look(
    stack: BoxStack,
) -> None:
    shell = CountingShell(environment(stack.engine))
    pace = BoxPace(watched_s=3, busy_s=0.3)  # a box is doubted that tells nothing for three times
    async with client_of(stack, shell=shell, pace=pace) as client:
        await client.do(Deed.START, UTILITY)
        others = shell.streams
        await client.watch.start()
        await eventually(lambda: shell.streams > others, within_s=30)
        await client.watch.refresh(client.box)  # after a look that was under way
        before = shell.runs
        await asyncio.to_thread(stack.engine.run, "pause", stack.container(UTILITY))
        await eventually(
            lambda: client.service(UTILITY).container is ContainerState.PAUSED, within_s=30
        )
        assert shell.runs == before
        await asyncio.to_thread(stack.engine.run, "unpause", stack.container(UTILITY))


async def test_another_program_on_the_port_is_told_before_anything_is_started(
    client: Client, stack: BoxStack
) -> None:
    with socket.create_server(("127.0.0.1", stack.ports[UTILITY])):
        operation = await client.do(Deed.START, UTILITY)
    assert operation.state is OperationState.FAILED
    assert f"another program already listens on port {stack.ports[UTILITY]}" in operation.step
    assert stack.engine.containers(stack.project) == []


async def test_a_start_that_is_cancelled_starts_nothing_more(
    client: Client, stack: BoxStack
) -> None:
    stack.acts(ORCH="loading=60")
    starting = asyncio.create_task(client.do(Deed.START, mode="gpu"))
    await eventually(lambda: "loading" in client.service(ORCHESTRATOR).phase, within_s=60)
    client.watch.cancel(client.box)
    operation = await starting
    assert operation.state is OperationState.CANCELLED
    assert stack.running() == {ORCHESTRATOR}
    assert (await client.do(Deed.STOP, mode="gpu")).state is OperationState.DONE
    assert stack.running() == set()


async def test_a_start_that_is_cancelled_before_it_began_does_nothing(
    client: Client, stack: BoxStack
) -> None:
    starting = asyncio.create_task(client.do(Deed.START, mode="gpu"))
    await asyncio.sleep(0)
    client.watch.cancel(client.box)
    assert (await starting).state is OperationState.CANCELLED
    assert stack.engine.containers(stack.project) == []
    assert (await client.do(Deed.START, UTILITY)).state is OperationState.DONE


async def test_a_newer_wish_takes_the_place_of_the_older_one(
    client: Client, stack: BoxStack
) -> None:
    stack.acts(ORCH="loading=60")
    starting = asyncio.create_task(client.do(Deed.START, mode="gpu"))
    await eventually(lambda: "loading" in client.service(ORCHESTRATOR).phase, within_s=60)
    stopped = await client.do(Deed.STOP, ORCHESTRATOR)
    assert (await starting).state is OperationState.CANCELLED
    assert stopped.state is OperationState.DONE
    assert stack.running() == set()


async def test_whoever_stops_waiting_for_an_operation_cancels_it(
    client: Client, stack: BoxStack
) -> None:
    stack.acts(ORCH="loading=60")
    starting = asyncio.create_task(client.do(Deed.START, ORCHESTRATOR))
    await eventually(lambda: "loading" in client.service(ORCHESTRATOR).phase, within_s=60)
    starting.cancel()
    await asyncio.wait([starting])
    operation = client.status.operation
    assert operation is not None
    assert operation.state is OperationState.CANCELLED


async def test_of_two_clients_the_second_is_told_who_holds_the_box(
    client: Client, stack: BoxStack
) -> None:
    stack.acts(ORCH="loading=60")
    async with client_of(stack, "ben on desktop") as other:
        starting = asyncio.create_task(client.do(Deed.START, ORCHESTRATOR))
        await eventually(lambda: "loading" in client.service(ORCHESTRATOR).phase, within_s=60)
        with pytest.raises(BoxBusy, match=r"anna on laptop \(start vllm_orchestrator"):
            await other.do(Deed.STOP, ORCHESTRATOR)
        assert "anna on laptop" in (await other.watch.refresh(other.box)).holder
        assert (await client.watch.refresh(client.box)).holder == ""
        client.watch.cancel(client.box)
        await starting
        assert (await other.do(Deed.STOP, ORCHESTRATOR)).state is OperationState.DONE
        assert (await other.watch.refresh(other.box)).holder == ""


async def test_a_service_whose_memory_is_not_there_is_not_started(
    client: Client, stack: BoxStack
) -> None:
    stack.write(ORCH_GPU_UTIL="0.999")
    await client.watch.refresh(client.box)
    operation = await client.do(Deed.START, ORCHESTRATOR)
    assert operation.state is OperationState.FAILED
    assert "GB are free" in operation.step
    assert stack.running() == set()
    forced = await client.watch.do(client.box, Deed.START, [ORCHESTRATOR], override=True)
    assert forced.state is OperationState.DONE


async def test_what_would_not_fit_is_refused_before_anything_is_done(
    client: Client, stack: BoxStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(client.world), "forecast", BoxWorld.forecast)
    stack.write(ORCH_GPU_UTIL="0.999")
    await client.watch.refresh(client.box)
    with pytest.raises(NotEnoughMemory):
        await client.do(Deed.START, ORCHESTRATOR)
    assert stack.engine.containers(stack.project) == []


async def test_a_server_that_is_ready_and_cannot_be_reached_is_told_as_that(
    stack: BoxStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answers(*_: object) -> bool:
        return False

    async with client_of(stack, patience=replace(HASTE, ready_s=3)) as client:
        monkeypatch.setattr(client.world, "answers", answers)
        operation = await client.do(Deed.START, UTILITY)
        port = client.stack_service(UTILITY).port
    assert operation.state is OperationState.FAILED
    assert f"ready by its log, but port {port} does not answer from here" in operation.step


async def test_unknown_names_are_refused(client: Client) -> None:
    with pytest.raises(BoxError, match="no service “nobody”"):
        await client.do(Deed.START, "nobody")
    with pytest.raises(BoxError, match="no mode “party”"):
        await client.do(Deed.START, mode="party")


async def test_a_log_is_followed_until_nobody_reads_it(client: Client) -> None:
    await client.do(Deed.START, UTILITY)
    lines = client.watch.log_lines(client.box, UTILITY)
    async with asyncio.timeout(60):
        while "model loaded" not in await anext(lines):
            pass
        await lines.aclose()


async def test_a_daemon_that_is_down_is_the_broken_hop(client: Client, stack: BoxStack) -> None:
    await client.do(Deed.START, UTILITY)
    await asyncio.to_thread(stack.engine.stop)
    try:
        status = await client.watch.refresh(client.box)
        assert status.broken is not None
        assert (status.broken.kind, status.broken.state) == (HopKind.DOCKER, HopState.FAILED)
        assert "daemon is not running" in status.broken.detail
        assert client.service(UTILITY).container is ContainerState.RUNNING  # as last seen
        with pytest.raises(BoxError, match="cannot be reached"):
            await client.do(Deed.STOP, UTILITY)
    finally:
        await asyncio.to_thread(stack.engine.start)
    assert (await client.watch.refresh(client.box)).broken is None
