"""Machines that may be meant by “the box”: Tailscale's peers, and hosts of ~/.ssh/config."""

from __future__ import annotations

import asyncio
import glob
import shlex
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from strixdesk.backends.box.tailscale import TailscalePeer, TailscaleStatus, read_tailscale
from strixdesk.core.box_setup import Peer

_INCLUDES_DEEP = 8
_WILD = set("*?!")
_PHONES = {"ios", "android", "tvos"}


async def find_peers(
    ssh_config: Path | None = None,
    read: Callable[[], Awaitable[TailscaleStatus | None]] = read_tailscale,
) -> tuple[Peer, ...]:
    """Peers that can run a stack, those online and with Linux first; then hosts of the ssh
    configuration that are none of them. Never raises."""
    status = await read() or TailscaleStatus()
    peers = [one for one in sorted(status.peers, key=_order) if one.dns_name or one.addresses]
    found = [
        Peer(one.name, one.dns_name or one.addresses[0], one.online, one.system)
        for one in peers
        if one.system.casefold() not in _PHONES
    ]
    taken = {name for one in peers for name in (one.name, one.dns_name, *one.addresses)}
    hosts = await asyncio.to_thread(ssh_hosts, ssh_config or Path("~/.ssh/config"))
    return (*found, *(Peer(one, one, None) for one in hosts if one.lower() not in taken))


def ssh_hosts(config: Path) -> list[str]:
    """Names under `Host` that stand for one machine each, in their order."""
    return list(dict.fromkeys(_hosts(config.expanduser(), _INCLUDES_DEEP)))


def _hosts(config: Path, deep: int) -> Iterator[str]:
    try:
        text = config.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        keyword, words = _words(line)
        if keyword == "host":
            yield from (word for word in words if not _WILD & set(word))
        elif keyword == "include" and deep:
            for pattern in words:
                for path in _included(pattern):
                    yield from _hosts(path, deep - 1)


def _included(pattern: str) -> list[Path]:
    """A relative one is meant from ~/.ssh, for a user's file."""
    try:
        place = Path("~/.ssh").expanduser() / Path(pattern).expanduser()
        return [Path(one) for one in sorted(glob.glob(str(place)))]  # noqa: PTH207  # absolute
    except (RuntimeError, ValueError):  # the home of a user who is not there; a null character
        return []


def _words(line: str) -> tuple[str, list[str]]:
    """Keyword in small letters, and its arguments: `Host a b`, `Host=a`, `Host "a b"`."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:  # an open quote: ssh itself refuses such a line
        return "", []
    if not words:
        return "", []
    keyword, equals, first = words[0].partition("=")
    rest = [first, *words[1:]] if equals and first else words[1:]
    if rest and rest[0] == "=":
        rest = rest[1:]
    return keyword.casefold(), rest


def _order(peer: TailscalePeer) -> tuple[bool, bool, str]:
    return (not peer.online, peer.system.casefold() != "linux", peer.name.casefold())
