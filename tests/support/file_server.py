"""A real HTTP server that serves files, and misbehaves as it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Fault:
    """How one answer goes wrong; the faults of a server are used up one per request."""

    status: int = 200
    """Anything else is sent in place of the file."""
    cut_after: int | None = None
    """Close the connection after so many bytes of the body."""
    stall_after: int | None = None
    """Send so many bytes of the body, then nothing, until the client leaves."""
    corrupt: bool = False
    ignore_range: bool = False
    shift_range: int = 0
    """Continue at another place than asked for."""
    claimed_length: int | None = None
    """A Content-Length that is not true."""
    no_length: bool = False
    """No Content-Length: the body ends where the connection does."""
    extra: bytes = b""
    """Sent after the file."""
    redirect: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    path: str
    headers: dict[str, str]
    """Names in lower case."""


@dataclass(slots=True)
class FileServer:
    files: dict[str, bytes]
    faults: list[Fault] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    stalled: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    _answering: set[asyncio.Task[None]] = field(default_factory=set)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._answering.add(task)
        try:
            await self._answer(reader, writer)
        finally:
            self._answering.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _close(self) -> None:
        """Clients that left are noticed a moment later: wait for the answers to end."""
        if self._answering:
            await asyncio.wait(self._answering, timeout=30)
        assert not self._answering

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            lines = head.split("\r\n")
            pairs = (line.split(": ", 1) for line in lines[1:] if ": " in line)
            request = Request(lines[0].split(" ")[1], {k.lower(): v for k, v in pairs})
            self.requests.append(request)
            fault = self.faults.pop(0) if self.faults else Fault()
            await self._send(request, fault, reader, writer)

    async def _send(
        self,
        request: Request,
        fault: Fault,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        content = self.files.get(request.path)
        if fault.redirect:
            writer.write(f"HTTP/1.1 302 Found\r\nLocation: {fault.redirect}\r\n".encode())
            writer.write(b"Content-Length: 0\r\nConnection: close\r\n\r\n")
            return
        if content is None or fault.status != 200:
            status = fault.status if fault.status != 200 else 404
            writer.write(f"HTTP/1.1 {status} No\r\nContent-Length: 2\r\n".encode())
            writer.write(b"Connection: close\r\n\r\nno")
            return
        etag = f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
        start = self._start(request, fault, etag)
        body = content[start + (fault.shift_range if start else 0) :]
        length = len(body) if fault.claimed_length is None else fault.claimed_length
        lines = [f"HTTP/1.1 {206 if start else 200} OK", f"ETag: {etag}", "Connection: close"]
        if not fault.no_length:
            lines.append(f"Content-Length: {length}")
        if start:
            first = start + fault.shift_range
            lines.append(f"Content-Range: bytes {first}-{len(content) - 1}/{len(content)}")
        if fault.corrupt:
            body = bytes(255 - byte for byte in body[:10]) + body[10:]
        body += fault.extra
        end = next((n for n in (fault.cut_after, fault.stall_after) if n is not None), len(body))
        writer.write("\r\n".join([*lines, "", ""]).encode() + body[:end])
        await writer.drain()
        if fault.stall_after is not None:
            self.stalled.set()
            await reader.read()  # until the client leaves

    @staticmethod
    def _start(request: Request, fault: Fault, etag: str) -> int:
        wanted = request.headers.get("range", "")
        if fault.ignore_range or not wanted or request.headers.get("if-range", etag) != etag:
            return 0
        return int(wanted.removeprefix("bytes=").rstrip("-"))


@asynccontextmanager
async def serving(files: dict[str, bytes]) -> AsyncIterator[FileServer]:
    """The server on a free loopback port."""
    server = FileServer(files)
    listener = await asyncio.start_server(server._accept, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()
        await listener.wait_closed()
        await server._close()
