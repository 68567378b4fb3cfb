"""A stack of the usual shape on a docker engine of the tests: two GPU tiers, two CPU tiers."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from strixdesk.core.stack import Engine, Mode, Service, Stack
from tests.support.docker_engine import IMAGE, DockerEngine
from tests.support.ports import free_ports

ORCHESTRATOR, CODER = "vllm_orchestrator", "vllm_coder"
REVIEWER, UTILITY = "llama_reviewer", "llama_utility"
GPU, CPU = (ORCHESTRATOR, CODER), (REVIEWER, UTILITY)

_COMMON = """\
x-common: &common
  image: {image}
  network_mode: host
  restart: unless-stopped
  stop_grace_period: 2s
  volumes:
    - /usr:/usr:ro
{mounts}
"""

_VLLM = """
  {name}:
    <<: *common
    command: >-
      vllm serve ${{{key}_MODEL}} --host 127.0.0.1 --port ${{{key}_PORT}}
      --gpu-memory-utilization ${{{key}_GPU_UTIL}} --max-model-len ${{{key}_MAX_LEN}}
      --kv-cache-dtype auto --max-num-seqs 4 --enable-prefix-caching
    environment:
      ACTS: "${{{key}_ACTS:-}}"
    healthcheck:
      test: ["CMD", "healthy", "${{{key}_PORT}}"]
      interval: 1s
      timeout: 2s
      retries: 3
      start_period: 1s
"""
_DEPENDS = """\
    depends_on:
      {on}:
        condition: service_healthy
"""
_LLAMA = """
  {name}:
    <<: *common
    command:
      - bash
      - -lc
      - |
        exec llama-server \\
        --host 127.0.0.1 --port ${{{key}_PORT}} \\
        -m ${{{key}_GGUF}} \\
        -c ${{{key}_CTX}} -t 1 --no-mmap
    environment:
      ACTS: "${{{key}_ACTS:-}}"
"""
_UP = """\
#!/usr/bin/env bash
set -euo pipefail
ROOT=$(cd "$(dirname "$0")/.." && pwd)
cd "$ROOT"
case "${1:-gpu}" in
  gpu) FILES=(-f compose/vllm.yml) ;;
  cpu) FILES=(-f compose/cpu.yml) ;;
  full) FILES=(-f compose/vllm.yml -f compose/cpu.yml) ;;
  *) echo "usage: up [gpu|cpu|full]" >&2; exit 2 ;;
esac
docker compose --project-directory "$ROOT" --env-file "$ROOT/.env" "${FILES[@]}" up -d
"""
_KEYS = {ORCHESTRATOR: "ORCH", CODER: "CODER", REVIEWER: "REVIEWER", UTILITY: "UTILITY"}


@dataclass(frozen=True, slots=True)
class BoxStack:
    """A stack in a folder, and its docker engine."""

    engine: DockerEngine
    directory: Path
    ports: Mapping[str, int]

    @property
    def project(self) -> str:
        return self.directory.name

    def acts(self, **acts: str) -> None:
        """What its servers do from their next creation on, by the key of their variables."""
        lines = [line for line in self._env.read_text().splitlines() if "_ACTS=" not in line]
        lines += [f"{key}_ACTS={words}" for key, words in acts.items()]
        self._env.write_text("\n".join([*lines, ""]))

    def write(self, **values: str) -> None:
        """Variables of its .env file."""
        lines = [
            one for one in self._env.read_text().splitlines() if one.split("=")[0] not in values
        ]
        lines += [f"{key}={value}" for key, value in values.items()]
        self._env.write_text("\n".join([*lines, ""]))

    @property
    def _env(self) -> Path:
        return self.directory / ".env"

    def compose(self, *files: str) -> tuple[str, ...]:
        named = [part for file in files for part in ("-f", f"compose/{file}.yml")]
        root = str(self.directory)
        return ("--project-directory", root, "--env-file", f"{root}/.env", *named)

    def stack(self) -> Stack:
        """As a reader of its files would describe it."""
        services = tuple(
            Service(
                name,
                Engine.VLLM if name in GPU else Engine.LLAMA_CPP,
                name.partition("_")[2],
                port,
                f"models/{name}" if name in GPU else f"{name}.gguf",
                gpu_fraction=0.01 if name in GPU else None,
            )
            for name, port in self.ports.items()
        )
        modes = (
            Mode("gpu", self.compose("vllm"), GPU, project=self.project),
            Mode("cpu", self.compose("cpu"), CPU, project=self.project),
            Mode("full", self.compose("vllm", "cpu"), GPU + CPU, project=self.project),
        )
        root = str(self.directory)
        return Stack(root, f"{root}/.env", services, modes)

    def running(self) -> set[str]:
        names = self.engine.containers(self.project, running=True)
        return {name.removeprefix(f"{self.project}-").rpartition("-")[0] for name in names}

    def container(self, service: str) -> str:
        return f"{self.project}-{service}-1"

    def remove(self) -> None:
        self.engine.remove(self.project)


def write_stack(
    engine: DockerEngine,
    directory: Path,
    models: Mapping[str, str] | None = None,
    folders: Sequence[str] = (),
) -> BoxStack:
    """`models`: paths of GGUF files for the llama.cpp services. They and `folders` are mounted
    into the containers."""
    ports = dict(zip(GPU + CPU, free_ports(4), strict=True))
    (directory / "compose").mkdir()
    (directory / "scripts").mkdir()
    mounted = {
        sys.base_prefix,
        *folders,
        *(str(Path(path).parent) for path in (models or {}).values()),
    }
    mounts = "\n".join(f"    - {path}:{path}:ro" for path in sorted(mounted - {"/usr"}))
    common = _COMMON.format(image=IMAGE, mounts=mounts)
    orchestrator = _VLLM.format(name=ORCHESTRATOR, key="ORCH")
    coder = _VLLM.format(name=CODER, key="CODER") + _DEPENDS.format(on=ORCHESTRATOR)
    cpu = "".join(_LLAMA.format(name=name, key=_KEYS[name]) for name in CPU)
    (directory / "compose" / "vllm.yml").write_text(f"{common}services:\n{orchestrator}{coder}")
    (directory / "compose" / "cpu.yml").write_text(f"{common}services:\n{cpu}")
    env = [f"{_KEYS[name]}_PORT={port}" for name, port in ports.items()]
    for name in GPU:
        key = _KEYS[name]
        env += [f"{key}_MODEL=models/{name}", f"{key}_GPU_UTIL=0.01", f"{key}_MAX_LEN=1024"]
    for name in CPU:
        path = (models or {}).get(name, f"/models/{name}.gguf")
        env += [f"{_KEYS[name]}_GGUF={path}", f"{_KEYS[name]}_CTX=512"]
    (directory / ".env").write_text("\n".join([*env, ""]))
    up = directory / "scripts" / "up"
    up.write_text(_UP)
    up.chmod(0o755)
    return BoxStack(engine, directory, ports)


def environment(engine: DockerEngine) -> dict[str, str]:
    return os.environ | engine.environment
