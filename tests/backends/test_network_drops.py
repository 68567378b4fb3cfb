"""The network goes and comes back: what is shown is right, the next question is answered, and
nothing is left open."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from strixdesk.backends.chat import ChatClient
from strixdesk.backends.tier_watch import TierWatch
from strixdesk.core.chat import ChatEnd, ChatMessage
from strixdesk.core.errors import TierError
from strixdesk.core.tier import Tier, TierState
from strixdesk.settings import ChatSettings
from tests.support.eventually import eventually
from tests.support.far_machine import FarMachine, far_machine, need_namespaces
from tests.support.llama import start_llama

SEEN_WITHIN_S = 3.0
ANSWERS_WITHIN_S = 5.0
SPARE_S = 5.0
"""A test tells broken from well on a busy machine; how fast it is, it prints."""
QUESTION = [ChatMessage("user", "Say hello.")]


@pytest.fixture(scope="module")
def far() -> Iterator[FarMachine]:
    need_namespaces()
    with far_machine() as machine:
        yield machine


@pytest.fixture
async def tier(far: FarMachine) -> AsyncIterator[Tier]:
    server = await asyncio.to_thread(start_llama, host=far.host, inside=far.inside)
    try:
        yield server.tier("far")
    finally:
        far.mend()
        await asyncio.to_thread(server.close)


def sockets_to(far: FarMachine) -> int:
    """TCP connections to that machine that this process holds open."""
    octets = [int(octet) for octet in far.host.split(".")]
    address = "".join(f"{octet:02X}" for octet in reversed(octets))
    held = set()
    for file in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # it was closed meanwhile
            held.add(str(file.readlink()))
    lines = Path("/proc/self/net/tcp").read_text().splitlines()[1:]
    rows = (line.split() for line in lines)
    return sum(row[2].startswith(address) and f"socket:[{row[9]}]" in held for row in rows)


async def answered(chat: ChatClient, tier: Tier) -> bool:
    with contextlib.suppress(TierError):
        async with contextlib.aclosing(chat.stream(tier, QUESTION, max_tokens=4)) as items:
            return any([isinstance(item, ChatEnd) async for item in items])
    return False


async def drop(
    far: FarMachine, watch: TierWatch, chat: ChatClient, tier: Tier, *, plug: bool
) -> tuple[float, float]:
    """Seconds until the tier is shown as away, and until a question is answered after the end."""

    def state() -> TierState:
        return watch.statuses()[tier.name].state

    began = time.monotonic()
    far.pull_plug() if plug else far.lose_packets()
    await eventually(lambda: state() is TierState.UNREACHABLE, within_s=SEEN_WITHIN_S + SPARE_S)
    seen_s = time.monotonic() - began
    far.mend()
    began = time.monotonic()
    while not await answered(chat, tier):
        assert time.monotonic() - began < ANSWERS_WITHIN_S + SPARE_S
        await asyncio.sleep(0.1)
    answered_s = time.monotonic() - began
    await eventually(lambda: state() is TierState.READY, within_s=30)
    return seen_s, answered_s


async def drops(far: FarMachine, tier: Tier, times: int) -> None:
    watch = TierWatch([tier])
    settings = ChatSettings(connect_timeout_s=2.0, first_token_timeout_s=4.0, retries=1)
    chat = ChatClient(settings, watch.status_of)
    try:
        await watch.start()
        await eventually(lambda: watch.statuses()[tier.name].state is TierState.READY, within_s=30)
        took = [
            await drop(far, watch, chat, tier, plug=bool(number % 2)) for number in range(times)
        ]
    finally:
        await chat.close()
        await watch.close()
    seen, back = ([round(max(column), 1)] for column in zip(*took, strict=True))
    print(f"{times} drops: away seen within {seen[0]} s, answered within {back[0]} s")  # noqa: T201 - the figure
    await eventually(lambda: sockets_to(far) == 0, within_s=10)


@pytest.mark.engine
async def test_given_four_drops_then_each_is_seen_and_the_next_question_is_answered(
    far: FarMachine, tier: Tier
) -> None:
    await drops(far, tier, 4)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_given_fifty_drops_then_each_is_seen_and_the_next_question_is_answered(
    far: FarMachine, tier: Tier
) -> None:
    await drops(far, tier, 50)
