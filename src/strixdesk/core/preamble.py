"""What models say before they go on with an answer that was cut: “Sure, continuing:”."""

from __future__ import annotations

import re

_LONGEST_PREAMBLE = 200
_OPENINGS = (
    *("sure", "certainly", "of course", "okay", "here", "continuing", "continued", "sorry"),
    *("apologies", "my apologies", "i apologise", "i apologize"),
)
_SAYS_IT_CONTINUES = re.compile(
    r"\b(?:continu\w*|left off|cut off|stopped|rest of)\b.*[:.!…]\s*$", re.IGNORECASE
)
_INTRODUCTION = re.compile(
    r"""[\s*_>\#"“]*(?:
        (?:sure|okay|ok|yes|got\ it|understood|of\ course|certainly|absolutely|alright|sorry
            |apologies|my\ apologies|no\ problem)\b[^\n.!:]{0,60}[.!:]
        |[^\n.!?:：]{1,80}(?:[:：](?=[\s*_])|\n)
        |[(\[][^\n)\]]{1,60}[)\]]
    )[\s*_"“]*""",
    re.IGNORECASE | re.VERBOSE,
)
_LONGEST_INTRODUCTION = 80
_SENTENCE_ENDS = re.compile(r"[.!?]\s|\n")


def introduction(said: str, *, final: bool) -> int | None:
    """Length of a first line or phrase, in any language, that may do no more than introduce what
    follows: what follows has to tell. 0: there is none. None: too early to say."""
    if match := _INTRODUCTION.match(said):
        return match.end() if final or match.end() < len(said) else None
    begun = said.lstrip()
    if final or len(begun) > _LONGEST_INTRODUCTION or _SENTENCE_ENDS.search(begun):
        return 0
    return None


def may_be_preamble(line: str) -> bool:
    """It is one, or its first letters could still become one."""
    if len(line) > _LONGEST_PREAMBLE:
        return False
    begun = line.casefold()
    return any(begun.startswith(o) or o.startswith(begun) for o in _OPENINGS)


def says_it_continues(line: str) -> bool:
    return _SAYS_IT_CONTINUES.search(line) is not None
