"""A shell of a box on this machine, whose commands end with whoever waits for them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncGenerator, Mapping, Sequence

from strixdesk.backends.box.shell import Completed
from strixdesk.core.errors import CommandFailed, CommandTimeout


class HereShell:
    """Implements `backends.box.shell.Shell`."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = environment

    async def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float = 20.0
    ) -> Completed:
        process = await self._start(argv, stderr=PIPE)
        try:
            async with asyncio.timeout(timeout_s):
                out, err = await process.communicate(stdin)
        except TimeoutError:
            raise CommandTimeout(f"`{argv[0]}` took longer than {timeout_s:g} s.") from None
        finally:
            await _end(process)
        return Completed(
            process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace")
        )

    async def lines(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float | None = None
    ) -> AsyncGenerator[str, None]:
        process = await self._start(argv, stderr=STDOUT)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(stdin)
            process.stdin.close()
            async with asyncio.timeout(timeout_s):
                async for line in process.stdout:
                    yield line.decode(errors="replace").rstrip("\n")
                if status := await process.wait():
                    raise CommandFailed(f"`{argv[0]}` failed.", status=status)
        finally:
            await _end(process)

    async def close(self) -> None:
        """Nothing is shared between commands."""

    async def _start(self, argv: Sequence[str], *, stderr: int) -> Process:
        return await asyncio.create_subprocess_exec(
            *argv,
            stdin=PIPE,
            stdout=PIPE,
            stderr=stderr,
            env=self._environment,
            start_new_session=True,
        )


async def _end(process: Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        await process.wait()
