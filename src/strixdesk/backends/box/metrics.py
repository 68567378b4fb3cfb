"""What a model server's own metrics say it is doing. Pure; Prometheus text read leniently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from strixdesk.core.tier import Activity

_WANTED = {
    "vllm:num_requests_running": "running",
    "vllm:num_requests_waiting": "waiting",
    "vllm:kv_cache_usage_perc": "kv",
    "vllm:gpu_cache_usage_perc": "kv",
    "vllm:generation_tokens_total": "written",
    "llamacpp:requests_processing": "running",
    "llamacpp:requests_deferred": "waiting",
    "llamacpp:kv_cache_usage_ratio": "kv",
    "llamacpp:tokens_predicted_total": "written",
    "llamacpp:tokens_predicted_seconds_total": "seconds",
}
_LINE_CHARS = 4_096


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at the counters."""

    at: float
    """Seconds of a clock that only goes forward."""
    running: int = 0
    waiting: int = 0
    kv_cache_use: float | None = None
    written_tokens: float | None = None
    """Since the server's start."""
    writing_s: float | None = None
    """Seconds it spent writing them; llama.cpp only."""


def parse_metrics(text: str, at: float) -> Sample | None:
    """None when none of the known metrics is in it. Several engines or models are added up; their
    caches are averaged by taking the fullest."""
    sums: dict[str, float] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, value = _named(line[:_LINE_CHARS])
        known = _WANTED.get(name)
        if known is None or value is None:
            continue
        if known == "kv":
            sums[known] = max(value, sums.get(known, 0.0))
        else:
            sums[known] = sums.get(known, 0.0) + value
    if not sums:
        return None
    kv = sums.get("kv")
    return Sample(
        at,
        int(sums.get("running", 0)),
        int(sums.get("waiting", 0)),
        None if kv is None else min(1.0, max(0.0, kv)),
        sums.get("written"),
        sums.get("seconds"),
    )


def parse_slots(slots: Any, at: float) -> Sample | None:
    """llama.cpp's `/slots`, for a server that was started without metrics."""
    if not isinstance(slots, list):
        return None
    known = [slot for slot in slots if isinstance(slot, dict)]
    busy = sum(slot.get("is_processing") is True for slot in known)
    return Sample(at, busy) if known else None


def activity_of(before: Sample | None, now: Sample) -> Activity:
    return Activity(now.running, now.waiting, _rate(before, now), now.kv_cache_use)


def _rate(before: Sample | None, now: Sample) -> float | None:
    """Tokens per second between two looks; None when nothing was written, or the server was
    started anew in between."""
    if before is None or before.written_tokens is None or now.written_tokens is None:
        return None
    written = now.written_tokens - before.written_tokens
    took_s = now.at - before.at
    if before.writing_s is not None and now.writing_s is not None:
        took_s = now.writing_s - before.writing_s  # llama.cpp counts an answer when it is over
    if written <= 0 or took_s <= 0:
        return None
    return written / took_s


def _named(line: str) -> tuple[str, float | None]:
    """`name{labels} value [timestamp]`; labels may hold anything, in quotes."""
    name, brace, rest = line.partition("{")
    if brace:
        rest = rest.rpartition("}")[2]
    else:
        name, _, rest = line.partition(" ")
    fields = rest.split(maxsplit=1)
    try:
        value = float(fields[0]) if fields else None
    except ValueError:
        value = None
    if value is not None and not 0 <= value < 1e18:  # NaN, Inf, nonsense
        value = None
    return name.strip(), value
