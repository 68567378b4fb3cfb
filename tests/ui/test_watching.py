"""Somebody who can see the tiers gets them fresh; for nobody, they are looked at rarely."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from strixdesk.ui.tiers_pane import TiersPane
from tests.ui.conftest import Desk

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


def watched(desk: Desk) -> object:
    """What was last told."""
    return desk.assistant.calls_of("set_watched")[-1][0]


def test_given_a_window_on_the_screen_then_its_tiers_are_watched(desk: Desk, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: watched(desk) is True)


def test_given_a_window_when_it_is_minimised_and_comes_back_then_both_are_told(
    desk: Desk, qtbot: QtBot
) -> None:
    qtbot.waitUntil(lambda: watched(desk) is True)
    desk.window.showMinimized()
    qtbot.waitUntil(lambda: watched(desk) is False)
    desk.window.come_to_front()
    qtbot.waitUntil(lambda: watched(desk) is True)


def test_given_a_window_when_it_is_hidden_then_nobody_watches(desk: Desk, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: watched(desk) is True)
    desk.window.hide()
    qtbot.waitUntil(lambda: watched(desk) is False)


def test_given_a_window_when_its_pane_of_tiers_is_closed_then_nobody_watches(
    desk: Desk, qtbot: QtBot
) -> None:
    qtbot.waitUntil(lambda: watched(desk) is True)
    (pane,) = desk.window.findChildren(TiersPane)
    desk.window.resize(700, 600)
    qtbot.waitUntil(lambda: not pane.isVisible())
    assert watched(desk) is False
