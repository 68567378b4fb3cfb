"""Puts tool calls together from the pieces in which servers stream them.

vLLM, llama.cpp and LiteLLM number the calls and send arguments in pieces of text. Ollama sends
whole calls: natively with the arguments as an object, the index in `function` or nowhere and no id;
in its OpenAI shape with text, and for many models all under index 0 (ollama#15457, litellm#33678).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from strixdesk.core.surrogates import mended
from strixdesk.core.tool_calls import AnyToolCall, make_call

LIMIT_CHARS = 4 * 1024 * 1024
_CHARS_PER_PIECE = 64
"""What the bookkeeping of one piece counts for."""


class ToolCallsTooLong(ValueError):
    """More than any honest model writes, or nested deeper than can be read."""

    def __init__(self) -> None:
        super().__init__(f"its tool calls are longer than {LIMIT_CHARS:,} characters")


@dataclass(slots=True)
class _Call:
    index: int | None
    id: str = ""
    name: str = ""
    pieces: list[str] = field(default_factory=list)
    """The arguments, as JSON."""
    whole: bool = False
    """The arguments came as an object, all at once."""


class ToolDeltas:
    """Takes the `tool_calls` of one delta after the other, in any order of their indices."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._by_id: dict[str, _Call] = {}
        self._chars = 0

    def feed(self, tool_calls: object) -> bool:
        """Whether there was anything in it. Raises ToolCallsTooLong."""
        entries = tool_calls if isinstance(tool_calls, list) else [tool_calls]
        told = [entry for entry in entries if isinstance(entry, dict)]
        for entry in told:
            self._take(entry)
        return bool(told)

    def calls(self) -> tuple[AnyToolCall, ...]:
        """In the order of their indices; where some have none, in the order in which they came."""
        ordered = self._calls
        if all(call.index is not None for call in ordered):
            ordered = sorted(ordered, key=lambda call: call.index or 0)
        ids = _unique([call.id for call in ordered])
        return tuple(
            make_call(call_id, call.name.strip(), mended("".join(call.pieces)))
            for call_id, call in zip(ids, ordered, strict=True)
        )

    def _take(self, entry: dict[str, Any]) -> None:
        function = entry.get("function")
        function = function if isinstance(function, dict) else entry
        name, arguments = _text(function.get("name")), function.get("arguments")
        call = self._call_of(entry, name, arguments)
        if name != call.name and not call.pieces:
            call.name += name  # some servers cut names, too
        elif not call.name:
            call.name = name
        if isinstance(arguments, str):
            if arguments:
                call.pieces.append(arguments)
                self._count(len(arguments))
        elif arguments is not None:
            text = _as_json(arguments)
            call.whole = isinstance(arguments, dict)
            call.pieces = [text] if call.whole else [*call.pieces, text]
            self._count(len(text))
        self._count(len(name) + _CHARS_PER_PIECE)

    def _call_of(self, entry: dict[str, Any], name: str, arguments: object) -> _Call:
        function = entry.get("function")
        index = _index(entry.get("index"))
        if index is None and isinstance(function, dict):
            index = _index(function.get("index"))
        call_id = _text(entry.get("id"))
        known = self._known(index, call_id, name)
        if known is None or _begins_another(known, call_id, name, arguments):
            known = _Call(index)
            self._calls.append(known)
        if index is not None:
            self._by_index[index] = known
        if call_id:
            known.id = known.id or call_id
            self._by_id[call_id] = known
        return known

    def _known(self, index: int | None, call_id: str, name: str) -> _Call | None:
        if index is not None:
            return self._by_index.get(index)
        if call_id:
            return self._by_id.get(call_id)
        # neither: a name begins a call, anything else belongs to the last one
        return None if name or not self._calls else self._calls[-1]

    def _count(self, chars: int) -> None:
        self._chars += chars
        if self._chars > LIMIT_CHARS:
            raise ToolCallsTooLong


def _begins_another(call: _Call, call_id: str, name: str, arguments: object) -> bool:
    """Under an index that is known already: Ollama gives several calls the same one."""
    if call_id and call.id and call_id != call.id:
        return bool(name)
    if not (name and call.pieces):
        return False
    if call.whole:
        return isinstance(arguments, dict) and not call_id
    if name != call.name and call.name:
        return True
    ended = call.pieces[-1].rstrip().endswith("}")
    return ended and isinstance(arguments, str) and arguments.lstrip().startswith("{")


def _unique(ids: Iterable[str]) -> list[str]:
    """Calls without an id get one, and no two share theirs: results are matched to them."""
    used: Counter[str] = Counter()
    unique: list[str] = []
    for number, given in enumerate(ids):
        call_id = given or f"call_{number}"
        used[call_id] += 1
        unique.append(call_id if used[call_id] == 1 else f"{call_id}#{used[call_id]}")
    return unique


def _as_json(value: object) -> str:
    try:
        return json.dumps(value)
    except RecursionError:
        raise ToolCallsTooLong from None


def _index(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
