"""Carries the session's events to widgets, and their asynchronous requests back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from PySide6.QtCore import QObject, Signal

from strixdesk.core.errors import StrixError
from strixdesk.core.events import Event

log = logging.getLogger(__name__)


class EventBridge(QObject):
    """One signal for every event: `Signal(object)` hands the frozen value over as it is."""

    happened = Signal(object)

    def take(self, event: Event) -> None:
        self.happened.emit(event)


class Requests:
    """Runs a window's asynchronous requests and tells what went wrong with them."""

    def __init__(self, failed: Callable[[StrixError], None]) -> None:
        self._failed = failed
        self._running: set[asyncio.Task[None]] = set()

    def start(self, request: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(self._told(request))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _told(self, request: Coroutine[Any, Any, None]) -> None:
        try:
            await request
        except StrixError as error:
            self._failed(error)

    def cancel(self) -> None:
        for task in tuple(self._running):
            task.cancel()
