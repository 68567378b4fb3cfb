"""What is the same for commands on this machine and through ssh."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Sequence

from strixdesk.backends.box.script_process import ScriptProcess
from strixdesk.backends.box.shell import Completed
from strixdesk.core.errors import BoxUnreachable, CommandFailed, CommandTimeout


class ScriptShell(ABC):
    """A `Shell` that runs each command in a script of its own (`remote_script`)."""

    async def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float = 20.0
    ) -> Completed:
        async with self._started(argv, stdin, timeout_s) as process:
            try:
                await process.wait(timeout_s)
            except TimeoutError:
                raise _took_too_long(argv, timeout_s) from None
            return Completed(self._status(process, argv), process.out.text(), process.err.text())

    async def lines(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float | None = None
    ) -> AsyncGenerator[str, None]:
        async with self._started(argv, stdin, timeout_s, as_lines=True) as process:
            try:
                async with contextlib.aclosing(process.lines(timeout_s)) as lines:
                    async for line in lines:
                        yield line
            except TimeoutError:
                raise _took_too_long(argv, timeout_s) from None
            if status := self._status(process, argv):
                raise CommandFailed(f"`{argv[0]}` failed with status {status}.", status=status)

    def _status(self, process: ScriptProcess, argv: Sequence[str]) -> int:
        if process.status is None:
            raise self._lost(argv)
        return process.status

    @abstractmethod
    def _started(
        self,
        argv: Sequence[str],
        stdin: bytes,
        timeout_s: float | None,
        *,
        as_lines: bool = False,
    ) -> contextlib.AbstractAsyncContextManager[ScriptProcess]:
        """Its process; leaving ends it."""

    @abstractmethod
    def _lost(self, argv: Sequence[str]) -> BoxUnreachable:
        """What is told when its end is not known."""


def _took_too_long(argv: Sequence[str], timeout_s: float | None) -> CommandTimeout:
    return CommandTimeout(
        f"`{argv[0]}` took longer than {timeout_s or 0:g} s and was ended.",
        "Try again; if it stays so, look at the load and the disk of the box.",
    )
