"""Which tier answers, and why."""

from __future__ import annotations

from dataclasses import dataclass

from strixdesk.core.tier import Tier


@dataclass(frozen=True, slots=True)
class Route:
    tier: Tier
    reason: str
    """A sentence that the user reads."""
    fallbacks: tuple[Tier, ...] = ()
    """Who is asked next, in order, if the tier cannot answer."""
