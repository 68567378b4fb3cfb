"""Whole streams as real servers sent them, read in one piece and byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from strixdesk.backends.answer import Answer
from strixdesk.backends.sse import SseParser
from strixdesk.core.chat import ChatEnd
from strixdesk.core.tier import Tier
from strixdesk.core.turn import Usage

TESTS = Path(__file__).parents[1]
STREAMS = {
    f"{path.parent.name}/{path.stem}": path
    for folder in ("data/wire", "backends/recorded")
    for path in sorted((TESTS / folder).rglob("*.sse"))
    if path.stem not in {"killed", "router_killed", "engine_died"}  # these have no end
}


def read(*chunks: bytes) -> tuple[str, str, ChatEnd]:
    """(text, thinking, end)"""
    parser, answer = SseParser(), Answer(Tier("box", "http://box/v1"))
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    deltas = [delta for event in events if (delta := answer.take(event.data, event.name))]
    held, end = answer.end()
    deltas += [held] if held else []
    text = "".join(delta.text for delta in deltas)
    return text, "".join(delta.thinking for delta in deltas), end


@pytest.mark.parametrize(
    ("name", "text", "thinking", "end"),
    [
        (
            "wire/vllm_reasoning_usage",
            "",
            "Hello! How can I assist",
            ChatEnd("length", Usage(31, 6), "orchestrator"),
        ),
        (
            "wire/litellm_vllm",
            "The capital of France is Paris.",
            "",
            ChatEnd("stop", Usage(40, 8), "orchestrator"),
        ),
    ],
)
def test_a_recorded_stream_gives_text_thinking_and_end(
    name: str, text: str, thinking: str, end: ChatEnd
) -> None:
    assert read(STREAMS[name].read_bytes()) == (text, thinking, end)


@pytest.mark.parametrize("path", STREAMS.values(), ids=STREAMS.keys())
def test_every_recorded_stream_is_the_same_in_any_pieces(path: Path) -> None:
    stream = path.read_bytes()
    once = read(stream)
    assert once[2].finish_reason in {"stop", "length", "tool_calls"}
    assert once[0] or once[1] or once[2].tool_calls
    assert read(*(bytes([byte]) for byte in stream)) == once
    assert read(*(stream[at : at + 7] for at in range(0, len(stream), 7))) == once
