"""Another machine: a network namespace behind a link that can be cut in two ways. Linux, root."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from shutil import which

import pytest


@dataclass(frozen=True, slots=True)
class FarMachine:
    name: str
    host: str
    """Its address, as seen from here."""
    link: str
    """This end of the link."""
    end: str
    """Its own end of the link."""

    @property
    def inside(self) -> tuple[str, ...]:
        """The words that run a command there."""
        return ("ip", "netns", "exec", self.name)

    def pull_plug(self) -> None:
        """As a cable that is pulled: this side knows at once."""
        _run("ip", "link", "set", self.link, "down")

    def lose_packets(self) -> None:
        """As a machine that is gone: everything that is sent there is lost."""
        _run(*self.inside, "ip", "link", "set", self.end, "down")

    def mend(self) -> None:
        _run(*self.inside, "ip", "link", "set", self.end, "up")
        _run("ip", "link", "set", self.link, "up")


def need_namespaces() -> None:
    """Skips, loudly, where there can be none."""
    if os.geteuid() or not which("ip") or not _works():
        pytest.skip("NOT RUN: network namespaces need root and iproute2 on Linux")


@contextmanager
def far_machine() -> Iterator[FarMachine]:
    """Its addresses are of a range that is kept for tests of networks (RFC 2544)."""
    number = _number()
    far = FarMachine(f"strix{number}", f"198.18.{number}.2", f"strixa{number}", f"strixb{number}")
    try:
        _run("ip", "link", "add", far.link, "type", "veth", "peer", "name", far.end)
        _run("ip", "link", "set", far.end, "netns", far.name)
        _run("ip", "addr", "add", f"198.18.{number}.1/24", "dev", far.link)
        _run("ip", "link", "set", far.link, "up")
        _run(*far.inside, "ip", "addr", "add", f"{far.host}/24", "dev", far.end)
        _run(*far.inside, "ip", "link", "set", far.end, "up")
        _run(*far.inside, "ip", "link", "set", "lo", "up")
        yield far
    finally:
        for words in (("ip", "link", "del", far.link), ("ip", "netns", "del", far.name)):
            subprocess.run(words, capture_output=True, check=False)


def _number() -> int:
    """Of a machine that nobody else has made, such as another run of the tests; it is there now."""
    for number in range(os.getpid() % 250, 250 + os.getpid() % 250):
        with contextlib.suppress(subprocess.CalledProcessError):
            _run("ip", "netns", "add", f"strix{number % 250}")
            return number % 250
    raise OSError("no network namespace can be made")


def _works() -> bool:
    try:
        with far_machine() as far:
            far.lose_packets()
            far.mend()
    except (subprocess.CalledProcessError, OSError):
        return False
    return True


def _run(*words: str) -> None:
    subprocess.run(words, capture_output=True, check=True, timeout=60)
