"""The live log of a service: follow it, search it, copy it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from PySide6.QtCore import QTimer
from PySide6.QtGui import QFontDatabase, QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from strixdesk.core.errors import StrixError
from strixdesk.ui.plain import plain, push

MOST_LINES = 5000
SHOWN_EVERY_MS = 80
"""A server that starts says hundreds of lines a second."""


class BoxLog(QDialog):
    """A window of its own, so that it can stand beside the conversation."""

    def __init__(self, service: str, box: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Log of {service} on {box}")
        self.setModal(False)
        self.resize(820, 480)
        self._waiting: list[str] = []
        self._following: asyncio.Task[None] | None = None
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setMaximumBlockCount(MOST_LINES)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setAccessibleName(f"Log of {service}")
        self.follow = QCheckBox("Follow")
        self.follow.setChecked(True)
        self.follow.toggled.connect(self._followed)
        self.field = QLineEdit()
        self.field.setPlaceholderText("Find")
        self.field.setAccessibleName("Find in the log")
        self.field.setClearButtonEnabled(True)
        self.field.returnPressed.connect(self.find_next)
        self._state = plain("Waiting for the first line …", "muted")
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.field, 1)
        row.addWidget(push("Find next", self.find_next))
        row.addWidget(self.follow)
        row.addWidget(push("Copy all", self._copy))
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 14, 14, 12)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self.text, 1)
        column.addWidget(self._state)
        QShortcut(QKeySequence.StandardKey.Find, self).activated.connect(self.field.setFocus)
        self._clock = QTimer(self)
        self._clock.setSingleShot(True)
        self._clock.setInterval(SHOWN_EVERY_MS)
        self._clock.timeout.connect(self._show)

    def follow_lines(self, lines: AsyncGenerator[str, None]) -> None:
        """Shows them as they come, until they end or the window is closed."""
        self._following = asyncio.get_running_loop().create_task(self._follow(lines))

    async def _follow(self, lines: AsyncGenerator[str, None]) -> None:
        try:
            async with contextlib.aclosing(lines):
                async for line in lines:
                    self.add(line)
            self.show_end("The log ended.")
        except StrixError as error:
            self.show_end(error.sentence())

    def add(self, line: str) -> None:
        self._waiting.append(line)
        if not self._clock.isActive():
            self._clock.start()

    def show_end(self, sentence: str) -> None:
        """No more lines will come, and why."""
        self._show()
        self._state.setText(sentence)

    def find_next(self) -> None:
        words = self.field.text()
        if not words:
            return
        self.follow.setChecked(False)
        if not self.text.find(words):
            self.text.moveCursor(self.text.textCursor().MoveOperation.Start)
            if not self.text.find(words):
                self._state.setText(f"“{words}” is not in these lines.")
                return
        self._state.setText(f"Found in line {self.text.textCursor().blockNumber() + 1}.")

    def done(self, result: int) -> None:
        if self._following:
            self._following.cancel()
        super().done(result)

    def _show(self) -> None:
        if not self._waiting:
            return
        self.text.appendPlainText("\n".join(self._waiting))
        self._waiting.clear()
        self._state.setText(f"{self.text.blockCount()} lines")
        if self.follow.isChecked():
            self._followed(True)

    def _followed(self, on: bool) -> None:
        if on:
            bar = self.text.verticalScrollBar()
            bar.setValue(bar.maximum())

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text.toPlainText())
        self._state.setText("Copied.")
