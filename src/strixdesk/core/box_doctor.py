"""What stands in the way of a stack on its box: each finding with the command that mends it.

Nothing is changed here, and no command is run: the user does.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from posixpath import basename, dirname

from strixdesk.core.box import ServiceStatus
from strixdesk.core.finding import Finding, Severity
from strixdesk.core.host import CachedModel, HostFacts
from strixdesk.core.memory import gb
from strixdesk.core.model_shapes import GIB, gguf_bytes, shape_of, vllm_bytes
from strixdesk.core.stack import Engine, Service, Stack

_SPARE_BYTES = 5 * GIB
"""Of a disk, that a download must leave."""
_GATED = re.compile(
    r"^(?:meta-llama/|google/gemma|mistralai/(?:mistral-large|mixtral|mistral-7b-v0\.1)"
    r"|cohereforai/|coherelabs/|bigcode/starcoder)",
    re.IGNORECASE,
)
"""Whose licence must be accepted on Hugging Face before their files can be fetched."""
_TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")


@dataclass(frozen=True, slots=True)
class _Missing:
    service: Service
    model: str
    folder: str
    """Where it belongs."""
    bytes: int
    """Estimated; 0: not known."""


def examine(
    stack: Stack,
    facts: HostFacts,
    env: Mapping[str, str],
    statuses: Sequence[ServiceStatus] = (),
) -> tuple[Finding, ...]:
    """`env`: the values of the .env file."""
    missing = list(_missing(stack, facts))
    return (
        *_space(missing, facts),
        *_hugging_face(stack, missing, facts, env),
        *_gguf_files(missing, facts),
        *_ports(stack, facts, statuses),
        *_devices(stack, facts),
        *_safety(facts),
        *_gpu_memory(stack, facts),
    )


# ---- models ------------------------------------------------------------------------------------


def _missing(stack: Stack, facts: HostFacts) -> Iterator[_Missing]:
    """Models that are not on the box. What vLLM has in part counts for the rest."""
    for service in stack.services:
        model, path = service.model or "", service.model_path
        shape = shape_of(model)
        if service.engine is Engine.LLAMA_CPP and path is not None and path not in facts.files:
            yield _Missing(service, model, dirname(path), gguf_bytes(model, shape) if shape else 0)
        if service.engine is Engine.VLLM and "/" in model and not model.startswith("/"):
            cached = facts.cached.get(model) or CachedModel(0, complete=False)
            size = vllm_bytes(shape, model, service.dtype, service.quantization) if shape else 0
            if not cached.complete and service.hf_home is not None:
                yield _Missing(service, model, service.hf_home, max(0, size - cached.bytes))


def _space(missing: Sequence[_Missing], facts: HostFacts) -> Iterator[Finding]:
    """What must be downloaded to one disk, against what is free there."""
    by_disk: dict[int, dict[str, _Missing]] = {}
    for one in missing:
        disk = facts.disks.get(one.folder)
        if disk is not None:  # two folders whose disks are equally large: one disk
            by_disk.setdefault(disk.total_bytes, {})[one.model] = one
    for models in by_disk.values():
        folders = list(dict.fromkeys(one.folder for one in models.values()))
        total = sum(one.bytes for one in models.values())
        free = min(facts.disks[folder].free_bytes for folder in folders)
        if free < total + _SPARE_BYTES:
            yield Finding(
                "disk",
                Severity.PROBLEM,
                f"{gb(total)} must be downloaded ({', '.join(models)}), and the disk of "
                f"{' and '.join(folders)} has {gb(free)} left.",
                f"du -xh -d 2 -- {shlex.join(folders)} | sort -h | tail -n 20",
            )


def _hugging_face(
    stack: Stack, missing: Sequence[_Missing], facts: HostFacts, env: Mapping[str, str]
) -> Iterator[Finding]:
    """vLLM fetches what is not in its cache when it starts."""
    # compose takes `HF_TOKEN= # yours here` for a value
    told = any(env.get(name, "#")[:1] not in {"", "#"} for name in _TOKENS)
    for one in missing:
        if one.service.engine is not Engine.VLLM:
            continue
        if _GATED.match(one.model) and not told and one.folder not in facts.logged_in:
            yield Finding(
                "hf-token",
                Severity.PROBLEM,
                f"{one.model} is gated: without a token Hugging Face does not hand it out. Accept "
                "its licence there and put a token into the .env file.",
                f"HF_HOME={shlex.quote(one.folder)} hf auth login  "
                f"# or a line HF_TOKEN=… in {stack.env_file or '.env'}",
                one.service.name,
                "HF_TOKEN",
            )
        about = f" (about {gb(one.bytes)})" if one.bytes else ""
        yield Finding(
            "download",
            Severity.NOTE,
            f"{one.model} will be downloaded at the first start of {one.service.name}{about}; "
            "until then it seems to hang.",
            f"HF_HOME={shlex.quote(one.folder)} hf download {shlex.quote(one.model)}",
            one.service.name,
        )


def _gguf_files(missing: Sequence[_Missing], facts: HostFacts) -> Iterator[Finding]:
    for one in missing:
        if one.service.engine is not Engine.LLAMA_CPP:
            continue
        there = {_bare(basename(path)): basename(path) for path in facts.files
                 if dirname(path) == one.folder}  # fmt: skip
        alike = get_close_matches(_bare(one.model), list(there), n=1, cutoff=0.85)
        variable = one.service.variables.get("model", "")
        twin = there[alike[0]] if alike else ""
        about = f" (about {gb(one.bytes)})" if one.bytes else ""
        where = shlex.quote(one.folder)
        yield Finding(
            "gguf-missing",
            Severity.PROBLEM,
            f"{one.service.name} wants {one.model}{about}, which is not in {one.folder}."
            + (f" {twin} is there." if twin else ""),
            "" if twin else f"hf download REPOSITORY {shlex.quote(one.model)} --local-dir {where}",
            one.service.name,
            variable,
            twin if variable else "",
        )


def _bare(name: str) -> str:
    return re.sub(r"[-_. ]+", "-", name.lower())


# ---- ports and devices -------------------------------------------------------------------------


def _ports(stack: Stack, facts: HostFacts, statuses: Sequence[ServiceStatus]) -> Iterator[Finding]:
    running = {one.name for one in statuses if one.container.alive}
    own = {port for one in stack.services if one.name in running for port in _all_ports(one)}
    for service in stack.services:
        for port in _all_ports(service):
            if service.name in running or port in own or port not in facts.ports:
                continue
            who = facts.ports[port] or "another user's program"
            yield Finding(
                "port-taken",
                Severity.PROBLEM,
                f"Port {port} of {service.name} is taken by {who}.",
                f"sudo ss -ltnp 'sport = :{port}'",
                service.name,
                service.variables.get("port", "") if port == service.port else "",
            )
    for mode in stack.modes:
        seen: dict[int, str] = {}
        for name in mode.services:
            one = stack.service(name)
            for port in _all_ports(one) if one else ():
                if port in seen:
                    yield Finding(
                        "port-twice",
                        Severity.PROBLEM,
                        f"{seen[port]} and {name} both want port {port} in the mode “{mode.name}”.",
                        service=name,
                    )
                seen[port] = name


def _all_ports(service: Service) -> tuple[int, ...]:
    return service.ports or ((service.port,) if service.port else ())


def _devices(stack: Stack, facts: HostFacts) -> Iterator[Finding]:
    if not any(one.on_gpu for one in stack.services) or facts.memory is None:
        return
    renders = [path for path in facts.devices if path.startswith("/dev/dri/")]
    for what, there in (("/dev/kfd", "/dev/kfd" in facts.devices), ("/dev/dri", bool(renders))):
        if not there:
            yield Finding(
                "device-missing",
                Severity.PROBLEM,
                f"{what} is not there: containers cannot reach the graphics unit.",
                "sudo modprobe amdgpu && sudo dmesg | grep -i amdgpu | tail",
            )
    shut = [path for path, may in facts.devices.items() if not may]
    if shut:
        yield Finding(
            "groups",
            Severity.WARNING,
            f"{facts.user or 'The user'} may not use {' and '.join(shut)}; containers that run as "
            "this user cannot either.",
            f"sudo usermod -aG video,render {shlex.quote(facts.user)}  # then log in again",
        )


# ---- memory ------------------------------------------------------------------------------------


def _safety(facts: HostFacts) -> Iterator[Finding]:
    if facts.memory is not None and facts.memory.swap_total_bytes < facts.memory.total_bytes // 8:
        swap = facts.memory.swap_total_bytes
        size = max(8, round(facts.memory.total_bytes / GIB))
        have = f"only {gb(swap)} of swap" if swap else "no swap"
        yield Finding(
            "swap",
            Severity.WARNING,
            f"The box has {have}. When the memory is all given away, a little more freezes it.",
            f"sudo fallocate -l {size}G /swap.strix && sudo chmod 600 /swap.strix && "
            "sudo mkswap /swap.strix && sudo swapon /swap.strix && "
            "echo '/swap.strix none swap sw 0 0' | sudo tee -a /etc/fstab",
        )
    if facts.watchdog == "":
        yield Finding(
            "earlyoom",
            Severity.WARNING,
            "Nothing ends a program before the memory runs out: the box can freeze hard.",
            "sudo apt install earlyoom && sudo systemctl enable --now earlyoom",
        )


def _gpu_memory(stack: Stack, facts: HostFacts) -> Iterator[Finding]:
    """Linux gives the graphics unit half of the memory unless it is told otherwise."""
    memory = facts.memory
    if memory is None or memory.gpu_total_bytes is None or memory.gpu_apart:
        return
    uses_gpu = any(one.on_gpu for one in stack.services)
    if uses_gpu and memory.gpu_total_bytes < memory.total_bytes * 0.75:
        pages = memory.total_bytes * 15 // 16 // 4096
        yield Finding(
            "gpu-memory",
            Severity.WARNING,
            f"The graphics unit may use {gb(memory.gpu_total_bytes)} of "
            f"{gb(memory.total_bytes)}; vLLM's fractions are of that.",
            f"sudo sed -i 's/^GRUB_CMDLINE_LINUX=\"/&ttm.pages_limit={pages} /' "
            "/etc/default/grub && sudo update-grub  # then reboot",
        )
