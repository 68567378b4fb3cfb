"""Finds what stands in a window, as its user does: by name and by words."""

from __future__ import annotations

import re
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QLabel, QPushButton, QToolButton, QWidget

from strixdesk.ui.conversation_list import ConversationList
from tests.ui.conftest import Desk

W = TypeVar("W", bound=QWidget)


def the(desk: Desk, kind: type[W]) -> W:
    (found,) = desk.window.findChildren(kind)
    return found


def named(desk: Desk, name: str) -> QWidget:
    found = [w for w in desk.window.findChildren(QWidget) if w.accessibleName() == name]
    assert found, [w.accessibleName() for w in desk.window.findChildren(QWidget)]
    return found[0]


def button(desk: Desk, name: str) -> QAbstractButton:
    found = named(desk, name)
    assert isinstance(found, QPushButton | QToolButton)
    return found


def shown(desk: Desk) -> list[str]:
    """On a machine that stalls a turn has been thinking for seconds when it is looked at."""
    labels = [label for label in desk.window.findChildren(QLabel) if label.isVisible()]
    return [re.sub(r"^Thinking \d+ s", "Thinking …", label.text()) for label in labels]


def notices(desk: Desk) -> list[str]:
    return [
        label.text()
        for frame in desk.window.findChildren(QWidget, "notice")
        for label in frame.findChildren(QLabel)
    ]


def open_conversation(desk: Desk, title: str) -> None:
    rows = the(desk, ConversationList).rows
    (item,) = rows.findItems(title, Qt.MatchFlag.MatchExactly)
    rows.itemClicked.emit(item)
