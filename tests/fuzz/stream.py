"""Fuzzes the path from bytes to an answer; `scripts/fuzz` runs it in an environment with atheris.

A finding is: an exception other than the ones that are promised, another result when the same
bytes are cut in another way, an execution of more than 100 ms of processor time, growth by more
than 64 MB. It stops there and leaves the input beside the corpus.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]

with atheris.instrument_imports(include=["strixdesk"]):
    from strixdesk.backends.answer import Answer
    from strixdesk.backends.sse import SseEvent, SseParser, SseTooLong
    from strixdesk.core.chat import ChatDelta, ChatEnd
    from strixdesk.core.errors import TierError
    from strixdesk.core.tier import Tier

LIMIT_S = 0.1
GROWTH_LIMIT_BYTES = 64 << 20
LINE_LIMIT_BYTES = 1 << 16
SETTLED = 20_000
"""Executions after which the memory is first looked at: imports and caches are warm."""
LOOK_EVERY = 5_000
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


class Watch:
    """Counts, and holds every execution against its limits."""

    def __init__(self, executions: int) -> None:
        self._executions = executions
        self._done = 0
        self._slowest_s = 0.0
        self._settled_bytes = 0
        self._growth_bytes = 0
        self._ended_well = 0
        self._began = time.monotonic()

    def execute(self, data: bytes) -> None:
        sizes, stream = data[1 : 1 + data[0] % 16], data[17:]
        if data[0] >= 128:
            stream = woven(stream)
        began = time.process_time()
        once = read([stream])
        seconds = time.process_time() - began
        again = read(cut(stream, sizes))
        assert again == once, f"cut into {list(sizes)}: {again} in place of {once}"
        self._slowest_s = max(self._slowest_s, seconds)
        assert seconds <= LIMIT_S, f"it took {seconds * 1000:.0f} ms"
        self._ended_well += isinstance(once[3], ChatEnd)
        self._done += 1
        if self._done == SETTLED:
            self._settled_bytes = resident_bytes()
        elif self._done > SETTLED and self._done % LOOK_EVERY == 0:
            self._growth_bytes = max(self._growth_bytes, resident_bytes() - self._settled_bytes)
            assert self._growth_bytes <= GROWTH_LIMIT_BYTES, (
                f"grown by {self._growth_bytes:,} bytes"
            )
        if self._done == self._executions:
            self._report()
            os._exit(0)  # libFuzzer would say only that its runs are done

    def _report(self) -> None:
        sys.stdout.write(
            f"fuzz: {self._done:,} executions in {time.monotonic() - self._began:.0f} s, "
            f"each once in one piece and once cut; {self._ended_well:,} were whole answers; "
            f"no crash; slowest {self._slowest_s * 1000:.1f} ms; "
            f"memory grew by {self._growth_bytes / (1 << 20):.1f} MB\n"
        )
        sys.stdout.flush()


def resident_bytes() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    watch = Watch(int(sys.argv.pop(1)))

    def one_input(data: bytes) -> None:
        watch.execute(data.ljust(18, b"\n"))

    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
