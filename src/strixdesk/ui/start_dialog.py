"""Before a start that does not fit: what it would do, what would make it fit, and a way through."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QDialog, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from strixdesk.core.memory import Forecast, KvFit, Remedy, gb
from strixdesk.ui.marks import Mark, StateMark
from strixdesk.ui.memory_bar import MemoryView
from strixdesk.ui.plain import plain, push
from strixdesk.ui.theme import Theme

RISK = "I know that the box may run out of memory and stop answering"


class StartDialog(QDialog):
    """Open with `open()`."""

    remedy_chosen = Signal(object)
    """A Remedy."""
    started_anyway = Signal()

    def __init__(
        self, what: str, forecast: Forecast, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Start {what}")
        self.setMinimumWidth(560)
        title = plain(_title(what, forecast), "headline")
        title.setWordWrap(True)
        mark = StateMark(theme)
        mark.show_mark(*((Mark.DISC, "ok") if forecast.fits else (Mark.TRIANGLE, "danger")))
        verdict = plain(forecast.sentence, "", wrap=True)
        sentence = QHBoxLayout()
        sentence.setSpacing(8)
        sentence.addWidget(mark)
        sentence.addWidget(verdict, 1)
        memory = MemoryView(theme, "Memory")
        memory.show_forecast(forecast, compared=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(14)
        column.addWidget(title)
        column.addLayout(sentence)
        column.addWidget(memory)
        for fit in forecast.kv:
            if not fit.fits:
                column.addWidget(plain(_kv_line(fit), "muted", wrap=True))
        if forecast.remedies:
            column.addWidget(plain("What would make it fit", "paneTitle"))
            for remedy in forecast.remedies:
                column.addWidget(_RemedyRow(remedy, self._choose))
        column.addWidget(_line())
        self._sure = QCheckBox(RISK)
        self._anyway = push("Start anyway", self._start_anyway)
        self._anyway.setEnabled(False)
        self._sure.toggled.connect(self._anyway.setEnabled)
        close = push("Leave it", self.reject, name="primary")
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self._sure, 1)
        foot.addWidget(self._anyway)
        foot.addWidget(close)
        column.addLayout(foot)
        close.setDefault(True)
        close.setFocus()

    def _choose(self, remedy: Remedy) -> None:
        self.remedy_chosen.emit(remedy)
        self.accept()

    def _start_anyway(self) -> None:
        if self._sure.isChecked():
            self.started_anyway.emit()
            self.accept()


class _RemedyRow(QFrame):
    def __init__(self, remedy: Remedy, choose: Callable[[Remedy], None]) -> None:
        super().__init__()
        self._remedy = remedy
        self._choose = choose
        self.setObjectName("card")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 8, 8)
        row.setSpacing(8)
        row.addWidget(plain(remedy.sentence, "", wrap=True), 1)
        if remedy.stop:
            row.addWidget(push("Stop and start", self._take, says=remedy.sentence))
        elif remedy.variable:
            row.addWidget(push("Change it …", self._take, says=remedy.sentence))

    def _take(self) -> None:
        self._choose(self._remedy)


def _title(what: str, forecast: Forecast) -> str:
    fits = "fits" if forecast.fits else "does not fit"
    return f"{what[:1].upper()}{what[1:]} {fits}"


def _kv_line(fit: KvFit) -> str:
    about = "about " if fit.estimated else ""
    line = (
        f"{fit.service}: its context needs {about}{gb(fit.needed_bytes)} of KV cache, "
        f"{gb(fit.budget_bytes)} are there."
    )
    return f"{line} {fit.note}".strip()


def _line() -> QFrame:
    line = QFrame()
    line.setObjectName("line")
    line.setFixedHeight(1)
    return line
