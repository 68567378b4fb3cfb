"""A turn on its way: it begins when the former has ended, can be stopped at any time, and keeps
what the user gave even if it was stopped before it began."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Protocol

from strixdesk.core.turn import TurnState
from strixdesk.session.asked import Question
from strixdesk.session.turn_runner import TurnRunner


class Asking(Protocol):
    """Where a turn's question comes from."""

    async def ask(self) -> Question | None:
        """The question, stored; None when there turned out to be none."""

    async def abandon(self) -> None:
        """The turn was stopped before it began: keep what the user said or typed."""


class LiveTurn:
    def __init__(
        self,
        runner: TurnRunner,
        asking: Asking,
        former: LiveTurn | None,
        *,
        on_begin: Callable[[], None],
        on_end: Callable[[], None],
    ) -> None:
        self.runner = runner
        self._asking = asking
        self._former = former
        self._on_begin = on_begin
        self._on_end = on_end
        self._task: asyncio.Task[None] | None = None
        self._stopped = False
        self.dismissed = False
        self.over = asyncio.Event()

    def stop(self, *, dismissed: bool = False) -> None:
        """Takes effect once; `over` is set when everything of it has ended. `dismissed`: the user
        wants no answer, rather than another one first."""
        if not self._stopped:
            self._stopped = True
            self.dismissed = dismissed
            if self._task:
                self._task.cancel()

    async def run(self) -> None:
        if self._former:
            await self._former.over.wait()
            self._former = None
        self._on_begin()
        try:
            if not self._stopped:
                # A task of its own: `stop` cancels the turn, and nothing that comes after it.
                self._task = asyncio.create_task(self.runner.run(self._asking.ask))
                await asyncio.wait({self._task})
                with contextlib.suppress(asyncio.CancelledError):
                    self._task.result()
            if self.runner.turn.state.live:  # it never took its first step
                await self._asking.abandon()
                self.runner.move(TurnState.INTERRUPTED)
        finally:
            self._on_end()
            self.over.set()
