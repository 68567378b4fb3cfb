"""What small models write becomes a tool call, or a broken one that keeps every word of it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strixdesk.core.tool_calls import (
    BrokenToolCall,
    ToolCall,
    make_call,
    read_arguments,
    written_calls,
)
from tests.support.proportion import assert_in_proportion

TOOLS = frozenset({"weather", "search"})


@pytest.mark.parametrize(
    "written",
    [
        '{"city": "Paris", "days": 3}',
        {"city": "Paris", "days": 3},
        '"{\\"city\\": \\"Paris\\", \\"days\\": 3}"',
        '[{"city": "Paris", "days": 3}]',
        '```json\n{"city": "Paris", "days": 3}\n```',
        'Sure! Here you go:\n```\n{"city": "Paris", "days": 3}\n```\nAnything else?',
        '1. {"city": "Paris", "days": 3}',
        '{city: "Paris", days: 3}',
        "{city: Paris, days: 3}",
        "{'city': 'Paris', 'days': 3}",
        '{"city": "Paris", "days": 3,}',
        '{"city": "Paris"\n "days": 3}',
        "{“city”: “Paris”, “days”: 3}",
        '{"city" = "Paris", "days" = 3}',
    ],
)
def test_arguments_are_read_however_they_are_written(written: object) -> None:
    assert read_arguments(written) == {"city": "Paris", "days": 3}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("{x: True}", True),
        ("{x: false}", False),
        ("{x: None}", None),
        ("{x: -1.5e3}", -1500.0),
        ("{x: 12 Main Street}", "12 Main Street"),
        ("{x: http://box:8000/v1?a=b}", "http://box:8000/v1?a=b"),
        ("{x: 'it's raining'}", "it's raining"),
        ("{x: [1, 'two', {y: 3,},]}", [1, "two", {"y": 3}]),
        ('{x: "a line\nand another"}', "a line\nand another"),
        ('{x: "\\d+ \\u00e9 \\n"}', "\\d+ é \n"),
        ('{"x": "\\ud83d\\ude00"}', "😀"),
        ('{"x": "half \\ud83d"}', "half �"),
        ('{"x": "```python\\nprint()\\n```"}', "```python\nprint()\n```"),
        ('{"x": "__import__(\'os\')"}', "__import__('os')"),
        ("{x: " + "9" * 5000 + "}", "9" * 5000),
        ('{"x": NaN}', "NaN"),
    ],
)
def test_values_are_what_was_meant(written: str, value: object) -> None:
    assert read_arguments(written) == {"x": value}


@pytest.mark.parametrize("written", [None, "", "  \n", "{}", "null", '""', "[{}]"])
def test_no_arguments_are_no_arguments(written: object) -> None:
    assert read_arguments(written) == {}


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ('{"city": "Par', "cut off"),
        ('{"city": "Paris"', "cut off"),
        ("{'city': ['Paris', ", "missing"),
        ('"Paris"', "not a JSON object"),
        ("Paris", "not a JSON object"),
        ("7", "not a JSON object"),
        ('[{"a": 1}, {"b": 2}]', "not a JSON object"),
        ('{"a": 1} {"b": 2}', "more than one object"),
        ("{the city of Paris}", "no value"),
        ('{"a": ' * 1000 + "1" + "}" * 1000, "too deeply"),
    ],
)
def test_what_cannot_be_repaired_says_why_and_keeps_its_words(written: str, why: str) -> None:
    call = make_call("1", "weather", written)
    assert isinstance(call, BrokenToolCall)
    assert why in call.why
    assert call.why.endswith(".")
    assert call.raw == written


def test_a_call_of_nothing_is_broken() -> None:
    call = make_call("1", "", '{"city": "Paris"}')
    assert call == BrokenToolCall(
        "1", "", '{"city": "Paris"}', "It does not say which tool it calls."
    )


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "weather", "arguments": {"city": "Paris"}}',
        '{"name": "weather", "parameters": {"city": "Paris"}}',
        '{"name": "weather", "arguments": "{\\"city\\": \\"Paris\\"}"}',
        '{"type": "function", "function": {"name": "weather", "arguments": {"city": "Paris"}}}',
        '{"tool_calls": [{"function": {"name": "weather", "arguments": {"city": "Paris"}}}]}',
        '{"function": "weather", "args": {"city": "Paris"}}',
        '[{"name": "weather", "arguments": {"city": "Paris"}}]',
        '{"weather": {"city": "Paris"}}',
        "{name: weather, arguments: {city: Paris,},}",
        '```json\n{"name": "weather", "arguments": {"city": "Paris"}}\n```',
        '<tool_call>\n{"name": "weather", "arguments": {"city": "Paris"}}\n</tool_call>',
        'I will look.\n\n1. {"name": "weather", "arguments": {"city": "Paris"}}\n',
        '1. weather: {"city": "Paris"}',
        '1. **weather** {"city": "Paris"}',
        'weather({"city": "Paris"})',
        "weather(city='Paris')",
    ],
)
def test_a_call_written_into_the_answer_is_found(text: str) -> None:
    assert written_calls(text, TOOLS) == (ToolCall("call_0", "weather", {"city": "Paris"}),)


@pytest.mark.parametrize(
    "text",
    [
        '1. {"name": "weather", "arguments": {"x": 1}}\n'
        '2. {"name": "search", "arguments": {"y": 2}}',
        '[{"name": "weather", "arguments": {"x": 1}}, {"name": "search", "arguments": {"y": 2}}]',
        '[{"name": "weather", "arguments": {"x": 1}}\n{"name": "search", "arguments": {"y": 2}}]',
        "1. weather(x=1)\n2. search(y=2)",
    ],
)
def test_several_calls_keep_their_order(text: str) -> None:
    assert written_calls(text, TOOLS) == (
        ToolCall("call_0", "weather", {"x": 1}),
        ToolCall("call_1", "search", {"y": 2}),
    )


@pytest.mark.parametrize(
    "text",
    [
        "It is raining.",
        'Here is the JSON: {"name": "Ada", "born": 1815}',
        "You can search (or ask) for the weather [1].",
        '{"name": "delete_everything", "arguments": {}}',
        "research({x: 1})",
    ],
)
def test_an_answer_that_calls_nothing_stays_an_answer(text: str) -> None:
    assert written_calls(text, TOOLS) == ()


def test_without_tools_on_offer_nothing_is_a_call() -> None:
    assert written_calls('{"name": "weather", "arguments": {}}', ()) == ()


@pytest.mark.parametrize(
    "text",
    ['{"name": "weather", "arguments": {"city": "Par', 'weather({"city": "Par', "weather {city: ["],
)
def test_a_written_call_that_was_cut_off_is_broken_not_completed(text: str) -> None:
    (call,) = written_calls(text, TOOLS)
    assert isinstance(call, BrokenToolCall)
    assert call.name == "weather"
    assert call.raw in text


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), json_values, max_size=5), st.booleans())
def test_proper_json_comes_through_unchanged(
    arguments: dict[str, object], ascii_only: bool
) -> None:
    assert read_arguments(json.dumps(arguments, ensure_ascii=ascii_only)) == arguments


written_text = st.lists(
    st.sampled_from([*"{}[]():=,'\"`\\ \n1a-“’", "weather", "name", "null", "\\u00e9", "\ud83d"]),
    max_size=60,
).map("".join)


@given(written_text)
def test_no_text_at_all_breaks_the_reader(text: str) -> None:
    written_calls(text, TOOLS)
    call = make_call("1", "weather", text)
    assert isinstance(call, ToolCall) or call.raw == text


@pytest.mark.parametrize(
    "unit",
    [" ", "{", "[", "(", '"', "'", "{'", '{"a', "weather ", "weather(", "weather {", "a'b", "\\",
     "{a:", "[1", "{a:1,", "`", "weather`", "weather:", "{}", "name: ", "{name:weather "],
)  # fmt: skip
def test_a_long_text_costs_linear_time(unit: str) -> None:
    def read(chars: int) -> None:
        text = unit * (chars // len(unit))
        written_calls(text, TOOLS)
        make_call("1", "weather", text)

    read(1_000)
    assert_in_proportion(read, small=10_000, large=160_000)
