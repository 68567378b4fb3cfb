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
class Price:
    """What a cloud tier costs, in US dollars per million tokens."""

    input: float
    output: float


class ControlKind(Enum):
    COMPOSE = "compose"
    LLAMA_SWAP = "llama-swap"
    LLAMA_ROUTER = "llama-router"
    SYSTEMD = "systemd"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Control:
    """How a tier is started and stopped."""

    kind: ControlKind
    box: str = ""
    """Name of the box; empty: this machine."""
    unit: str = ""
    """Compose service, model of llama-swap or of llama-server's router, or systemd user unit."""
    start: tuple[str, ...] = ()
    """For COMMAND: the program and its arguments."""
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tier:
    name: str
    """The key everywhere. A tier of a source is `source/model`, split once at the first slash; a
    hand-written one has no slash."""
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
    label: str = ""
    """What the user reads in place of the name; empty: the name."""
    favourite: bool = False
    """Stands first in the picker."""
    concurrency: int | None = None
    """How many answers it writes at once; None: by its kind of server."""
    cloud: bool = False
    """What is asked leaves the user's own machines, and costs money."""
    price: Price | None = None
    key_name: str | None = None
    """Entry of the system's keychain that holds the key."""
    control: Control | None = None
    fallbacks: tuple[str, ...] = ()
    """Names of the tiers that its source declares to answer in its place, in order."""
    context_fallbacks: tuple[str, ...] = ()
    """The same, for questions that are too long for it."""

    @property
    def title(self) -> str:
        return self.label or self.name


@dataclass(frozen=True, slots=True)
class Activity:
    """What a tier is doing right now, by its own metrics."""

    running: int = 0
    """Requests being answered."""
    waiting: int = 0
    """Requests in its queue."""
    tokens_per_s: float | None = None
    """Written lately; None: nothing was, or it does not say."""
    kv_cache_use: float | None = None
    """0 to 1."""


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
    tokens_per_s: float | None = None
    """How fast its answers were lately, measured here; None: not known yet."""
    activity: Activity | None = None
    progress: float | None = None
    """While it starts or loads: 0 to 1."""
    eta_s: float | None = None
    """While it starts or loads: seconds until it is ready."""
    degraded: str = ""
    """READY, but: a sentence about what is wrong with it (much slower than it used to be)."""
    unloaded: bool = False
    """READY, but its model is not in memory: its server loads it when it is asked."""
    stale: bool = False
    """Its source does not answer: this is what was last known."""
