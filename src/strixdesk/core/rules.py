"""Who is meant for which question: rules as data, and what they go by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

FEATURES: Mapping[str, str] = {
    "picture": "it comes with a picture",
    "code": "it holds code, an error trace or a source file's name, or speaks of programming",
    "second-opinion": "it wants a second opinion",
    "asked": "it asks for careful thought (“think hard”)",
    "hard": "its complexity is at or above routing.hard_score",
    "long": "it is longer than a page",
    "short": "it is a sentence or two",
    "spoken": "it was said, not typed",
}
"""What a rule's `when` may name."""

FASTEST = "fastest"
"""In a rule's `to`: whoever writes fastest, as measured."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The first rule whose conditions all hold, and which means a tier that exists, decides."""

    because: str
    """A clause that can begin a sentence. `{code}`, `{hard}` and `{picture}` stand for what was
    seen of them."""
    to: tuple[str, ...]
    """Best first: names, labels, roles, capabilities (`vision`, `code`, …) or `fastest`."""
    when: tuple[str, ...] = ()
    """Features that must all hold."""
    words: tuple[str, ...] = ()
    """And one of these words or phrases is in the question; empty: none has to be."""

    def holds(self, signs: Mapping[str, str], seen: str) -> bool:
        """`signs`: the features of the question; `seen`: its text in lower case."""
        if not all(feature in signs for feature in self.when):
            return False
        return not self.words or any(_stands_in(phrase, seen) for phrase in self.words)

    def clause(self, signs: Mapping[str, str]) -> str:
        """Why, with what was seen in the place of its name."""
        clause = self.because
        for feature, evidence in signs.items():
            clause = clause.replace(f"{{{feature}}}", evidence)
        return clause


DEFAULT_RULES: tuple[Rule, ...] = (
    Rule("The question comes with {picture}", ("vision",), ("picture",)),
    Rule("You want a second opinion", ("reviewer", "orchestrator"), ("second-opinion",)),
    Rule("{code}", ("coder", "coding", "code"), ("code",)),
    Rule("This wants thinking through", ("orchestrator", "reviewer"), ("asked",)),
    Rule("This is {hard}", ("orchestrator", "reviewer"), ("hard",)),
    Rule("A short spoken question wants a quick answer", (FASTEST,), ("spoken", "short")),
    Rule("This is long", ("orchestrator", "reviewer"), ("long",)),
)


@dataclass(frozen=True, slots=True)
class RoutingPolicy:
    """What the user may change about choosing."""

    rules: tuple[Rule, ...] = DEFAULT_RULES
    hard_score: float = 0.6
    """From which complexity on a question counts as hard, 0 to 1."""
    slow_tokens_per_s: float = 5.0
    """Tiers that write more slowly than this never answer live speech."""
    answer_tokens: int = 2048
    """Room that is kept for the answer, where the context is large enough."""


def _stands_in(phrase: str, seen: str) -> bool:
    """As words of their own, however they are spaced."""
    words = phrase.casefold().split()
    if not words:
        return False
    spaced = r"\s+".join(map(re.escape, words))
    return bool(re.search(rf"(?<!\w){spaced}(?!\w)", seen))
