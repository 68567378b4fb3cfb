"""Calls of `ssh` that carry no command: settings, diagnosis, the shared connection."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from strixdesk.backends.box.calls import call
from strixdesk.backends.box.shell import Completed
from strixdesk.backends.box.ssh_trouble import ssh_missing


def ssh_environment() -> Mapping[str, str]:
    """Its messages in English, since they are read here; and nothing that could ask the user."""
    given = {"LC_ALL": "C", "SSH_ASKPASS_REQUIRE": "never"}
    return {name: value for name, value in os.environ.items() if name != "SSH_ASKPASS"} | given


async def ssh_says(argv: Sequence[str], timeout_s: float) -> Completed:
    """Status 255 when it took too long. Raises BoxUnreachable when there is no ssh."""
    try:
        told = await call(argv, timeout_s, ssh_environment())
    except OSError:
        raise ssh_missing() from None
    return told or Completed(255, "", "timed out")
