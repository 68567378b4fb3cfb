"""A box, what runs there and what is to be started: the numbers that a forecast is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from strixdesk.core.box import BoxMemory, ContainerHealth, ContainerState, ServiceStatus
from strixdesk.core.demand import Demand, demand_of
from strixdesk.core.memory import KvFit
from strixdesk.core.stack import Engine, Service, Stack, with_needs

ROUNDING = 1e-9
"""Of sums of decimal fractions."""


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that a forecast is made from."""

    stack: Stack
    running: frozenset[str]
    settling: frozenset[str]
    """Of those: not ready yet, so that their memory is not all taken."""
    memory: BoxMemory
    reserve_bytes: int
    start: tuple[str, ...]
    """Not running, what they depend on included."""
    files: Mapping[str, int]

    @property
    def gpu_total(self) -> int:
        return self.memory.gpu_total_bytes or self.memory.total_bytes

    @property
    def total(self) -> int:
        """Of the whole machine."""
        apart = self.memory.gpu_total_bytes if self.memory.gpu_apart else 0
        return self.memory.total_bytes + (apart or 0)

    @property
    def used(self) -> int:
        apart = self.memory.gpu_used_bytes if self.memory.gpu_apart else 0
        return max(0, self.memory.total_bytes - self.memory.available_bytes) + (apart or 0)

    def demand(self, service: Service) -> Demand:
        return demand_of(service, self.gpu_total, self.files)

    def services(self, names: Iterable[str]) -> list[Service]:
        found = (self.stack.service(name) for name in names)
        return [one for one in found if one is not None]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The bare numbers of a situation."""

    free_bytes: int
    """After the start and the reserve; negative: it does not fit."""
    gpu_free_bytes: int | None
    """The same on the graphics unit, without a reserve; None: it does not tell."""
    fractions: float
    """Sum over all vLLM servers."""
    kv: tuple[KvFit, ...]
    unknown: tuple[str, ...]

    @property
    def fits(self) -> bool:
        return (
            self.free_bytes >= 0
            and (self.gpu_free_bytes is None or self.gpu_free_bytes >= 0)
            and self.fractions <= 1 + ROUNDING
            and all(one.fits for one in self.kv)
            and not self.unknown
        )


def situation(
    stack: Stack,
    statuses: Sequence[ServiceStatus],
    memory: BoxMemory,
    reserve_bytes: int,
    start: Sequence[str],
    files: Mapping[str, int] | None = None,
) -> Situation:
    alive = {one.name: one for one in statuses if one.container.alive}
    settling = {
        name
        for name, one in alive.items()
        if one.health is ContainerHealth.STARTING
        or one.container is ContainerState.RESTARTING
        or (one.progress is not None and one.progress < 1)
    }
    return Situation(
        stack,
        frozenset(alive),
        frozenset(settling),
        memory,
        max(0, reserve_bytes),
        tuple(name for name in with_needs(stack.services, start) if name not in alive),
        files or {},
    )


def judge(now: Situation) -> Judgement:
    starting = now.services(now.start)
    running = now.services(sorted(now.running))
    demands = [now.demand(one) for one in starting]
    pending = [still_to_come(now, one) for one in running]
    wanted = [(one.on_gpu, one.total) for one in demands]
    wanted += [(one.on_gpu, more) for one, more in zip(running, pending, strict=True) if more]
    of_gpu = sum(size for on_gpu, size in wanted if on_gpu)
    of_rest = sum(size for on_gpu, size in wanted if not on_gpu)
    memory, gpu_free = now.memory, None
    gpu_used = memory.gpu_used_bytes
    if gpu_used is None and memory.gpu_apart:
        gpu_used = sum(now.demand(one).total for one in running if one.on_gpu)
    if memory.gpu_total_bytes is not None and gpu_used is not None and of_gpu:
        gpu_free = memory.gpu_total_bytes - gpu_used - of_gpu
    vllm = [one for one in (*starting, *running) if one.engine is Engine.VLLM]
    return Judgement(
        memory.available_bytes - now.reserve_bytes - of_rest - (0 if memory.gpu_apart else of_gpu),
        gpu_free,
        sum(one.gpu_fraction or 0.0 for one in vllm) if _starts_vllm(starting) else 0.0,
        tuple(one.kv for one in demands if one.kv is not None),
        tuple(
            service.name for service, one in zip(starting, demands, strict=True) if not one.known
        ),
    )


def still_to_come(now: Situation, service: Service) -> int:
    """Bytes that a running service may yet take of MemAvailable: one that is not ready may still
    want everything; a file that is mapped in place of read counts as available, but is not."""
    demand = now.demand(service)
    if service.name in now.settling:
        return demand.total
    mapped = service.engine is Engine.LLAMA_CPP and service.mmap and not service.on_gpu
    return demand.weights if mapped else 0


def _starts_vllm(starting: Iterable[Service]) -> bool:
    return any(one.engine is Engine.VLLM for one in starting)
