"""How a tier is called: by its name, its label, its model or its role."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from strixdesk.core.tier import Tier

_GAP = re.compile(r"[\s_./:-]+")
_SIZE_OR_KIND = re.compile(
    r"(?:\d.*|a\d+b|[iq]\w?\d\w*|fp\d+|bf\d+|instruct|chat|it|gguf|awq|gptq|latest|preview)$"
)
"""Parts of a model's name that nobody says: `30b`, `a3b`, `q4`, `instruct`."""

_MAY_ADDRESS = re.compile(r"@|(?:please )?(?:ask|tell|let|have) |[^,:]{1,120}[,:]")
"""Most questions begin in no way that could address anybody: that is told without any names."""


def addressee(text: str, tiers: Sequence[Tier]) -> Tier | None:
    """The tier that the text is addressed to: “@coder …”, “ask the coder …”, “coder, …”.

    The longest fitting name wins; one that several tiers share calls nobody.
    """
    start = text.lstrip()[:160].casefold()
    if not _MAY_ADDRESS.match(start):
        return None
    for called, tier in sorted(_called(tiers).items(), key=lambda one: -len(one[0])):
        words = [re.escape(word) for word in called.split()]
        said, joined = r"[\s_./:-]+".join(words), r"[\s_./:-]?".join(words)
        if re.match(
            rf"(?:@{joined}(?![\w/-]|:\w)"
            rf"|(?:please )?(?:ask|tell|let|have) (?:the )?{said}(?![\w/-]|:\w)"
            rf"|(?:hey |the )?{said}\s*[,:](?!\S))",
            start,
        ):
            return tier
    return None


def by_name(name: str, tiers: Sequence[Tier]) -> Tier | None:
    """The tier that is meant by a name, however it is spelt."""
    wanted = name.strip().casefold()
    exact = next((tier for tier in tiers if tier.name.casefold() == wanted), None)
    return exact or _called(tiers).get(_plain(name))


def is_named(name: str, tier: Tier) -> bool:
    """The name is this tier's own: its id or its label, not merely its role."""
    return _plain(name) in {_plain(tier.name), _plain(tier.title)}


def picker_order(tiers: Sequence[Tier]) -> tuple[Tier, ...]:
    """As a list to pick from shows them: favourites first, else in the user's own order."""
    return tuple(sorted(tiers, key=lambda tier: not tier.favourite))


def _called(tiers: Sequence[Tier]) -> dict[str, Tier]:
    """All that calls exactly one tier. A name calls its own tier, be it another's role or not."""
    names = {_plain(tier.name): tier for tier in tiers}
    others: dict[str, list[Tier]] = {}
    for tier in tiers:
        for called in set(_other_names(tier)):
            others.setdefault(called, []).append(tier)
    alone = {called: who[0] for called, who in others.items() if len(who) == 1}
    return {called: tier for called, tier in (alone | names).items() if called}


def _other_names(tier: Tier) -> Iterator[str]:
    yield _plain(tier.label)
    yield _plain(tier.role)
    _, slash, model = tier.name.partition("/")
    if slash:
        yield _plain(model)
        yield _as_said(model)


def _as_said(model: str) -> str:
    """`Qwen/Qwen3-Coder-30B-A3B-Instruct` → `qwen coder`."""
    words = _plain(model.rpartition("/")[2].partition(":")[0]).split()
    said = [word.rstrip("0123456789") for word in words if not _SIZE_OR_KIND.match(word)]
    return " ".join(word for word in said if len(word) > 1)


def _plain(name: str) -> str:
    """In lower case, its words with one space between them."""
    return _GAP.sub(" ", name.casefold()).strip()
