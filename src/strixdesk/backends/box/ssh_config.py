"""How `ssh` is called. The user's own configuration holds; what is given here is what a program
needs that can never answer a question."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from strixdesk.core.errors import BoxUnreachable

CONNECT_S = 5
ALIVE_S = 3
ALIVE_COUNT = 2
"""A lost connection is noticed after ALIVE_S × (ALIVE_COUNT + 1) seconds at the latest."""

_OPTIONS = (
    "BatchMode=yes",
    f"ConnectTimeout={CONNECT_S}",
    f"ServerAliveInterval={ALIVE_S}",
    f"ServerAliveCountMax={ALIVE_COUNT}",
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "RequestTTY=no",
    "EscapeChar=none",
    "LogLevel=INFO",
)
# ssh puts both into commands of the user's configuration (ProxyCommand, Match exec), which a shell
# reads: nothing that means something to a shell or to ssh's options gets that far.
_HOST = re.compile(r"[\w.][\w.:%-]{0,254}")
_USER = re.compile(r"\w[\w.@+-]{0,63}\$?")


@dataclass(frozen=True, slots=True)
class SshAddress:
    """Raises BoxUnreachable for a host or user that is none."""

    host: str
    """Name, address, or a Host of the user's ssh configuration."""
    user: str | None = None
    config_file: Path | None = None
    """Instead of the user's configuration."""

    def __post_init__(self) -> None:
        if not _HOST.fullmatch(self.host):
            raise BoxUnreachable(
                f"“{_shown(self.host)}” is not the name or address of a machine.",
                "Correct `host` of this box in the settings.",
                hop="ssh",
            )
        if self.user is not None and not _USER.fullmatch(self.user):
            raise BoxUnreachable(
                f"“{_shown(self.user)}” is not the name of a user.",
                "Correct `user` of this box in the settings.",
                hop="ssh",
            )

    def ssh(self, *options: str, flags: Sequence[str] = ()) -> list[str]:
        """Arguments up to the host; a command may follow."""
        config = ["-F", str(self.config_file)] if self.config_file else []
        given = [word for option in (*options, *_OPTIONS) for word in ("-o", option)]
        user = ["-l", self.user] if self.user else []
        return ["ssh", *config, "-T", *flags, *given, *user, "--", self.host]

    @property
    def by_hand(self) -> str:
        """What a user types into a terminal."""
        target = f"{self.user}@{self.host}" if self.user else self.host
        return shlex.join(["ssh", target])


def parse_effective(text: str) -> Mapping[str, str]:
    """Of `ssh -G`: values by name in small letters; the first of each."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        found.setdefault(name.lower(), value)
    return found


def _shown(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)[:80]
