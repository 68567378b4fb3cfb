"""The window closes at once, unless a box is still being worked on: then the user is asked once."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from strixdesk.core.box import OperationState
from strixdesk.core.events import BoxesChanged
from strixdesk.ui.closing import ClosingDialog
from tests.support.scripted_boxes import BOX, ScriptedBoxes, operation
from tests.ui.conftest import Desk

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


@pytest.fixture
def busy(desk: Desk) -> ScriptedBoxes:
    boxes = ScriptedBoxes()
    desk.assistant.known_boxes = boxes
    boxes.subscribe(desk.assistant.say)
    desk.assistant.say(BoxesChanged((BOX,)))
    boxes.step(BOX, operation())
    return boxes


def answer(desk: Desk, text: str) -> None:
    dialogs = [one for one in desk.window.findChildren(ClosingDialog) if one.isVisible()]
    (dialog,) = dialogs
    next(one for one in dialog.findChildren(QPushButton) if one.text() == text).click()


def test_given_nothing_under_way_then_it_closes_at_once(desk: Desk) -> None:
    assert desk.window.close()


def test_given_a_start_under_way_when_the_system_ends_the_program_then_nobody_is_asked(
    desk: Desk, busy: ScriptedBoxes, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(desk.window.closed):
        desk.window.close_now()


def test_given_a_start_under_way_when_it_may_finish_then_the_window_is_gone_and_closes_after_it(
    desk: Desk, busy: ScriptedBoxes, qtbot: QtBot
) -> None:
    assert not desk.window.close()
    assert not desk.window.close()
    with qtbot.assertNotEmitted(desk.window.closed):
        answer(desk, "Let it finish")
    assert not desk.window.isVisible()
    with qtbot.waitSignal(desk.window.closed):
        busy.step(BOX, operation(state=OperationState.DONE))


def test_given_a_start_under_way_when_it_is_stopped_then_it_closes_as_soon_as_it_stopped(
    desk: Desk, busy: ScriptedBoxes, qtbot: QtBot
) -> None:
    desk.window.close()
    answer(desk, "Stop it")
    assert ("cancel", "strix") in busy.calls
    with qtbot.waitSignal(desk.window.closed):
        busy.step(BOX, operation(state=OperationState.CANCELLED))


def test_given_a_start_under_way_when_closing_is_cancelled_then_all_goes_on(
    desk: Desk, busy: ScriptedBoxes, qtbot: QtBot
) -> None:
    desk.window.close()
    answer(desk, "Cancel")
    with qtbot.assertNotEmitted(desk.window.closed):
        busy.step(BOX, operation(state=OperationState.DONE))
    assert desk.window.isVisible()


def test_given_a_window_that_waits_to_close_when_it_is_wanted_again_then_it_stays(
    desk: Desk, busy: ScriptedBoxes, qtbot: QtBot
) -> None:
    desk.window.close()
    answer(desk, "Let it finish")
    desk.window.come_to_front()
    with qtbot.assertNotEmitted(desk.window.closed):
        busy.step(BOX, operation(state=OperationState.DONE))
    assert desk.window.isVisible()
