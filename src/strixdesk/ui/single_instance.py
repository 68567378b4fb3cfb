"""One window for one data folder: a second start brings the first to the front."""

from __future__ import annotations

import hashlib
from pathlib import Path

from PySide6.QtCore import QLockFile, QObject, Signal, Slot

_ANSWER_MS = 1000


class SingleInstance(QObject):
    """Holds a lock file while it lives. The lock of a program that was killed does not count."""

    asked_for = Signal()
    """A second start wants this window."""

    def __init__(self, data_dir: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        folder = data_dir.resolve()
        self._name = "strixdesk-" + hashlib.sha256(str(folder).encode()).hexdigest()[:16]
        self._lock = QLockFile(str(folder / "window.lock"))
        self._lock.setStaleLockTime(0)

    def claim(self) -> bool:
        """True when this is the first. A folder that cannot be written has no lock: two windows
        are better than none."""
        taken = QLockFile.LockError.LockFailedError
        return self._lock.tryLock(0) or self._lock.error() is not taken

    def listen(self) -> None:
        """Hear of later starts from now on."""
        from PySide6.QtNetwork import QLocalServer  # after the first paint

        QLocalServer.removeServer(self._name)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._answer)
        self._server.listen(self._name)

    def ask_for_window(self) -> None:
        """Bring the first one to the front."""
        from PySide6.QtNetwork import QLocalSocket

        socket = QLocalSocket()
        socket.connectToServer(self._name)
        socket.waitForConnected(_ANSWER_MS)
        socket.disconnectFromServer()

    def release(self) -> None:
        self._lock.unlock()

    @Slot()
    def _answer(self) -> None:
        while (connection := self._server.nextPendingConnection()) is not None:
            connection.disconnected.connect(connection.deleteLater)
            connection.disconnectFromServer()
            self.asked_for.emit()
