"""An HTTP server that misbehaves exactly as told, down to the bytes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from strixdesk.core.tier import Tier


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing for a while."""

    seconds: float


class Hold:
    """Nothing, until the client goes away."""


class Cut:
    """The connection is reset, as when the server's process dies."""


@dataclass(frozen=True, slots=True)
class KeepAlives:
    """The same bytes again and again, until the client goes away."""

    piece: bytes
    every_s: float


Step = bytes | Pause | Hold | Cut | KeepAlives
Script = Sequence[Step]


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class FaultServer:
    """Plays a script for each request. When the script ends, so does the connection."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.requests: list[Request] = []
        self.idle = asyncio.Event()
        """No client is connected."""
        self.asked_something = asyncio.Event()
        self._open_connections = 0
        self.connections = 0
        """How many there were."""
        self.dead = False
        """Whoever comes is thrown out at once."""
        self.left = asyncio.Event()
        """A client hung up while its script was still going on."""
        self._scripts: dict[str, list[Script]] = {}

    def tier(self, name: str = "box", **more: Any) -> Tier:
        return Tier(name=name, base_url=f"{self.base_url}/v1", **more)

    def on(self, path: str, *scripts: Script) -> None:
        """The first request to `path` gets the first script, …; the last one is repeated."""
        self._scripts[path] = list(scripts)

    def on_chat(self, *scripts: Script) -> None:
        self.on("/v1/chat/completions", *scripts)

    def asked(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open_connections += 1
        self.connections += 1
        self.idle.clear()
        try:
            if self.dead:
                await self._play([Cut()], reader, writer)
                return
            request = await read_request(reader)
            if request is None:
                return
            self.requests.append(request)
            self.asked_something.set()
            scripts = self._scripts.get(request.path, [http(404, b'{"detail":"Not Found"}')])
            script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
            await self._play(script, reader, writer)
        except ConnectionError:
            self.left.set()
        finally:
            self._open_connections -= 1
            if not self._open_connections:
                self.idle.set()
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _play(
        self, script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        for step in script:
            match step:
                case bytes():
                    writer.write(step)
                    await writer.drain()
                case Pause(seconds):
                    await asyncio.sleep(seconds)
                case Hold():
                    await reader.read()
                    self.left.set()
                case KeepAlives(piece, every_s):
                    gone = asyncio.ensure_future(reader.read())
                    while not gone.done():
                        writer.write(piece)
                        await asyncio.wait([gone], timeout=every_s)
                    self.left.set()
                case Cut():
                    reset = struct.pack("ii", 1, 0)  # close at once, with RST in place of FIN
                    connection = writer.get_extra_info("socket")
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                    writer.transport.abort()
                    return


@contextlib.asynccontextmanager
async def fault_server() -> AsyncIterator[FaultServer]:
    server = FaultServer("")
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.base_url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()


def http(
    status: int,
    body: bytes = b"",
    content_type: str = "application/json",
    headers: Sequence[str] = (),
) -> Script:
    """A whole, well-formed answer."""
    lines = [
        f"HTTP/1.1 {status} Whatever",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *headers,
    ]
    return ["\r\n".join([*lines, "", ""]).encode() + body]


def stream(*steps: Step, content_type: str = "text/event-stream") -> Script:
    """A stream whose end is the end of the connection."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nConnection: close\r\n\r\n"
    return [head.encode(), *steps]


def chunked(*steps: Step, ended: bool = True) -> Script:
    """A stream in HTTP chunks; `ended` False: its last chunk never comes."""
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    wrapped = [
        b"%x\r\n%s\r\n" % (len(step), step) if isinstance(step, bytes) else step for step in steps
    ]
    return [head, *wrapped, *([b"0\r\n\r\n"] if ended else [])]


def event(data: object) -> bytes:
    """One server-sent event; anything but text is sent as JSON."""
    text = data if isinstance(data, str) else json.dumps(data)
    return f"data: {text}\n\n".encode()


def says(content: str | None = None, *, finish: str | None = None, **delta: object) -> bytes:
    """A chunk of an answer."""
    told = delta if content is None else {"content": content, **delta}
    return event({"choices": [{"index": 0, "delta": told, "finish_reason": finish}]})


DONE = event("[DONE]")


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.rstrip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    method, path, _ = first.split(" ")
    return Request(method, path, headers, body)
