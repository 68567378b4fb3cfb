"""Labels and buttons as the panes use them: plain text, named for screen readers."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QLayout, QPushButton


def plain(text: str = "", name: str = "", *, wrap: bool = False) -> QLabel:
    """`name`: the look it takes from the style sheet."""
    label = QLabel(text)
    label.setObjectName(name)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(wrap)
    return label


def push(
    text: str, do: Callable[[], object] | None = None, *, says: str = "", name: str = ""
) -> QPushButton:
    """`says`: for a screen reader, where the text alone does not tell what it concerns."""
    button = QPushButton(text)
    button.setObjectName(name)
    button.setAccessibleName(says or text)
    button.setAutoDefault(False)
    if do is not None:
        button.clicked.connect(do)
    return button


def empty(layout: QLayout) -> None:
    """Takes everything out of it, for good."""
    while layout.count():
        item = layout.takeAt(0)
        if item is None:
            continue
        if widget := item.widget():
            widget.hide()
            widget.deleteLater()
        elif inner := item.layout():
            empty(inner)
