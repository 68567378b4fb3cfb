"""Short calls of programs on this computer, for what they tell."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping, Sequence

from strixdesk.backends.box.shell import Completed


async def call(
    argv: Sequence[str], timeout_s: float, env: Mapping[str, str] | None = None
) -> Completed | None:
    """None: it took too long, and was killed. Raises OSError when it cannot be started."""
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=env
    )
    try:
        async with asyncio.timeout(timeout_s):
            out, err = await process.communicate()
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            kill(process.pid)
            await process.wait()
    status = -1 if process.returncode is None else process.returncode
    return Completed(status, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))


def kill(pid: int) -> None:
    """Not by `Process.kill`: that reaps a process whose end asyncio itself waits for."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
