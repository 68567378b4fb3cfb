"""A box out of a script: four tiers in four states, as a morning at a real one looks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace

from strixdesk.core.box import (
    Box,
    BoxMemory,
    BoxStatus,
    ContainerHealth,
    ContainerState,
    Deed,
    Hop,
    HopKind,
    HopState,
    Operation,
    OperationState,
    ServiceStatus,
)
from strixdesk.core.errors import BoxUnreachable, NotEnoughMemory
from strixdesk.core.events import BoxChanged, BoxesChanged
from strixdesk.core.forecast import forecast
from strixdesk.core.memory import Forecast
from strixdesk.core.stack import Engine, Mode, Service, Stack
from strixdesk.core.tier import Activity, Capability, Control, ControlKind, Tier, TierState
from strixdesk.core.tier import TierStatus as Status

GB = 2**30
BOX = Box("strix", "strix.tail1234.ts.net", "anna", "ai/strix-stack", "aa:bb:cc:dd:ee:ff")
ORCHESTRATOR, CODER, REVIEWER, UTILITY = (
    Tier(
        name,
        f"http://strix:{port}/v1",
        role=name,
        model=model,
        context_tokens=context,
        capabilities=abilities,
        control=Control(ControlKind.COMPOSE, "strix", service),
        favourite=name == "orchestrator",
    )
    for name, service, port, model, context, abilities in (
        (
            "orchestrator",
            "vllm-orchestrator",
            8001,
            "Qwen/Qwen2.5-14B-Instruct",
            32768,
            frozenset({Capability.TOOLS}),
        ),
        (
            "coder",
            "vllm-coder",
            8002,
            "Qwen/Qwen3-Coder-30B-A3B-Instruct",
            49152,
            frozenset({Capability.CODE, Capability.TOOLS}),
        ),
        ("reviewer", "llama-reviewer", 8003, "Llama-3.3-70B-Instruct-Q4_K_M.gguf", 16384, None),
        ("utility", "llama-utility", 8004, "Qwen2.5-3B-Instruct-Q4_K_M.gguf", 8192, None),
    )
)
TIERS = (ORCHESTRATOR, CODER, REVIEWER, UTILITY)
STATUSES = {
    "orchestrator": Status(
        TierState.READY,
        0.0,
        model="Qwen/Qwen2.5-14B-Instruct",
        server="vllm",
        latency_ms=14,
        tokens_per_s=24.0,
        activity=Activity(running=2, waiting=1, tokens_per_s=24.6, kv_cache_use=0.38),
    ),
    "coder": Status(
        TierState.LOADING,
        0.0,
        "Loading weights, 9 of 16 files.",
        server="vllm",
        progress=0.62,
        eta_s=140.0,
    ),
    "reviewer": Status(TierState.STOPPED, 0.0),
    "utility": Status(
        TierState.FAILED,
        0.0,
        "It was restarted 7 times. Its log ends with: error loading model: tensor "
        "'blk.3.ffn_up' has wrong shape. Fetch the file again.",
    ),
}
SPEEDS = (22, 23.5, 24, 25.1, 24.2, 18, 12.4, 11.9, 14, 19.5, 22.8, 24.6, 25.3, 24.9, 25.2, 24.6)
"""Tokens a second, as the orchestrator's samples follow each other."""

HOPS = (
    Hop(HopKind.TAILSCALE, HopState.OK, "Directly connected.", 11.0),
    Hop(HopKind.SSH, HopState.OK, "Signed in as anna.", 34.0),
    Hop(HopKind.DOCKER, HopState.OK, "Docker 28.1, compose 2.36."),
)
BROKEN = (
    Hop(HopKind.TAILSCALE, HopState.IMPAIRED, "Relayed through Frankfurt.", 78.0),
    Hop(
        HopKind.SSH,
        HopState.FAILED,
        "strix does not take the key of this computer. Run `ssh-copy-id anna@strix` once.",
    ),
    Hop(HopKind.DOCKER, HopState.UNKNOWN),
)


def stack() -> Stack:
    services = (
        Service(
            "vllm-orchestrator",
            Engine.VLLM,
            "orchestrator",
            8001,
            "Qwen/Qwen2.5-14B-Instruct",
            context_tokens=32768,
            gpu_fraction=0.35,
            variables={"gpu_fraction": "ORCH_GPU_UTIL", "context_tokens": "ORCH_CONTEXT"},
        ),
        Service(
            "vllm-coder",
            Engine.VLLM,
            "coder",
            8002,
            "Qwen/Qwen3-Coder-30B-A3B-Instruct",
            context_tokens=49152,
            gpu_fraction=0.55,
            depends_on=("vllm-orchestrator",),
            variables={"gpu_fraction": "CODER_GPU_UTIL", "context_tokens": "CODER_CONTEXT"},
        ),
        Service(
            "llama-reviewer",
            Engine.LLAMA_CPP,
            "reviewer",
            8003,
            "Llama-3.3-70B-Instruct-Q4_K_M.gguf",
            model_path="/models/reviewer.gguf",
            context_tokens=16384,
            threads=16,
        ),
        Service(
            "llama-utility",
            Engine.LLAMA_CPP,
            "utility",
            8004,
            "Qwen2.5-3B-Instruct-Q4_K_M.gguf",
            model_path="/models/utility.gguf",
            context_tokens=8192,
            threads=6,
        ),
    )
    names = tuple(one.name for one in services)
    return Stack(
        "/home/anna/ai/strix-stack",
        "/home/anna/ai/strix-stack/.env",
        services,
        (
            Mode("gpu", ("--profile", "gpu"), names[:2], project="strix-stack"),
            Mode("cpu", ("--profile", "cpu"), names[2:]),
            Mode("full", ("--profile", "full"), names),
        ),
    )


FILES = {"/models/reviewer.gguf": 42_520_000_000, "/models/utility.gguf": 2_100_000_000}


def status() -> BoxStatus:
    return BoxStatus(
        HOPS,
        0.0,
        (
            ServiceStatus("vllm-orchestrator", ContainerState.RUNNING, ContainerHealth.HEALTHY),
            ServiceStatus(
                "vllm-coder",
                ContainerState.RUNNING,
                ContainerHealth.STARTING,
                phase="loading weights",
                progress=0.62,
                eta_s=140.0,
            ),
            ServiceStatus("llama-reviewer", ContainerState.EXITED),
            ServiceStatus("llama-utility", ContainerState.RESTARTING, restarts=7),
        ),
        BoxMemory(
            128 * GB,
            22 * GB,
            gpu_total_bytes=124 * GB,
            gpu_used_bytes=88 * GB,
            temperature_c=61.0,
        ),
    )


class ScriptedBoxes:
    """Implements `Boxes`; what is done is noted, and `step` moves an operation on."""

    def __init__(self, *boxes: Box) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.starts_s: dict[str, float] = {}
        """How long services took to start before."""
        self.stacks: dict[str, Stack] = {}
        """Of boxes with another than `stack()`."""
        self._boxes = boxes or (BOX,)
        self._status = {box.name: status() for box in self._boxes}
        self._subscribers: list[Callable[[BoxChanged | BoxesChanged], None]] = []
        self._over: dict[str, asyncio.Future[Operation]] = {}
        """By box: set when what is done there is over."""
        self._lines: asyncio.Queue[str] = asyncio.Queue()

    def all(self) -> tuple[Box, ...]:
        return self._boxes

    def add(self, box: Box) -> None:
        self._boxes = (*(one for one in self._boxes if one.name != box.name), box)
        self._status.setdefault(box.name, status())

    def remove(self, name: str) -> None:
        self.calls.append(("remove", name))
        self._boxes = tuple(one for one in self._boxes if one.name != name)

    def status_of(self, box: Box) -> BoxStatus:
        return self._status[box.name]

    def stack_of(self, box: Box) -> Stack | None:
        return self.stacks.get(box.name) or stack()

    def subscribe(self, on_event: Callable[[BoxChanged | BoxesChanged], None]) -> None:
        self._subscribers.append(on_event)

    async def start(self) -> None:
        self.calls.append(("start",))

    def set_watched(self, watched: bool) -> None:
        self.calls.append(("watched", watched))

    def set_asleep(self, asleep: bool) -> None:
        self.calls.append(("asleep", asleep))

    async def refresh(self, box: Box) -> BoxStatus:
        self.calls.append(("refresh", box.name))
        return self.status_of(box)

    def expected_start_s(self, box: Box, service: str) -> float | None:
        return self.starts_s.get(service)

    def forecast(self, box: Box, services: Sequence[str]) -> Forecast | None:
        now = self.status_of(box)
        if now.memory is None:
            return None
        return forecast(
            self.stacks.get(box.name) or stack(), now.services, now.memory, 4 * GB, services, FILES
        )

    async def do(
        self,
        box: Box,
        deed: Deed,
        services: Sequence[str] = (),
        *,
        mode: str | None = None,
        override: bool = False,
    ) -> Operation:
        self.calls.append(("do", box.name, deed, tuple(services), mode, override))
        if broken := self.status_of(box).broken:
            raise BoxUnreachable(f"“{box.name}” cannot be reached.", broken.detail)
        look = self.forecast(box, services) if deed is Deed.START and services else None
        if look and not look.fits and not override:
            raise NotEnoughMemory(look.sentence)
        self.step(box, operation(deed, tuple(services), mode))
        self._over[box.name] = asyncio.get_running_loop().create_future()
        return await self._over[box.name]

    def step(self, box: Box, now: Operation | None) -> None:
        self.tell(box, replace(self.status_of(box), operation=now))
        over = self._over.get(box.name)
        if now and now.state.over and over and not over.done():
            over.set_result(now)

    def tell(self, box: Box, now: BoxStatus) -> None:
        self._status[box.name] = now
        for subscriber in self._subscribers:
            subscriber(BoxChanged(box, now))

    def cancel(self, box: Box) -> None:
        self.calls.append(("cancel", box.name))

    def say_line(self, line: str) -> None:
        """Another line of the log that is followed."""
        self._lines.put_nowait(line)

    async def log_lines(self, box: Box, service: str, tail: int = 200) -> AsyncGenerator[str, None]:
        self.calls.append(("log", service))
        for line in LOG.splitlines():
            yield line
        while True:
            yield await self._lines.get()

    async def wake(self, box: Box) -> None:
        self.calls.append(("wake", box.name))

    async def close(self) -> None:
        self.calls.append(("close",))


def operation(
    deed: Deed = Deed.START,
    services: tuple[str, ...] = ("vllm-coder",),
    mode: str | None = None,
    state: OperationState = OperationState.RUNNING,
) -> Operation:
    return Operation(
        "1",
        deed,
        services,
        state,
        0.0,
        mode,
        "Starting coder: loading weights, 9 of 16 files.",
        0.62,
        140.0,
    )


LOG = """\
INFO 11-21 08:12:01 [__init__.py:216] Automatically detected platform rocm.
INFO 11-21 08:12:09 [config.py:1472] Using max model len 49152
INFO 11-21 08:12:14 [gpu_model_runner.py:1595] Starting to load model Qwen/Qwen3-Coder-30B-A3B
Loading safetensors checkpoint shards:  50% Completed | 8/16 [01:22<01:19,  9.98s/it]
Loading safetensors checkpoint shards:  56% Completed | 9/16 [01:32<01:09,  9.97s/it]"""


def samples(now: Status) -> list[Status]:
    """What was told of a tier up to now, so that its line of speeds has a past."""
    if now.activity is None:
        return [now]
    return [replace(now, activity=replace(now.activity, tokens_per_s=one)) for one in SPEEDS]
