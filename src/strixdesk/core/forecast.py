"""What a start would do to the box's memory, and what would make it fit.

The box's memory is one: the graphics unit takes its share of the same modules. Three things must
hold for a yes, the reserve always taken off first:

1. what the new services take is not more than MemAvailable (whatever runs already is not in it);
2. the fractions of all vLLM servers together are at most 1, and their bytes are there on the
   graphics unit;
3. each new vLLM server's fraction holds its weights and the KV cache of one whole context.

What cannot be told (a file of unknown size) is a no. GB are of 2³⁰ bytes, as in the stack's own
notes: 128 GB, fractions 0.35 and 0.60, weights 28 and 57 give 6.4 GB of headroom, 16.8 and 19.8 GB
for KV, of which 49,152 tokens of Qwen3-Coder-30B take 4.5. For 65,536 tokens of Qwen2.5-14B the
notes say 10.0, from 40 layers; the model has 48, which is 12.0: the true figure decides, and the
other one is told with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from strixdesk.core.box import BoxMemory, ServiceStatus
from strixdesk.core.demand import Demand, share_of
from strixdesk.core.memory import Forecast, Share, Use, gb
from strixdesk.core.remedies import remedies
from strixdesk.core.situation import ROUNDING, Judgement, Situation, judge, situation, still_to_come
from strixdesk.core.stack import Engine, Service, Stack


def forecast(
    stack: Stack,
    statuses: Sequence[ServiceStatus],
    memory: BoxMemory,
    reserve_bytes: int,
    start: Sequence[str],
    files: Mapping[str, int] | None = None,
) -> Forecast:
    """`start`: names of services; what they depend on is started with them. `files`: sizes of GGUF
    files by their path on the box."""
    now = situation(stack, statuses, memory, reserve_bytes, start, files)
    found = judge(now)
    today = _today(now)
    coming = [
        share
        for service in now.services(sorted(now.running))
        for share in _still_to_come(now, service)
    ]
    new = [
        share
        for service in now.services(now.start)
        for share in _shares(service.name, now.demand(service))
    ]
    vllm = [
        one for one in now.services((*sorted(now.running), *now.start)) if one.engine is Engine.VLLM
    ]
    taken = sum(share_of(one, now.gpu_total) for one in vllm)
    return Forecast(
        total_bytes=now.total,
        today=today,
        after=(*today[:-1], *coming, *new, today[-1]),
        free_bytes=found.free_bytes,
        fits=found.fits,
        sentence=_sentence(now, found),
        kv=found.kv,
        remedies=() if found.fits else remedies(now),
        headroom_bytes=now.gpu_total - taken if vllm else None,
    )


def _today(now: Situation) -> tuple[Share, ...]:
    """The bar as it is: everything else, what runs, and last the reserve."""
    used = now.used
    shares = [
        share
        for service in now.services(sorted(now.running))
        for share in _shares(service.name, now.demand(service))
    ]
    known = sum(share.bytes for share in shares)
    if known > used:  # still loading, or mapped files: what is measured counts
        shares = [Share(share.use, share.bytes * used // known, share.service) for share in shares]
        known = sum(share.bytes for share in shares)
    return (
        Share(Use.OTHER, used - known),
        *shares,
        Share(Use.RESERVE, now.reserve_bytes),
    )


def _still_to_come(now: Situation, service: Service) -> tuple[Share, ...]:
    """What the verdict counts for a service that runs, beside what is taken already."""
    if service.name in now.settling:
        return _shares(service.name, now.demand(service))
    mapped = Share(Use.WEIGHTS, still_to_come(now, service), service.name)
    return (mapped,) if mapped.bytes else ()


def _shares(name: str, demand: Demand) -> tuple[Share, ...]:
    both = (
        Share(Use.WEIGHTS, demand.weights, name),
        Share(Use.KV_CACHE, demand.kv_cache, name),
    )
    return tuple(share for share in both if share.bytes > 0)


# ---- the verdict -------------------------------------------------------------------------------


def _sentence(now: Situation, found: Judgement) -> str:
    if not now.start:
        return "Everything that is asked for runs already."
    wanted = sum(now.demand(one).total for one in now.services(now.start))
    who = _and(now.start)
    reserve = f"the reserve of {gb(now.reserve_bytes)}"
    if found.fits:
        left = gb(found.free_bytes)
        return f"A start of {who} takes {gb(wanted)}; {left} stay free beyond {reserve}."
    if found.unknown:
        return (
            f"How much memory {_and(found.unknown)} would take is not known: the model file is not "
            "there, and its name does not tell."
        )
    if found.fractions > 1 + ROUNDING:
        return (
            f"The vLLM servers' shares of the memory add up to {found.fractions:.2f}; more than 1 "
            "cannot be given."
        )
    if found.free_bytes < 0:
        waiting = sorted(now.settling)
        verb = "is" if len(waiting) == 1 else "are"
        loading = f" {_and(waiting)} {verb} still loading and counted in full." if waiting else ""
        return (
            f"A start of {who} takes {gb(wanted)}: {gb(-found.free_bytes)} more than there is "
            f"beside {reserve}.{loading}"
        )
    if found.gpu_free_bytes is not None and found.gpu_free_bytes < 0:
        return (
            f"A start of {who} takes {gb(wanted)}: {gb(-found.gpu_free_bytes)} more than the "
            "graphics unit has left."
        )
    worst = next(one for one in found.kv if not one.fits)
    if worst.budget_bytes < 0:
        return (
            f"The share of {worst.service} does not hold its model: {gb(-worst.budget_bytes)} are "
            "missing for the weights alone."
        )
    return (
        f"The context of {worst.service} needs {gb(worst.needed_bytes)} of KV cache; its share "
        f"leaves {gb(worst.budget_bytes)}."
    )


def _and(names: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)
