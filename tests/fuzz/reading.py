"""What comes of a stream, as one comparable value; and streams made of arbitrary bytes."""

from __future__ import annotations

import json

from strixdesk.backends.answer import Answer
from strixdesk.backends.sse import SseEvent, SseParser, SseTooLong
from strixdesk.core.chat import ChatDelta, ChatEnd
from strixdesk.core.errors import TierError
from strixdesk.core.tier import Tier

LINE_LIMIT_BYTES = 1 << 16
TIER = Tier("box", "http://127.0.0.1:9/v1", model="m")
TOOLS = frozenset({"get_weather", "search"})

Read = tuple[list[SseEvent], str, str, ChatEnd | str]
"""The events, the text, the thinking, and the end or the kind of error."""


def read(chunks: list[bytes]) -> Read:
    """All that comes of a stream. What is promised to be raised is a result, too."""
    parser, answer = SseParser(LINE_LIMIT_BYTES), Answer(TIER, TOOLS)
    events: list[SseEvent] = []
    deltas: list[ChatDelta] = []

    def take(event: SseEvent) -> None:
        events.append(event)
        if not answer.over and (delta := answer.take(event.data, event.name)):
            deltas.append(delta)

    end: ChatEnd | str
    try:
        for chunk in chunks:
            for event in parser.feed(chunk):
                take(event)
        if last := parser.finish():
            take(last)
        held, end = answer.end()
        deltas += [held] if held else []
    except (TierError, SseTooLong) as error:
        end = f"{type(error).__name__}: {error}"
    text = "".join(delta.text for delta in deltas)
    thinking = "".join(delta.thinking for delta in deltas)
    (text + thinking).encode()  # no half characters come out
    return events, text, thinking, end


def cut(stream: bytes, sizes: bytes) -> list[bytes]:
    """Into pieces of the given sizes, in turn, and what is left."""
    pieces = []
    at = 0
    for size in sizes:
        pieces.append(stream[at : at + size])
        at += size
    return [*pieces, stream[at:]]


def woven(words: bytes) -> bytes:
    """A well-formed stream with fuzzed words in it, for what lies behind the JSON: thinking tags,
    tool calls and their repair. Each line is one delta; its first letter says of what."""
    events = []
    for line in words.split(b"\n", 31):
        kind, text = line[:1], line[1:].decode("utf-8", "surrogateescape")
        call = {"index": len(text) % 3, "function": {"name": text[:6], "arguments": text[6:]}}
        delta: dict[str, object] = {"content": text}
        match kind:
            case b"r":
                delta = {"reasoning": text}
            case b"t":
                delta = {"tool_calls": [call]}
            case b"a":
                delta = {"tool_calls": [{"index": 0, "function": {"arguments": text}}]}
            case b"o":
                delta = {"tool_calls": [{"function": {"name": text[:6], "arguments": {text: 1}}}]}
        events.append({"choices": [{"index": 0, "delta": delta}]})
    events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
