"""What a server is given of an answer that another began, where it can be given a beginning.

A model knows words in pieces of its own. After “The cap” it does not find its way to “capital”: it
goes on with “capis”, or with the next word. So it is given what stands before the last word, and
has to write that word again; whether it was whole nobody knows, nor has to.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from strixdesk.core.letters import is_mark

_PARTS = frozenset({"Mn", "Mc", "Me", "Cf", "Sk"})
_LONGEST_WORD = 32
"""Characters: where no white space stands, as in Chinese or an address, these do instead."""


@dataclass(frozen=True, slots=True)
class Prefill:
    """What a server is given of the answer that it shall continue."""

    given: str
    """The beginning; chat templates trim it, so no white space stands at its end."""
    again: str = ""
    """What stands behind that and has to be written once more, before anything else."""


def prefill(so_far: str, *, exact: bool = False) -> Prefill:
    """`exact`: the last word is given as it is, as the last resort."""
    whole = so_far.rstrip()
    if exact:
        return Prefill(whole)
    given = so_far[: _last_word(so_far)].rstrip() if whole == so_far else whole
    return Prefill(given, so_far[len(given) :]) if given else Prefill(whole)


def broken_from(text: str) -> int:
    """Where the last word begins, if the text may end within it; else the end of the text."""
    last = text[-1:]
    in_number = last in {".", ",", ":"} and text[-2:-1].isdigit()
    in_word = last.isalnum() or (last != "" and is_mark(last))
    return _last_word(text) if in_word or in_number else len(text)


def _last_word(text: str) -> int:
    """Where it begins; within a very long one, where a character does."""
    start, longest = len(text), max(0, len(text) - _LONGEST_WORD)
    while start > longest and not text[start - 1].isspace():
        start -= 1
    # Accents, joiners and the like make one sign with what stands before them.
    while 0 < start == longest and any(
        unicodedata.category(char) in _PARTS for char in text[start - 1 : start + 1]
    ):
        start, longest = start - 1, longest - 1
    return start
