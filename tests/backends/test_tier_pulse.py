"""Tiers that are felt all the time: real servers that die, hang, sleep and work."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest

from strixdesk.backends.pulse import Beat, Pulse, PulseLost
from strixdesk.backends.tier_keeper import Pace
from strixdesk.backends.tier_watch import TierWatch
from strixdesk.core.tier import TierState
from tests.support.eventually import eventually
from tests.support.fault_server import FaultServer, Hold, Pause, chunked, http
from tests.support.llama import LlamaServer, start_llama

NOISE_S = 8.0
"""What a busy machine may add."""
RARELY_ASKED = Pace(watched_s=60.0)
"""Only its pulse can tell of a tier in time."""


@pytest.fixture
async def server() -> AsyncIterator[LlamaServer]:
    """One that a test may kill."""
    server = await asyncio.to_thread(start_llama, context=512)
    yield server
    server.process.send_signal(signal.SIGCONT)
    server.close()


@pytest.fixture
async def watch(server: LlamaServer) -> AsyncIterator[TierWatch]:
    watch = TierWatch([server.tier()], pace=RARELY_ASKED)
    await watch.start()
    await eventually(lambda: state(watch) is TierState.READY, within_s=30)
    yield watch
    await watch.close()


def state(watch: TierWatch) -> TierState:
    return watch.statuses()["llama"].state


async def test_a_killed_server_is_not_shown_as_up_for_long(
    watch: TierWatch, server: LlamaServer
) -> None:
    await eventually(lambda: watch.statuses()["llama"].activity is not None, within_s=30)
    server.kill()
    await eventually(lambda: state(watch) is TierState.UNREACHABLE, within_s=2.0 + NOISE_S)


async def test_a_server_that_hangs_is_doubted_and_believed_again_once_it_answers(
    watch: TierWatch, server: LlamaServer
) -> None:
    doubts: list[str] = []
    watch.subscribe(lambda _, status: doubts.append(status.degraded))
    server.process.send_signal(signal.SIGSTOP)
    await eventually(lambda: any(doubts), within_s=30)
    server.process.send_signal(signal.SIGCONT)
    await eventually(
        lambda: state(watch) is TierState.READY and not watch.statuses()["llama"].degraded,
        within_s=60,
    )


async def test_nobody_is_asked_while_the_lid_is_closed(faults: FaultServer) -> None:
    faults.on("/v1/models", http(503, b'{"error":{"message":"Loading model"}}'))
    watch = TierWatch([faults.tier()])
    await watch.start()
    await eventually(lambda: len(faults.requests) > 0, within_s=30)
    watch.set_asleep(True)
    await watch.refresh()  # after a look that was under way
    asked = len(faults.requests)
    await asyncio.sleep(1.5)  # a loading tier would be asked once a second
    assert len(faults.requests) == asked
    watch.set_asleep(False)
    await eventually(lambda: len(faults.requests) > asked, within_s=30)
    await watch.close()


KEPT = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def test_a_connection_is_used_again_and_its_end_is_told(faults: FaultServer) -> None:
    lost = asyncio.Event()
    faults.on("/health", [KEPT, Pause(0.05)])
    pulse = Pulse(faults.base_url, None, lost.set)
    assert await pulse.get("/health", within_s=30) == Beat(200, b"ok", lasting=True)
    async with asyncio.timeout(30):
        await lost.wait()
    assert not pulse.open
    await pulse.close()


async def test_answers_in_chunks_are_put_together(faults: FaultServer) -> None:
    faults.on("/metrics", chunked(b"one ", b"two"))
    pulse = Pulse(faults.base_url, None, lambda: None)
    assert (await pulse.get("/metrics", within_s=30)).body == b"one two"
    await pulse.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 lots\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"x" * 200_000,
        b"",
    ],
)
async def test_what_is_no_answer_is_a_lost_pulse(faults: FaultServer, answer: bytes) -> None:
    faults.on("/health", [answer])
    pulse = Pulse(faults.base_url, None, lambda: None)
    with pytest.raises(PulseLost):
        await pulse.get("/health", within_s=30)
    assert not pulse.open


async def test_a_silent_server_is_waited_for_as_long_as_told(faults: FaultServer) -> None:
    faults.on("/health", [Hold()])
    pulse = Pulse(faults.base_url, None, lambda: None)
    with pytest.raises(TimeoutError):
        await pulse.get("/health", within_s=0.1)
    assert not pulse.open


async def test_nothing_listens_there() -> None:
    pulse = Pulse("http://127.0.0.1:9/v1", None, lambda: None)
    with pytest.raises(PulseLost):
        await pulse.get("/health", within_s=30)


async def test_a_server_that_ends_each_connection_is_not_stormed(faults: FaultServer) -> None:
    models = b'{"object":"list","data":[{"id":"m","owned_by":"llamacpp"}]}'
    for path, body in (("/health", b"{}"), ("/v1/models", models), ("/props", b"{}")):
        head = f"HTTP/1.1 200 OK\r\nServer: llama.cpp\r\nContent-Length: {len(body)}\r\n\r\n"
        faults.on(path, [head.encode() + body])
    watch = TierWatch([faults.tier()])
    await watch.start()
    await asyncio.sleep(2)
    await eventually(lambda: watch.statuses()["box"].state is TierState.READY, within_s=30)
    await watch.close()
    assert len(faults.requests) < 30
