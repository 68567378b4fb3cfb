"""Is this mark the end of a sentence, or a point inside a number, a name or an abbreviation?"""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST_RUN = 12
"""Marks, closing quotes or blanks in a row that are looked at together."""


@dataclass(frozen=True, slots=True)
class Verdict:
    end: int
    """Where the sentence ends, after its closing quotes; 0: it does not end here."""
    resume: int
    """Where to look next."""


def sentence_ends(text: str, at: int, line_start: int, final: bool) -> Verdict | None:
    """Judge the mark at `text[at]`. None: it takes more text to tell, which never happens when
    the text is `final`."""
    stop = _run(text, at, _MARKS)
    end = _run(text, stop, _CLOSERS)
    if end >= len(text):
        return Verdict(end, end) if final else None
    wide = any(mark in _WIDE for mark in text[at:stop])
    if wide:
        return Verdict(end, end)
    if not text[end].isspace():
        return Verdict(0, stop)
    after = _run(text, end, " \t\u00a0")
    if after >= len(text) and not final:
        return None
    following = text[after : after + 1]
    inside = following.islower() or (
        text[at:stop] == "." and _abbreviated(text, at, line_start, following)
    )
    return Verdict(0, stop) if inside else Verdict(end, end)


def _run(text: str, at: int, chars: str) -> int:
    end = at
    limit = min(len(text), at + LONGEST_RUN)
    while end < limit and text[end] in chars:
        end += 1
    return end


def _abbreviated(text: str, at: int, line_start: int, following: str) -> bool:
    """The single point at `text[at]` belongs to the word before it; `following` is the next
    character that is not blank, or a line break."""
    begin = at
    while begin > max(line_start, at - 24) and not text[begin - 1].isspace():
        begin -= 1
    word = text[begin:at].lstrip("([{\"'“‘«*_~")
    if word.isdigit():
        return not text[line_start:begin].strip(" \t>*_-+#")
    if following == "\n":
        return False
    lower = word.casefold()
    if lower in _BEFORE_NUMBERS:
        return following.isdigit() or following == "#"
    if lower in _MAY_END:
        return not following.isupper()
    if lower in _NEVER_END:
        return True
    return _INITIALS.fullmatch(word) is not None and word != "I"


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_WIDE = "。！？｡؟۔।॥።။។։"
_MARKS = ".!?…" + _WIDE
_CLOSERS = "\"'”’»›)]}*_~」』）】》"
_INITIALS = re.compile(r"[A-Za-z]|(?:[A-Za-z]\.)+[A-Za-z]{1,2}")
_NEVER_END = _words(
    "dr mr mrs ms prof st mt gen sen rep gov capt cpt lt col sgt rev hon pres e.g i.e eg ie vs cf"
    " approx ca resp viz incl excl messrs mme mlle hr fr z.b d.h bzw bspw usw.z u.a sr sra"
)
_MAY_END = _words(
    "etc inc ltd co corp jr dept est min max al a.m p.m ph.d bros jan feb mar apr jun jul aug sep"
    " sept oct nov dec mon tue wed thu fri sat sun usw"
)
_BEFORE_NUMBERS = _words("no nos nr p pp vol fig figs ch sec art eq op para ver tel ext")
