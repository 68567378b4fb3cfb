"""What is learnt of a machine before it becomes a box, and of a change to its stack's .env file."""

from __future__ import annotations

from dataclasses import dataclass

from strixdesk.core.box import BoxMemory, Hop, HopState
from strixdesk.core.finding import Finding
from strixdesk.core.stack import Stack


@dataclass(frozen=True, slots=True)
class Peer:
    """Another machine: of the user's Tailscale network, or of the ssh configuration."""

    name: str
    host: str
    """What ssh is given: its MagicDNS name or address."""
    online: bool | None
    """None: not known."""
    system: str = ""
    """`linux`, `macOS`, …; empty: not known."""


@dataclass(frozen=True, slots=True)
class HostKey:
    """The key with which an ssh server proves who it is."""

    kind: str
    """`ED25519`, `ECDSA`, …"""
    fingerprint: str
    """`SHA256:…`, as ssh-keygen prints it."""
    known: str = ""
    """Fingerprint of the key that was trusted so far; empty: none was. Another one than
    `fingerprint` is never accepted here."""

    @property
    def changed(self) -> bool:
        return bool(self.known) and self.known != self.fingerprint


@dataclass(frozen=True, slots=True)
class Survey:
    """What a look at a machine found."""

    hops: tuple[Hop, ...]
    stacks: tuple[str, ...] = ()
    """Folders with compose files, most likely first."""
    stack: Stack | None = None
    """As it was read; None: there is none, or there are several and none was chosen."""
    memory: BoxMemory | None = None
    address: str | None = None
    """Where its ports answer; None: this machine, or not known."""
    mac: str | None = None
    """Ethernet address, to wake it with later; None: not told."""
    key: HostKey | None = None
    """Set when the user has to say whether this is the right machine."""
    problem: str = ""
    """A sentence: why the stack could not be read, and what to do."""

    @property
    def broken(self) -> Hop | None:
        return next((hop for hop in self.hops if hop.state is HopState.FAILED), None)


@dataclass(frozen=True, slots=True)
class EnvPlan:
    """A change to the .env file that was looked at, and not made yet."""

    path: str
    changes: tuple[tuple[str, str], ...]
    """Names and new values."""
    diff: str
    """Secrets are masked in it. Empty: nothing changes."""
    findings: tuple[Finding, ...] = ()
    """What the hardware's rules say of the new values."""
