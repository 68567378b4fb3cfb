"""Commands on this machine."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence

from strixdesk.backends.box.script_process import ScriptProcess, script_running
from strixdesk.backends.box.script_shell import ScriptShell
from strixdesk.core.errors import BoxUnreachable

_PATIENCE_S = 3.0
"""For a command to end when it is told to; the script around it kills it after two."""


class LocalShell(ScriptShell):
    """A `Shell`. Its commands end when this program does, however it does."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """`environment`: all of it; None: this program's own."""
        self._environment = environment
        self._running: set[ScriptProcess] = set()
        self._leaving: set[asyncio.Task[None]] = set()
        self._closings = 0

    async def close(self) -> None:
        self._closings += 1
        endings = (process.end(_PATIENCE_S) for process in self._running)
        await asyncio.gather(*endings, *self._leaving)

    @contextlib.asynccontextmanager
    async def _started(
        self,
        argv: Sequence[str],
        stdin: bytes,
        timeout_s: float | None,
        *,
        as_lines: bool = False,
    ) -> AsyncIterator[ScriptProcess]:
        closings = self._closings
        running = script_running(
            argv,
            lambda script: script,
            stdin=stdin,
            timeout_s=timeout_s,
            as_lines=as_lines,
            env=self._environment,
            leaving=self._leaving,
            patience_s=_PATIENCE_S,
        )
        async with running as process:
            self._running.add(process)
            if closings != self._closings:  # it was not there yet when the others were ended
                await process.end(_PATIENCE_S)
            try:
                yield process
            finally:
                self._running.discard(process)

    def _lost(self, argv: Sequence[str]) -> BoxUnreachable:
        return BoxUnreachable(
            f"`{argv[0]}` was ended from outside, and how far it came is not known.", "Try again."
        )
