"""Which tier answers, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace

from strixdesk.core.rules import Rule
from strixdesk.core.tier import Tier


@dataclass(frozen=True, slots=True)
class Route:
    tier: Tier
    reason: str
    """A sentence that the user reads."""
    fallbacks: tuple[Tier, ...] = ()
    """Who is asked next, in order, if the tier cannot answer."""
    offer: tuple[Tier, ...] = ()
    """Who could be asked instead, if the user says so: never asked by itself."""
    rule: Rule | None = None
    """The rule that decided; None: the user's own choice, or nothing spoke for anybody."""
    needed_tokens: int = 0
    """What the question and the conversation before it need, as it was estimated."""


def begun_by_first(route: Route, name: str | None) -> Route:
    """Whoever began an answer is asked first to continue it, if the route leads there at all."""
    tiers = (route.tier, *route.fallbacks)
    begun_by = next((tier for tier in tiers if tier.name == name), route.tier)
    others = tuple(tier for tier in tiers if tier is not begun_by)
    return replace(route, tier=begun_by, fallbacks=others)
