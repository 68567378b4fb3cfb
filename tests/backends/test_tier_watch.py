from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from strixdesk.backends.tier_keeper import Pace
from strixdesk.backends.tier_watch import TierWatch
from strixdesk.core.errors import TierLoading, TierRefused, TierUnreachable
from strixdesk.core.tier import Capability, Tier, TierState, TierStatus
from tests.support.fault_server import FaultServer, Hold, http

RECORDED = Path(__file__).parent / "recorded"
MODELS = http(200, (RECORDED / "vllm/models.json").read_bytes())
LOADING = http(503, b'{"error":{"message":"Loading model"}}')
GONE = Tier("gone", "http://127.0.0.1:9/v1")
HASTE = Pace(watched_s=0.02, idle_s=0.02, loading_s=0.02, longest_s=0.02)


class Seen:
    """What a watch told, and a way to wait for more of it."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, TierState]] = []
        self._news = asyncio.Event()

    def __call__(self, tier: Tier, status: TierStatus) -> None:
        self.changes.append((tier.name, status.state))
        self._news.set()

    async def until(self, *states: TierState) -> None:
        """All the states there were, in their order."""
        await self._when(lambda: [state for _, state in self.changes] == list(states))

    async def change(self, name: str, state: TierState) -> None:
        await self._when(lambda: (name, state) in self.changes)

    async def _when(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                self._news.clear()
                await self._news.wait()


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
async def watch(faults: FaultServer, seen: Seen) -> AsyncIterator[TierWatch]:
    faults.on("/health", http(200))
    watch = TierWatch([faults.tier()], pace=HASTE, fresh_s=60)
    watch.subscribe(seen)
    yield watch
    await watch.close()


async def test_a_tier_that_was_never_asked_is_unknown(
    watch: TierWatch, faults: FaultServer
) -> None:
    assert watch.statuses()["box"].state is TierState.UNKNOWN
    assert faults.requests == []


async def test_ensuring_learns_what_the_tier_serves(
    watch: TierWatch, faults: FaultServer, seen: Seen
) -> None:
    faults.on("/v1/models", MODELS)
    status = await watch.ensure_ready(watch.all()[0])
    assert status == watch.statuses()["box"]
    assert status.state is TierState.READY
    assert (status.model, status.context_tokens, status.server) == ("orchestrator", 1024, "vllm")
    assert seen.changes == [("box", TierState.READY)]


async def test_what_is_configured_stands_above_what_the_server_says(faults: FaultServer) -> None:
    faults.on("/v1/models", MODELS)
    faults.on("/health", http(200))
    can = frozenset({Capability.VISION})
    watch = TierWatch([faults.tier(capabilities=can, context_tokens=512)])
    status = await watch.ensure_ready(watch.all()[0])
    await watch.close()
    assert (status.capabilities, status.context_tokens) == (can, 512)


async def test_a_server_never_holds_more_than_it_says(faults: FaultServer) -> None:
    faults.on("/v1/models", MODELS)
    faults.on("/health", http(200))
    watch = TierWatch([faults.tier(context_tokens=1_000_000)])
    status = await watch.ensure_ready(watch.all()[0])
    await watch.close()
    assert status.context_tokens == 1024


async def test_a_tier_seen_ready_just_now_is_not_asked_again_until_it_is_doubted(
    watch: TierWatch, faults: FaultServer
) -> None:
    faults.on("/v1/models", MODELS)
    (tier,) = watch.all()
    await watch.ensure_ready(tier)
    await watch.ensure_ready(tier)
    assert len(faults.asked("/v1/models")) == 1
    watch.doubt(tier)
    await watch.ensure_ready(tier)
    assert len(faults.asked("/v1/models")) >= 2


async def test_questions_at_the_same_time_share_one_look(
    watch: TierWatch, faults: FaultServer
) -> None:
    faults.on("/v1/models", MODELS)
    await asyncio.gather(*(watch.ensure_ready(watch.all()[0]) for _ in range(5)))
    assert len(faults.asked("/v1/models")) == 1


async def test_a_loading_tier_says_so_and_becomes_ready(
    watch: TierWatch, faults: FaultServer, seen: Seen
) -> None:
    faults.on("/v1/models", LOADING, LOADING, LOADING, MODELS)
    with pytest.raises(TierLoading):
        await watch.ensure_ready(watch.all()[0])
    await watch.start()
    await seen.until(TierState.LOADING, TierState.READY)


async def test_what_was_known_of_a_tier_that_went_away_stays_known(
    watch: TierWatch, faults: FaultServer
) -> None:
    faults.on("/v1/models", MODELS, [])
    (tier,) = watch.all()
    await watch.ensure_ready(tier)
    watch.doubt(tier)
    with pytest.raises(TierUnreachable):
        await watch.ensure_ready(tier)
    status = watch.statuses()["box"]
    assert status.state is TierState.UNREACHABLE
    assert status.model == "orchestrator"
    assert "hangs up" in status.detail


async def test_only_changes_are_told(watch: TierWatch, faults: FaultServer, seen: Seen) -> None:
    faults.on("/v1/models", MODELS)
    await watch.start()
    await seen.until(TierState.READY)
    polls = len(faults.asked("/v1/models"))
    async with asyncio.timeout(30):
        while len(faults.asked("/v1/models")) < polls + 3:
            faults.asked_something.clear()
            await faults.asked_something.wait()
    assert seen.changes == [("box", TierState.READY)]


async def test_the_time_of_a_state_is_that_of_its_beginning(faults: FaultServer) -> None:
    clock = iter(range(100, 200))
    faults.on("/v1/models", http(500), http(500), MODELS)
    faults.on("/health", http(200))
    watch = TierWatch([faults.tier()], now=lambda: next(clock), fresh_s=0)
    (tier,) = watch.all()
    times = []
    for _ in range(2):
        with pytest.raises(TierRefused):
            await watch.ensure_ready(tier)
        times.append(watch.statuses()["box"].since)
    times.append((await watch.ensure_ready(tier)).since)
    await watch.close()
    assert times == [101, 101, 102]


async def test_refreshing_asks_all_together_and_raises_nothing(faults: FaultServer) -> None:
    faults.on("/v1/models", MODELS)
    faults.on("/health", http(200))
    watch = TierWatch([GONE, faults.tier()])
    await watch.refresh()
    states = {name: status.state for name, status in watch.statuses().items()}
    await watch.close()
    assert states == {"gone": TierState.UNREACHABLE, "box": TierState.READY}


async def test_a_found_tier_is_watched_like_any_other(
    watch: TierWatch, faults: FaultServer, seen: Seen
) -> None:
    faults.on("/v1/models", MODELS)
    await watch.start()
    watch.add(GONE)
    await seen.change("gone", TierState.UNREACHABLE)
    assert [tier.name for tier in watch.all()] == ["box", "gone"]
    with pytest.raises(ValueError, match="already"):
        watch.add(GONE)


async def test_closing_lets_nobody_wait_and_leaves_no_task(faults: FaultServer) -> None:
    faults.on("/v1/models", [Hold()])
    watch = TierWatch([faults.tier()])
    waiting = asyncio.create_task(watch.ensure_ready(watch.all()[0]))
    async with asyncio.timeout(30):
        await faults.asked_something.wait()
        await watch.close()
        with pytest.raises(TierUnreachable, match="shut down"):
            await waiting
    assert [task.get_name() for task in asyncio.all_tasks() if "tier" in task.get_name()] == []


async def test_whoever_stops_waiting_does_not_stop_the_look(
    watch: TierWatch, faults: FaultServer, seen: Seen
) -> None:
    faults.on("/v1/models", MODELS)
    waiting = asyncio.create_task(watch.ensure_ready(watch.all()[0]))
    async with asyncio.timeout(30):
        await faults.asked_something.wait()
    waiting.cancel()
    await seen.until(TierState.READY)


@pytest.mark.parametrize(
    ("state", "failures", "watched", "delay_s"),
    [
        (TierState.READY, 0, True, 5.0),
        (TierState.READY, 0, False, 30.0),
        (TierState.LOADING, 0, False, 1.0),
        (TierState.UNREACHABLE, 1, True, 2.0),
        (TierState.UNREACHABLE, 500, True, 15.0),
        (TierState.FAILED, 1, True, 10.0),
        (TierState.FAILED, 5, True, 15.0),
        (TierState.UNREACHABLE, 500, False, 60.0),
    ],
)
def test_a_tier_that_stays_away_is_asked_ever_more_rarely(
    state: TierState, failures: int, watched: bool, delay_s: float
) -> None:
    assert Pace().delay_s(state, failures, watched=watched) == delay_s
