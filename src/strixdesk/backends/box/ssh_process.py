"""Calls of `ssh` that carry no command: settings, diagnosis, the shared connection."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping, Sequence

from strixdesk.backends.box.shell import Completed
from strixdesk.backends.box.ssh_trouble import ssh_missing


def ssh_environment() -> Mapping[str, str]:
    """Its messages in English, since they are read here; and nothing that could ask the user."""
    given = {"LC_ALL": "C", "SSH_ASKPASS_REQUIRE": "never"}
    return {name: value for name, value in os.environ.items() if name != "SSH_ASKPASS"} | given


def kill(pid: int) -> None:
    """Not by `Process.kill`: that reaps a process whose end asyncio itself waits for."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


async def ssh_says(argv: Sequence[str], timeout_s: float) -> Completed:
    """Status 255 when it took too long. Raises BoxUnreachable when there is no ssh."""
    try:
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=ssh_environment()
        )
    except FileNotFoundError:
        raise ssh_missing() from None
    try:
        async with asyncio.timeout(timeout_s):
            out, err = await process.communicate()
    except TimeoutError:
        return Completed(255, "", "timed out")
    finally:
        if process.returncode is None:
            kill(process.pid)
            await process.wait()
    status = 255 if process.returncode is None else process.returncode
    return Completed(status, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))
