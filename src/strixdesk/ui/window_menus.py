"""The window's menus: every action has a key, and the key is written beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow


@dataclass(frozen=True, slots=True)
class Entry:
    text: str
    keys: str
    """Qt's portable key text; may be empty."""
    do: Callable[[], object]


Menu = tuple[str, Sequence[Entry | None]]
"""A title and its entries; None is a line between."""


def fill_menu_bar(window: QMainWindow, menus: Sequence[Menu]) -> None:
    for title, entries in menus:
        menu = window.menuBar().addMenu(title)
        for entry in entries:
            if entry is None:
                menu.addSeparator()
                continue
            action = QAction(entry.text, window)
            if entry.keys:
                action.setShortcut(QKeySequence(entry.keys))
            action.triggered.connect(entry.do)
            menu.addAction(action)


def menu_keys(menus: Sequence[Menu]) -> list[str]:
    return [entry.keys for _title, entries in menus for entry in entries if entry and entry.keys]


def shortcut_rows(menus: Sequence[Menu], talk_key: str) -> list[tuple[str, str]]:
    """Every key and what it does, for the sheet that F1 opens."""
    rows = [
        (f"Hold {talk_key}", "Talk; let go to send"),
        ("Enter", "Send"),
        ("Shift+Enter", "New line"),
        ("Up", "Bring the last question back (in an empty field)"),
    ]
    for _title, entries in menus:
        rows += [
            (entry.keys, entry.text.replace("&", "")) for entry in entries if entry and entry.keys
        ]
    return rows
