"""A qtbot that waits as long as a busy machine may need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot
from pytestqt.wait_signal import SignalBlocker

PATIENCE_S = 30.0
"""A process may stand still for seconds. What comes true does so long before; only what is broken
is waited for until the end."""
_PATIENCE_MS = int(PATIENCE_S * 1000)


class PatientBot(QtBot):
    def waitUntil(
        self, callback: Callable[[], bool | None], *, timeout: int = _PATIENCE_MS
    ) -> None:
        super().waitUntil(callback, timeout=timeout)

    def waitSignal(
        self,
        signal: Any,
        *,
        timeout: int = _PATIENCE_MS,
        raising: bool | None = None,
        check_params_cb: Callable[..., bool] | None = None,
    ) -> SignalBlocker:
        return super().waitSignal(
            signal, timeout=timeout, raising=raising, check_params_cb=check_params_cb
        )

    def show(self, window: QWidget) -> None:
        """`window` is on the screen when this returns."""
        with self.waitExposed(window, timeout=_PATIENCE_MS):
            window.show()

    def activate(self, window: QWidget) -> None:
        """It has the keyboard when this returns: keys reach its shortcuts only then."""
        with self.waitActive(window, timeout=_PATIENCE_MS):
            window.activateWindow()
