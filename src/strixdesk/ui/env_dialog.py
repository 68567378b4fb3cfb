"""Values of a stack's .env file: edited, looked at as a difference, tried by compose, then kept."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from strixdesk.core.box import Box
from strixdesk.core.box_setup import EnvPlan
from strixdesk.core.errors import StrixError
from strixdesk.session.box_tools import BoxTools
from strixdesk.ui.plain import plain, push


class EnvDialog(QDialog):
    """Open with `open()`, on a running event loop. `wanted`: values that stand in it at first."""

    written = Signal()

    def __init__(
        self,
        box: Box,
        tools: BoxTools,
        wanted: Mapping[str, str],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._box = box
        self._tools = tools
        self._wanted = dict(wanted)
        self._before: dict[str, str] = {}
        self._fields: dict[str, QLineEdit] = {}
        self._plan: EnvPlan | None = None
        self._task: asyncio.Task[None] | None = None
        self.setWindowTitle(f".env of {box.name}")
        self.resize(660, 560)
        form = QWidget()
        self._form = QFormLayout(form)
        self._form.setContentsMargins(0, 0, 8, 0)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(form)
        area.setAccessibleName("Values")
        self._diff = QPlainTextEdit()
        self._diff.setReadOnly(True)
        self._diff.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._diff.setAccessibleName("What changes")
        self._diff.setMaximumHeight(170)
        self._diff.hide()
        self._words = plain("Reading …", "muted", wrap=True)
        self.look = push("Show what changes", self._look)
        self.write = push("Write", self._write, name="primary")
        self._can_write(False)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self._words, 1)
        for button in (push("Close", self.reject), self.look, self.write):
            foot.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(12)
        column.addWidget(plain(f"Values of the stack on {box.name}", "headline"))
        column.addWidget(area, 1)
        column.addWidget(self._diff)
        column.addLayout(foot)
        self._run(self._read())

    def done(self, result: int) -> None:
        if self._task:
            self._task.cancel()
        super().done(result)

    @property
    def changes(self) -> dict[str, str]:
        """What was typed and is another value than before."""
        typed = {name: field.text() for name, field in self._fields.items()}
        return {name: text for name, text in typed.items() if text != self._before.get(name, "")}

    def field(self, name: str) -> QLineEdit:
        return self._fields[name]

    def _run(self, request: Coroutine[Any, Any, None]) -> None:
        self._task = asyncio.get_running_loop().create_task(self._told(request))

    async def _told(self, request: Coroutine[Any, Any, None]) -> None:
        try:
            await request
        except StrixError as error:
            self._words.setText(error.sentence())

    async def _read(self) -> None:
        self._before = dict(await self._tools.env_values(self._box))
        for name, value in (self._before | self._wanted).items():
            field = QLineEdit(value)
            field.setAccessibleName(name)
            field.textEdited.connect(self._edited)
            self._fields[name] = field
            self._form.addRow(plain(name), field)
        self._words.setText("The former file is kept beside the new one.")
        if self._wanted:
            await self._make_plan()

    def _edited(self) -> None:
        self._plan = None
        self._can_write(False)

    def _can_write(self, can: bool) -> None:
        """Enter in a field shows what changes, and never writes."""
        self.write.setEnabled(can)
        self.look.setDefault(not can)

    def _look(self) -> None:
        self._run(self._make_plan())

    async def _make_plan(self) -> None:
        self._plan = await self._tools.plan_env(self._box, self.changes)
        self._diff.setPlainText(self._plan.diff or "Nothing changes.")
        self._diff.show()
        found = " ".join(finding.sentence for finding in self._plan.findings)
        self._words.setText(found or "Compose tries the new values before they are written.")
        self._can_write(bool(self._plan.diff))

    def _write(self) -> None:
        if self._plan:
            self._run(self._apply(self._plan))

    async def _apply(self, plan: EnvPlan) -> None:
        self._can_write(False)
        self._words.setText("Compose tries the new values …")
        backup = await self._tools.apply_env(self._box, plan)
        self._before |= dict(plan.changes)
        self._words.setText(f"Written. The former file is {backup}.")
        self.written.emit()
