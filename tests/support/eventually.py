"""Waits for something that no event tells of, such as the state of another process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


async def eventually(condition: Callable[[], bool], *, within_s: float) -> float:
    """Seconds until the condition held. Asked off the loop, at least once after the deadline."""
    began = time.monotonic()
    while True:
        late = time.monotonic() - began > within_s
        if await asyncio.to_thread(condition):
            return time.monotonic() - began
        assert not late, f"did not come true within {within_s} s"
        await asyncio.sleep(0.02)
