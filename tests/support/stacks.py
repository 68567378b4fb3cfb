"""Stacks of model servers of the usual shapes, laid out as on a box."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

STACKS = Path(__file__).parent.parent / "data" / "stacks"
_CONFIG = Path(__file__).parents[2] / ".cache" / "docker"
"""Where `scripts/test` puts the compose plugin."""


def lay_out(kind: str, folder: Path) -> Path:
    """A copy of `tests/data/stacks/KIND` with its .env in place."""
    root = folder / kind
    shutil.copytree(STACKS / kind, root)
    shutil.copy(root / ".env.example", root / ".env")
    return root


def need_compose(monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker's command line with compose, for the length of a test. No engine is needed: compose
    only reads files. Skips where there is none."""
    docker = shutil.which("docker")
    if (_CONFIG / "cli-plugins" / "docker-compose").exists():
        monkeypatch.setenv("DOCKER_CONFIG", str(_CONFIG))
    asked = docker and subprocess.run([docker, "compose", "version"], capture_output=True)
    if not asked or asked.returncode:
        pytest.skip("NOT RUN: there is no “docker compose” here")
