"""A shell whose connection can be cut: what was sent goes on over there, as with ssh."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Coroutine, Sequence
from typing import TypeVar

from strixdesk.backends.box.shell import Completed, Shell
from strixdesk.core.errors import BoxUnreachable

T = TypeVar("T")


class CutShell:
    """Implements `backends.box.shell.Shell` around another one."""

    def __init__(self, inner: Shell) -> None:
        self._inner = inner
        self._is_cut = asyncio.Event()
        self._over_there: set[asyncio.Task[None]] = set()

    @property
    def is_cut(self) -> bool:
        return self._is_cut.is_set()

    def cut(self) -> None:
        self._is_cut.set()

    def mend(self) -> None:
        self._is_cut.clear()

    async def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float = 20.0
    ) -> Completed:
        results: asyncio.Queue[Completed] = asyncio.Queue()

        async def command() -> None:
            results.put_nowait(await self._inner.run(argv, stdin=stdin, timeout_s=timeout_s))

        task = self._send(command())
        return await self._unless_cut(results.get(), task)

    async def lines(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float | None = None
    ) -> AsyncGenerator[str, None]:
        lines: asyncio.Queue[str | None] = asyncio.Queue()

        async def command() -> None:
            try:
                inner = self._inner.lines(argv, stdin=stdin, timeout_s=timeout_s)
                async with contextlib.aclosing(inner) as printed:
                    async for line in printed:
                        lines.put_nowait(line)
            finally:
                lines.put_nowait(None)

        task = self._send(command())
        try:
            while (line := await self._unless_cut(lines.get(), task)) is not None:
                yield line
        finally:
            if not self.is_cut:
                task.cancel()
                await asyncio.wait([task])

    async def close(self) -> None:
        for task in list(self._over_there):
            task.cancel()
            await asyncio.wait([task])
        await self._inner.close()

    def _send(self, command: Coroutine[None, None, None]) -> asyncio.Task[None]:
        if self.is_cut:
            command.close()
            raise BoxUnreachable("The connection is cut.", hop="ssh")
        task = asyncio.create_task(command)
        self._over_there.add(task)
        task.add_done_callback(self._over_there.discard)
        return task

    async def _unless_cut(self, result: Coroutine[None, None, T], task: asyncio.Task[None]) -> T:
        wanted = asyncio.create_task(result)
        cut = asyncio.create_task(self._is_cut.wait())
        try:
            await asyncio.wait([wanted, cut, task], return_when=asyncio.FIRST_COMPLETED)
            if self.is_cut:
                raise BoxUnreachable("The connection is cut.", hop="ssh")
            if not wanted.done() and task.done():
                await task  # raises what stands against it
            return await wanted
        except asyncio.CancelledError:
            if not self.is_cut:  # else the word that it is over does not get there
                task.cancel()
                await asyncio.wait([task])
            raise
        finally:
            for one in (wanted, cut):
                one.cancel()
            await asyncio.wait([wanted, cut])
