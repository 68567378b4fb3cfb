"""A server that lives in an environment of its own: scripts/test-servers makes those."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ENVIRONMENTS = Path(__file__).parents[2] / ".cache" / "servers"

_GUARD = """
import os, signal, subprocess, sys, threading
server = subprocess.Popen(
    sys.argv[2:], stdin=subprocess.DEVNULL, stdout=open(sys.argv[1], "wb"),
    stderr=subprocess.STDOUT, start_new_session=True,
)
print(server.pid, flush=True)
def leave():
    while os.read(0, 4096):
        pass
    os.killpg(server.pid, signal.SIGKILL)
threading.Thread(target=leave, daemon=True).start()
sys.exit(server.wait() and 1)
"""
"""Ends the server with all its children when the tests' process ends, however it does."""


def program(environment: str, name: str) -> Path:
    """Of `.cache/servers/ENVIRONMENT`. Skips the test, and says so, where it was not made."""
    path = ENVIRONMENTS / environment / name
    if not path.exists():
        pytest.skip(f"there is no {environment} here: scripts/test-servers {environment} gets it")
    return path


@dataclass(frozen=True, slots=True)
class ServerProcess:
    guard: subprocess.Popen[str]
    pid: int
    """Of the server, which leads a process group of its own."""
    port: int
    log: Path

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        return f"{self.root}/v1"

    def answers(self, path: str) -> bool:
        try:
            with urllib.request.urlopen(self.root + path, timeout=5) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def wait_until(self, path: str, *, within_s: float) -> None:
        """It answers a GET of that path with a success."""
        deadline = time.monotonic() + within_s
        while not self.answers(path):
            ended = self.guard.poll() is not None
            assert not ended, f"it ended:\n{self.last_words()}"
            assert time.monotonic() < deadline, f"not ready:\n{self.last_words()}"
            time.sleep(0.1)

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-4_000:]

    def kill_child(self, name: str) -> None:
        """As when memory ran out."""
        self.signal_child(name, signal.SIGKILL)

    def signal_child(self, name: str, number: signal.Signals) -> None:
        """One process of its group, by a part of its title."""
        found = subprocess.run(
            ["pgrep", "-g", str(self.pid), "-f", name], capture_output=True, text=True, check=True
        )
        for pid in found.stdout.split():
            os.kill(int(pid), number)

    def close(self) -> None:
        if self.guard.stdin:
            self.guard.stdin.close()
        self.guard.wait()
        if self.guard.stdout:
            self.guard.stdout.close()


def start(
    command: Sequence[str | Path], port: int, log: Path, environment: Mapping[str, str]
) -> ServerProcess:
    """Returns at once; `environment` is added to the tests' own."""
    guard = subprocess.Popen(
        [sys.executable, "-c", _GUARD, str(log), *map(str, command)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
        cwd=log.parent,
    )
    assert guard.stdout is not None
    return ServerProcess(guard, int(guard.stdout.readline()), port, log)
