"""How many ask a tier at once, for how long in all, and when it is left alone."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from strixdesk.backends.chat import ChatClient
from strixdesk.core.errors import (
    StreamBroken,
    TierRefused,
    TierResting,
    TierTimeout,
    TierUnreachable,
)
from strixdesk.core.tier import Tier, TierState, TierStatus
from strixdesk.settings import ChatSettings
from tests.support.asking import ask
from tests.support.fault_server import DONE, FaultServer, KeepAlives, Pause, says, stream
from tests.support.fault_server import http as fault_http

WHOLE = (says("Paris."), says(finish="stop"), DONE)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_the_second_question_waits_and_its_waiting_is_no_silence_of_the_server(
    faults: FaultServer, http: httpx.AsyncClient
) -> None:
    settings = ChatSettings(first_token_timeout_s=4.0, retries=0)
    chat = ChatClient(settings, http=http)
    tier = faults.tier(model="m")
    faults.on_chat(stream(Pause(0.6), *WHOLE))
    tasks = [asyncio.create_task(ask(chat, tier)) for _ in range(9)]  # the last waits for longest
    await asyncio.wait_for(faults.asked_something.wait(), 30)
    assert chat.busy(tier)
    assert len(faults.requests) == 1
    assert all([(await task).whole for task in tasks])
    assert not chat.busy(tier)


async def test_a_tier_takes_as_many_questions_as_it_is_set_to(
    faults: FaultServer, http: httpx.AsyncClient
) -> None:
    chat = ChatClient(ChatSettings(retries=0), http=http)
    tier = faults.tier(model="m", concurrency=2)
    faults.on_chat(stream(*WHOLE))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ask(chat, tier)) for _ in range(5)]
    assert all(task.result().whole for task in tasks)


@pytest.mark.parametrize(
    "drip", [says("a"), b": keep-alive\n\n", says("")], ids=["content", "comments", "nothing"]
)
async def test_the_deadline_in_all_holds_whatever_keeps_coming(
    faults: FaultServer, http: httpx.AsyncClient, drip: bytes
) -> None:
    settings = ChatSettings(total_timeout_s=4, retries=0)
    chat = ChatClient(settings, http=http)
    faults.on_chat(stream(says("Par"), KeepAlives(drip, 0.05)))
    outcome = await asyncio.wait_for(ask(chat, faults.tier(model="m")), 60)
    assert isinstance(outcome.error, TierTimeout)
    assert "not done with its answer after 4 seconds" in outcome.error.sentence()
    assert outcome.text.startswith("Par")


async def test_a_tier_that_kept_failing_is_left_alone_until_its_cooldown_is_over() -> None:
    clock = Clock()
    chat = ChatClient(ChatSettings(cooldown_s=30.0), now=clock)
    tier = Tier("box", "http://box/v1")
    with pytest.raises(TierUnreachable), chat.admission(tier):
        raise TierUnreachable("gone")
    with pytest.raises(TierResting, match="left alone for another 30 seconds"):
        chat.admission(tier).__enter__()
    clock.now += 30.0
    with chat.admission(tier), pytest.raises(TierResting, match="is just trying it again"):
        chat.admission(tier).__enter__()
    with chat.admission(tier), chat.admission(tier):
        pass
    await chat.close()


async def test_a_tier_is_left_alone_by_itself_not_with_its_neighbours() -> None:
    chat = ChatClient(ChatSettings())
    with pytest.raises(TierUnreachable), chat.admission(Tier("one", "http://one/v1")):
        raise TierUnreachable("gone")
    with chat.admission(Tier("two", "http://two/v1")):
        pass
    await chat.close()


async def test_a_server_that_was_seen_ready_again_is_asked_before_its_cooldown_is_over() -> None:
    status = TierStatus(TierState.READY, since=0.0)
    chat = ChatClient(ChatSettings(cooldown_s=1000.0), lambda tier: status)
    tier = Tier("box", "http://box/v1")
    for _ in range(3):
        with pytest.raises(StreamBroken), chat.admission(tier):
            raise StreamBroken("cut")
    with pytest.raises(TierResting):
        chat.admission(tier).__enter__()
    status = TierStatus(TierState.READY, since=4_000_000_000.0)
    with chat.admission(tier):
        pass
    await chat.close()


async def test_a_question_that_tries_a_tier_again_is_asked_once(
    faults: FaultServer, http: httpx.AsyncClient
) -> None:
    clock = Clock()
    chat = ChatClient(ChatSettings(retries=2, cooldown_s=30.0), http=http, now=clock)
    tier = faults.tier(model="m")
    faults.on_chat(fault_http(500, b"{}"))
    for seconds, requests in ((0, 3), (31, 4), (61, 5)):
        clock.now += seconds
        with pytest.raises(TierRefused), chat.admission(tier):
            raise (await ask(chat, tier)).error or AssertionError
        assert len(faults.requests) == requests
