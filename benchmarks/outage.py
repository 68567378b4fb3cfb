"""A tier that is out of order for a minute: what reaches it, and what the other requests cost

On real connections, with the program's own cooldown, for the whole minute: a question every 0.1 s,
in turn to a session whose first tier is out of order and to one in which all is well. Out of order
is either a machine that hangs up on everybody, or a server that says it is well and fails at every
question.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import Row, median
from strixdesk.backends.chat import ChatClient
from strixdesk.backends.inventory.inventory import Inventory
from strixdesk.backends.tier_watch import TierWatch
from strixdesk.core.conversation import MessageStatus
from strixdesk.session.attachments import AttachmentStore
from strixdesk.session.recordings import RecordingJournal
from strixdesk.session.services import Services
from strixdesk.session.session import Session
from strixdesk.session.store import HistoryStore
from strixdesk.settings import Settings
from tests.support.fakes import FakeListener, FakeRecogniser, FakeSink, FakeVoice
from tests.support.fault_server import DONE, FaultServer, Pause, fault_server, http, says, stream

OUTAGE_S = 60.0
_EVERY_S = 0.1
_ANSWER = (Pause(0.05), says("The answer."), says(finish="stop"), DONE)
_CHAT = "/v1/chat/completions"


def measure() -> list[Row]:
    logging.getLogger("strixdesk").setLevel(logging.CRITICAL)
    return [*asyncio.run(_outage(gone=True)), *asyncio.run(_outage(gone=False))]


@dataclass(slots=True)
class _Desk:
    session: Session

    async def ask_ms(self) -> float:
        began = time.perf_counter()
        self.session.new_conversation()
        runner = self.session.begin_typed("What is the answer?")
        await self.session.finished(runner)
        assert runner.answer is not None
        assert runner.answer.status is MessageStatus.COMPLETE, runner.answer
        return (time.perf_counter() - began) * 1000


async def _outage(*, gone: bool) -> list[Row]:
    async with contextlib.AsyncExitStack() as stack:
        first, second, well = [await stack.enter_async_context(_server()) for _ in range(3)]
        desk = await stack.enter_async_context(_desk(first, second))
        peer = await stack.enter_async_context(_desk(well, second))
        for _ in range(10):
            await desk.ask_ms()
            await peer.ask_ms()
        first.dead = gone
        if not gone:
            first.on_chat(http(500, b'{"error":{"message":"the engine is dead"}}'))
        noticing_ms = await desk.ask_ms()
        # The look that the failure gave rise to belongs to the question that noticed it.
        await asyncio.sleep(0.2)
        noticed = _reached(first, gone=gone)
        ours, theirs = [], []
        until = time.monotonic() + OUTAGE_S
        while time.monotonic() < until:
            ours.append(await desk.ask_ms())
            theirs.append(await peer.ask_ms())
            await asyncio.sleep(_EVERY_S)
        probes = _reached(first, gone=gone) - noticed
    what = "machine gone" if gone else "engine dead"
    ours.sort()
    theirs.sort()
    high = int(len(ours) * 0.95)
    return [
        Row(f"{what}: questions while it was out", len(ours), None, ""),
        Row(f"{what}: probes that reached it", probes, None, "", 2),
        Row(f"{what}: the other requests, median", median(ours), median(theirs), "ms", 1.1),
        Row(f"{what}: the other requests, p95", ours[high], theirs[high], "ms"),
        Row(f"{what}: the question that noticed it", noticing_ms, median(theirs), "ms"),
    ]


def _reached(server: FaultServer, *, gone: bool) -> int:
    """Of a dead machine every connection counts; of a server that is well but for its engine, the
    questions."""
    return server.connections if gone else len(server.asked(_CHAT))


@contextlib.asynccontextmanager
async def _server() -> AsyncIterator[FaultServer]:
    async with fault_server() as server:
        server.on("/v1/models", http(200, b'{"object":"list","data":[{"id":"m"}]}'))
        server.on_chat(stream(*_ANSWER))
        yield server


@contextlib.asynccontextmanager
async def _desk(*servers: FaultServer) -> AsyncIterator[_Desk]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = HistoryStore(folder / "history.sqlite3")
        await store.open()
        tiers = [server.tier(f"tier {number}") for number, server in enumerate(servers)]
        watch = TierWatch(tiers)
        settings = Settings()
        session = Session(
            Services(
                settings=settings,
                store=store,
                recordings=RecordingJournal(folder / "recordings"),
                attachments=AttachmentStore(folder / "attachments"),
                tiers=Inventory(watch),
                chat=ChatClient(settings.chat, watch.status_of),
                recogniser=FakeRecogniser(),
                voice=FakeVoice(),
                sink=FakeSink(),
                listener=FakeListener(),
            ),
            speech_on=False,
        )
        try:
            yield _Desk(session)
        finally:
            await session.close()
