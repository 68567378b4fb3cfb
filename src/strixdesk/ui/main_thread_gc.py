"""Reference cycles are collected on Qt's thread only.

Python collects on whichever thread happens to allocate. A QObject in a cycle (the event loop's own
timers and socket notifiers are such) would then end on a worker's thread: Qt cannot stop a timer
from there ("QObject::~QObject: Timers cannot be stopped from another thread"), and when the timer
fires, seconds later, it is delivered to memory that is not the object any more.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence

from PySide6.QtCore import QObject, QTimer

LOOK_EVERY_MS = 250
"""Garbage of a quarter of a second is small; with Python's thresholds (700, 10, 10) everything is
walked through every 25 s at most."""


def due_generation(counts: Sequence[int], thresholds: Sequence[int]) -> int | None:
    """The oldest generation over its threshold, of `gc.get_count` and `gc.get_threshold`."""
    over = [at for at, count in enumerate(counts) if count > thresholds[at]]
    return over[-1] if over and thresholds[0] else None


class MainThreadCollector(QObject):
    """Takes the place of the automatic collection until it is stopped. Made on Qt's thread."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_EVERY_MS)
        self._timer.timeout.connect(self._collect)
        self._timer.start()

    def stop(self) -> None:
        """What is left ends here; from now on any thread may collect again."""
        self._timer.stop()
        gc.collect()
        gc.enable()

    def _collect(self) -> None:
        due = due_generation(gc.get_count(), gc.get_threshold())
        if due is not None:
            gc.collect(due)
