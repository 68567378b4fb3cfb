"""Tiers whose services run in containers, with a real llama-server: one truth out of both."""

from __future__ import annotations

import asyncio
import os
import signal
import site
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from strixdesk.backends.box.backings import join
from strixdesk.backends.box.start_history import StartHistory
from strixdesk.backends.tier_watch import TierWatch
from strixdesk.core.box import Deed, OperationState
from strixdesk.core.tier import Control, ControlKind, Tier, TierState, TierStatus
from tests.support.box_client import Client, client_of
from tests.support.box_stack import ORCHESTRATOR, REVIEWER, UTILITY, BoxStack, write_stack
from tests.support.docker_engine import DockerEngine
from tests.support.eventually import eventually

NOISE_S = 3.0
"""What a busy machine may add."""
PACKAGES = next(path for path in site.getsitepackages() if path.endswith("site-packages"))


@pytest.fixture
def stack(docker_engine: DockerEngine, tmp_path: Path, starter_model: Path) -> Iterator[BoxStack]:
    folder = tmp_path / f"strix-{os.urandom(4).hex()}"
    folder.mkdir()
    stack = write_stack(docker_engine, folder, {REVIEWER: str(starter_model)}, [PACKAGES])
    stack.acts(REVIEWER=f"real={PACKAGES}")
    yield stack
    stack.remove()


class Watched:
    def __init__(self, tiers: TierWatch, client: Client) -> None:
        self.tiers = tiers
        self.client = client
        self.seen: list[tuple[str, TierState]] = []
        tiers.subscribe(lambda tier, status: self.seen.append((tier.name, status.state)))

    def status(self, name: str) -> TierStatus:
        return self.tiers.statuses()[name]

    async def until(self, name: str, state: TierState, *, within_s: float = 60) -> float:
        return await eventually(lambda: self.status(name).state is state, within_s=within_s)


@pytest.fixture
async def watched(stack: BoxStack) -> AsyncIterator[Watched]:
    tiers = TierWatch(
        [
            Tier(
                name,
                f"http://127.0.0.1:{port}/v1",
                control=Control(ControlKind.COMPOSE, "box", name),
            )
            for name, port in stack.ports.items()
        ]
    )
    async with client_of(stack) as client:
        join(tiers, client.watch)
        watched = Watched(tiers, client)
        await client.watch.start()
        await tiers.start()
        yield watched
        await tiers.close()


async def test_a_real_server_goes_through_a_whole_life(watched: Watched, stack: BoxStack) -> None:
    await watched.until(REVIEWER, TierState.STOPPED)
    operation = await watched.client.do(Deed.START, REVIEWER)
    assert operation.state is OperationState.DONE, operation.step
    await watched.until(REVIEWER, TierState.READY)
    assert watched.status(REVIEWER).server == "llama.cpp"
    await eventually(lambda: watched.status(REVIEWER).activity is not None, within_s=30)
    await watched.client.do(Deed.STOP, REVIEWER)
    await watched.until(REVIEWER, TierState.STOPPED)
    states = [state for name, state in watched.seen if name == REVIEWER]
    assert TierState.FAILED not in states
    assert states[-1] is TierState.STOPPED


async def test_a_server_that_dies_is_not_shown_as_up_and_comes_back(
    watched: Watched, stack: BoxStack
) -> None:
    await watched.client.do(Deed.START, REVIEWER)
    await watched.until(REVIEWER, TierState.READY)
    told = stack.engine.run("inspect", "--format", "{{.State.Pid}}", stack.container(REVIEWER))
    watched.seen.clear()
    os.kill(int(told.stdout), signal.SIGKILL)
    took = await eventually(lambda: any(name == REVIEWER for name, _ in watched.seen), within_s=30)
    assert took < 2.0 + NOISE_S
    assert watched.seen[0][1] is not TierState.READY
    await watched.until(REVIEWER, TierState.READY)  # docker starts it again


async def test_loading_is_told_with_phase_and_progress(watched: Watched, stack: BoxStack) -> None:
    stack.acts(ORCH="loading=5")
    told: list[TierStatus] = []
    watched.tiers.subscribe(lambda _, status: told.append(status))
    starting = asyncio.create_task(watched.client.do(Deed.START, ORCHESTRATOR))
    await eventually(lambda: any("Loading weights" in one.detail for one in told), within_s=60)
    status = next(one for one in told if "Loading weights" in one.detail)
    assert status.state is TierState.LOADING
    assert status.progress is not None
    await starting
    await watched.until(ORCHESTRATOR, TierState.READY)


async def test_a_restart_loop_is_a_failed_tier_with_its_last_words(
    watched: Watched, stack: BoxStack
) -> None:
    stack.acts(ORCH="crash=3")
    await watched.client.do(Deed.START, ORCHESTRATOR)
    await watched.until(ORCHESTRATOR, TierState.FAILED)
    await eventually(
        lambda: "No available memory" in watched.status(ORCHESTRATOR).detail, within_s=60
    )


async def test_another_model_than_the_stacks_is_a_failed_tier(
    watched: Watched, stack: BoxStack
) -> None:
    stack.acts(UTILITY="model=something-else.gguf")
    await watched.client.do(Deed.START, UTILITY)
    await watched.until(UTILITY, TierState.FAILED)
    await eventually(lambda: "something-else" in watched.status(UTILITY).detail, within_s=30)


async def test_the_second_start_knows_how_long_the_first_one_took(
    stack: BoxStack, tmp_path: Path
) -> None:
    stack.acts(ORCH="loading=5")
    for _ in range(2):
        history = StartHistory(tmp_path / "starts.json")
        async with client_of(stack, history=history) as client:
            await client.do(Deed.START, ORCHESTRATOR)
            times = [
                one.eta_s
                for status in client.seen
                for one in status.services
                if one.name == ORCHESTRATOR and one.eta_s is not None
            ]
            await client.do(Deed.STOP, ORCHESTRATOR)
    assert max(times) < 60
    assert StartHistory(tmp_path / "starts.json").expected_s(
        f"box/{ORCHESTRATOR}/models/{ORCHESTRATOR}"
    )
