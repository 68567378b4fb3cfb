"""At most so many answers of a tier at once, in the order of asking."""

from __future__ import annotations

import asyncio

import pytest

from strixdesk.backends.gate import Gate, answers_at_once
from strixdesk.core.tier import Tier, TierState, TierStatus


@pytest.mark.parametrize(
    ("concurrency", "server", "at_once"),
    [(None, "vllm", 4), (None, "llama.cpp", 1), (None, "", 1), (3, "llama.cpp", 3)],
)
def test_how_many_depends_on_the_kind_of_server_unless_it_is_set(
    concurrency: int | None, server: str, at_once: int
) -> None:
    tier = Tier("box", "http://box/v1", concurrency=concurrency)
    assert answers_at_once(tier, TierStatus(TierState.READY, 0.0, server=server)) == at_once


def test_of_a_tier_that_was_never_asked_one() -> None:
    assert answers_at_once(Tier("box", "http://box/v1"), None) == 1


class Crowd:
    """Visitors of a gate, each of whom leaves when told to."""

    def __init__(self, limit: int) -> None:
        self.gate = Gate()
        self.limit = limit
        self.inside: list[str] = []
        self.may_leave: dict[str, asyncio.Event] = {}

    async def visit(self, name: str) -> None:
        self.may_leave[name] = asyncio.Event()
        async with self.gate.place(self.limit):
            self.inside.append(name)
            try:
                await self.may_leave[name].wait()
            finally:
                self.inside.remove(name)

    async def send(self, names: str) -> dict[str, asyncio.Task[None]]:
        tasks = {name: asyncio.create_task(self.visit(name)) for name in names}
        await settled()
        return tasks


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def dismissed(tasks: dict[str, asyncio.Task[None]]) -> None:
    for task in tasks.values():
        task.cancel()
    await asyncio.wait(tasks.values())


async def test_no_more_than_the_limit_are_in_and_the_others_follow_in_order() -> None:
    crowd = Crowd(2)
    tasks = await crowd.send("abcd")
    assert crowd.inside == ["a", "b"]
    assert crowd.gate.full(2)
    crowd.may_leave["b"].set()
    await settled()
    assert crowd.inside == ["a", "c"]
    await dismissed(tasks)
    assert not crowd.gate.full(2)


async def test_whoever_gives_up_waiting_holds_up_nobody() -> None:
    crowd = Crowd(1)
    tasks = await crowd.send("abc")
    tasks["b"].cancel()
    await settled()
    crowd.may_leave["a"].set()
    await settled()
    assert crowd.inside == ["c"]
    await dismissed(tasks)


async def test_whoever_is_stopped_at_the_moment_of_being_let_in_passes_the_place_on() -> None:
    crowd = Crowd(1)
    tasks = await crowd.send("abc")
    crowd.may_leave["a"].set()
    while not tasks["a"].done():
        await asyncio.sleep(0)
        if tasks["a"].done():
            break
    tasks["b"].cancel()
    await settled()
    assert crowd.inside == ["c"]
    await dismissed(tasks)
