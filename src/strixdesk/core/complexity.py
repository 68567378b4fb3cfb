"""How hard a question looks, before anyone answers it: features with scores that can be shown."""

from __future__ import annotations

import re
from dataclasses import dataclass

LONG_CHARS = 2000
"""From here on a question counts as long."""
_UNREMARKABLE_CHARS = 200
_LENGTH_SHARE = 0.35
_REASONING_SHARE = 0.55
"""However many of the verbs below there are, they alone do not make a question hard."""

# Searched in text in lower case. Every pattern is linear in the text.
_REASONING: tuple[tuple[str, float, re.Pattern[str]], ...] = (
    (
        "asks to compare",
        0.25,
        re.compile(
            r"\b(?:compar(?:e|ison)|versus|vs\.?|differences? between|trade-?offs?|pros and cons)\b"
        ),
    ),
    ("asks to prove", 0.3, re.compile(r"\b(?:prove|proof|derive|show that)\b")),
    (
        "asks to analyse",
        0.25,
        re.compile(
            r"\b(?:analy[sz]e|analysis|evaluate|assess|critique|consequences|implications)\b"
        ),
    ),
    (
        "asks to plan",
        0.2,
        re.compile(
            r"\b(?:design|architecture|strategy|road ?map|(?:a|the|my|our) plan|"
            r"plan (?:a|the|my|our))\b"
        ),
    ),
    (
        "asks to work out",
        0.2,
        re.compile(
            r"\b(?:calculate|compute|work out|optimi[sz]e|minimi[sz]e|maximi[sz]e|how many ways|"
            r"probability)\b"
        ),
    ),
    ("asks why", 0.1, re.compile(r"\b(?:why|how come|explain (?:how|in detail))\b")),
)
_CONDITION = re.compile(
    r"\b(?:must(?: not|n't)?|without|at (?:least|most)|no (?:more|less|fewer) than|exactly|only if|"
    r"unless|except|given that|assuming|provided that|as long as|under \d|within \d)\b"
)
_NUMBER = re.compile(r"(?<![\w.])\d[\d.,]{0,20}")
_LISTED = re.compile(r"^[ \t]{0,8}(?:[-*•]|\d{1,3}[.)])[ \t]", re.MULTILINE)
_STEPS = re.compile(r"\b(?:first(?:ly)?|then|after that|next|finally)\b")


@dataclass(frozen=True, slots=True)
class Feature:
    """One thing that makes a question hard."""

    name: str
    """Words that fit into a list: `long`, `asks to compare`."""
    score: float
    """What it adds, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Complexity:
    score: float = 0.0
    """0 to 1: the features together, at most 1."""
    features: tuple[Feature, ...] = ()
    """Heaviest first; those that add nothing are not in it."""

    def words(self) -> str:
        """`0.72: long, several questions, asks to compare`."""
        named = ", ".join(feature.name for feature in self.features)
        return f"{self.score:.2f}: {named}" if named else f"{self.score:.2f}"


def complexity(seen: str, length: int, *, code: bool) -> Complexity:
    """Of a text in lower case, or of what was looked at of it; `length`: characters of all of it.

    The work is bounded by what is looked at: a long paste costs what a short one does.
    """
    found = [
        Feature("long", _LENGTH_SHARE * _between(length, _UNREMARKABLE_CHARS, LONG_CHARS)),
        *_reasoning(seen),
        _counted("several questions", seen.count("?"), least=2, first=0.1, each=0.05, most=0.25),
        _counted("conditions", _count(_CONDITION, seen), least=1, first=0.05, each=0.05, most=0.25),
        _counted("numbers", _count(_NUMBER, seen), least=3, first=0.05, each=0.02, most=0.15),
        _counted("a list", _count(_LISTED, seen), least=3, first=0.1, each=0.02, most=0.2),
        _counted("several steps", _count(_STEPS, seen), least=2, first=0.05, each=0.05, most=0.15),
        Feature("code", 0.15 if code else 0.0),
    ]
    telling = [Feature(one.name, round(one.score, 3)) for one in found if one.score >= 0.02]
    telling.sort(key=lambda one: -one.score)
    return Complexity(round(min(1.0, sum((one.score for one in telling), 0.0)), 3), tuple(telling))


def _reasoning(seen: str) -> list[Feature]:
    """The verbs that ask for thought; what is over their share is taken off the last."""
    left = _REASONING_SHARE
    found = []
    for name, score, pattern in _REASONING:
        if left > 0 and pattern.search(seen):
            found.append(Feature(name, min(score, left)))
            left -= score
    return found


def _counted(
    name: str, count: int, *, least: int, first: float, each: float, most: float
) -> Feature:
    """Nothing below `least`; `first` for that many, and more for more of them."""
    return Feature(name, min(most, first + each * (count - least)) if count >= least else 0.0)


def _count(pattern: re.Pattern[str], seen: str) -> int:
    return sum(1 for _ in pattern.finditer(seen))


def _between(value: int, low: int, high: int) -> float:
    """0 at low and below, 1 at high and above."""
    return max(0.0, min(1.0, (value - low) / (high - low)))
