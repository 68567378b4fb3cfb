"""The sheet of keys."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from strixdesk.ui.shortcuts_sheet import ShortcutsSheet, shown_key
from tests.ui.no_screen import NO_SCREEN

pytestmark = NO_SCREEN


def test_every_key_stands_beside_what_it_does(qtbot: QtBot) -> None:
    sheet = ShortcutsSheet([("Hold F9", "Talk; let go to send"), ("Ctrl+N", "New conversation")])
    qtbot.addWidget(sheet)
    sheet.open()
    places = {label.text(): label.y() for label in sheet.findChildren(QLabel)}
    assert abs(places[shown_key("Ctrl+N")] - places["New conversation"]) < 6
    assert places[shown_key("Hold F9")] < places["New conversation"]


@pytest.mark.parametrize("key", [Qt.Key.Key_Escape, Qt.Key.Key_Return])
def test_escape_and_enter_close_it(qtbot: QtBot, key: Qt.Key) -> None:
    sheet = ShortcutsSheet([("F1", "Keys")])
    qtbot.addWidget(sheet)
    sheet.open()
    qtbot.keyClick(sheet, key)
    assert not sheet.isVisible()


def test_words_around_a_key_stay(qtbot: QtBot) -> None:
    assert shown_key("Hold F9") == "Hold F9"
    assert shown_key("Any letter") == "Any letter"


def test_a_sheet_with_more_keys_than_fit_scrolls(qtbot: QtBot) -> None:
    sheet = ShortcutsSheet([(f"F{n}", f"Does thing {n}") for n in range(1, 36)] * 3)
    qtbot.addWidget(sheet)
    sheet.open()
    assert sheet.height() <= 640
