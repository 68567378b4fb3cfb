"""What every part of a session does: tell events, and work beside the turns."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from strixdesk.core.events import Event, Failed
from strixdesk.session.services import Services

log = logging.getLogger(__name__)


class Background:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._subscribers: list[Callable[[Event], None]] = []
        self._background: set[asyncio.Task[Any]] = set()

    def subscribe(self, on_event: Callable[[Event], None]) -> Callable[[], None]:
        self._subscribers.append(on_event)

        def unsubscribe() -> None:
            if on_event in self._subscribers:
                self._subscribers.remove(on_event)

        return unsubscribe

    def _emit(self, event: Event) -> None:
        for subscriber in tuple(self._subscribers):
            subscriber(event)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._reap)
        return task

    def _reap(self, task: asyncio.Task[None]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("background task failed", exc_info=error)
            self._emit(Failed("Something went wrong inside StrixDesk.", "The log has the details."))

    async def _end_background(self) -> None:
        for task in tuple(self._background):
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
