"""“Stop”: from the word to the end of what a box was doing

A real session and a real command that would take an hour, on this machine and through a real ssh
server. The word is spoken (from the recogniser's text) or typed. What is awaited is the end of the
command's own process, not what is said of it. And the start of a stack, by real docker, from the
cancelling to the end of the operation.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import Row, median
from strixdesk.backends.box.local_shell import LocalShell
from strixdesk.backends.box.shell import Shell
from strixdesk.backends.box.unit_controls import UnitControls
from strixdesk.backends.http import make_http_client
from strixdesk.core.box import Deed
from strixdesk.core.events import MessageChanged
from strixdesk.core.tier import Control, ControlKind, Tier
from strixdesk.session.attachments import AttachmentStore
from strixdesk.session.box_control import CANCELLED
from strixdesk.session.recordings import RecordingJournal
from strixdesk.session.services import Services
from strixdesk.session.session import Session
from strixdesk.session.store import HistoryStore
from strixdesk.settings import Settings
from tests.support.box_client import client_of
from tests.support.box_stack import write_stack
from tests.support.docker_engine import DockerEngine
from tests.support.fakes import (
    FakeListener,
    FakeRecogniser,
    FakeSink,
    FakeTiers,
    FakeVoice,
    Heard,
    ScriptedChat,
)
from tests.support.scripted_boxes import BOX, ScriptedBoxes
from tests.support.sshd import shell_of, ssh_server

ROUNDS = 20
WITHIN_MS = 300.0
_LOOK_S = 0.002
_PATIENCE_S = 20.0


def measure() -> list[Row]:
    logging.getLogger("strixdesk").setLevel(logging.CRITICAL)
    rows = asyncio.run(_rows("on this machine", _here))
    with ssh_server() as server:
        rows += asyncio.run(_rows("through ssh", lambda: shell_of(server)))
    took = asyncio.run(_stack_ms())
    rows.append(Row("a stack's start is cancelled: median", median(took), None, "ms", WITHIN_MS))
    rows.append(
        Row(f"a stack's start is cancelled: worst of {ROUNDS}", max(took), None, "ms", WITHIN_MS)
    )
    return rows


async def _stack_ms() -> list[float]:
    """While docker makes its containers, and while a server loads; on a real docker engine."""
    took = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "docker").mkdir()
        (folder / "stack").mkdir()
        engine = DockerEngine(folder / "docker")
        engine.start()
        try:
            engine.make_image()
            stack = write_stack(engine, folder / "stack")
            stack.acts(ORCH="loading=300")
            async with client_of(stack) as client:
                for number in range(ROUNDS):
                    start = asyncio.create_task(client.do(Deed.START, mode="gpu"))
                    await asyncio.sleep(0.1 * number)
                    began = time.perf_counter()
                    client.watch.cancel(client.box)
                    await start
                    took.append((time.perf_counter() - began) * 1e3)
                    await client.do(Deed.STOP)
        finally:
            engine.clean()
    return took


async def _rows(where: str, shell: Callable[[], AbstractAsyncContextManager[Shell]]) -> list[Row]:
    rows = []
    for how, spoken in (("spoken", True), ("typed", False)):
        async with shell() as box, _desk(box) as desk:
            took = [await desk.stop_ms(spoken=spoken) for _ in range(ROUNDS)]
        name = f"“stop”, {how}, a command {where}"
        rows.append(Row(f"{name}: median", median(took), None, "ms", WITHIN_MS))
        rows.append(Row(f"{name}: worst of {ROUNDS}", max(took), None, "ms", WITHIN_MS))
    return rows


@contextlib.asynccontextmanager
async def _here() -> AsyncIterator[Shell]:
    yield LocalShell()  # closed with the session


@dataclass(slots=True)
class _Desk:
    session: Session
    listener: FakeListener
    recogniser: FakeRecogniser
    heard: Heard
    pid_file: Path
    """Where the command says who it is."""

    async def stop_ms(self, *, spoken: bool) -> float:
        self.pid_file.unlink(missing_ok=True)
        self.heard.events.clear()
        await self._type("start the scribe")
        await self._type("yes")
        await _until(lambda: self.pid_file.exists() and self.pid_file.read_text().endswith("\n"))
        pid = int(self.pid_file.read_text())
        began = time.perf_counter()
        if spoken:
            self.recogniser.results = ["Stop."]
            self.listener.end(self.listener.begin())
        else:
            self.session.begin_typed("stop")
        await _until(lambda: not _lives(pid))
        took_ms = (time.perf_counter() - began) * 1e3
        await _until(self._told)
        return took_ms

    async def _type(self, words: str) -> None:
        await self.session.finished(self.session.begin_typed(words))

    def _told(self) -> bool:
        return any(one.message.text == CANCELLED for one in self.heard.of(MessageChanged))


@contextlib.asynccontextmanager
async def _desk(shell: Shell) -> AsyncIterator[_Desk]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pid_file = folder / "pid"
        command = ("sh", "-c", f"echo $$ > {pid_file}; exec sleep 3600")
        control = Control(ControlKind.COMMAND, start=command, stop=("true",))
        store = HistoryStore(folder / "history.sqlite3")
        await store.open()
        listener, recogniser, heard = FakeListener(), FakeRecogniser(), Heard()
        session = Session(
            Services(
                settings=Settings(),
                store=store,
                recordings=RecordingJournal(folder / "recordings"),
                attachments=AttachmentStore(folder / "attachments"),
                tiers=FakeTiers(Tier("scribe", "http://127.0.0.1:9/v1", control=control)),
                chat=ScriptedChat(),
                recogniser=recogniser,
                voice=FakeVoice(),
                sink=FakeSink(),
                listener=listener,
                boxes=ScriptedBoxes(),
                controls=UnitControls(lambda: (BOX,), lambda _: shell, make_http_client()),
            ),
            speech_on=False,
        )
        session.subscribe(heard.take)
        await session.start()
        try:
            yield _Desk(session, listener, recogniser, heard, pid_file)
        finally:
            await session.close()


def _lives(pid: int) -> bool:
    """One that has ended and whose status nobody has fetched yet does nothing any more."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - no event tells of another program's process
            await asyncio.sleep(_LOOK_S)
