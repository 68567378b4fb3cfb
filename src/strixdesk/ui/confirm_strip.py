"""A question that waits for a yes, asked by voice or shown: nothing is done before it."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from strixdesk.ui.plain import plain, push

PAUSE_MS = 700
"""Before an older question is back: the second half of a double click is no yes to it."""


class ConfirmStrip(QFrame):
    """Shows the newest question that is open, then the one before."""

    answered = Signal(str, bool)
    """The question's id, and yes or no."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("confirm")
        self._id = ""
        self._older: dict[str, str] = {}
        """Sentences of questions that are open behind the one that is shown."""
        self._sentence = plain("", "", wrap=True)
        self.yes = push("Yes", self.accept, name="primary")
        self.no = push("No", self.decline)
        self.yes.setToolTip("Ctrl+Y")
        self.no.setToolTip("Esc")
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 8, 8, 8)
        row.setSpacing(8)
        row.addWidget(self._sentence, 1)
        row.addWidget(self.yes)
        row.addWidget(self.no)
        self.hide()

    def ask(self, question: str, sentence: str) -> None:
        if self._id:
            self._older[self._id] = self._sentence.text()
        self._id = question
        self._sentence.setText(sentence)
        self.yes.setAccessibleDescription(sentence)
        self.no.setAccessibleDescription(sentence)
        self.setAccessibleName(sentence)
        self.show()

    def end(self, question: str) -> None:
        self._older.pop(question, None)
        if question == self._id:
            self._id = ""
            self.hide()
            QTimer.singleShot(PAUSE_MS, self, self._ask_older)

    def _ask_older(self) -> None:
        if self._older and not self._id:
            self.ask(*self._older.popitem())

    @property
    def waiting(self) -> bool:
        return bool(self._id)

    def decline(self) -> None:
        self._answer(yes=False)

    def accept(self) -> None:
        self._answer(yes=True)

    def _answer(self, *, yes: bool) -> None:
        if question := self._id:
            self.end(question)
            self.answered.emit(question, yes)
