"""What is being started or stopped on a box: the step, how far, how long, and Cancel."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from strixdesk.core.box import Operation
from strixdesk.core.spans import span
from strixdesk.ui.box_words import OPERATION_MARKS, operation_title
from strixdesk.ui.marks import StateMark
from strixdesk.ui.meter_bar import MeterBar
from strixdesk.ui.plain import plain, push
from strixdesk.ui.theme import Theme


class OperationStrip(QFrame):
    cancelled = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("strip")
        self._dismissed = ""
        self._id = ""
        self._over = False
        self._mark = StateMark(theme)
        self._title = plain("", "title", wrap=True)
        self._step = plain("", "small", wrap=True)
        self._bar = MeterBar(theme, "accent")
        self._eta = plain("", "small")
        self._button = push("Cancel", self._press)
        self._button.setProperty("quiet", True)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._mark)
        head.addWidget(self._title, 1)
        head.addWidget(self._button)
        progress = QHBoxLayout()
        progress.setSpacing(8)
        progress.addWidget(self._bar, 1)
        progress.addWidget(self._eta)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 8, 10)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self._step)
        column.addLayout(progress)
        self.hide()

    def show_operation(self, operation: Operation | None) -> None:
        if operation is None or operation.id == self._dismissed:
            self.hide()
            return
        self._id, self._over = operation.id, operation.state.over
        self._mark.show_mark(*OPERATION_MARKS[operation.state])
        title = operation_title(operation)
        self._title.setText(title)
        self._step.setText(operation.step)
        self._step.setVisible(bool(operation.step))
        running = not self._over and operation.progress is not None
        self._bar.setVisible(running)
        self._bar.show_part(operation.progress or 0.0)
        eta = "" if self._over or operation.eta_s is None else span(operation.eta_s)
        self._eta.setText(eta)
        self._eta.setVisible(bool(eta))
        self._button.setText("Dismiss" if self._over else "Cancel")
        self._button.setAccessibleName(f"{self._button.text()}: {title}")
        self.setAccessibleName(title)
        part = f"{operation.progress:.0%}. " if running and operation.progress is not None else ""
        self.setAccessibleDescription(f"{operation.step} {part}{eta}".strip())
        self.show()

    def set_theme(self, theme: Theme) -> None:
        self._mark.set_theme(theme)
        self._bar.set_theme(theme)

    def _press(self) -> None:
        if self._over:
            self._dismissed = self._id
            self.hide()
        else:
            self.cancelled.emit()
