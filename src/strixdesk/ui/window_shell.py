"""The window's frame: on the screen before anything else is even loaded.

It imports next to nothing, paints the ground and the panes in the colours of last time, and hands
on what happens to it. `MainWindow` fills it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, QSettings, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QColor,
    QDragEnterEvent,
    QDropEvent,
    QHideEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QMainWindow

LEFT_WIDTH, RIGHT_WIDTH = 250, 364
HIDE_RIGHT_BELOW, HIDE_LEFT_BELOW = 1100, 760
"""Pixels of window width; a pane that the user shows or hides stays so."""


class WindowShell(QMainWindow):
    first_painted = Signal()
    closed = Signal()
    closing = Signal()
    """While everything is still there: the time to save."""
    resized = Signal()
    wanted = Signal()
    """It is to come to the front."""
    sight_changed = Signal()
    """`in_sight` may be another one now."""
    dropped = Signal(object)
    """QMimeData."""

    def __init__(self, state_file: Path) -> None:
        super().__init__()
        self.state = QSettings(str(state_file), QSettings.Format.IniFormat)
        self.painted = False
        self.may_close: Callable[[], bool] = lambda: True
        """Asked before it closes; a no is final until it is closed anew."""
        self.setWindowTitle("StrixDesk")
        self.setAcceptDrops(True)
        self.setMinimumSize(480, 420)
        geometry = self.state.value("geometry")
        if geometry is None or not self.restoreGeometry(geometry):
            self.resize(1180, 780)

    @property
    def in_sight(self) -> bool:
        """On the screen: not minimised, not hidden, not fully covered where the system tells."""
        handle = self.windowHandle()
        exposed = handle is not None and handle.isExposed()
        return self.isVisible() and not self.isMinimized() and exposed

    def remember_colours(self, ground: str, panes: str) -> None:
        self.state.setValue("ground", ground)
        self.state.setValue("panes", panes)

    def close_now(self) -> None:
        """Without a question: the system wants it."""
        self.may_close = lambda: True
        self.close()

    def come_to_front(self) -> None:
        self.wanted.emit()
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.centralWidget() is None:
            self._paint_ground()
        else:
            super().paintEvent(event)
        if not self.painted:
            self.painted = True
            QTimer.singleShot(0, self.first_painted.emit)

    def _paint_ground(self) -> None:
        window = self.palette().window().color()
        ground = QColor(str(self.state.value("ground") or window.name()))
        panes = QColor(str(self.state.value("panes") or window.darker(104).name()))
        painter = QPainter(self)
        painter.fillRect(self.rect(), ground)
        if self.width() >= HIDE_LEFT_BELOW:
            painter.fillRect(0, 0, LEFT_WIDTH, self.height(), panes)
        if self.width() >= HIDE_RIGHT_BELOW:
            painter.fillRect(self.width() - RIGHT_WIDTH, 0, RIGHT_WIDTH, self.height(), panes)
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.resized.emit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.WindowStateChange:
            self.sight_changed.emit()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if handle := self.windowHandle():
            handle.installEventFilter(self)
        self.sight_changed.emit()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.sight_changed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Of its own place on the screen: the window itself is not told when it is covered."""
        if event.type() is QEvent.Type.Expose:
            QTimer.singleShot(0, self, self.sight_changed.emit)
        return super().eventFilter(watched, event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls() or event.mimeData().hasImage():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        event.acceptProposedAction()
        data: QMimeData = event.mimeData()
        self.dropped.emit(data)

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.may_close():
            event.ignore()
            return
        self.closing.emit()
        self.state.setValue("geometry", self.saveGeometry())
        self.state.sync()
        super().closeEvent(event)
        self.closed.emit()
