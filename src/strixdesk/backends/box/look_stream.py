"""Looks that the box itself makes, one command for all of them, kept going in a task."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence

from strixdesk.backends.box.look import Look, looks
from strixdesk.backends.box.shell import Shell
from strixdesk.core.errors import BoxError

_AGAIN_S = 30.0
"""After one that ended by itself; until then the box is looked at from here."""


class LookStream:
    def __init__(self, shell: Shell, on_look: Callable[[Look | None], None]) -> None:
        """`on_look` is given None when it ended by itself."""
        self._shell = shell
        self._on_look = on_look
        self._task: asyncio.Task[None] | None = None
        self._ended_at = float("-inf")

    @property
    def running(self) -> bool:
        return self._task is not None and not self._task.done()

    def ensure(self, folder: str, projects: Sequence[str], every_s: float) -> None:
        if self.running or time.monotonic() - self._ended_at < _AGAIN_S:
            return
        self._task = asyncio.create_task(self._read(folder, projects, every_s), name="box looks")

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task:
            task.cancel()
            await asyncio.wait([task])

    async def _read(self, folder: str, projects: Sequence[str], every_s: float) -> None:
        found = looks(self._shell, folder, projects, every_s)
        with contextlib.suppress(BoxError):
            async with contextlib.aclosing(found) as stream:
                async for look in stream:
                    self._on_look(look)
        self._ended_at = time.monotonic()
        self._on_look(None)
