"""What the doctor found on a box, and the command for each: nothing is changed from here."""

from __future__ import annotations

import asyncio

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from strixdesk.core.box import Box
from strixdesk.core.errors import StrixError
from strixdesk.core.finding import Finding, Severity
from strixdesk.session.box_tools import BoxTools
from strixdesk.ui.marks import Mark, StateMark
from strixdesk.ui.plain import plain, push
from strixdesk.ui.theme import Theme

_MARKS = {
    Severity.PROBLEM: (Mark.TRIANGLE, "danger"),
    Severity.WARNING: (Mark.HALF, "warning"),
    Severity.NOTE: (Mark.RING, "muted"),
}


class BoxDoctorDialog(QDialog):
    """Open with `open()`, on a running event loop."""

    def __init__(
        self, box: Box, tools: BoxTools, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setWindowTitle(f"Doctor: {box.name}")
        self.resize(640, 460)
        self._summary = plain(f"Examining {box.name} …", "headline", wrap=True)
        body = QWidget()
        self._rows = QVBoxLayout(body)
        self._rows.setContentsMargins(0, 0, 6, 0)
        self._rows.setSpacing(8)
        self._rows.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(body)
        area.setAccessibleName("What was found")
        foot = QHBoxLayout()
        foot.addWidget(plain("Nothing is changed from here.", "muted"), 1)
        close = push("Close", self.accept, name="primary")
        close.setDefault(True)
        foot.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(12)
        column.addWidget(self._summary)
        column.addWidget(area, 1)
        column.addLayout(foot)
        self._examining = asyncio.get_running_loop().create_task(self._examine(box, tools))

    def done(self, result: int) -> None:
        self._examining.cancel()
        super().done(result)

    async def _examine(self, box: Box, tools: BoxTools) -> None:
        try:
            found = await tools.examine(box)
        except StrixError as error:
            self._summary.setText(error.sentence())
            return
        bad = sum(one.severity is not Severity.NOTE for one in found)
        well = f"{box.name} is well"
        things = "1 thing needs" if bad == 1 else f"{bad} things need"
        self._summary.setText(f"{things} attention on {box.name}" if bad else well)
        for place, finding in enumerate(found):
            self._rows.insertWidget(place, _Row(finding, self._theme))


class _Row(QFrame):
    def __init__(self, finding: Finding, theme: Theme) -> None:
        super().__init__()
        self._command = finding.command
        self.setObjectName("card")
        mark = StateMark(theme)
        mark.show_mark(*_MARKS[finding.severity])
        about = f"{finding.service}: " if finding.service else ""
        sentence = plain(f"{about}{finding.sentence}", "", wrap=True)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(mark)
        head.addWidget(sentence, 1)
        head.addWidget(plain(finding.severity.value, "chip"))
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 10, 10)
        column.addLayout(head)
        if finding.command:
            row = QHBoxLayout()
            command = plain(finding.command, "command", wrap=True)
            row.addWidget(command, 1)
            row.addWidget(push("Copy", self._copy, says=f"Copy: {finding.command}"))
            column.addLayout(row)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._command)
