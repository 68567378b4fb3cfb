"""Tool calls as models write them, brought into one shape. Nothing here carries one out."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from strixdesk.core.lenient_json import LenientJsonError, read_value

_ENCODED_TWICE = 3
"""So many layers of JSON in JSON strings are taken off."""
_OPENING = re.compile(r"[{\[]")
_NAME_KEYS = ("name", "tool_name", "tool", "function", "action")
_ARGUMENT_KEYS = ("arguments", "parameters", "args", "params", "input", "action_input")


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the model wants to be used."""

    id: str
    """Unique within its answer."""
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BrokenToolCall:
    """A call that cannot be carried out, with everything that was written of it."""

    id: str
    name: str
    """Empty when the model named none."""
    raw: str
    """The arguments as they were written."""
    why: str
    """A sentence."""


AnyToolCall = ToolCall | BrokenToolCall


class ToolArgumentsError(ValueError):
    """What was written is no set of arguments; the text says why, as a sentence."""


def make_call(call_id: str, name: str, written: object) -> AnyToolCall:
    """`written`: the arguments as text or already parsed; None is the same as none given."""
    if not name:
        return BrokenToolCall(call_id, "", _raw(written), "It does not say which tool it calls.")
    try:
        return ToolCall(call_id, name, read_arguments(written))
    except ToolArgumentsError as error:
        return BrokenToolCall(call_id, name, _raw(written), str(error))


def read_arguments(written: object) -> Mapping[str, Any]:
    """Raises ToolArgumentsError. Linear in the text.

    Taken are: an object, a list with one object in it, either of them as text, in a fence, behind
    a few words or a list number, encoded twice, or in the JSON that lenient_json can read.
    """
    for _ in range(_ENCODED_TWICE):
        if written is None:
            return {}
        if isinstance(written, list) and len(written) == 1:
            written = written[0]
        if isinstance(written, Mapping):
            return written
        if not isinstance(written, str):
            break
        if not written.strip():
            return {}
        written = _parsed(written)
    raise ToolArgumentsError("Its arguments are not a JSON object.")


def written_calls(text: str, tools: Collection[str]) -> tuple[AnyToolCall, ...]:
    """Calls of `tools` that a model wrote into its answer in place of calling. Linear in the text.

    JSON that names none of the tools is part of the answer, and no call.
    """
    if not tools:
        return ()
    found: list[tuple[str, object]] = []
    opening, naming = _patterns(tools)
    at = 0
    while start := opening.search(text, at):
        begin, name = start.end(), start["name"]
        try:
            value, at = read_value(text, begin)
        except LenientJsonError as error:
            at = max(error.at, begin + 1)  # never back: what was read is not read again
            if name and text[begin] == "(":
                continue  # prose: “search (a tool)”
            named = name or ((inside := naming.search(text, begin, at)) and inside["name"])
            if named:
                found.append((named, text[begin:at]))
            continue
        found.extend([(name, value)] if name else _calls_in(value, tools))
    return tuple(
        make_call(f"call_{number}", name, written) for number, (name, written) in enumerate(found)
    )


def _patterns(tools: Collection[str]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Where a call may begin; how an object says which tool it calls."""
    names = "|".join(re.escape(name) for name in sorted(tools, key=len, reverse=True))
    name_before = rf"(?<![\w.-])(?P<name>{names})[`*\"']*\s*(?:[:=]\s*)?"
    opening = rf"{name_before}(?:\(\s*(?=\{{)|(?=[({{]))|(?=[{{\[])"
    keys = "|".join(_NAME_KEYS)
    naming = rf"(?:{keys})[\"'`]?\s*[:=]\s*[\"'`]?(?P<name>{names})(?![\w.-])"
    return re.compile(opening), re.compile(naming)


def _calls_in(value: object, tools: Collection[str]) -> Iterator[tuple[str, object]]:
    """(name, arguments) of each call that is told by a parsed value."""
    if isinstance(value, list):
        for item in value:
            yield from _calls_in(item, tools)
        return
    if not isinstance(value, dict):
        return
    for key in ("tool_calls", "tool_call", "calls"):
        if isinstance(value.get(key), list | dict):
            yield from _calls_in(value[key], tools)
            return
    if isinstance(value.get("function"), dict):
        yield from _calls_in(value["function"], tools)
        return
    name = next((value[key] for key in _NAME_KEYS if _is_tool(value.get(key), tools)), None)
    if name is not None:
        yield name, next((value[key] for key in _ARGUMENT_KEYS if key in value), None)
        return
    if len(value) == 1 and (only := next(iter(value))) in tools:
        yield only, value[only]


def _is_tool(name: object, tools: Collection[str]) -> bool:
    return isinstance(name, str) and name in tools


def _parsed(text: str) -> object:
    """Strictly where that works, else from the first bracket on, leniently."""
    if "\\ud" not in text.casefold():  # half characters are mended by the lenient reader
        try:
            return json.loads(text, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            pass
    start = _OPENING.search(text)
    if start is None:
        raise ToolArgumentsError("Its arguments are not a JSON object.")
    try:
        value, end = read_value(text, start.start())
    except LenientJsonError as error:
        raise ToolArgumentsError(f"Its arguments cannot be read: {error}.") from None
    if _OPENING.search(text, end):
        raise ToolArgumentsError("Its arguments are more than one object.")
    return value


def _no_constant(word: str) -> NoReturn:
    raise ValueError(word)


def _raw(written: object) -> str:
    if isinstance(written, str):
        return written
    if written is None:
        return ""
    return json.dumps(written, ensure_ascii=False, default=str)
