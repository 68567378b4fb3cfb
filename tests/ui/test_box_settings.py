"""What is set for a machine that was added, and how it is taken out again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QDoubleSpinBox, QLineEdit
from pytestqt.qtbot import QtBot

from strixdesk.core.box import Deed
from strixdesk.core.events import BoxesChanged, TiersChanged
from strixdesk.settings import BoxSettings
from strixdesk.ui.box_settings_dialog import BoxSettingsDialog
from strixdesk.ui.box_setup import BoxSetup
from strixdesk.ui.settings_fields import Field
from strixdesk.ui.tiers_pane import TiersPane
from tests.support.scripted_boxes import BOX, TIERS, ScriptedBoxes, operation
from tests.support.scripted_tools import ScriptedTools
from tests.ui.conftest import Desk, until

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
"""Dialogs on the screenless platform."""


@pytest.fixture
async def boxes(desk: Desk) -> ScriptedBoxes:
    """A machine was added from the window."""
    boxes = ScriptedBoxes()
    desk.assistant.known_boxes, desk.assistant.tools = boxes, ScriptedTools()
    await press(desk, "Add a machine …")
    (setup,) = desk.window.findChildren(BoxSetup)
    await until(lambda: setup.place.count() > 2)
    setup.look.click()
    await until(setup.save.isEnabled)
    setup.save.click()
    boxes.subscribe(desk.assistant.say)
    desk.assistant.say(BoxesChanged((BOX,)), TiersChanged(TIERS))
    return boxes


def opened(desk: Desk) -> BoxSettingsDialog:
    actions = desk.window.findChildren(QAction)
    next(one for one in actions if one.text() == "Settings of this machine …").trigger()
    return desk.window.findChildren(BoxSettingsDialog)[-1]


def field(dialog: BoxSettingsDialog, key: str) -> Field:
    return next(one for one in dialog.fields if one.key == (key,))


def typed(dialog: BoxSettingsDialog, key: str, text: str, qtbot: QtBot) -> None:
    control = field(dialog, key).control
    assert isinstance(control, QLineEdit)
    control.clear()
    qtbot.keyClicks(control, text)


async def press(desk: Desk, text: str) -> None:
    def found() -> list[QAbstractButton]:
        buttons = desk.window.findChildren(QAbstractButton)
        return [one for one in buttons if one.text() == text and one.isVisible()]

    await until(lambda: bool(found()))
    found()[0].click()


async def test_given_another_reserve_then_it_is_kept_and_holds_at_once(
    desk: Desk, boxes: ScriptedBoxes
) -> None:
    dialog = opened(desk)
    control = field(dialog, "reserve_gb").control
    assert isinstance(control, QDoubleSpinBox)
    control.setValue(0)
    dialog.save()
    assert desk.saved[-1].boxes[0].reserve_gb == 0
    box, tiers = desk.assistant.calls_of("save_box")[-1]
    assert isinstance(box, BoxSettings)
    assert (box.reserve_gb, box.name, tiers) == (0, "strix", ())
    assert dialog.isHidden()


async def test_given_a_wrong_ethernet_address_then_it_is_told_and_nothing_is_saved(
    desk: Desk, boxes: ScriptedBoxes, qtbot: QtBot
) -> None:
    dialog = opened(desk)
    before = len(desk.saved)
    typed(dialog, "mac", "01:02:03", qtbot)
    dialog.save()
    assert field(dialog, "mac").error == (
        "An Ethernet address is six pairs of digits, as in 12:34:56:78:9a:bc."
    )
    assert len(desk.saved) == before
    assert dialog.isVisible()
    typed(dialog, "mac", "12:34:56:78:9a:bc", qtbot)
    dialog.save()
    assert desk.saved[-1].boxes[0].mac == "12:34:56:78:9a:bc"


async def test_given_an_emptied_field_then_what_holds_by_itself_holds_again(
    desk: Desk, boxes: ScriptedBoxes, qtbot: QtBot
) -> None:
    dialog = opened(desk)
    typed(dialog, "mac", "12:34:56:78:9a:bc", qtbot)
    dialog.save()
    dialog = opened(desk)
    typed(dialog, "mac", "", qtbot)
    dialog.save()
    assert desk.saved[-1].boxes[0].mac is None


async def test_given_a_removed_machine_then_its_tiers_go_with_it_and_undo_brings_all_back(
    desk: Desk, boxes: ScriptedBoxes
) -> None:
    added = desk.saved[-1]
    assert len(added.tiers) == 4
    opened(desk)
    await press(desk, "Remove")
    assert (desk.saved[-1].boxes, desk.saved[-1].tiers) == ((), ())
    assert desk.assistant.calls_of("remove_box") == [("strix",)]
    await press(desk, "Undo")
    assert (desk.saved[-1].boxes, desk.saved[-1].tiers) == (added.boxes, added.tiers)
    box, tiers = desk.assistant.calls_of("save_box")[-1]
    assert box == added.boxes[0]
    assert isinstance(tiers, tuple)
    assert len(tiers) == 4


async def test_given_a_machine_that_is_worked_on_then_its_settings_wait(
    desk: Desk, boxes: ScriptedBoxes
) -> None:
    boxes.tell(BOX, replace(boxes.status_of(BOX), operation=operation(Deed.START)))
    actions = desk.window.findChildren(QAction)
    next(one for one in actions if one.text() == "Settings of this machine …").trigger()
    assert not desk.window.findChildren(BoxSettingsDialog)


async def test_given_a_changed_machine_then_its_header_knows_it(
    desk: Desk, boxes: ScriptedBoxes
) -> None:
    changed = replace(BOX, reserve_gb=8.0)
    boxes.add(changed)
    desk.assistant.say(BoxesChanged((changed,)))
    (pane,) = desk.window.findChildren(TiersPane)
    assert pane.section("strix").box == changed
    assert pane.section("strix").isAncestorOf(pane.card("coder"))
