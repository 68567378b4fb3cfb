"""What a look at a box's own system tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from strixdesk.core.box import BoxMemory


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk that holds a folder."""

    total_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class CachedModel:
    """A model in the Hugging Face cache."""

    bytes: int
    complete: bool
    """No part of it is still being fetched, and there is a snapshot."""


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What is not known is None or not in its map."""

    memory: BoxMemory | None = None
    disks: Mapping[str, Disk] = field(default_factory=dict)
    """By the folder that was asked for."""
    files: Mapping[str, int] = field(default_factory=dict)
    """GGUF files by path, in bytes."""
    cached: Mapping[str, CachedModel] = field(default_factory=dict)
    """By Hugging Face id."""
    logged_in: frozenset[str] = frozenset()
    """Those Hugging Face caches that hold a token: `hf auth login` puts it there."""
    watchdog: str | None = None
    """What ends programs before memory runs out: `earlyoom`, `systemd-oomd`; empty: nothing."""
    user: str = ""
    devices: Mapping[str, bool] = field(default_factory=dict)
    """By path; whether the user may use it. What is missing is not there."""
    ports: Mapping[int, str] = field(default_factory=dict)
    """What listens, by port; empty: somebody else's program."""
    gpu: str = ""
    """`gfx1151`."""
