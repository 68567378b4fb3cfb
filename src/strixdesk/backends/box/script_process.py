"""One process on this side that runs a script (`remote_script`), here or through ssh."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from typing import Any, cast

from strixdesk.backends.box.remote_script import MarkedOutput, encode, script_argv
from strixdesk.backends.box.shell import OUTPUT_LIMIT_BYTES

_DRAIN_S = 1.0
"""How long output is waited for after the end: what the command left running may hold it open."""
_PAUSE_BYTES = 2**20
_LINE_LIMIT_BYTES = 2**16
"""Longer lines are given in pieces."""
_MARK_BYTES = 64
"""No mark is longer."""
_OUT, _ERR = 1, 2


class ScriptProcess(asyncio.SubprocessProtocol):
    """Made by `script_running`."""

    def __init__(self, mark: str, *, keeps_lines: bool) -> None:
        self.out = MarkedOutput(mark, 0 if keeps_lines else OUTPUT_LIMIT_BYTES)
        self.err = MarkedOutput(mark, OUTPUT_LIMIT_BYTES)
        self._begun = asyncio.Event()
        self._over = asyncio.Event()
        self._gone = asyncio.Event()
        self._open_pipes = {_OUT, _ERR}
        self._dropped = False
        self._keeps_lines = keeps_lines
        self._unread: deque[bytes] = deque()
        self._unread_bytes = 0
        self._news = asyncio.Event()
        self._transport: asyncio.SubprocessTransport | None = None

    @property
    def begun(self) -> bool:
        return self.out.begun or self.err.begun

    @property
    def status(self) -> int | None:
        """Of the command. None: its end was not told, or it was ended from here."""
        return None if self._dropped else self.err.status

    @property
    def own_status(self) -> int | None:
        """Of the process on this side: 255 when ssh failed."""
        return self._transport.get_returncode() if self._transport else None

    @property
    def said(self) -> str:
        """What came on stderr before the command began, or instead of it."""
        return self.err.noise.decode("utf-8", "replace")

    async def wait_begun(self, timeout_s: float) -> None:
        """Until the command has begun, or the process on this side is over. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            await self._begun.wait()

    async def wait(self, timeout_s: float | None) -> None:
        """Until the command is over, or the process on this side. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            await self._over.wait()

    async def lines(self, timeout_s: float | None) -> AsyncGenerator[str, None]:
        """Of its output as they come. Raises TimeoutError."""
        loop = asyncio.get_running_loop()
        deadline = None if timeout_s is None else loop.time() + timeout_s
        rest = b""
        while True:
            if not self._unread:
                if self._over.is_set():
                    break
                self._news.clear()
                async with asyncio.timeout_at(deadline):
                    await self._news.wait()
                continue
            *whole, rest = (rest + self._take()).split(b"\n")
            if len(rest) > _LINE_LIMIT_BYTES:
                whole, rest = [*whole, rest[:-_MARK_BYTES]], rest[-_MARK_BYTES:]
            for line in whole:
                last = self.out.without_end(line)
                if last is None:
                    yield _text(line)
                elif last:
                    yield _text(last)
        if rest:
            yield _text(rest)

    # ---- what asyncio calls ------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._receive(fd, data)
        if self.begun:
            self._begun.set()

    def _receive(self, fd: int, data: bytes) -> None:
        if fd == _OUT:
            fresh = self.out.feed(data)
            if self._keeps_lines and fresh and not self._over.is_set():
                self._unread.append(fresh)
                self._unread_bytes += len(fresh)
                self._news.set()
                if self._unread_bytes > _PAUSE_BYTES:
                    self._output().pause_reading()
        else:
            self.err.feed(data)
        told = [one.status is not None for one in (self.out, self.err)]
        if all(told):
            self._finish()
        elif any(told):
            self._finish_soon()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self._open_pipes.discard(fd)
        if not self._open_pipes:
            self._finish()

    def process_exited(self) -> None:
        self._gone.set()
        self._finish_soon()

    # ---- its end -----------------------------------------------------------------------------

    async def end(self, patience_s: float) -> None:
        """The script ends its command when its stdin is closed."""
        transport = self._process()
        self._dropped = self._dropped or self.err.status is None
        stdin = transport.get_pipe_transport(0)
        if stdin:
            stdin.close()
        if patience_s:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await self._gone.wait()
        if not self._gone.is_set():
            with contextlib.suppress(ProcessLookupError):
                # not by the transport: that reaps a process whose end asyncio itself waits for
                os.kill(transport.get_pid(), signal.SIGKILL)
            await self._gone.wait()
        transport.close()

    def write(self, data: bytes) -> None:
        """Its stdin stays open behind it."""
        stdin = cast(asyncio.WriteTransport, self._process().get_pipe_transport(0))
        stdin.write(data)

    def _finish_soon(self) -> None:
        if self._open_pipes:
            asyncio.get_running_loop().call_later(_DRAIN_S, self._finish)

    def _finish(self) -> None:
        self._begun.set()
        self._over.set()
        self._news.set()

    def _take(self) -> bytes:
        data = self._unread.popleft()
        before = self._unread_bytes
        self._unread_bytes -= len(data)
        if self._unread_bytes <= _PAUSE_BYTES < before and _OUT in self._open_pipes:
            self._output().resume_reading()
        return data

    def _output(self) -> asyncio.ReadTransport:
        return cast(asyncio.ReadTransport, self._process().get_pipe_transport(_OUT))

    def _process(self) -> asyncio.SubprocessTransport:
        if self._transport is None:
            raise RuntimeError("not started")
        return self._transport


@contextlib.asynccontextmanager
async def script_running(
    argv: Sequence[str],
    wrap: Callable[[list[bytes]], Sequence[bytes | str]],
    *,
    stdin: bytes = b"",
    timeout_s: float | None = None,
    as_lines: bool = False,
    env: Mapping[str, str] | None = None,
    leaving: set[asyncio.Task[None]],
    patience_s: float = 0.0,
    lingers: bool = False,
) -> AsyncIterator[ScriptProcess]:
    """`wrap` makes the arguments of the process of those of the script. Leaving ends the command;
    what then still runs here after `patience_s` is killed. That is one of `leaving` until it is
    done: whoever is cancelled twice waits for it no longer, and after a command that is over,
    nobody does if it `lingers`. Raises BoxError for a command that is not well formed, and
    FileNotFoundError."""
    mark = f"strixdesk-{secrets.token_hex(8)}"
    encoded = encode(stdin)
    script = script_argv(mark, argv, limit_s=timeout_s, stdin=encoded, merged=as_lines)
    process = ScriptProcess(mark, keeps_lines=as_lines)
    starting = asyncio.ensure_future(
        asyncio.get_running_loop().subprocess_exec(
            lambda: process, *wrap(script), env=env, start_new_session=True
        )
    )
    try:
        await asyncio.shield(starting)
        process.write(encoded)
        yield process
    finally:
        ending = asyncio.create_task(_ended(starting, process, patience_s))
        leaving.add(ending)
        ending.add_done_callback(leaving.discard)
        if not lingers or process.status is None:
            await asyncio.shield(ending)


async def _ended(starting: asyncio.Future[Any], process: ScriptProcess, patience_s: float) -> None:
    """A process may be there already when the wait for its start was cancelled."""
    await asyncio.wait([starting])
    if not starting.exception():
        await process.end(patience_s)


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "replace")
