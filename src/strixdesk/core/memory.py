"""What a start would do to the box's memory. Pure arithmetic, in bytes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Use(Enum):
    """What memory is taken for."""

    OTHER = "everything else"
    """The system and whatever else runs there."""
    WEIGHTS = "weights"
    KV_CACHE = "KV cache"
    RESERVE = "reserve"
    """Kept free by the user's wish."""


@dataclass(frozen=True, slots=True)
class Share:
    """One piece of the memory bar."""

    use: Use
    bytes: int
    service: str = ""
    """Empty: of no service."""


@dataclass(frozen=True, slots=True)
class KvFit:
    """Whether a service's context fits into what its share leaves for the KV cache."""

    service: str
    needed_bytes: int
    """For one sequence as long as its whole context."""
    budget_bytes: int
    estimated: bool = False
    """The model is not a known one: by the size in its name, or of its file."""
    note: str = ""
    """Where these numbers differ from the stack's own notes, and why."""

    @property
    def fits(self) -> bool:
        return self.needed_bytes <= self.budget_bytes


@dataclass(frozen=True, slots=True)
class Remedy:
    """One way to make a start fit."""

    sentence: str
    frees_bytes: int
    stop: tuple[str, ...] = ()
    """Services to stop first."""
    variable: str = ""
    """Or: this line of the .env file …"""
    value: str = ""
    """… set to this."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Today, and what it would be like after a start."""

    total_bytes: int
    today: tuple[Share, ...]
    after: tuple[Share, ...]
    """Today's, what those that are still loading may yet take, what a start adds; the reserve is
    the last one of both."""
    free_bytes: int
    """What is left after the start, the reserve already taken off; negative: it does not fit."""
    fits: bool
    sentence: str
    """The verdict, for the user."""
    kv: tuple[KvFit, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    """Smallest change first; empty when it fits."""
    headroom_bytes: int | None = None
    """What the fractions of all vLLM servers together leave of the graphics unit's memory; None:
    there are none."""


def gigabytes(count: int) -> float:
    """As memory is sold, and as the stack's own notes count: of 2³⁰ bytes."""
    return count / 2**30


def gb(count: int) -> str:
    return f"{gigabytes(count):.1f} GB"
