"""A stack of model servers as its compose files describe it. Data, never constants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum


class Engine(Enum):
    VLLM = "vllm"
    LLAMA_CPP = "llama.cpp"
    OTHER = "other"
    """Anything else that stands in the compose files: watched and started, never counted."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service of the stack, read from its resolved command line."""

    name: str
    """As compose calls it."""
    engine: Engine
    role: str = ""
    """`orchestrator`, `coder`, `odin`, …: the name without the engine's prefix."""
    port: int | None = None
    model: str | None = None
    """Hugging Face id (vLLM) or file name (llama.cpp)."""
    served_as: str | None = None
    """What `/v1/models` must say; None: the model's own name."""
    model_path: str | None = None
    """Where the GGUF file lies on the box, outside the container."""
    context_tokens: int | None = None
    gpu_fraction: float | None = None
    """vLLM's share of the unified memory, 0 to 1."""
    max_sequences: int | None = None
    kv_cache_dtype: str = "auto"
    quantization: str | None = None
    dtype: str = "auto"
    threads: int | None = None
    gpu_layers: int = 0
    """llama.cpp's `-ngl`."""
    depends_on: tuple[str, ...] = ()
    image: str = ""
    container: str | None = None
    """A fixed container name, where the file gives one."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Which variable of the .env file sets which field: `gpu_fraction` → `ORCH_GPU_UTIL`."""
    open_to_all: bool = False
    """It listens on every interface and asks for no key."""
    mmap: bool = True
    """llama.cpp maps its file in place of reading it (no `--no-mmap`)."""
    health_check: bool = False
    """The compose file has one, so that others can wait for its health."""
    waits_for: tuple[str, ...] = ()
    """Those of `depends_on` that must be healthy first."""
    hf_home: str | None = None
    """Folder on the box that holds the Hugging Face cache, where it is mounted."""
    ports: tuple[int, ...] = ()
    """Every port of the box that it takes, its own included."""

    @property
    def on_gpu(self) -> bool:
        return self.engine is Engine.VLLM or self.gpu_layers > 0


@dataclass(frozen=True, slots=True)
class Mode:
    """What the stack's own `up` script offers under one name."""

    name: str
    compose: tuple[str, ...]
    """The arguments between `docker compose` and `up`: project directory, env file, files and
    profiles, as the script gives them."""
    services: tuple[str, ...]
    """What it starts, in the order of its dependencies."""
    exports: tuple[str, ...] = ()
    """`NAME=value` of the variables that the script sets for compose beyond the env file."""
    on_request: tuple[str, ...] = ()
    """What its files hold beyond that, in profiles: started only when asked for by name."""
    project: str = ""
    """As compose calls what it starts; modes need not share one."""


@dataclass(frozen=True, slots=True)
class Stack:
    directory: str
    """Absolute, on the box."""
    env_file: str | None
    services: tuple[Service, ...]
    """Of all modes together, each once: after those that it depends on; GPU servers first."""
    modes: tuple[Mode, ...]
    left_out: tuple[str, ...] = ()
    """Sentences about what could not be read, and why."""
    earlier_env_files: tuple[str, ...] = ()
    """The script gives compose these before `env_file`, in this order."""

    @property
    def env_files(self) -> tuple[str, ...]:
        """Of the values that several of them give, the last one's counts."""
        return (*self.earlier_env_files, *((self.env_file,) if self.env_file else ()))

    def service(self, name: str) -> Service | None:
        return next((one for one in self.services if one.name == name), None)

    def mode(self, name: str) -> Mode | None:
        return next((one for one in self.modes if one.name == name), None)

    @property
    def projects(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(mode.project for mode in self.modes if mode.project))

    def mode_for(self, service: str) -> Mode | None:
        """The smallest mode that holds it: whose arguments start and stop it."""
        holding = [mode for mode in self.modes if service in mode.services]
        holding = holding or [mode for mode in self.modes if service in mode.on_request]
        return min(holding, key=lambda mode: len(mode.services), default=None)


def with_needs(services: Iterable[Service], names: Iterable[str]) -> tuple[str, ...]:
    """These and all that they depend on, in the order of `services`."""
    known = {one.name: one for one in services}
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in known and name not in found:
            found.add(name)
            waiting += known[name].depends_on
    return tuple(name for name in known if name in found)
