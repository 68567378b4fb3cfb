"""One connection to a server that is kept open: small requests, and at once the news of its end.

A pool of connections cannot tell that a server has died before the next request. This one is read
from all the time, so the end of the server's process is seen when it happens; and the kernel is
asked to give up soon on a machine that no longer confirms what it is sent. A request costs a
fifth of what it does through the pool, which is what lets every tier be felt once a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from strixdesk.backends.http import bearer

CONFIRM_MS = 900
"""After so long without any sign from the other machine its connection is given up."""
_CONNECT_S = 1.4
"""Longer than a second, after which a lost first packet is sent once more."""
_GONE = {errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTDOWN}
_BODY_LIMIT_BYTES = 4 * 2**20
_LINE_LIMIT_BYTES = 64 * 2**10


class PulseLost(Exception):
    """The connection ended, could not be made, or carried something that is no HTTP."""

    def __init__(self, what: str, *, silent: bool = False) -> None:
        super().__init__(what)
        self.silent = silent
        """The other machine no longer confirms anything: it, or the way there, is gone."""


@dataclass(frozen=True, slots=True)
class Beat:
    status: int
    body: bytes
    lasting: bool
    """The server keeps the connection open."""


class Pulse:
    """GET requests, one after the other, by one task."""

    def __init__(self, base_url: str, api_key: str | None, on_lost: Callable[[], None]) -> None:
        """`on_lost` is called when an idle connection ends."""
        url = httpx.URL(base_url)
        self._host, self._port = url.host, url.port or 80
        host = f"[{url.host}]" if ":" in url.host else url.host
        headers = {"Host": f"{host}:{self._port}", "User-Agent": "StrixDesk", **bearer(api_key)}
        self._head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._on_lost = on_lost
        self.opened_at = float("-inf")
        """Of the latest connection, by a clock that only goes forward."""
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def open(self) -> bool:
        return self._writer is not None

    async def get(self, path: str, *, within_s: float) -> Beat:
        """Raises PulseLost, or TimeoutError for a server that does not answer; either way the
        connection is closed then, and the next request makes a new one."""
        try:
            async with asyncio.timeout(within_s):
                reader, writer = await self._connection()
                writer.write(f"GET {path} HTTP/1.1\r\n{self._head}\r\n".encode("ascii"))
                beat = await self._answer(reader)
        except (OSError, ValueError, EOFError, asyncio.LimitOverrunError) as error:
            await self.close()
            if isinstance(error, TimeoutError) and not error.errno:
                raise
            gone = getattr(error, "errno", None) in _GONE
            raise PulseLost(str(error), silent=gone) from None
        except BaseException:
            await self.close()
            raise
        if beat.lasting:
            self._watch = asyncio.create_task(self._until_lost(reader), name="pulse")
        else:
            await self.close()
        return beat

    async def close(self) -> None:
        await self._unwatch()
        writer, self._writer, self._reader = self._writer, None, None
        if writer:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        await self._unwatch()
        if self._reader and self._writer and not self._reader.at_eof():
            return self._reader, self._writer
        await self.close()
        try:
            async with asyncio.timeout(_CONNECT_S):
                reader, writer = await asyncio.open_connection(
                    self._host, self._port, limit=_LINE_LIMIT_BYTES
                )
        except TimeoutError:
            raise OSError(errno.ETIMEDOUT, "no connection") from None
        self._reader, self._writer = reader, writer
        self.opened_at = time.monotonic()
        _give_up_soon(writer.get_extra_info("socket"))
        return reader, writer

    async def _unwatch(self) -> None:
        watch, self._watch = self._watch, None
        if watch:
            watch.cancel()
            await asyncio.wait([watch])

    async def _until_lost(self, reader: asyncio.StreamReader) -> None:
        """Between two requests a server has nothing to say: whatever comes is the end."""
        with contextlib.suppress(OSError):
            await reader.read(1)
        if self._writer:
            self._writer.transport.abort()
        self._reader = self._writer = None
        self._on_lost()

    async def _answer(self, reader: asyncio.StreamReader) -> Beat:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip("\r\n").split("\r\n")
        version, _, rest = first.partition(" ")
        if not version.startswith("HTTP/1."):
            raise ValueError("that is no HTTP")
        status = int(rest[:3])
        headers = {
            name.strip().casefold(): value.strip().casefold()
            for name, _, value in (line.partition(":") for line in lines)
        }
        if "chunked" in headers.get("transfer-encoding", ""):
            body = await _chunks(reader)
        else:
            length = int(headers.get("content-length", "0"))
            if not 0 <= length <= _BODY_LIMIT_BYTES:
                raise ValueError("the answer is too long")
            body = await reader.readexactly(length)
        lasting = version == "HTTP/1.1" and headers.get("connection") != "close"
        return Beat(status, body, lasting)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while True:
        size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
        if not 0 <= size <= _BODY_LIMIT_BYTES - len(body):
            raise ValueError("the answer is too long")
        body += await reader.readexactly(size)
        await reader.readuntil(b"\r\n")
        if size == 0:
            return bytes(body)


def _give_up_soon(connection: socket.socket | None) -> None:
    """Linux only; elsewhere a silent machine is noticed by its missing answers."""
    if connection is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, CONFIRM_MS)
