"""What would make a start fit: smallest change first. Each remedy was tried in the arithmetic."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate

from strixdesk.core.memory import Remedy, gb
from strixdesk.core.situation import Situation, judge
from strixdesk.core.stack import Engine, Service

_CONTEXT_STEP = 1024
_SMALLEST_CONTEXT = 2048
_LIMIT = 6


def remedies(now: Situation) -> tuple[Remedy, ...]:
    """Single changes that suffice; where none does, several stops, or leaving something out."""
    tried = [remedy for remedy, changed in (*_numbers(now), *_stops(now)) if judge(changed).fits]
    if not tried:
        tried = [remedy for remedy, changed in _several(now) if judge(changed).fits][:1]
    if not tried:
        tried = [remedy for remedy, changed in _left_out(now) if judge(changed).fits]
    found = {(one.variable, one.value, one.stop, one.sentence): one for one in tried}
    return tuple(sorted(found.values(), key=lambda one: one.frees_bytes))[:_LIMIT]


# ---- numbers -----------------------------------------------------------------------------------


def _numbers(now: Situation) -> Iterator[tuple[Remedy, Situation]]:
    for service in now.services(now.start):
        if service.engine is Engine.VLLM:
            yield from _contexts(now, service)
            yield from _fractions(now, service)
        elif service.engine is Engine.LLAMA_CPP:
            yield from _llama_contexts(now, service)


def _contexts(now: Situation, service: Service) -> Iterator[tuple[Remedy, Situation]]:
    """A shorter context, so that it fits into the share as it is."""
    demand = now.demand(service)
    if demand.kv is None or demand.kv.fits or demand.shape is None:
        return
    fitting = demand.shape.tokens_in(demand.kv.budget_bytes, service.kv_cache_dtype)
    yield from _context(now, service, fitting)


def _llama_contexts(now: Situation, service: Service) -> Iterator[tuple[Remedy, Situation]]:
    shape = now.demand(service).shape
    missing = _missing(now)
    if shape is None or missing <= 0:
        return
    tokens = service.context_tokens or shape.max_context
    left = shape.kv_bytes(tokens, service.kv_cache_dtype) - missing
    if left > 0:
        yield from _context(now, service, shape.tokens_in(left, service.kv_cache_dtype))


def _context(now: Situation, service: Service, fitting: int) -> Iterator[tuple[Remedy, Situation]]:
    tokens = fitting // _CONTEXT_STEP * _CONTEXT_STEP
    shape = now.demand(service).shape
    if shape is None or tokens < _SMALLEST_CONTEXT:
        return
    before = service.context_tokens or shape.max_context
    variable = service.variables.get("context_tokens", "")
    what = f"Set {variable}={tokens}" if variable else f"Shorten its context to {tokens} tokens"
    kind = service.kv_cache_dtype
    freed = shape.kv_bytes(before, kind) - shape.kv_bytes(tokens, kind)
    remedy = Remedy(
        f"{what}: {service.name} then needs {gb(freed)} less.",
        freed,
        variable=variable,
        value=str(tokens) if variable else "",
    )
    yield remedy, _with(now, replace(service, context_tokens=tokens))


def _fractions(now: Situation, service: Service) -> Iterator[tuple[Remedy, Situation]]:
    """Another share, in hundredths: as large as it must be, or as small as it may be."""
    demand = now.demand(service)
    if demand.kv is None or service.gpu_fraction is None:
        return
    needed = (demand.weights + demand.kv.needed_bytes) / now.gpu_total
    smallest = math.ceil(needed * 100 - 1e-9)
    others = judge(now).fractions - service.gpu_fraction
    excess = max(0.0, _missing(now) / now.gpu_total, service.gpu_fraction + others - 1)
    largest = math.floor((service.gpu_fraction - excess) * 100 + 1e-9)
    hundredths = smallest if not demand.kv.fits else largest
    if not 0 < smallest <= hundredths < 100:
        return
    value = hundredths / 100
    before, after = service.gpu_fraction, value
    variable = service.variables.get("gpu_fraction", "")
    what = f"Set {variable}={value:.2f}" if variable else f"Set its share to {value:.2f}"
    change = round(abs(after - before) * now.gpu_total)
    more = "more" if after > before else "less"
    remedy = Remedy(
        f"{what}: {service.name} then takes {gb(change)} {more}.",
        change,
        variable=variable,
        value=f"{value:.2f}" if variable else "",
    )
    yield remedy, _with(now, replace(service, gpu_fraction=value))


# ---- stops -------------------------------------------------------------------------------------


def _stops(now: Situation) -> Iterator[tuple[Remedy, Situation]]:
    for service in _stoppable(now):
        yield _stop(now, (service,))


def _several(now: Situation) -> Iterator[tuple[Remedy, Situation]]:
    """The largest first, until it suffices."""
    by_size = sorted(_stoppable(now), key=lambda one: -now.demand(one).total)
    for several in accumulate(((one,) for one in by_size), lambda one, more: one + more):
        if len(several) > 1:
            yield _stop(now, several)


def _stop(now: Situation, services: tuple[Service, ...]) -> tuple[Remedy, Situation]:
    freed = sum(now.demand(one).total for one in services)
    names = tuple(one.name for one in services)
    gpu = sum(now.demand(one).total for one in services if one.on_gpu)
    ready = sum(_taken(now, one) for one in services)
    memory = replace(
        now.memory,
        available_bytes=min(now.memory.total_bytes, now.memory.available_bytes + ready),
        gpu_used_bytes=None
        if now.memory.gpu_used_bytes is None
        else max(0, now.memory.gpu_used_bytes - gpu),
    )
    after = replace(
        now,
        memory=memory,
        running=now.running - set(names),
        settling=now.settling - set(names),
    )
    return Remedy(f"Stop {_list(names)} first: that frees {gb(freed)}.", freed, names), after


def _taken(now: Situation, service: Service) -> int:
    """What it has surely taken of the box's memory: nothing is promised of what still loads or is
    only mapped."""
    if service.name in now.settling or (service.on_gpu and now.memory.gpu_apart):
        return 0
    demand = now.demand(service)
    mapped = service.engine is Engine.LLAMA_CPP and service.mmap and not service.on_gpu
    used = now.memory.total_bytes - now.memory.available_bytes
    return min(demand.kv_cache if mapped else demand.total, max(0, used))


def _stoppable(now: Situation) -> list[Service]:
    """Nothing that the new ones depend on."""
    needed = {name for one in now.services(now.start) for name in one.depends_on}
    return [
        one for one in now.services(sorted(now.running - needed)) if one.engine is not Engine.OTHER
    ]


# ---- leaving out -------------------------------------------------------------------------------


def _left_out(now: Situation) -> Iterator[tuple[Remedy, Situation]]:
    for service in now.services(now.start):
        needed = any(service.name in one.depends_on for one in now.services(now.start))
        if needed or len(now.start) < 2:
            continue
        freed = now.demand(service).total
        rest = tuple(name for name in now.start if name != service.name)
        remedy = Remedy(f"Start {_list(rest)} without {service.name}: {gb(freed)} less.", freed)
        yield remedy, replace(now, start=rest)


# ---- small things ------------------------------------------------------------------------------


def _missing(now: Situation) -> int:
    found = judge(now)
    return max(-found.free_bytes, -(found.gpu_free_bytes or 0), 0)


def _with(now: Situation, service: Service) -> Situation:
    services = tuple(service if one.name == service.name else one for one in now.stack.services)
    return replace(now, stack=replace(now.stack, services=services))


def _list(names: tuple[str, ...]) -> str:
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)
