"""Whatever a server makes of tool calls on the wire, the same calls come out at the end."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strixdesk.backends import tool_deltas
from strixdesk.backends.answer import Answer
from strixdesk.backends.chat import ChatClient
from strixdesk.backends.sse import SseParser
from strixdesk.backends.tool_deltas import ToolCallsTooLong, ToolDeltas
from strixdesk.core.chat import ChatDelta, ChatEnd
from strixdesk.core.errors import StreamBroken
from strixdesk.core.tier import Tier
from strixdesk.core.tool_calls import BrokenToolCall, ToolCall
from strixdesk.settings import ChatSettings
from tests.support.asking import ask
from tests.support.fault_server import DONE, FaultServer, KeepAlives, Pause, http, says, stream

WIRE = Path(__file__).parents[1] / "data" / "wire"
PARIS = ToolCall("a", "weather", {"city": "Paris"})
ROME = ToolCall("b", "weather", {"city": "Rome"})


def piece(
    index: int | None = None,
    call_id: str | None = None,
    name: str | None = None,
    arguments: Any = None,
) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    entry = {"index": index, "id": call_id, "type": "function"}
    return {key: value for key, value in entry.items() if value is not None} | {
        "function": {key: value for key, value in function.items() if value is not None}
    }


def assembled(*deltas: object) -> tuple[object, ...]:
    assembly = ToolDeltas()
    for delta in deltas:
        assembly.feed(delta)
    return assembly.calls()


SHAPES: dict[str, list[object]] = {
    "vLLM: name first, then pieces": [
        [piece(0, "a", "weather")],
        [piece(0, arguments='{"ci')],
        [piece(0, arguments='ty": "Paris"}')],
        [piece(1, "b", "weather")],
        [piece(1, arguments='{"city": "Rome"}')],
    ],
    "llama.cpp: name with the first piece": [
        [piece(0, "a", "weather", "{")],
        [piece(0, arguments='"city": "Paris"}')],
        [piece(1, "b", "weather", "{")],
        [piece(1, arguments='"city": "Rome"}')],
    ],
    "LiteLLM: id and name null or empty in later pieces": [
        [{"index": 0, "id": "a", "function": {"name": "weather", "arguments": ""}}],
        [{"index": 0, "id": None, "function": {"name": None, "arguments": '{"city": '}}],
        [{"index": 0, "id": "", "function": {"name": "", "arguments": '"Paris"}'}}],
        [{"index": 1, "id": "b", "function": {"name": "weather", "arguments": '{"city":"Rome"}'}}],
    ],
    "Ollama, OpenAI shape: whole calls, all with index 0": [
        [piece(0, "a", "weather", '{"city": "Paris"}')],
        [piece(0, "b", "weather", '{"city": "Rome"}')],
    ],
    "Ollama, both in one delta without index": [
        [
            piece(None, "a", "weather", {"city": "Paris"}),
            piece(None, "b", "weather", {"city": "Rome"}),
        ]
    ],
    "interleaved": [
        [piece(0, "a", "weather"), piece(1, "b", "weather")],
        [piece(1, arguments='{"city": ')],
        [piece(0, arguments='{"city": "Par')],
        [piece(1, arguments='"Rome"}'), piece(0, arguments='is"}')],
    ],
    "the second before the first": [
        [piece(1, "b", "weather", '{"city": "Rome"}')],
        [piece(0, "a", "weather", '{"city": "Paris"}')],
    ],
    "arguments before the name": [
        [piece(0, arguments='{"city": ')],
        [piece(0, "a", "weather", '"Paris"}')],
        [piece(1, "b", "weather", '{"city": "Rome"}')],
    ],
    "id and name repeated in each piece": [
        [piece(0, "a", "weather", '{"city": ')],
        [piece(0, "a", "weather", '"Paris"}')],
        [piece(1, "b", "weather", '{"city": ')],
        [piece(1, "b", "weather", '"Rome"}')],
    ],
    "a name in pieces": [
        [piece(0, "a", "wea")],
        [piece(0, name="ther")],
        [piece(0, arguments='{"city": "Paris"}')],
        [piece(1, "b", "weather", '{"city": "Rome"}')],
    ],
    "another id in each piece": [
        [piece(0, "a", "weather")],
        [piece(0, "x", arguments='{"city": "Paris"}')],
        [piece(1, "b", "weather")],
        [piece(1, "y", arguments='{"city": "Rome"}')],
    ],
    "only ids": [
        [piece(None, "a", "weather")],
        [piece(None, "b", "weather")],
        [piece(None, "b", arguments='{"city": "Rome"}')],
        [piece(None, "a", arguments='{"city": "Paris"}')],
    ],
    "an object in place of the list": [
        piece(0, "a", "weather", '{"city": "Paris"}'),
        piece(1, "b", "weather", '{"city": "Rome"}'),
    ],
}  # fmt: skip


@pytest.mark.parametrize("deltas", SHAPES.values(), ids=SHAPES.keys())
def test_each_servers_shape_gives_the_same_calls(deltas: list[object]) -> None:
    assert assembled(*deltas) == (PARIS, ROME)


@pytest.mark.parametrize(
    "deltas",
    [
        [[{"function": {"name": "weather", "arguments": {"city": "Paris"}}}],
         [{"function": {"name": "weather", "arguments": {"city": "Rome"}}}]],
        [[{"function": {"index": 0, "name": "weather", "arguments": {"city": "Paris"}}},
          {"function": {"index": 1, "name": "weather", "arguments": {"city": "Rome"}}}]],
        [[piece(0, None, "weather", {"city": "Paris"})],
         [piece(0, None, "weather", {"city": "Rome"})]],
        [[piece(0, None, "weather", '{"city": "Paris"}')],
         [piece(0, None, "weather", '{"city": "Rome"}')]],
        [[piece(0, None, "weather"), piece(1, None, "weather")],
         [piece(0, None, None, '{"city": "Paris"}'), piece(1, None, None, '{"city": "Rome"}')]],
        [[{"name": "weather", "arguments": {"city": "Paris"}}],
         [{"name": "weather", "arguments": {"city": "Rome"}}]],
    ],
    ids=["Ollama", "Ollama, index inside", "index 0 twice", "index 0 twice, text", "vLLM", "flat"],
)  # fmt: skip
def test_calls_without_an_id_are_given_one(deltas: list[object]) -> None:
    assert assembled(*deltas) == (
        ToolCall("call_0", "weather", {"city": "Paris"}),
        ToolCall("call_1", "weather", {"city": "Rome"}),
    )


def test_no_two_calls_share_an_id() -> None:
    calls = assembled([piece(n, "same", "weather", "{}") for n in range(3)])
    assert [call.id for call in calls if isinstance(call, ToolCall)] == ["same", "same#2", "same#3"]


def test_a_character_cut_over_two_pieces_is_one_character() -> None:
    calls = assembled([piece(0, "a", "say", '{"t": "\ud83d')], [piece(0, arguments='\ude00"}')])
    assert calls == (ToolCall("a", "say", {"t": "😀"}),)


def test_a_call_that_was_cut_off_is_broken_and_keeps_what_came() -> None:
    (call,) = assembled([piece(0, "a", "weather", '{"city": "Par')])
    assert isinstance(call, BrokenToolCall)
    assert (call.id, call.name, call.raw) == ("a", "weather", '{"city": "Par')


@pytest.mark.parametrize("rubbish", [None, 7, "x", [], [7, None, "x"], {}, [{}], [[{}]]])
def test_rubbish_in_place_of_calls_breaks_nothing(rubbish: object) -> None:
    for call in assembled(rubbish):
        assert isinstance(call, BrokenToolCall)


def test_endless_tool_calls_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool_deltas, "LIMIT_CHARS", 10_000)
    assembly = ToolDeltas()
    with pytest.raises(ToolCallsTooLong):
        for _ in itertools.repeat(None):
            assembly.feed([piece(0, arguments="x" * 100)])


@given(st.lists(st.integers(0, 60), max_size=6), st.randoms())
def test_any_cutting_and_interleaving_gives_the_same_calls(cuts: list[int], random: Any) -> None:
    texts = ['{"city": "Paris", "when": "on Sunday"}', '{"city": "Rome"}', "{}"]
    queues = []
    for index, text in enumerate(texts):
        edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
        pieces = [piece(index, arguments=text[a:b]) for a, b in itertools.pairwise(edges)]
        queues.append([piece(index, f"id{index}", "weather"), *pieces])
    deltas = []
    while any(queues):
        deltas.append([random.choice([queue for queue in queues if queue]).pop(0)])
    assert assembled(*deltas) == tuple(
        ToolCall(f"id{index}", "weather", json.loads(text)) for index, text in enumerate(texts)
    )


# -- through the whole answer


def read(*chunks: bytes, tools: frozenset[str] = frozenset()) -> tuple[list[ChatDelta], ChatEnd]:
    parser, answer = SseParser(), Answer(Tier("box", "http://box/v1"), tools)
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    deltas = [delta for event in events if (delta := answer.take(event.data, event.name))]
    held, end = answer.end()
    return [*deltas, *([held] if held else [])], end


@pytest.mark.parametrize("name", ["vllm_tool_named.sse", "vllm_tool_required.sse"])
def test_vllms_recorded_tool_call_is_put_together(name: str) -> None:
    _, end = read((WIRE / name).read_bytes())
    (call,) = end.tool_calls
    assert isinstance(call, BrokenToolCall), "the model wrote a string where an object belongs"
    assert call.name == "get_weather"
    assert call.raw.startswith('"gaben_gaben')
    assert call.id.startswith("chatcmpl-tool-")


async def test_a_tool_call_in_an_answer_of_one_piece_is_the_same(
    faults: FaultServer, chat: ChatClient
) -> None:
    faults.on_chat(http(200, (WIRE / "vllm_tool_named.json").read_bytes()))
    outcome = await ask(chat, faults.tier(model="m"))
    assert outcome.end is not None
    (call,) = outcome.end.tool_calls
    assert isinstance(call, BrokenToolCall)
    assert call.raw == '"gaben_gaben"'


async def test_words_and_calls_come_in_one_answer(faults: FaultServer, chat: ChatClient) -> None:
    call = [piece(0, "a", "weather", '{"city": "Paris"}')]
    faults.on_chat(
        stream(says("Let me look."), says(None, tool_calls=call), says(finish="tool_calls"), DONE)
    )
    outcome = await ask(chat, faults.tier(model="m"))
    assert outcome.text == "Let me look."
    assert outcome.end == ChatEnd("tool_calls", tool_calls=(PARIS,))


async def test_a_tool_call_that_is_still_being_written_is_no_silence(
    faults: FaultServer, http: httpx.AsyncClient, slow: ChatSettings
) -> None:
    chat = ChatClient(slow, http=http)
    head = says(None, tool_calls=[piece(0, "a", "weather")])
    steps = [
        step
        for char in '{"city": "Paris"}'[::4]
        for step in (says(None, tool_calls=[piece(0, arguments=char)]), Pause(0.9))
    ]
    faults.on_chat(stream(head, *steps, says(finish="tool_calls"), DONE))
    assert (await ask(chat, faults.tier(model="m"))).whole


async def test_a_tool_call_that_stops_in_the_middle_is_a_cut_answer(
    faults: FaultServer, http: httpx.AsyncClient, impatient: ChatSettings
) -> None:
    chat = ChatClient(impatient, http=http)
    faults.on_chat(
        stream(
            says(None, tool_calls=[piece(0, "a", "weather", '{"ci')]), KeepAlives(b":\n\n", 0.05)
        )
    )
    outcome = await ask(chat, faults.tier(model="m"))
    assert outcome.error is not None
    assert outcome.end is None


def test_endless_calls_break_the_answer_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool_deltas, "LIMIT_CHARS", 1_000)
    with pytest.raises(StreamBroken, match="tool calls are longer"):
        read(*[says(None, tool_calls=[piece(0, arguments="x" * 100)])] * 20)


WRITTEN = [
    says('1. {name: "weather", '),
    says("arguments: {'city': 'Paris',}}"),
    says(finish="stop"),
]


def test_a_call_written_as_text_is_found_where_tools_were_offered() -> None:
    _, end = read(*WRITTEN, tools=frozenset({"weather"}))
    assert end.tool_calls == (ToolCall("call_0", "weather", {"city": "Paris"}),)


def test_where_no_tools_were_offered_it_is_text() -> None:
    deltas, end = read(*WRITTEN)
    assert end.tool_calls == ()
    assert "".join(delta.text for delta in deltas).startswith("1. {name")
