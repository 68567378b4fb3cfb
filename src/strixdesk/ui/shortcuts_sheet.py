"""Every key and what it does, on one sheet."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from strixdesk.ui.settings_fields import plain_label


class ShortcutsSheet(QDialog):
    """Open with `open()`; Esc, Enter or Close closes it."""

    def __init__(self, rows: Sequence[tuple[str, str]], parent: QWidget | None = None) -> None:
        """`rows`: a key in Qt's portable text, or in words, and what it does."""
        super().__init__(parent)
        self.setWindowTitle("Keys")
        self.rows = tuple((shown_key(key), meaning) for key, meaning in rows)
        sheet = QWidget()
        grid = QGridLayout(sheet)
        grid.setContentsMargins(4, 4, 12, 4)
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(9)
        for row, (key, meaning) in enumerate(self.rows):
            cap = plain_label(key, "chip")
            words = plain_label(meaning, "")
            words.setAccessibleName(f"{key}: {meaning}")
            grid.addWidget(cap, row, 0, Qt.AlignmentFlag.AlignLeft)
            grid.addWidget(words, row, 1)
        grid.setColumnStretch(1, 1)
        grid.setRowStretch(len(self.rows), 1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setAccessibleName("Keys and what they do")
        area.setWidget(sheet)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close = buttons.button(QDialogButtonBox.StandardButton.Close)
        close.setAccessibleName("Close")
        close.setDefault(True)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(14)
        column.addWidget(plain_label("Keys", "headline"))
        column.addWidget(area, 1)
        column.addWidget(buttons)
        hint = sheet.sizeHint()
        self.resize(max(420, hint.width() + 60), min(640, hint.height() + 150))
        close.setFocus()


def shown_key(key: str) -> str:
    """As this computer writes it (⌘N on a Mac); words such as "Hold F9" stay, but for their key."""
    words, _, last = key.rpartition(" ")
    sequence = QKeySequence(last)
    if sequence.isEmpty() or sequence[0].key() == Qt.Key.Key_unknown:  # type: ignore[index]
        return key
    native = sequence.toString(QKeySequence.SequenceFormat.NativeText)
    return f"{words} {native}".strip()
