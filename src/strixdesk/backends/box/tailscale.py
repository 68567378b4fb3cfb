"""What Tailscale on this machine says of the way to another: `tailscale status --json`, read
leniently, since its form is not promised to stay."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from strixdesk.backends.box.local_shell import LocalShell
from strixdesk.core.box import Hop, HopKind, HopState
from strixdesk.core.errors import BoxError

PLACES = (
    "/Applications/Tailscale.app/Contents/MacOS/Tailscale",
    "/opt/homebrew/bin/tailscale",
    "/usr/local/bin/tailscale",
)
"""Where it is when the path does not name it: a program with a window is not given the shell's."""

_TIMEOUT_S = 5.0
_SOON_S = 14 * 24 * 3600.0
_NETS = (ipaddress.ip_network("100.64.0.0/10"), ipaddress.ip_network("fd7a:115c:a1e0::/48"))


@dataclass(frozen=True, slots=True)
class TailscalePeer:
    """A machine of the network; this one too."""

    name: str
    """The first label of its DNS name, else what it calls itself; in small letters."""
    dns_name: str = ""
    """In small letters, without the dot at its end; empty: it has none."""
    addresses: tuple[str, ...] = ()
    system: str = ""
    """`linux`, `macOS`, …"""
    online: bool = False
    active: bool = False
    """Packets went there lately; only then is it known which way they take."""
    direct: str = ""
    """Address and port of the direct way."""
    relay: str = ""
    """Its DERP region, used or not."""
    peer_relay: str = ""
    """Address of another machine of the network that passes packets on."""
    last_seen: float | None = None
    """Seconds since the epoch."""
    key_expiry: float | None = None
    """Seconds since the epoch; None: its key does not expire."""
    expired: bool = False


@dataclass(frozen=True, slots=True)
class TailscaleStatus:
    backend_state: str = ""
    """`Running`, `Stopped`, `NeedsLogin`, …; empty: it did not say."""
    auth_url: str = ""
    self: TailscalePeer | None = None
    peers: tuple[TailscalePeer, ...] = ()


def find_tailscale(places: Sequence[str] = PLACES) -> str | None:
    return shutil.which("tailscale") or next(
        (place for place in places if os.access(place, os.X_OK)), None
    )


async def read_tailscale() -> TailscaleStatus | None:
    """None: it is not installed. Never raises: what does not answer has no state."""
    program = await asyncio.to_thread(find_tailscale)
    if program is None:
        return None
    # without the variable, the app of macOS may open its window instead
    shell = LocalShell({**os.environ, "TAILSCALE_BE_CLI": "1"})
    try:
        told = await shell.run([program, "status", "--json"], timeout_s=_TIMEOUT_S)
    except BoxError:
        return TailscaleStatus()
    return parse_tailscale(told.out)


# ---- reading -----------------------------------------------------------------------------------


def parse_tailscale(text: str) -> TailscaleStatus:
    try:
        told = _map(json.loads(text))
    except (ValueError, RecursionError):
        return TailscaleStatus()
    own = _map(told.get("Self"))
    return TailscaleStatus(
        _text(told.get("BackendState")),
        _text(told.get("AuthURL")),
        _peer(own) if own else None,
        tuple(_peer(one) for one in map(_map, _map(told.get("Peer")).values()) if one),
    )


def _peer(told: dict[str, Any]) -> TailscalePeer:
    dns_name = _text(told.get("DNSName")).rstrip(".").lower()
    addresses = told.get("TailscaleIPs")
    return TailscalePeer(
        dns_name.partition(".")[0] or _text(told.get("HostName")).lower(),
        dns_name,
        tuple(filter(None, map(_text, addresses))) if isinstance(addresses, list) else (),
        _text(told.get("OS")),
        told.get("Online") is True,
        told.get("Active") is True,
        _text(told.get("CurAddr")),
        _text(told.get("Relay")),
        _text(told.get("PeerRelay")),
        _time(told.get("LastSeen")),
        _time(told.get("KeyExpiry")),
        told.get("Expired") is True,
    )


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _time(value: Any) -> float | None:
    """None for the zero time, the year 1, and for nonsense."""
    text = _text(value)
    if text.startswith("0001-"):
        return None
    with contextlib.suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return None


# ---- judging -----------------------------------------------------------------------------------


def may_be_peer(host: str) -> bool:
    """False: an address outside of every Tailscale network."""
    address = _address(host)
    return address is None or _in_tailnet(address)


def hop_for(host: str, status: TailscaleStatus | None, now: float) -> Hop | None:
    """The hop over Tailscale; None: the way to this host is another. `status` None: it is not
    installed. `now`: seconds since the epoch."""
    peer = _find(host, status) if status else None
    if peer is None and not _is_tailnet(host):
        return None
    if status is None:
        return _failed(
            f"{host} is reached over Tailscale, which is not installed here. Install it."
        )
    trouble = _own_trouble(status, now)
    if trouble:
        return _failed(trouble)
    if peer is None:
        return _failed(
            f"{host} is no machine of your Tailscale network. Check the name, and whether both "
            "are logged in to the same network."
        )
    return _to(peer, status, now)


def _own_trouble(status: TailscaleStatus, now: float) -> str:
    own = status.self
    match status.backend_state:
        case "Running":
            pass
        case "NeedsLogin" | "NeedsMachineAuth":
            if status.backend_state == "NeedsMachineAuth":
                return "This machine waits to be approved in Tailscale's admin console."
            if status.auth_url:
                return f"Tailscale wants you to log in: {status.auth_url}"
            return "Tailscale wants you to log in: run `tailscale up`."
        case "Stopped":
            return "Tailscale is stopped here. Switch it on, or run `tailscale up`."
        case "Starting":
            return "Tailscale is just starting here. Wait a moment."
        case "" | "NoState":
            return "Tailscale is installed here, but does not answer. Start it."
        case other:
            return f"Tailscale is not running here ({other}). Start it."
    if own and _expired(own, now):
        return "This machine's Tailscale key has expired. Log in anew with `tailscale up`."
    if own and not own.online:
        return "Tailscale on this machine is offline. Check the network."
    return ""


def _to(peer: TailscalePeer, status: TailscaleStatus, now: float) -> Hop:
    if _expired(peer, now):
        return _failed(f"The Tailscale key of {peer.name} has expired. Run `tailscale up` there.")
    if not peer.online:
        seen = "" if peer.last_seen is None else f"; last seen {_ago(now - peer.last_seen)}"
        return _failed(f"{peer.name} is offline in Tailscale{seen}. Is it switched on?")
    state, detail = _way(peer)
    ends = [
        f"The Tailscale key of {whose} expires {_in(one.key_expiry - now)}."
        for whose, one in (("this machine", status.self), (peer.name, peer))
        if one and one.key_expiry is not None and one.key_expiry - now <= _SOON_S
    ]
    if ends:
        state = HopState.IMPAIRED
    return Hop(HopKind.TAILSCALE, state, " ".join([detail, *ends]))


def _way(peer: TailscalePeer) -> tuple[HopState, str]:
    if peer.direct:
        return HopState.OK, f"Direct, to {peer.direct}."
    if peer.peer_relay:
        return HopState.IMPAIRED, f"Relayed by another of your machines, {peer.peer_relay}: slower."
    if peer.active and peer.relay:
        return HopState.IMPAIRED, f"Relayed via DERP {peer.relay}: slower than a direct way."
    return HopState.OK, f"{peer.name} is online."


def _failed(detail: str) -> Hop:
    return Hop(HopKind.TAILSCALE, HopState.FAILED, detail)


def _expired(peer: TailscalePeer, now: float) -> bool:
    return peer.expired or (peer.key_expiry is not None and peer.key_expiry <= now)


def _find(host: str, status: TailscaleStatus) -> TailscalePeer | None:
    """By address, full name or short name; of this machine, too."""
    name, address = host.rstrip(".").lower(), _address(host)
    for peer in _all(status):
        if address is not None and address in map(_address, peer.addresses):
            return peer
        if name and name in {peer.dns_name, peer.name}:
            return peer
    return None


def _all(status: TailscaleStatus) -> Iterator[TailscalePeer]:
    yield from status.peers
    if status.self:
        yield status.self


def _is_tailnet(host: str) -> bool:
    address = _address(host)
    if address is None:
        return host.rstrip(".").lower().endswith(".ts.net")
    return _in_tailnet(address)


def _in_tailnet(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return any(address in net for net in _NETS)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _ago(seconds: float) -> str:
    if seconds < 120:
        return "a moment ago"
    return f"{_span(seconds)} ago"


def _in(seconds: float) -> str:
    return f"in {_span(seconds)}" if seconds >= 120 else "in a moment"


def _span(seconds: float) -> str:
    for unit, size in (("days", 86400), ("hours", 3600)):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds // 60:.0f} minutes"
