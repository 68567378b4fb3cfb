"""Tells when the computer goes to sleep and when it woke up.

Linux announces both (logind's PrepareForSleep, on the system bus). Everywhere, that the wall clock
ran on while the other one stood still counts as waking, also where nothing is announced.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import SLOT, QObject, QTimer, Signal, Slot
from PySide6.QtDBus import QDBusConnection

LOOK_EVERY_MS = 10_000
JUMP_S = 30.0
"""Corrections of the clock by the network are smaller, as a rule; a needless look does no harm."""


class SleepWatch(QObject):
    slept = Signal(bool)
    """True: it goes to sleep now. False: it is awake again, perhaps without a word before."""

    def __init__(
        self,
        parent: QObject | None = None,
        *,
        bus: QDBusConnection | None = None,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """`bus`: where logind speaks; None: the system's. Without one, the clocks alone tell."""
        super().__init__(parent)
        self._wall, self._steady = wall, steady
        self._apart_s = wall() - steady()
        bus = bus or QDBusConnection.systemBus()
        if bus.isConnected():
            bus.connect(  # type: ignore[call-overload]  # its types want bytes, itself a str
                "",
                "/org/freedesktop/login1",
                "org.freedesktop.login1.Manager",
                "PrepareForSleep",
                self,
                SLOT("prepare(bool)"),
            )
        timer = QTimer(self)
        timer.timeout.connect(self.compare_clocks)
        timer.start(LOOK_EVERY_MS)

    @Slot(bool)
    def prepare(self, asleep: bool) -> None:
        """logind: True before the sleep, False after it."""
        self.slept.emit(asleep)

    @Slot()
    def compare_clocks(self) -> None:
        former, self._apart_s = self._apart_s, self._wall() - self._steady()
        if self._apart_s - former > JUMP_S:
            self.slept.emit(False)
