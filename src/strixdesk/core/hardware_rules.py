"""What is known not to work on Strix Halo (gfx1151), held against a stack.

Source: what the makers of the stack tried on the machine itself. FP8 matrix kernels are for other
GPUs, AWQ's Triton kernels assume wave64 and hang the GPU, GPTQ, Marlin and bitsandbytes are CUDA
only, an FP8 KV cache runs with uncalibrated scales. A user may allow each rule by its name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from strixdesk.core.finding import Finding, Severity
from strixdesk.core.stack import Engine, Mode, Service, Stack

HEADROOM = 0.05
"""Of the memory, for the system: vLLM's fractions must leave it."""

_WEIGHTS: tuple[tuple[str, re.Pattern[str], str], ...] = (
    (
        "fp8-weights",
        re.compile(r"fp8|w8a8", re.IGNORECASE),
        "FP8 weights crash there: its GPU has no FP8 matrix kernels.",
    ),
    (
        "awq",
        re.compile(r"awq", re.IGNORECASE),
        "AWQ hangs its GPU until a reboot: the kernels are written for wave64.",
    ),
    (
        "gptq",
        re.compile(r"gptq|marlin", re.IGNORECASE),
        "GPTQ and Marlin have no kernels for it: they need CUDA.",
    ),
    (
        "bitsandbytes",
        re.compile(r"bitsandbytes|\bbnb\b", re.IGNORECASE),
        "bitsandbytes does not run on it: it needs CUDA.",
    ),
    (
        "gguf-in-vllm",
        re.compile(r"gguf", re.IGNORECASE),
        "vLLM cannot run GGUF files on it; llama.cpp can.",
    ),
)
_SUFFIX = re.compile(
    r"[-_.](?:fp8(?:[-_]\w+)?|awq|gptq(?:[-_]int\d)?|bnb(?:[-_]\dbit)?|gguf|w8a8)$", re.IGNORECASE
)


def lint(
    stack: Stack, allowed: Collection[str] = (), gpu: str = "", headroom: float = HEADROOM
) -> tuple[Finding, ...]:
    """All findings, problems first. `allowed`: rules that do not hold for this user. `gpu`: what
    the box has, `gfx1151`; another one has other number formats. Empty: not known."""
    strix_halo = gpu in {"", "gfx1151"}
    found = [
        one
        for service in stack.services
        for one in (
            *(_vllm(service) if strix_halo else ()),
            *_llama(service),
            *_reach(service),
        )
    ]
    for mode in stack.modes:
        found += [*_fractions(stack, mode, headroom), *_staggered(stack, mode)]
    order = (Severity.PROBLEM, Severity.WARNING, Severity.NOTE)
    kept = dict.fromkeys(one for one in found if one.rule not in allowed)
    return tuple(sorted(kept, key=lambda one: order.index(one.severity)))


def _vllm(service: Service) -> Iterator[Finding]:
    if service.engine is not Engine.VLLM:
        return
    told, model = service.quantization or "", service.model or ""
    for rule, pattern, reason in _WEIGHTS:
        if not (pattern.search(told) or pattern.search(model)):
            continue
        plain = _SUFFIX.sub("", model)
        by_name = plain != model
        yield Finding(
            rule,
            Severity.PROBLEM,
            f"{service.name} uses {told or model}. {reason} Use BF16 weights.",
            service=service.name,
            variable=service.variables.get("model" if by_name else "quantization", ""),
            value=plain if by_name else "",
        )
    if re.match(r"fp8|int8", service.kv_cache_dtype, re.IGNORECASE):
        yield Finding(
            "fp8-kv-cache",
            Severity.PROBLEM,
            f"{service.name} keeps its KV cache as {service.kv_cache_dtype}. There the scales are "
            "uncalibrated, and long answers go wrong. Use auto (BF16).",
            service=service.name,
            variable=service.variables.get("kv_cache_dtype", ""),
            value="auto",
        )
    if service.dtype.lower() not in {"auto", "bfloat16", "bf16"}:
        wide = service.dtype.lower() in {"float32", "float"}
        why = (
            "That doubles its weights."
            if wide
            else "Models that were trained in BF16 can overflow in it."
        )
        yield Finding(
            "bf16-only",
            Severity.WARNING,
            f"{service.name} computes in {service.dtype}. {why} Only BF16 is tried there.",
            service=service.name,
            variable=service.variables.get("dtype", ""),
            value="bfloat16",
        )


def _llama(service: Service) -> Iterator[Finding]:
    if service.engine is Engine.LLAMA_CPP and service.mmap:
        yield Finding(
            "no-mmap",
            Severity.WARNING,
            f"{service.name} maps its model file (no --no-mmap). On unified memory that loads "
            "slowly, and its pages are dropped when memory gets short.",
            service=service.name,
        )


def _reach(service: Service) -> Iterator[Finding]:
    if service.open_to_all:
        yield Finding(
            "open-without-key",
            Severity.NOTE,
            f"{service.name} listens on every network of the box and asks for no key: whoever "
            "reaches the box can use it. Bind it to the Tailscale address, or set --api-key.",
            service=service.name,
        )


def _fractions(stack: Stack, mode: Mode, headroom: float) -> Iterator[Finding]:
    shares = [
        (one, one.gpu_fraction)
        for one in _of(stack, mode)
        if one.engine is Engine.VLLM and one.gpu_fraction is not None
    ]
    total = sum(fraction for _, fraction in shares)
    if not shares or total <= 1 - headroom + 1e-9:
        return
    service, largest = max(shares, key=lambda one: one[1])
    value = int((largest - (total - (1 - headroom))) * 100 + 1e-6) / 100
    names = " and ".join(one.name for one, _ in shares)
    yield Finding(
        "fraction-sum",
        Severity.PROBLEM if total > 1 + 1e-9 else Severity.WARNING,
        f"The shares of {names} add up to {total:.2f} in the mode “{mode.name}”; with more than "
        f"{1 - headroom:.2f} the system itself runs out of memory.",
        service=service.name,
        variable=service.variables.get("gpu_fraction", "") if value > 0 else "",
        value=f"{value:.2f}" if value > 0 else "",
    )


def _staggered(stack: Stack, mode: Mode) -> Iterator[Finding]:
    """Two that load at once measure each other's memory."""
    servers = [one for one in _of(stack, mode) if one.engine is Engine.VLLM]
    for second in servers[1:]:
        waits = [one for one in servers if one.name in second.waits_for and one.health_check]
        if not waits:
            yield Finding(
                "staggered-start",
                Severity.WARNING,
                f"{second.name} does not wait for the health of another GPU server. Two that load "
                "at once count each other's memory and fail. StrixDesk starts one after the "
                "other; the stack's own script does not.",
                service=second.name,
            )


def _of(stack: Stack, mode: Mode) -> list[Service]:
    return [one for one in map(stack.service, mode.services) if one is not None]
