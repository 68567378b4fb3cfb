"""How numbers, signs and abbreviations are read in English.

Only what the speech engine gets wrong is written out; it reads `1,234`, `3.14`, `50%`, `10:30`,
`21st` and `GPU` well by itself. Other languages would have a module of this shape.
"""

from __future__ import annotations

import re

from strixdesk.core.english_numbers import MONTHS, NUMBERS, PER_UNIT, RATE_OF, Rule
from strixdesk.core.english_units import unit_words


def pronounce(text: str) -> str:
    """Plain text, with everything written out that would otherwise be read wrongly."""
    for pattern, words in _ABBREVIATIONS:
        text = pattern.sub(words, text)
    if any(map(str.isdigit, text)):
        for pattern, words in NUMBERS:
            text = pattern.sub(words, text)
    for pattern, words in _SIGNS:
        text = pattern.sub(words, text)
    return text


# -- abbreviations --------------------------------------------------------------------------------

_WRITTEN_OUT = {
    "e.g.": "for example", "i.e.": "that is", "vs.": "versus", "vs": "versus",
    "approx.": "approximately", "cf.": "compare", "incl.": "including", "excl.": "excluding",
    "resp.": "respectively", "ca.": "about", "a.k.a.": "also known as", "aka": "also known as",
    "w/o": "without", "w/": "with", "w.r.t.": "with respect to", "viz.": "namely",
    "tl;dr": "in short",
}  # fmt: skip
_MAY_END = {
    "etc.": "et cetera", "et al.": "and others", "inc.": "Incorporated", "ltd.": "Limited",
    "jr.": "Junior", "sr.": "Senior", "dept.": "department",
}  # fmt: skip
"""Their point may also be the sentence's."""
_TITLES = {
    "Dr.": "Doctor", "Mr.": "Mister", "Mrs.": "Missus", "Ms.": "Miz", "Prof.": "Professor",
    "St.": "Saint", "Gen.": "General", "Lt.": "Lieutenant", "Sgt.": "Sergeant",
    "Capt.": "Captain", "Col.": "Colonel", "Gov.": "Governor", "Sen.": "Senator",
    "Rev.": "Reverend", "Mt.": "Mount",
}  # fmt: skip
"""Only before a name."""
_BEFORE_NUMBER = {
    "no.": "number", "nos.": "numbers", "fig.": "figure", "figs.": "figures", "p.": "page",
    "pp.": "pages", "vol.": "volume", "ch.": "chapter", "sec.": "section", "eq.": "equation",
    "max.": "at most", "min.": "at least", "ver.": "version", "art.": "article", "nr.": "number",
}  # fmt: skip
_MONTH_OF = {month[:3]: month for month in MONTHS}


def _alternatives(words: dict[str, str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def _capital(word: str, like: str) -> str:
    return word[0].upper() + word[1:] if like[0].isupper() else word


def _written_out(found: re.Match[str]) -> str:
    short = found.group(0)
    return _capital(_WRITTEN_OUT[short.lower()], short)


def _keeping_the_end(found: re.Match[str]) -> str:
    words = _MAY_END[found.group("short").lower()]
    return words + ("." if found.group("end") is not None else "")


_ABBREVIATIONS: list[Rule] = [
    (
        re.compile(rf"\b(?P<short>(?i:{_alternatives(_MAY_END)}))(?P<end>(?=\s*$|\s+[A-Z]))?"),
        _keeping_the_end,
    ),
    (
        re.compile(rf"(?<![\w.])(?:{_alternatives(_TITLES)})(?= ?[A-Z])"),
        lambda found: _TITLES[found[0]],
    ),
    (
        re.compile(rf"(?<![\w.])(?i:{_alternatives(_BEFORE_NUMBER)})(?= ?#?\d)"),
        lambda found: _capital(_BEFORE_NUMBER[found[0].lower()], found[0]),
    ),
    (re.compile(rf"(?<![\w./])(?i:{_alternatives(_WRITTEN_OUT)})(?![\w.])"), _written_out),
    (
        re.compile(r"\b(Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Oct|Nov|Dec)t?\.(?= ?\d)"),
        lambda found: _MONTH_OF[found[1]],
    ),
    (re.compile(r"\b([AaPp])\.[Mm]\.(?=\s+[a-z\d])"), r"\1m"),
]

# -- signs ----------------------------------------------------------------------------------------

_SIGNS: list[Rule] = [
    (
        re.compile(rf"(?<![\w/])({RATE_OF}/(?:{PER_UNIT}))(?![\w/])"),
        lambda found: unit_words(found[1], "2"),
    ),
    (re.compile(r"\b([CFJ])#(?!\w)"), r"\1 sharp"),
    (re.compile(r"(?<!\S)--?(?=[A-Za-z])"), ""),  # options of a command line
    (re.compile(r"\bC\+\+"), "C plus plus"),
    (re.compile(r"(?:<=>|<->|↔|⇔)"), " and "),
    (re.compile(r"\s?(?:-{1,2}>|=>|→|⇒|➜|⟶)\s?"), " to "),
    (re.compile(r"\s?(?:<-{1,2}(?=\s)|←|⇐)\s?"), " from "),
    (re.compile(r"\s?(?:>=|≥)\s?"), " at least "),
    (re.compile(r"\s?(?:<=|≤)\s?"), " at most "),
    (re.compile(r"\s?(?:!=|≠)\s?"), " is not equal to "),
    (re.compile(r"\s?==\s?"), " equals "),
    (re.compile(r"(?<=\w) [≈≃] "), " is about "),
    (re.compile(r"[≈≃]\s?"), "about "),
    (re.compile(r"(?:(?<=\s)|^)>\s?(?=\d)|(?<=\s)>(?=\s)"), " more than "),
    (re.compile(r"(?:(?<=\s)|^)<\s?(?=\d)|(?<=\s)<(?=\s)"), " less than "),
    (re.compile(r"\s?×\s?"), " times "),
    (re.compile(r"\s?÷\s?"), " divided by "),
    (re.compile(r"(?<=\w)²"), " squared"),
    (re.compile(r"(?<=\w)³"), " cubed"),
    (re.compile(r"(?<=\w)\^2(?!\d)"), " squared"),
    (re.compile(r"(?<=\w)\^3(?!\d)"), " cubed"),
    (re.compile(r"(?<=\w)\^(?=\w)"), " to the power of "),
    (re.compile(r"\s?&&?\s?"), " and "),
    (re.compile(r"°(?=\s|$)"), " degrees"),
    (re.compile(r"§§?\s?"), "section "),
    (re.compile(r"(?<=\d)%"), " percent"),
    (re.compile(r"(?<![\w/.])([A-Za-z]{2,24})/([A-Za-z]{2,24})(?![\w/.])"), r"\1 \2"),
    (re.compile(r"(?<=\w)_+(?=\w)"), " "),
]  # fmt: skip
