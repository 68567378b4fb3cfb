"""What the session asks of the voice thread."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Press:
    done: Future[None] = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class Release:
    pass


@dataclass(frozen=True, slots=True)
class Discard:
    """Answered by itself, after every event that came before."""


@dataclass(frozen=True, slots=True)
class Listen:
    on: bool
    done: Future[None] = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class Pause:
    paused: bool


@dataclass(frozen=True, slots=True)
class Stop:
    pass


Command = Press | Release | Discard | Listen | Pause | Stop
