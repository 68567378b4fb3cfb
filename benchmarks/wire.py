"""The wire: one token's parsing, one long line, one whole request, beside the usual clients."""

from __future__ import annotations

import asyncio
import gc
import json
import multiprocessing
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from multiprocessing.connection import Connection

import httpx
import httpx2
from httpx_sse import EventSource
from openai import OpenAI, Stream
from openai.types.chat import ChatCompletionChunk

from benchmarks.report import Row, median
from strixdesk.backends.answer import Answer
from strixdesk.backends.chat import ChatClient
from strixdesk.backends.http import make_http_client
from strixdesk.backends.sse import SseParser
from strixdesk.core.chat import ChatMessage
from strixdesk.core.routing import choose_route
from strixdesk.core.tier import Tier, TierState, TierStatus
from strixdesk.settings import ChatSettings

ROUNDS = 30
TOKENS = 500
"""In the answer that is parsed."""
LINE_MIB = (1, 8)
PIECE_BYTES = 1024
LINE_ROUNDS = 25
REQUESTS = 300
WARM_UP = 20
REQUEST_TOKENS = 8
"""“The capital of France is Paris.”, as the small models of the tests write it."""

_TIER = Tier("box", "http://127.0.0.1:9/v1", model="m")


def measure() -> list[Row]:
    """Everything that is compared is measured in turns, in one process."""
    ours, sse, openai = _token_us()
    short, long = _line_ms()
    request, by_hand, bytes_only = asyncio.run(_request_ms())
    return [
        Row("parse one token, against httpx-sse + json", ours, sse, "us", target=1.5),
        Row("parse one token, against openai-python", ours, openai, "us", target=round(1 / 15, 4)),
        Row(f"{LINE_MIB[1]} MiB line / {LINE_MIB[0]} MiB, in 1 KiB pieces", long, short, "ms", 10),
        Row("a routed request, p50, against httpx", request, by_hand, "ms", target=1.3),
        Row("the same, against httpx that reads bytes only", request, bytes_only, "ms"),
    ]


def _chunk(delta: dict[str, str], finish: str | None = None) -> bytes:
    """As vLLM writes it."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    told = {
        "id": "chatcmpl-91cec288559ee4e7",
        "object": "chat.completion.chunk",
        "created": 1795229908,
        "model": "orchestrator",
        "choices": [choice | {"token_ids": None}],
    }
    return b"data: " + json.dumps(told, separators=(",", ":")).encode() + b"\n\n"


def _answer(tokens: int) -> list[bytes]:
    words = [_chunk({"content": f" word{number}"}) for number in range(tokens)]
    return [*words, _chunk({}, "stop"), b"data: [DONE]\n\n"]


# -- one token


def _token_us() -> tuple[float, float, float]:
    """Microseconds per token: ours (to the delta that the window gets), httpx-sse with json.loads,
    openai-python (to its typed chunk)."""
    pieces = _answer(TOKENS)
    headers = {"Content-Type": "text/event-stream"}
    request = httpx2.Request("POST", "http://127.0.0.1:9/v1/chat/completions")
    client = OpenAI(api_key="none", base_url="http://127.0.0.1:9/v1")

    def ours() -> None:
        parser, answer = SseParser(), Answer(_TIER)
        for piece in pieces:
            for event in parser.feed(piece):
                answer.take(event.data, event.name)

    def httpx_sse() -> None:
        response = httpx.Response(200, headers=headers, stream=_Pieces(pieces))
        for event in EventSource(response).iter_sse():
            if event.data != "[DONE]":
                json.loads(event.data)

    def openai() -> None:
        response = httpx2.Response(200, headers=headers, stream=_Pieces(pieces), request=request)
        for _ in Stream(cast_to=ChatCompletionChunk, response=response, client=client):
            pass

    ways = (ours, httpx_sse, openai)
    costs: dict[Callable[[], None], list[float]] = {way: [] for way in ways}
    for number in range(ROUNDS):
        for way in ways[number % 3 :] + ways[: number % 3]:
            way()  # whoever comes next finds the caches as the one before left them
            costs[way].append(_seconds(way) / TOKENS * 1e6)
    return median(costs[ours]), median(costs[httpx_sse]), median(costs[openai])


class _Pieces(httpx.SyncByteStream, httpx2.SyncByteStream):
    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)


def _seconds(do: Callable[[], None]) -> float:
    gc.collect()
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


# -- one long line


def _line_ms() -> tuple[float, float]:
    """Milliseconds for the short line and for the long one."""

    def feed(mebibytes: int) -> Callable[[], None]:
        piece = b"x" * PIECE_BYTES

        def do() -> None:
            parser = SseParser()
            for piece_or_end in (b"data: ", *[piece] * (mebibytes * 1024), b"\n\n"):
                for event in parser.feed(piece_or_end):
                    assert len(event.data) == mebibytes << 20

        return do

    ways = [feed(mebibytes) for mebibytes in LINE_MIB]
    costs = [[_seconds(way) * 1e3 for way in ways] for _ in range(LINE_ROUNDS)]
    return median(short for short, _ in costs), median(long for _, long in costs)


# -- one request


async def _request_ms() -> tuple[float, float, float]:
    """Milliseconds from the question to the end of its answer: ours with the choice of the
    tier, httpx with the few lines that get the words out of the stream, and httpx that looks at
    none of its bytes. The server is another process and answers at once."""
    ours_here, servers = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(servers, b"".join(_answer(REQUEST_TOKENS))), daemon=True
    )
    server.start()
    try:
        base_url = f"http://127.0.0.1:{ours_here.recv()}/v1"
        async with make_http_client() as http:
            return await _in_turns(http, base_url)
    finally:
        server.terminate()
        server.join()


async def _in_turns(http: httpx.AsyncClient, base_url: str) -> tuple[float, float, float]:
    tiers = [Tier(name, base_url, model="m") for name in ("orchestrator", "coder", "utility")]
    statuses = {tier.name: TierStatus(TierState.READY, since=0.0) for tier in tiers}
    chat = ChatClient(ChatSettings(), http=http)
    question = [ChatMessage("user", "What is the capital of France?")]
    body = {"messages": [{"role": "user", "content": question[0].text}], "stream": True}

    async def ours() -> None:
        route = choose_route(question[0].text, tiers=tiers, statuses=statuses)
        async for _ in chat.stream(route.tier, question):
            pass

    async def by_hand() -> None:
        async with http.stream("POST", f"{base_url}/chat/completions", json=body) as response:
            async for line in response.aiter_lines():
                if line.startswith("data: {"):
                    json.loads(line[6:])["choices"][0]["delta"].get("content")

    async def bytes_only() -> None:
        async with http.stream("POST", f"{base_url}/chat/completions", json=body) as response:
            async for _ in response.aiter_bytes():
                pass

    ways = (ours, by_hand, bytes_only)
    costs: dict[Callable[[], Awaitable[None]], list[float]] = {way: [] for way in ways}
    for number in range(REQUESTS + WARM_UP):
        for way in ways[number % 3 :] + ways[: number % 3]:
            began = time.perf_counter()
            await way()
            if number >= WARM_UP:
                costs[way].append((time.perf_counter() - began) * 1e3)
    return median(costs[ours]), median(costs[by_hand]), median(costs[bytes_only])


def _serve(port_to: Connection, answer: bytes) -> None:
    """Answers every request alike and keeps its connections, as model servers do."""
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    events = [event + b"\n\n" for event in answer.split(b"\n\n")[:-1]]

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    int(line.split(b":")[1])
                    for line in request.lower().split(b"\r\n")
                    if line.startswith(b"content-length:")
                )
                await reader.readexactly(length)
                writer.write(head)
                for event in events:
                    writer.write(b"%x\r\n%s\r\n" % (len(event), event))
                writer.write(b"0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        port_to.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())
