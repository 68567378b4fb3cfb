"""Reads JSON as small models write it: single quotes, bare keys, trailing commas, Python's words.

One pass, linear in the text; nothing is ever evaluated. What is cut off stays an error: to close
its brackets for the model would pass half a value on as a whole one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from strixdesk.core.surrogates import mended

DEPTH_LIMIT = 64
_NUMBER_CHARS = 400
"""Longer numbers are kept as text: to convert them takes quadratic time."""

_SPACE = re.compile(r"\s*")
_BARE_KEY = re.compile(r"[^\W\d][\w.$-]*")
_BARE_VALUE = re.compile(r"""[^\s,(){}\[\]"'`][^,(){}\[\]"'`\n]*""")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_WORDS = {"true": True, "false": False, "null": None, "none": None}
_QUOTES = {'"': '"', "'": "'", "`": "`", "“": "”", "‘": "’"}
_BEGINNINGS = frozenset(_QUOTES) | {"{", "["}
_INSIDE = {close: re.compile(rf"[^\\{close}]*") for close in _QUOTES.values()}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_HEX = re.compile(r"[0-9a-fA-F]{4}")
_CLOSING = {"{": "}", "(": ")"}


class LenientJsonError(ValueError):
    """`at`: how far the text could be read."""

    def __init__(self, what: str, at: int) -> None:
        super().__init__(what)
        self.at = at


def read_value(text: str, at: int = 0) -> tuple[Any, int]:
    """The value that begins at `at`, and where it ends. Raises LenientJsonError.

    `(a=1, b=2)` is read as an object too: it is what a written call looks like.
    """
    return _Reader(text).value(at, 0)


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text

    def value(self, at: int, depth: int) -> tuple[Any, int]:
        at = self._space(at)
        first = self._text[at : at + 1]
        if depth > DEPTH_LIMIT:
            raise LenientJsonError("it is nested too deeply", at)
        if first in {"{", "("}:
            return self._object(at, depth)
        if first == "[":
            items: list[Any] = []

            def item(at: int) -> int:
                value, at = self.value(at, depth + 1)
                items.append(value)
                return at

            return items, self._members(at + 1, "]", item)
        if first in _QUOTES:
            return self._string(at)
        bare = _BARE_VALUE.match(self._text, at)
        if not bare:
            raise LenientJsonError("a value is missing", at)
        return _bare_value(bare[0].rstrip()), bare.end()

    def _object(self, at: int, depth: int) -> tuple[dict[str, Any], int]:
        found: dict[str, Any] = {}

        def member(at: int) -> int:
            key, at = self._key(at)
            at = self._space(at)
            if self._text[at : at + 1] not in {":", "="}:
                raise LenientJsonError("a key has no value", at)
            found[key], at = self.value(at + 1, depth + 1)
            return at

        return found, self._members(at + 1, _CLOSING[self._text[at]], member)

    def _members(self, at: int, closing: str, read: Callable[[int], int]) -> int:
        """Members with commas between them, perhaps with one after the last as well. A comma may be
        missing where a quote or a bracket shows that the next member begins."""
        while True:
            at = self._space(at)
            if self._text[at : at + 1] == closing:
                return at + 1
            at = self._space(read(at))
            match self._text[at : at + 1]:
                case ",":
                    at += 1
                case end if end == closing:
                    return at + 1
                case "":
                    raise LenientJsonError("it is cut off", at)
                case begins if begins in _BEGINNINGS:
                    pass
                case _:
                    raise LenientJsonError("a comma is missing", at)

    def _key(self, at: int) -> tuple[str, int]:
        if self._text[at : at + 1] in _QUOTES:
            return self._string(at)
        bare = _BARE_KEY.match(self._text, at)
        if not bare:
            raise LenientJsonError("a key is missing", at)
        return bare[0], bare.end()

    def _string(self, at: int) -> tuple[str, int]:
        text, closing = self._text, _QUOTES[self._text[at]]
        inside, pieces = _INSIDE[closing], []
        at += 1
        while True:
            end = _past(inside, text, at)
            pieces.append(text[at:end])
            at = end
            if at >= len(text):
                raise LenientJsonError("it is cut off", at)
            if text[at] == "\\":
                piece, at = self._escape(at)
                pieces.append(piece)
            elif closing in "'’" and _is_apostrophe(text, at):
                pieces.append(text[at])
                at += 1
            else:
                return mended("".join(pieces)), at + 1

    def _escape(self, at: int) -> tuple[str, int]:
        """`at` is at the backslash. Escapes that do not exist are kept as they stand."""
        letter = self._text[at + 1 : at + 2]
        if letter == "u" and (digits := _HEX.match(self._text, at + 2)):
            return chr(int(digits[0], 16)), at + 6
        if letter in _ESCAPES:
            return _ESCAPES[letter], at + 2
        return (letter if letter in "\"'`/\\" else f"\\{letter}"), at + 2

    def _space(self, at: int) -> int:
        return _past(_SPACE, self._text, at)


def _past(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Behind what the pattern matches at `at`, which may be nothing."""
    match = pattern.match(text, at)
    return match.end() if match else at


def _bare_value(word: str) -> Any:
    if word.casefold() in _WORDS:
        return _WORDS[word.casefold()]
    if len(word) <= _NUMBER_CHARS and _NUMBER.fullmatch(word):
        return int(word) if word.lstrip("+-").isdecimal() else float(word)
    return word


def _is_apostrophe(text: str, at: int) -> bool:
    return text[at - 1].isalnum() and text[at + 1 : at + 2].isalnum()
