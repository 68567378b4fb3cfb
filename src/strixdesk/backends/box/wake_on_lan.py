"""Wakes a machine: its Ethernet address, sixteen times, to everybody on the local networks."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from collections.abc import Sequence

from strixdesk.core.box import Box
from strixdesk.core.errors import BoxError

_PORTS = (9, 7)
"""Discard and echo: which of them a card listens for depends on its maker."""
_TIMES = 3
"""A datagram may get lost, and a network card may just be falling asleep."""
_APART_S = 0.1
_EVERYBODY = "255.255.255.255"
"""Goes out on one interface only, so each interface's own broadcast address is used as well."""
_TELL_INTERFACES = (["ip", "-o", "-4", "addr", "show", "up"], ["ifconfig"])
_BROADCAST = re.compile(r"\b(?:brd|broadcast)\s+(\d{1,3}(?:\.\d{1,3}){3})\b")


def wake(box: Box, targets: Sequence[tuple[str, int]] | None = None) -> None:
    """Blocks for a moment. `targets`: addresses and ports; None: all local networks. Raises
    BoxError when the address is none, or nothing could be sent."""
    packet = magic_packet(box.mac or "")
    if targets is None:
        addresses = dict.fromkeys([_EVERYBODY, *broadcasts()])
        targets = [(address, port) for address in addresses for port in _PORTS]
    sent = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        for round_number in range(_TIMES):
            if round_number:
                time.sleep(_APART_S)
            for target in targets:
                try:
                    sent += sender.sendto(packet, target)
                except OSError:  # an interface that is down; the others may do
                    continue
    if not sent:
        raise BoxError(
            f"“{box.name}” could not be woken: no network takes the packet.",
            "Connect this computer to the network of that machine.",
        )


def magic_packet(mac: str) -> bytes:
    """Raises BoxError for what is no Ethernet address."""
    try:
        address = bytes.fromhex(mac.replace(":", "").replace("-", ""))
    except ValueError:
        address = b""
    if len(address) != 6:
        raise BoxError(
            f"“{mac}” is not an Ethernet address.",
            "Correct `mac` of this box in the settings: six pairs of digits, 12:34:56:78:9a:bc.",
        )
    return b"\xff" * 6 + address * 16


def broadcasts() -> list[str]:
    """Broadcast addresses of the interfaces that are up; empty when nothing tells them."""
    for command in _TELL_INTERFACES:
        try:
            told = subprocess.run(command, capture_output=True, text=True, timeout=3, check=False)
        except (OSError, subprocess.TimeoutExpired):
            continue
        return list(dict.fromkeys(_BROADCAST.findall(told.stdout)))
    return []
