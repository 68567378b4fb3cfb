"""Stacks of model servers of the usual shapes, laid out as on a box."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

STACKS = Path(__file__).parent.parent / "data" / "stacks"


def lay_out(kind: str, folder: Path) -> Path:
    """A copy of `tests/data/stacks/KIND` with its .env in place."""
    root = folder / kind
    shutil.copytree(STACKS / kind, root)
    shutil.copy(root / ".env.example", root / ".env")
    return root


def need_compose() -> None:
    """Skips where docker's command line has no compose."""
    docker = shutil.which("docker")
    asked = docker and subprocess.run([docker, "compose", "version"], capture_output=True)
    if not asked or asked.returncode:
        pytest.skip("NOT RUN: there is no “docker compose” here")
