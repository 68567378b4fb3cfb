"""The parent's side: keeps one speech worker alive and carries requests to it.

Everything runs on the event loop. A worker that dies, babbles or stops answering is killed; its
requests fail with a WorkerError and the next `ensure_ready` starts a fresh one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from strixdesk.core.errors import ModelError, WorkerError
from strixdesk.voice.wire import Unpacker, WireError, WireMessage

_log = logging.getLogger(__name__)

READY_WITHIN_S: Final = 90.0
"""Loading a model from a cold disk takes its time."""
LOG_HINT: Final = "If it happens again, look into the log (`strixdesk doctor` says where it is)."


class Link:
    """One run of the worker. It is over once and for good when `gone` is set."""

    def __init__(self, process: asyncio.subprocess.Process, name: str) -> None:
        self.gone = asyncio.Event()
        self.ready: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self.heard_at = time.monotonic()
        """When the worker last said anything."""
        self._process = process
        self._name = name
        self._requests: dict[str, asyncio.Queue[WireMessage | WorkerError]] = {}
        self._stderr: deque[str] = deque(maxlen=30)
        self._fault = ""
        self._expected = False
        self._tasks = (
            asyncio.create_task(self._read_messages()),
            asyncio.create_task(self._read_stderr()),
        )
        self._end = asyncio.create_task(self._wait_for_end())

    @property
    def pid(self) -> int:
        return self._process.pid

    def open(self, request_id: str) -> Request:
        queue: asyncio.Queue[WireMessage | WorkerError] = asyncio.Queue()
        self._requests[request_id] = queue
        if self.gone.is_set():
            queue.put_nowait(self._error())
        return Request(self, request_id, queue)

    def forget(self, request_id: str) -> None:
        self._requests.pop(request_id, None)

    def send(self, message: WireMessage) -> None:
        """Never blocks; nothing happens when the worker is gone (its requests have failed)."""
        stdin = self._process.stdin
        if not self.gone.is_set() and stdin is not None and not stdin.is_closing():
            stdin.write(message.packed())

    def kill(self, fault: str) -> None:
        """End it now. `fault` is the sentence that its requests fail with."""
        self._fault = self._fault or fault
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    def kill_hung(self, silent_s: float) -> None:
        self.kill(f"{self._name} did not answer for {silent_s:.0f} seconds and was ended.")

    async def close(self) -> None:
        """Ask it to leave by closing its stdin; insist after two seconds."""
        self._expected = True
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(2.0):
                await self.gone.wait()
        except TimeoutError:
            self.kill("")
        await asyncio.shield(self._end)

    async def _read_messages(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - it was made with a pipe
        unpacker = Unpacker()
        while data := await self._process.stdout.read(1 << 18):
            self.heard_at = time.monotonic()
            try:
                messages = unpacker.feed(data)
            except WireError as error:
                self.kill(f"{self._name} said something unintelligible ({error}).")
                return
            for message in messages:
                self._deliver(message)

    def _deliver(self, message: WireMessage) -> None:
        if message.kind == "ready" and not self.ready.done():
            self.ready.set_result(message.fields)
        elif message.kind == "failed" and not self.ready.done():
            kind = ModelError if message.fields.get("reason") == "model" else WorkerError
            self.ready.set_exception(
                kind(str(message.fields.get("message")), str(message.fields.get("advice")))
            )
            self._expected = True
        elif (queue := self._requests.get(message.id)) is not None:
            queue.put_nowait(message)

    async def _read_stderr(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 - it was made with a pipe
        while data := await self._process.stderr.read(1 << 14):
            self._stderr.extend(data.decode(errors="replace").splitlines())

    async def _wait_for_end(self) -> None:
        await self._process.wait()
        await asyncio.gather(*self._tasks)
        if self._process.stdin is not None:
            self._process.stdin.close()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                await self._process.stdin.wait_closed()
        self.gone.set()
        if not self._expected:
            _log.warning(
                "%s ended with status %s%s",
                self._name,
                self._process.returncode,
                "".join(f"\n    {line}" for line in self._stderr),
            )
        if not self.ready.done():
            self.ready.set_exception(self._error())
        self.ready.exception()  # read once, so that a start nobody waited for is not reported
        for queue in self._requests.values():
            queue.put_nowait(self._error())

    def _error(self) -> WorkerError:
        return WorkerError(self._fault or f"{self._name} stopped unexpectedly.", LOG_HINT)


class Request:
    """One question to the worker and what comes back, in order."""

    def __init__(
        self, link: Link, request_id: str, answers: asyncio.Queue[WireMessage | WorkerError]
    ) -> None:
        self.id = request_id
        self._link = link
        self._answers = answers

    def send(self, kind: str, payload: bytes = b"", **fields: object) -> None:
        self._link.send(WireMessage(kind, self.id, fields, payload))

    async def next(self, within_s: float | None = None) -> WireMessage:
        """The next answer. A worker that says nothing at all for `within_s`, to this request or
        another, hangs: it is killed. Raises WorkerError."""
        asked_at = time.monotonic()
        left_s = within_s
        while True:
            try:
                async with asyncio.timeout(left_s):
                    answer = await self._answers.get()
            except TimeoutError:
                assert within_s is not None  # noqa: S101 - without it nothing times out
                left_s = max(asked_at, self._link.heard_at) + within_s - time.monotonic()
                if left_s <= 0:
                    self._link.kill_hung(within_s)
                    left_s = None
                continue
            if isinstance(answer, WorkerError):
                raise answer
            return answer

    def close(self) -> None:
        self._link.forget(self.id)


class WorkerProcess:
    """Owns the worker: starts it when it is needed, and again when it has died."""

    def __init__(
        self,
        kind: str,
        args: Sequence[str],
        *,
        name: str,
        threads: int,
        command: Sequence[str] | None = None,
        on_start: Callable[[int], None] | None = None,
    ) -> None:
        """`name` begins sentences: "The recogniser". `command` replaces the program itself."""
        self._command = [*(command or program()), "--worker", kind, *args]
        self._name = name
        self._threads = threads
        self._on_start = on_start
        self._link: Link | None = None
        self._starting = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """Of the running worker."""
        return self._link.pid if self._link and not self._link.gone.is_set() else None

    async def link(self) -> Link:
        """A worker that was started; it may still be loading, and takes messages meanwhile."""
        async with self._starting:
            if self._link is None or self._link.gone.is_set():
                self._link = await self._start()
            return self._link

    async def ensure_ready(self) -> Mapping[str, Any]:
        """What the worker said when it was ready. Raises ModelError or WorkerError."""
        link = await self.link()
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                return await asyncio.shield(link.ready)
        except TimeoutError:
            link.kill(f"{self._name} was not ready after {READY_WITHIN_S:.0f} seconds.")
            await link.gone.wait()
            raise WorkerError(
                f"{self._name} was not ready after {READY_WITHIN_S:.0f} seconds.", LOG_HINT
            ) from None

    async def close(self) -> None:
        async with self._starting:
            link, self._link = self._link, None
            if link is not None:
                await link.close()

    async def _start(self) -> Link:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=_environment(self._threads),
            )
        except OSError as error:
            raise WorkerError(
                f"{self._name} could not be started: {error.strerror}.", LOG_HINT
            ) from error
        if self._on_start is not None:
            self._on_start(process.pid)
        return Link(process, self._name)


def program() -> list[str]:
    """How this program is started once more."""
    if getattr(sys, "frozen", False):
        return [sys.executable]
    return [sys.executable, "-P", "-m", "strixdesk"]  # -P: a folder must not shadow our modules


def _environment(threads: int) -> dict[str, str]:
    """The user's, except that the engines keep to their threads and never reach for the net."""
    count = str(threads)
    return {
        **os.environ,
        "OMP_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "PYTHONUNBUFFERED": "1",
    }
