"""The pages around a box: setting it up, its .env, its doctor, and the tray."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from strixdesk.core.box_setup import HostKey, Survey
from strixdesk.settings import BoxSettings, TierSettings
from strixdesk.ui.box_doctor_dialog import BoxDoctorDialog
from strixdesk.ui.box_setup import BoxSetup
from strixdesk.ui.env_dialog import EnvDialog
from strixdesk.ui.theme import LIGHT
from strixdesk.ui.tray import Tray
from tests.support.scripted_boxes import BOX, BROKEN, STATUSES, TIERS
from tests.support.scripted_tools import ScriptedTools
from tests.ui.conftest import Desk, until

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
"""Dialogs and tooltips on the screenless platform."""


@pytest.fixture
def tools() -> ScriptedTools:
    return ScriptedTools()


def words(widget: QWidget) -> str:
    return "\n".join(
        label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget)
    )


async def set_up(tools: ScriptedTools, qtbot: QtBot) -> BoxSetup:
    setup = BoxSetup(tools, LIGHT)
    qtbot.addWidget(setup)
    setup.open()
    await until(lambda: setup.place.count() > 2)
    return setup


async def test_given_a_peer_then_its_stack_is_read_and_saved_as_settings(
    tools: ScriptedTools, qtbot: QtBot
) -> None:
    setup = await set_up(tools, qtbot)
    saved: list[tuple[BoxSettings, tuple[TierSettings, ...]]] = []
    setup.saved.connect(lambda box, tiers: saved.append((box, tiers)))
    assert setup.place.currentText() == "strix (online, linux)"
    setup.user.setText("anna")
    setup.look.click()
    await until(setup.save.isEnabled)
    assert setup.services.rowCount() == 4
    setup.save.click()
    ((box, tiers),) = saved
    assert (box.name, box.host, box.user) == ("strix", "strix.tail1234.ts.net", "anna")
    assert box.stack == "/home/anna/ai/strix-stack"
    assert [tier.name for tier in tiers] == ["orchestrator", "coder", "reviewer", "utility"]
    assert tiers[1].control is not None
    assert tiers[1].control.unit == "vllm-coder"


async def test_given_another_place_after_the_look_then_it_must_be_looked_at_before_it_is_saved(
    tools: ScriptedTools, qtbot: QtBot
) -> None:
    setup = await set_up(tools, qtbot)
    qtbot.keyClick(setup.user, Qt.Key.Key_Return)  # looks there
    await until(setup.save.isEnabled)
    qtbot.keyClicks(setup.user, "bob")
    assert not setup.save.isEnabled()
    qtbot.keyClick(setup.user, Qt.Key.Key_Return)
    await until(setup.save.isEnabled)
    with qtbot.waitSignal(setup.saved):
        qtbot.keyClick(setup.user, Qt.Key.Key_Return)


async def test_given_another_place_while_a_key_is_asked_about_then_that_key_is_not_trusted_there(
    tools: ScriptedTools, qtbot: QtBot
) -> None:
    tools.key = HostKey("ED25519", "SHA256:abcdef")
    setup = await set_up(tools, qtbot)
    setup.look.click()
    await until(lambda: setup.trust.isVisibleTo(setup))
    qtbot.keyClicks(setup.user, "bob")
    assert not setup.trust.isVisibleTo(setup)


async def test_given_an_unknown_host_key_then_its_fingerprint_is_asked_about_first(
    tools: ScriptedTools, qtbot: QtBot
) -> None:
    tools.key = HostKey("ED25519", "SHA256:abcdef")
    setup = await set_up(tools, qtbot)
    setup.look.click()
    await until(lambda: "SHA256:abcdef" in words(setup))
    assert not setup.save.isEnabled()
    setup.trust.click()
    await until(setup.save.isEnabled)
    assert ("trust", "SHA256:abcdef") in tools.calls


async def test_given_a_changed_host_key_then_both_are_shown_and_it_cannot_be_trusted_here(
    tools: ScriptedTools, qtbot: QtBot
) -> None:
    tools.key = HostKey("ED25519", "SHA256:new", known="SHA256:old")
    setup = await set_up(tools, qtbot)
    setup.look.click()
    await until(lambda: "SHA256:new" in words(setup))
    assert "SHA256:old" in words(setup)
    assert not setup.trust.isVisibleTo(setup)


async def test_given_a_broken_hop_then_what_to_do_is_read_and_nothing_can_be_saved(
    tools: ScriptedTools, qtbot: QtBot
) -> None:
    tools.found = Survey(BROKEN)
    setup = await set_up(tools, qtbot)
    setup.look.click()
    await until(lambda: "Run `ssh-copy-id anna@strix` once." in words(setup))
    assert not setup.save.isEnabled()


async def test_given_the_button_in_the_pane_then_a_saved_box_is_in_the_settings(
    desk: Desk, tools: ScriptedTools
) -> None:
    desk.assistant.tools = tools
    buttons = desk.window.findChildren(QPushButton)
    next(one for one in buttons if one.text() == "Add a machine …").click()
    (setup,) = desk.window.findChildren(BoxSetup)
    await until(lambda: setup.place.count() > 2)
    setup.look.click()
    await until(setup.save.isEnabled)
    setup.save.click()
    assert [box.name for box in desk.saved[0].boxes] == ["strix"]
    assert len(desk.saved[0].tiers) == 4
    assert len(desk.assistant.calls_of("save_box")) == 1


async def test_given_a_changed_value_then_it_is_written_only_after_its_difference_was_shown(
    tools: ScriptedTools, qtbot: QtBot
) -> None:
    dialog = EnvDialog(BOX, tools, {})
    qtbot.addWidget(dialog)
    dialog.open()
    await until(lambda: "compose" in words(dialog).lower() or "former" in words(dialog))
    field = dialog.field("CODER_GPU_UTIL")
    field.clear()
    qtbot.keyClicks(field, "0.50")
    assert not dialog.write.isEnabled()
    dialog.look.click()
    await until(dialog.write.isEnabled)
    qtbot.keyClicks(field, "1")
    assert not dialog.write.isEnabled(), "what is written is what was shown"
    qtbot.keyClick(field, Qt.Key.Key_Return)  # shows
    await until(dialog.write.isEnabled)
    qtbot.keyClick(field, Qt.Key.Key_Return)  # and never writes
    assert dialog.write.isEnabled()
    assert not [call for call in tools.calls if call[0] == "apply"]
    dialog.write.click()
    await until(lambda: ("apply", (("CODER_GPU_UTIL", "0.501"),)) in tools.calls)
    await until(lambda: ".strixdesk-backup" in words(dialog))
    assert dialog.changes == {}


async def test_given_the_doctor_then_each_finding_has_its_command(
    tools: ScriptedTools, qtbot: QtBot
) -> None:
    dialog = BoxDoctorDialog(BOX, tools, LIGHT)
    qtbot.addWidget(dialog)
    dialog.open()
    await until(lambda: "2 things need attention on strix" in words(dialog))
    assert "sudo apt install earlyoom" in words(dialog)


def test_given_no_tray_then_nothing_is_shown_and_the_summary_is_still_right(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    tray = Tray(QIcon(), window, available=False)
    tray.show_tiers(TIERS)
    for tier in TIERS:
        tray.show_status(tier, STATUSES[tier.name])
    tray.show_boxes((BOX, replace(BOX, name="attic")))
    assert not tray.shown
    assert tray.summary == ("1 of 4 tiers ready (strix, attic); coder loading; utility failed")
    assert [action.text() for action in tray.menu.actions() if action.isEnabled()][1:] == [
        "Show the window",
        "Talk (again: send)",
        "Stop speaking and answering",
        "Quit",
    ]
