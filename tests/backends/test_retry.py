"""A tier that is busy or out of reach is asked again, never in the middle of an answer."""

from __future__ import annotations

import email.utils
import time

import httpx
import pytest

from strixdesk.backends.chat import ChatClient
from strixdesk.backends.retry import LONGEST_PAUSE_S, pause_before_retry, retry_after_s
from strixdesk.core.errors import (
    StreamBroken,
    TierError,
    TierLoading,
    TierRefused,
    TierTimeout,
    TierUnreachable,
)
from strixdesk.core.tier import Tier
from strixdesk.settings import ChatSettings
from tests.support.asking import ask
from tests.support.fault_server import DONE, Cut, FaultServer, Script, event, http, says, stream

GOOD = stream(says("Paris."), says(finish="stop"), DONE)
BUSY = http(429, b"{}")


class Clock:
    """Time that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def patient(http: httpx.AsyncClient, clock: Clock) -> ChatClient:
    settings = ChatSettings(retries=2, connect_timeout_s=30.0)
    return ChatClient(settings, http=http, sleep=clock.sleep, chance=lambda: 1.0)


PASSING: dict[str, Script] = {
    "too many requests": BUSY,
    "overloaded": http(503, b'{"error":"no slot available"}'),
    "failed": http(500, b'{"error":{"message":"oops"}}'),
    "bad gateway": http(502, b""),
    "reset": [Cut()],
    "closed": [],
    "empty stream": stream(DONE),
    "error in the stream": stream(event({"error": {"message": "CUDA", "code": 500}})),
}
LASTING: dict[str, Script] = {
    "wrong key": http(401, b"{}"),
    "bad request": http(400, b"{}"),
    "not found": http(404, b"{}"),
    "loading": http(503, b'{"error":{"message":"Loading model","code":503}}'),
    "blind": http(500, b'{"error":{"message":"image input is not supported"}}'),
    "web page": http(200, b"<html></html>", "text/html"),
}


@pytest.mark.parametrize("name", PASSING)
async def test_what_may_pass_is_asked_again(
    faults: FaultServer, patient: ChatClient, clock: Clock, name: str
) -> None:
    faults.on_chat(PASSING[name], PASSING[name], GOOD)
    outcome = await ask(patient, faults.tier(model="m"))
    assert (outcome.text, outcome.whole) == ("Paris.", True)
    assert clock.slept == [0.25, 0.5]


@pytest.mark.parametrize("name", LASTING)
async def test_what_will_not_pass_is_told_at_once(
    faults: FaultServer, patient: ChatClient, clock: Clock, name: str
) -> None:
    faults.on_chat(LASTING[name], GOOD)
    outcome = await ask(patient, faults.tier(model="m"))
    assert outcome.error is not None
    assert clock.slept == []


async def test_it_is_asked_again_only_so_often(faults: FaultServer, patient: ChatClient) -> None:
    faults.on_chat(BUSY)
    outcome = await ask(patient, faults.tier(model="m"))
    assert isinstance(outcome.error, TierRefused)
    assert len(faults.asked("/v1/chat/completions")) == 3


async def test_an_answer_that_has_begun_is_never_asked_for_again(
    faults: FaultServer, patient: ChatClient
) -> None:
    faults.on_chat(stream(says("Par"), Cut()), GOOD)
    outcome = await ask(patient, faults.tier(model="m"))
    assert outcome.text == "Par"
    assert isinstance(outcome.error, StreamBroken)
    assert len(faults.asked("/v1/chat/completions")) == 1


async def test_a_wish_in_seconds_is_kept(
    faults: FaultServer, patient: ChatClient, clock: Clock
) -> None:
    faults.on_chat(http(429, b"{}", headers=["Retry-After: 7"]), GOOD)
    assert (await ask(patient, faults.tier(model="m"))).whole
    assert clock.slept == [7.0]


async def test_a_wish_as_a_date_is_kept(
    faults: FaultServer, patient: ChatClient, clock: Clock
) -> None:
    # far enough that the seconds until the request do not matter
    soon = email.utils.formatdate(time.time() + 14, usegmt=True)
    faults.on_chat(http(503, b"{}", headers=[f"Retry-After: {soon}"]), GOOD)
    assert (await ask(patient, faults.tier(model="m"))).whole
    assert 1 < clock.slept[0] <= 14


async def test_a_server_that_wants_minutes_is_not_waited_for(
    faults: FaultServer, patient: ChatClient, clock: Clock
) -> None:
    faults.on_chat(http(429, b"{}", headers=["Retry-After: 120"]), GOOD)
    outcome = await ask(patient, faults.tier(model="m"))
    assert outcome.error is not None
    assert "Ask again in 120 seconds" in outcome.error.sentence()
    assert clock.slept == []


async def test_nobody_there_is_asked_again_too(patient: ChatClient, clock: Clock) -> None:
    outcome = await ask(patient, Tier("box", "http://127.0.0.1:1/v1", model="m"))
    assert isinstance(outcome.error, TierUnreachable)
    assert len(clock.slept) == 2


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("-3", 0.0),
        ("1.5", 1.5),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90.0),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0.0),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("", None),
    ],
)
def test_what_a_server_may_say(said: str, seconds: float | None) -> None:
    headers = httpx.Headers({"Retry-After": said})
    assert retry_after_s(headers, now=lambda: 10.0) == seconds


def test_pauses_grow_and_are_spread() -> None:
    error = TierUnreachable("gone", passing=True)
    longest = [pause_before_retry(error, n, 10, lambda: 1.0) for n in (1, 2, 3, 9)]
    assert longest == [0.25, 0.5, 1.0, LONGEST_PAUSE_S]
    assert pause_before_retry(error, 1, 10, lambda: 0.0) == 0.125


@pytest.mark.parametrize("error", [TierTimeout("silent"), TierLoading("loading"), TierError("?")])
def test_what_took_its_time_to_fail_is_not_asked_again(error: TierError) -> None:
    assert pause_before_retry(error, 1, 2, lambda: 1.0) is None
