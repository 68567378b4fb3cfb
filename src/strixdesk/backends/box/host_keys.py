"""The key with which an ssh server proves who it is: which one was offered, which one is known."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import tempfile
from itertools import pairwise
from pathlib import Path

from strixdesk.backends.box.ssh_config import CONNECT_S, SshAddress, parse_effective
from strixdesk.backends.box.ssh_process import ssh_says
from strixdesk.backends.box.ssh_trouble import (
    key_changed,
    key_refused,
    offending_line,
    offered_key,
    trouble,
)
from strixdesk.core.box_setup import HostKey
from strixdesk.core.errors import BoxUnreachable, HostKeyChanged, HostKeyDoubtful, HostKeyUnknown

_ASK_S = CONNECT_S + 5.0


async def doubtful(address: SshAddress, said: str) -> HostKeyDoubtful | None:
    """What to tell of a host key that ssh did not accept; None: that was not its trouble."""
    if key_changed(said):
        kind, fingerprint = offered_key(said)
        known = await asyncio.to_thread(_fingerprint_of_line, offending_line(said))
        words = f" It was {known}, now it is {fingerprint}." if known and fingerprint else ""
        return HostKeyChanged(
            f"Another machine answers as {address.host}: its host key has changed.{words}",
            "Nothing was sent. Only if you have set that machine up anew, remove the old key with "
            f"`ssh-keygen -R {address.host}`.",
            key_kind=kind,
            fingerprint=fingerprint,
            known=known,
        )
    if not key_refused(said):
        return None
    try:
        key = fingerprint_of(await _offered_line(address))
    except BoxUnreachable:
        key = None
    shown = f" It shows the {key.kind} key {key.fingerprint}." if key else ""
    return HostKeyUnknown(
        f"This computer does not know {address.host} yet.{shown}",
        "If that is your machine, accept its key here, or in a terminal with "
        f"`{address.by_hand}`. On the machine itself the fingerprint is told by "
        "`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`.",
        key_kind=key.kind if key else "",
        fingerprint=key.fingerprint if key else "",
    )


async def trust_key(address: SshAddress, key: HostKey) -> None:
    """From now on ssh accepts this key of the host. Raises BoxUnreachable, and HostKeyChanged when
    another one is offered by now or another one was trusted before."""
    line = await _offered_line(address)
    offered = fingerprint_of(line)
    if key.changed or offered is None or offered.fingerprint != key.fingerprint:
        raise HostKeyChanged(
            f"{address.host} does not show the key that you accepted.",
            "Nothing was changed. Look at the machine once more.",
            key_kind=key.kind,
            fingerprint=offered.fingerprint if offered else "",
            known=key.known or key.fingerprint,
        )
    settings = parse_effective((await ssh_says(address.ssh(flags=["-G"]), _ASK_S)).out)
    files = settings.get("userknownhostsfile", "~/.ssh/known_hosts").split()
    await asyncio.to_thread(_append, files[0], line)


def fingerprint_of(line: str) -> HostKey | None:
    """Of a line of a file of known hosts, or of a public key."""
    words = line.split()
    for kind, blob in pairwise(words):
        if kind.startswith(("ssh-", "ecdsa-", "sk-")):
            try:
                digest = hashlib.sha256(base64.b64decode(blob, validate=True)).digest()
            except ValueError:
                continue  # a host whose name begins like a kind of key
            text = base64.b64encode(digest).decode().rstrip("=")
            return HostKey(_kind(kind), f"SHA256:{text}")
    return None


async def _offered_line(address: SshAddress) -> str:
    """As ssh itself writes it down, under the name by which it will look for it. It takes the way
    that the user's configuration prescribes, proves nothing of us, and goes no further."""
    with tempfile.TemporaryDirectory(prefix="strixdesk-") as folder:
        file = Path(folder, "known")
        argv = address.ssh(
            "ControlPath=none",
            "StrictHostKeyChecking=accept-new",
            f"UserKnownHostsFile={file}",
            "GlobalKnownHostsFile=/dev/null",
            "UpdateHostKeys=no",
            "PreferredAuthentications=none",
        )
        said = await ssh_says([*argv, "exit"], _ASK_S)
        lines = await asyncio.to_thread(_lines_of, file)
    if not lines:
        raise trouble(address, said.err)
    return lines[0]


def _fingerprint_of_line(place: tuple[str, int] | None) -> str:
    if place is None:
        return ""
    name, number = place
    lines = _lines_of(Path(name).expanduser())
    key = fingerprint_of(lines[number - 1]) if number <= len(lines) else None
    return key.fingerprint if key else ""


def _lines_of(file: Path) -> list[str]:
    try:
        return file.read_text(errors="replace").splitlines()
    except OSError:
        return []


def _append(name: str, line: str) -> None:
    file = Path(name).expanduser()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "rb+") as known:
        text = known.read()
        known.write((b"" if not text or text.endswith(b"\n") else b"\n") + line.encode() + b"\n")


def _kind(name: str) -> str:
    base = name.removeprefix("sk-").removeprefix("ssh-").split("@")[0]
    return "ECDSA" if base.startswith("ecdsa") else base.upper()
