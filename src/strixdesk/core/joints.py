"""What stands between two pieces of a text that were written by different hands."""

from __future__ import annotations

import re
from collections import Counter

_BLOCK = re.compile(r"(?:[-*+] |\d{1,3}[.)] |#{1,6} |```|> |\|)")
_CLOSING = frozenset(",.;:!?)]}…’”%")
_OPENING = frozenset("([{“‘/\\$#@-_=<")
_RECENT_CHARS = 2000
_ALIKE_WORDS = 8


def merged_space(before: str, after: str) -> str:
    """`after`, without the white space that `before` already ends with."""
    had = before[len(before.rstrip()) :]
    body = after.lstrip()
    has = after[: len(after) - len(body)]
    if not had:
        return after
    if has.startswith(had):
        return after[len(had) :]
    if "\n" in has and "\n" not in had:
        return after
    return body


def glued(before: str, after: str, *, in_code: bool = False) -> str:
    """`after` with what has to come between the two, when neither says whether a word, a line or
    nothing ends where they meet. The first word of `after` must be whole."""
    if not before or not after:
        return after
    if before[-1].isspace() or after[0].isspace():
        return merged_space(before, after)
    return f"{_between(before, after, in_code=in_code)}{after}"


def _between(before: str, after: str, *, in_code: bool) -> str:
    last, first = before[-1], after[0]
    if in_code:
        if last in ";{}:":
            return "\n"
    elif _BLOCK.match(after):
        return "\n\n" if first in "#`" else "\n"
    if first in _CLOSING or last in _OPENING:
        return ""
    if unspaced(last) and unspaced(first):
        return ""
    if last.isalnum() and first.isalnum():
        return "" if _same_word(before, after) else " "
    if in_code and not first.isalnum():
        return ""
    return " "


def unspaced(char: str) -> bool:
    """Of a script that puts no spaces between words: Chinese, Japanese, Thai."""
    return "\u3040" <= char <= "\u9fff" or "\u0e00" <= char <= "\u0e7f"


def _same_word(before: str, after: str) -> bool:
    """The two halves make one word, judged by the words around."""
    words = re.findall(r"\w+", before[-_RECENT_CHARS:])
    begun, known = words[-1], words[:-1]
    rest = (re.match(r"\w+", after) or [""])[0]
    if known:
        recent = Counter(_shape(word) for word in known[-_ALIKE_WORDS:])
        usual, count = recent.most_common(1)[0]
        if count >= 0.75 * recent.total():
            together = _shape(begun + rest) == usual
            apart = _shape(begun) == usual and _shape(rest) == usual
            if together != apart:
                return together
    if begun[-1].isdigit() and rest[0].isdigit():
        return True
    seen = {word.casefold() for word in known}
    return (begun + rest).casefold() in seen and not {begun.casefold(), rest.casefold()} <= seen


def _shape(word: str) -> str:
    """`w50` is `a#`, as is `w7`."""
    return re.sub(r"\d+", "#", re.sub(r"[^\W\d_]+", "a", word))
