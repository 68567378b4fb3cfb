"""Looking at tiers and boxes: all at once with one dead and one black-holed, and what it costs.

Four real llama-servers, one port where nothing listens, and one whose machine confirms nothing: a
listening socket whose queue is full, so that the kernel drops what comes. The watch runs as it does
while somebody looks at the list, with a look every 5 s and a sign of life every 0.9 s.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.report import Row, median
from strixdesk.backends.box.keeper import BoxPace
from strixdesk.backends.probe import CONNECT_TIMEOUT_S
from strixdesk.backends.tier_watch import TierWatch
from strixdesk.core.box import Deed, OperationState
from strixdesk.core.tier import Tier, TierState, TierStatus
from tests.support.box_client import client_of
from tests.support.box_stack import BoxStack, write_stack
from tests.support.docker_engine import DockerEngine
from tests.support.llama import LlamaServer, start_llama

LIVE = 4
ROUNDS = 5
WATCH_S = 20.0
KILLS = 3


@contextmanager
def black_hole() -> Iterator[int]:
    """A port whose connections are never taken up nor refused."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for one in fillers:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        yield port
        for one in fillers:
            one.close()


def sockets() -> set[str]:
    """Those of this process; each has a number that is never used again."""
    found = set()
    for entry in os.listdir("/proc/self/fd"):  # noqa: PTH208  # names, not paths
        try:
            target = os.readlink(f"/proc/self/fd/{entry}")  # noqa: PTH115
        except OSError:
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found


def tiers_of(servers: list[LlamaServer]) -> list[Tier]:
    return [server.tier(f"live {number}") for number, server in enumerate(servers)]


async def refresh_s(tiers: list[Tier]) -> float:
    watch = TierWatch(tiers)
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await watch.refresh()
        times.append(time.perf_counter() - began)
    await watch.close()
    return median(times)


async def watching(tiers: list[Tier]) -> tuple[float, int]:
    """Share of a core, and sockets opened, once everything is steady."""
    watch = TierWatch(tiers)
    await watch.start()
    await asyncio.sleep(6.0)
    before, began, used = sockets(), time.perf_counter(), time.process_time()
    seen = set(before)
    while time.perf_counter() - began < WATCH_S:
        await asyncio.sleep(1.0)
        seen |= sockets()
    share = (time.process_time() - used) / (time.perf_counter() - began)
    await watch.close()
    return share, len(seen - before)


async def flip_s(server: LlamaServer) -> float:
    """From the end of its process until it is not shown as ready any more."""
    flipped = asyncio.Event()
    watch = TierWatch([server.tier()])

    def see(_: Tier, status: TierStatus) -> None:
        if status.state is not TierState.READY:
            flipped.set()

    watch.subscribe(see)
    await watch.refresh()
    await watch.start()
    await asyncio.sleep(2.0)
    flipped.clear()
    began = time.perf_counter()
    server.process.kill()
    await flipped.wait()
    took = time.perf_counter() - began
    await watch.close()
    return took


async def watching_box(stack: BoxStack) -> tuple[float, int]:
    """Of this process; what docker does is the box's own share."""
    async with client_of(stack, pace=BoxPace()) as client:
        operation = await client.do(Deed.START, mode="cpu")
        assert operation.state is OperationState.DONE, operation.step
        await client.watch.start()
        await asyncio.sleep(6.0)
        before, began, used = sockets(), time.perf_counter(), time.process_time()
        seen = set(before)
        while time.perf_counter() - began < WATCH_S:
            await asyncio.sleep(1.0)
            seen |= sockets()
        share = (time.process_time() - used) / (time.perf_counter() - began)
        return share, len(seen - before)


def box_rows() -> list[Row]:
    """None where no docker engine can run."""
    with tempfile.TemporaryDirectory(prefix="strix-") as home:
        engine = DockerEngine(Path(tempfile.mkdtemp(prefix="strixdesk-docker-")))
        try:
            engine.start()
            engine.run("compose", "version")
            engine.make_image()
        except (OSError, RuntimeError, subprocess.SubprocessError):
            engine.clean()
            return []
        try:
            share, opened = asyncio.run(watching_box(write_stack(engine, Path(home))))
        finally:
            engine.clean()
    return [
        Row("watching a box with two services: share of a core", share * 100, None, "%", 0.5),
        Row("watching a box: sockets opened in 20 s", float(opened), None, "", 0.0),
    ]


def measure() -> list[Row]:
    servers = [start_llama(context=512) for _ in range(LIVE)]
    try:
        live = tiers_of(servers)
        with black_hole() as port:
            away = [
                Tier("dead", "http://127.0.0.1:9/v1"),
                Tier("black hole", f"http://127.0.0.1:{port}/v1"),
            ]
            alone = max(asyncio.run(refresh_s([tier])) for tier in live)
            together = asyncio.run(refresh_s([*live, *away]))
        share, opened = asyncio.run(watching(live))
        flips = [asyncio.run(flip_s(server)) for server in servers[:KILLS]]
    finally:
        for server in servers:
            server.close()
    deadline_s = max(alone, CONNECT_TIMEOUT_S)
    return [
        Row("four live, one dead, one black-holed: refresh", together, deadline_s, "s", 1.2),
        Row("watching four tiers: share of a core", share * 100, None, "%", 0.5),
        Row("watching four tiers: sockets opened in 20 s", float(opened), None, "", 0.0),
        Row("killed server: still shown as ready for", max(flips), None, "s", 2.0),
        *box_rows(),
    ]
