"""A tier: a model server that can be asked and watched. Tiers are data, never constants."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Capability(Enum):
    VISION = "vision"
    CODE = "code"
    TOOLS = "tools"
    THINKING = "thinking"


class TierState(Enum):
    UNKNOWN = "unknown"
    STOPPED = "stopped"
    STARTING = "starting"
    LOADING = "loading"
    READY = "ready"
    STOPPING = "stopping"
    FAILED = "failed"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Tier:
    name: str
    base_url: str
    """Ends in `/v1` or wherever the server's OpenAI-compatible routes begin, no trailing slash."""
    role: str = ""
    """`orchestrator`, `coder`, `reviewer`, `utility`, …; free text, used by routing and shown."""
    model: str | None = None
    """None: ask the server."""
    capabilities: frozenset[Capability] | None = None
    """None: ask the server."""
    context_tokens: int | None = None
    """None: ask the server."""
    api_key: str | None = field(default=None, repr=False)
    starter: bool = False
    """The program itself starts and stops this one ("This computer")."""


@dataclass(frozen=True, slots=True)
class TierStatus:
    """What was last learnt of a tier."""

    state: TierState
    since: float
    """Seconds since the epoch at which the state was entered."""
    detail: str = ""
    """A sentence: the error and what to do, or what it is doing."""
    model: str | None = None
    """What the server says it serves."""
    capabilities: frozenset[Capability] = frozenset()
    context_tokens: int | None = None
    server: str = ""
    """`llama.cpp`, `vllm`, `ollama`, … where it could be told."""
    latency_ms: float | None = None
    """Of the last health request."""
