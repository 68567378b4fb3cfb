"""Closing the window while a box is still being worked on: the user is asked once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from strixdesk.core.box import Box
from strixdesk.session.ports import Boxes
from strixdesk.ui.plain import plain, push


class ClosingDialog(QDialog):
    """Open with `open()`. `finished` tells one of the three."""

    CANCEL, LET_FINISH, STOP = 0, 1, 2

    def __init__(self, what: Sequence[str], parent: QWidget | None = None) -> None:
        """`what`: sentences, one for each box."""
        super().__init__(parent)
        self.setWindowTitle("Close StrixDesk")
        self.setMinimumWidth(460)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(14)
        column.addWidget(plain("Something is still being done", "headline"))
        for sentence in what:
            column.addWidget(plain(sentence, "", wrap=True))
        column.addWidget(
            plain(
                "If it is to finish, the window closes now and StrixDesk ends when it is over. If "
                "it is stopped, what is up already stays up.",
                "muted",
                wrap=True,
            )
        )
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(push("Cancel", self.reject))
        foot.addStretch(1)
        foot.addWidget(push("Stop it", self._stop))
        finish = push("Let it finish", self.accept, name="primary")
        foot.addWidget(finish)
        column.addLayout(foot)
        finish.setDefault(True)
        finish.setFocus()

    def _stop(self) -> None:
        self.done(self.STOP)


class ClosingGuard(QObject):
    """Holds the window back while an operation runs, and closes it when it is over."""

    def __init__(
        self, boxes: Callable[[], Boxes | None], window: QWidget, cancel: Callable[[Box], None]
    ) -> None:
        """`cancel` ends the operation on a box."""
        super().__init__(window)
        self._boxes = boxes
        self._window = window
        self._cancel = cancel
        self._asking = self._leaving = False
        self._calls = 0

    @contextmanager
    def working(self) -> Iterator[None]:
        """Around a call that is not to be cut off: a box is let go of only after its operation."""
        self._calls += 1
        try:
            yield
        finally:
            self._calls -= 1
            QTimer.singleShot(0, self, self.look)

    def may_close(self) -> bool:
        """False: the user is asked first, or it closes by itself as soon as it can."""
        busy = self._busy()
        if not busy:
            return True
        if not self._asking and not self._leaving:
            self._asking = True
            sentences = [f"On {box.name}: {step}" for box, step in busy]
            dialog = ClosingDialog(sentences, self._window)
            dialog.finished.connect(self._decided)
            dialog.finished.connect(dialog.deleteLater)
            dialog.open()
        return False

    def look(self) -> None:
        """A box told of something."""
        if self._leaving and not self._calls and not self._busy():
            self._leaving = False
            self._window.close()

    def stay(self) -> None:
        """The window is wanted again."""
        self._leaving = False

    def _decided(self, answer: int) -> None:
        self._asking = False
        if answer == ClosingDialog.CANCEL:
            return
        self._leaving = True
        self._window.hide()
        if answer == ClosingDialog.STOP:
            for box, _ in self._busy():
                self._cancel(box)
        self.look()

    def _busy(self) -> list[tuple[Box, str]]:
        boxes = self._boxes()
        found = []
        for box in boxes.all() if boxes else ():
            operation = boxes.status_of(box).operation if boxes else None
            if operation and not operation.state.over:
                found.append((box, operation.step or f"{operation.deed.value} is under way."))
        return found
