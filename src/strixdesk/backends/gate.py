"""At most so many answers of a tier at once; whoever comes later waits in turn."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator

from strixdesk.backends.servers import VLLM
from strixdesk.core.tier import Tier, TierStatus

_AT_ONCE_VLLM = 4
_AT_ONCE = 1
"""llama.cpp and what computes on the processor: a second answer would halve the first one's
speed. Servers of a kind that is not known are taken for such."""


def answers_at_once(tier: Tier, status: TierStatus | None) -> int:
    if tier.concurrency is not None:
        return tier.concurrency
    return _AT_ONCE_VLLM if status and status.server == VLLM else _AT_ONCE


class Gate:
    """Of one tier."""

    def __init__(self) -> None:
        self._inside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def full(self, limit: int) -> bool:
        """Whoever comes now has to wait."""
        return self._inside >= limit or bool(self._waiting)

    @contextlib.asynccontextmanager
    async def place(self, limit: int) -> AsyncIterator[None]:
        await self._enter(limit)
        try:
            yield
        finally:
            self._inside -= 1
            self._let_in(limit)

    async def _enter(self, limit: int) -> None:
        if not self.full(limit):
            self._inside += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # let in and cancelled in the same moment
                self._inside -= 1
                self._let_in(limit)
            else:
                self._waiting.remove(turn)
            raise

    def _let_in(self, limit: int) -> None:
        while self._waiting and self._inside < limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self._inside += 1
                turn.set_result(None)
