"""A place that knows of tiers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from strixdesk.core.tier import Capability, Tier, TierState


@dataclass(frozen=True, slots=True)
class Listed:
    """One model as its source tells of it."""

    tier: Tier
    """Its name is `source/model`."""
    state: TierState = TierState.READY
    detail: str = ""
    capabilities: frozenset[Capability] = frozenset()
    context_tokens: int | None = None
    server: str = ""
    unloaded: bool = False
    """Its model is loaded when it is asked."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything that a source knows of now."""

    models: tuple[Listed, ...]
    own_servers: bool = False
    """Each model has a server of its own, which tells how it is; else the source tells."""
    left_out: tuple[str, ...] = ()
    """Sentences about what could not be taken up, and why."""


class Source(Protocol):
    name: str

    async def read(self) -> Listing:
        """Raises StrixError when it does not answer: then what was last known stays."""


def tier_name(source: str, model: str) -> str:
    """The composite id. A source's name has no slash, so the first one is where it is split."""
    return f"{source}/{model}"


def split_name(name: str) -> tuple[str, str]:
    """Source and model; a hand-written tier has an empty source."""
    source, slash, model = name.partition("/")
    return (source, model) if slash else ("", name)
