"""Ports for servers that bind them later, or once more after they were stopped."""

from __future__ import annotations

import random
import socket
from pathlib import Path

_FIRST = 20_000
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_ENOUGH = 2_000
_CHANCE = random.SystemRandom()
"""Two runs of the tests at the same time do not choose alike."""


def free_port() -> int:
    """Nobody else is given it meanwhile: it is none of those which the system gives to whoever
    asks for any, as each connection does."""
    last = int(_RANGE.read_text().split()[0]) if _RANGE.exists() else 32_768
    while True:
        port = _CHANCE.randrange(_FIRST, last) if last - _FIRST > _ENOUGH else 0
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found


def free_ports(count: int) -> list[int]:
    ports: set[int] = set()
    while len(ports) < count:
        ports.add(free_port())
    return list(ports)
