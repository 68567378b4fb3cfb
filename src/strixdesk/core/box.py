"""A machine that runs a stack of model servers, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Box:
    name: str
    host: str | None = None
    """Host name or address for ssh and for the tiers' ports; None: this machine."""
    user: str | None = None
    stack: str = ""
    """The stack's folder on the box, absolute or from the home directory."""
    mac: str | None = None
    """Ethernet address for Wake-on-LAN."""
    reserve_gb: float = 4.0
    """Memory (2³⁰ bytes, as everywhere in the memory's arithmetic) that nothing may plan with."""
    start_on_demand: str = "offer"
    """What happens when a question wants a tier that is stopped: `offer`, `automatic`, `never`."""

    @property
    def reserve_bytes(self) -> int:
        return int(self.reserve_gb * 2**30)

    @property
    def is_here(self) -> bool:
        return self.host is None


# ---- the way there -----------------------------------------------------------------------------


class HopKind(Enum):
    TAILSCALE = "Tailscale"
    SSH = "ssh"
    DOCKER = "docker"


class HopState(Enum):
    UNKNOWN = "unknown"
    """Not looked at, or a hop before it is broken."""
    OK = "ok"
    IMPAIRED = "impaired"
    """It works, but: relayed, a key that soon expires, an old version."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Hop:
    kind: HopKind
    state: HopState
    detail: str = ""
    """A sentence: what it is, or what is wrong and what to do."""
    latency_ms: float | None = None


# ---- what runs there ---------------------------------------------------------------------------


class ContainerState(Enum):
    ABSENT = "absent"
    CREATED = "created"
    RUNNING = "running"
    RESTARTING = "restarting"
    PAUSED = "paused"
    EXITED = "exited"
    DEAD = "dead"

    @property
    def alive(self) -> bool:
        """Its memory and its ports are taken, or will be again at once."""
        return self in {ContainerState.RUNNING, ContainerState.RESTARTING, ContainerState.PAUSED}


class ContainerHealth(Enum):
    NONE = "none"
    """The compose file has no health check."""
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One service's container, and what its log says of its start."""

    name: str
    container: ContainerState
    health: ContainerHealth = ContainerHealth.NONE
    exit_code: int | None = None
    restarts: int = 0
    since: float | None = None
    """Start of the container, seconds since the epoch, by the box's clock."""
    phase: str = ""
    """What a starting server is doing, in words: `loading weights`."""
    progress: float | None = None
    """Of the whole start, 0 to 1."""
    eta_s: float | None = None
    """Seconds until it is ready, from the log and from past starts."""
    last_error: str = ""
    """The last line of its log that tells of an error."""


@dataclass(frozen=True, slots=True)
class BoxMemory:
    total_bytes: int
    available_bytes: int
    """MemAvailable: what may be taken without swapping."""
    swap_total_bytes: int = 0
    swap_free_bytes: int = 0
    gpu_total_bytes: int | None = None
    """GTT and carved-out VRAM together, where readable."""
    gpu_used_bytes: int | None = None
    gpu_apart: bool = False
    """The graphics unit has a large part carved out for it alone (set in the firmware): the two
    numbers before are of that part, and it is in neither `total_bytes` nor `available_bytes`."""
    temperature_c: float | None = None


# ---- what is being done ------------------------------------------------------------------------


class Deed(Enum):
    """What can be done to services or to a whole stack."""

    START = "start"
    STOP = "stop"
    RESTART = "restart"
    PULL = "pull"


class OperationState(Enum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        return self is not OperationState.RUNNING


@dataclass(frozen=True, slots=True)
class Operation:
    """A start, stop, restart or pull on its way."""

    id: str
    deed: Deed
    services: tuple[str, ...]
    """In the order in which they are dealt with."""
    state: OperationState
    started_at: float
    """Seconds since the epoch."""
    mode: str | None = None
    step: str = ""
    """What it does now, as a sentence; at the end: how it went, and what to do."""
    progress: float | None = None
    eta_s: float | None = None


@dataclass(frozen=True, slots=True)
class BoxStatus:
    """What was last learnt of a box. Kept when it goes out of reach."""

    hops: tuple[Hop, ...]
    """From here to there; the first FAILED one is where it is broken."""
    checked_at: float
    """Seconds since the epoch."""
    services: tuple[ServiceStatus, ...] = ()
    memory: BoxMemory | None = None
    operation: Operation | None = None
    """The last one of this program, running or over."""
    holder: str = ""
    """Who else is starting or stopping things there now; empty: nobody."""

    @property
    def broken(self) -> Hop | None:
        return next((hop for hop in self.hops if hop.state is HopState.FAILED), None)

    @property
    def busy(self) -> bool:
        """This program works there right now."""
        return self.operation is not None and not self.operation.state.over

    def service(self, name: str) -> ServiceStatus | None:
        return next((one for one in self.services if one.name == name), None)
