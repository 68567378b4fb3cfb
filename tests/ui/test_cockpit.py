"""The pane as a cockpit: what a box tells is seen, and what is clicked reaches it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QCheckBox, QLabel, QWidget

from strixdesk.core.box import Deed, HopState, OperationState
from strixdesk.core.events import (
    BoxChanged,
    BoxesChanged,
    ConfirmationAsked,
    ConfirmationEnded,
    TierChanged,
    TiersChanged,
    TurnChanged,
)
from strixdesk.core.route import Route
from strixdesk.core.tier import TierState
from strixdesk.core.turn import Turn, TurnSource, TurnState
from strixdesk.ui.box_log import BoxLog
from strixdesk.ui.confirm_strip import ConfirmStrip
from strixdesk.ui.memory_bar import MemoryBar
from strixdesk.ui.start_dialog import RISK, StartDialog
from strixdesk.ui.tiers_pane import TiersPane
from strixdesk.ui.what_if import WhatIfPanel
from tests.support.patient_bot import PatientBot
from tests.support.scripted_boxes import (
    BOX,
    BROKEN,
    CODER,
    GB,
    HOPS,
    ORCHESTRATOR,
    REVIEWER,
    SPEEDS,
    STATUSES,
    TIERS,
    ScriptedBoxes,
    operation,
    samples,
)
from tests.support.scripted_tools import ScriptedTools
from tests.ui.conftest import Desk, until

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
"""Dialogs and tooltips on the screenless platform."""


@pytest.fixture
def boxes(desk: Desk) -> ScriptedBoxes:
    """The desk's window with a box in it."""
    boxes = ScriptedBoxes()
    desk.window.resize(1300, 900)
    desk.assistant.known_boxes = boxes
    desk.assistant.tools = ScriptedTools()
    boxes.subscribe(desk.assistant.say)
    desk.assistant.say(BoxesChanged((BOX,)), TiersChanged(TIERS))
    for tier in TIERS:
        for status in samples(STATUSES[tier.name]):
            desk.assistant.say(TierChanged(tier, status))
    return boxes


def pane(desk: Desk) -> TiersPane:
    (found,) = desk.window.findChildren(TiersPane)
    return found


def shown(desk: Desk) -> str:
    labels = desk.window.findChildren(QLabel)
    return "\n".join(label.text() for label in labels if label.isVisible())


def press(parent: QWidget, name: str) -> None:
    found = [b for b in parent.findChildren(QAbstractButton) if b.accessibleName() == name]
    assert found, [b.accessibleName() for b in parent.findChildren(QAbstractButton)]
    found[0].click()


# -- what is seen --------------------------------------------------------------------------------


def test_given_tiers_of_a_box_then_each_card_tells_all_of_it_to_a_screen_reader(
    desk: Desk, boxes: ScriptedBoxes
) -> None:
    names = {tier.name: pane(desk).card(tier.name).accessibleName() for tier in TIERS}
    assert "25 tokens a second, 2 running, 1 waiting, KV cache 38% full" in names["orchestrator"]
    assert names["coder"].startswith("coder: loading 62%, about 2 min, Qwen3-Coder-30B-A3B")
    assert names["reviewer"].startswith("reviewer: stopped, Llama-3.3-70B-Instruct-Q4_K_M")
    assert "It was restarted 7 times." in names["utility"]


def test_given_samples_then_the_sparkline_holds_them_in_their_order(
    desk: Desk, boxes: ScriptedBoxes
) -> None:
    card = pane(desk).card("orchestrator")
    assert card.activity.sparkline.samples == SPEEDS


def test_given_a_broken_hop_then_its_sentence_is_read_and_the_box_can_be_woken(
    desk: Desk, boxes: ScriptedBoxes
) -> None:
    boxes.tell(BOX, replace(boxes.status_of(BOX), hops=BROKEN, holder="Ben on desk"))
    assert "Tailscale relayed 78 ms" in shown(desk)
    assert "ssh broken" in shown(desk)
    assert "Run `ssh-copy-id anna@strix` once." in shown(desk)
    assert "Ben on desk works here right now." in shown(desk)


def test_given_a_broken_hop_then_it_is_explained_once_and_no_tier_can_be_started(
    desk: Desk, boxes: ScriptedBoxes
) -> None:
    why = next(hop.detail for hop in BROKEN if hop.state is HopState.FAILED)
    away = replace(STATUSES["reviewer"], state=TierState.UNREACHABLE, detail=why)
    desk.assistant.say(TierChanged(REVIEWER, away))
    boxes.tell(BOX, replace(boxes.status_of(BOX), hops=BROKEN))
    card = pane(desk).card("reviewer")
    assert shown(desk).count(why) == 1
    assert why in card.accessibleName()
    assert not card.start.isEnabled()
    boxes.tell(BOX, replace(boxes.status_of(BOX), hops=HOPS))
    assert card.start.isEnabled()


async def test_given_a_broken_hop_when_wake_is_pressed_then_a_packet_is_sent(
    desk: Desk, boxes: ScriptedBoxes
) -> None:
    boxes.tell(BOX, replace(boxes.status_of(BOX), hops=BROKEN))
    press(desk.window, "Wake strix")
    await until(lambda: ("wake", "strix") in boxes.calls)


def test_given_a_live_turn_then_the_tier_that_answers_is_told_apart(
    desk: Desk, boxes: ScriptedBoxes
) -> None:
    thinking = Turn(
        "1", "c", TurnSource.TYPED, TurnState.THINKING, 0.0, Route(ORCHESTRATOR, "It is ready.")
    )
    desk.assistant.say(TurnChanged(thinking))
    assert "answering you" in pane(desk).card("orchestrator").accessibleName()
    desk.assistant.say(TurnChanged(replace(thinking, state=TurnState.DONE)))
    assert "answering you" not in pane(desk).card("orchestrator").accessibleName()


def test_given_a_stale_tier_then_its_words_say_so(desk: Desk, boxes: ScriptedBoxes) -> None:
    stale = replace(STATUSES["orchestrator"], stale=True)
    desk.assistant.say(TierChanged(ORCHESTRATOR, stale))
    assert "ready when last seen" in pane(desk).card("orchestrator").accessibleName()


def test_given_an_operation_then_step_and_eta_are_shown_and_it_can_be_cancelled_and_dismissed(
    desk: Desk, boxes: ScriptedBoxes
) -> None:
    boxes.step(BOX, operation())
    assert "loading weights, 9 of 16 files" in shown(desk)
    assert "about 2 min" in shown(desk)
    press(desk.window, "Cancel: Starting vllm-coder")
    assert ("cancel", "strix") in boxes.calls
    boxes.step(BOX, replace(operation(), state=OperationState.CANCELLED, step="It stays stopped."))
    press(desk.window, "Dismiss: Cancelled: starting vllm-coder")
    assert "It stays stopped." not in shown(desk)


# -- memory --------------------------------------------------------------------------------------


def test_given_the_keyboard_then_each_piece_of_the_memory_bar_is_told(
    desk: Desk, boxes: ScriptedBoxes, qtbot: PatientBot
) -> None:
    bars = desk.window.findChildren(MemoryBar)
    (bar,) = [b for b in bars if b.accessibleName() == "Memory of strix today"]
    assert "GB free" in bar.accessibleDescription()
    qtbot.keyClick(bar, Qt.Key.Key_Left)
    assert bar.accessibleName() == "Memory of strix today: reserve: 4.0 GB"


def test_given_a_start_that_is_pointed_at_then_its_button_stays_where_it_is(
    desk: Desk, boxes: ScriptedBoxes, qtbot: PatientBot
) -> None:
    start = pane(desk).card("reviewer").start
    before = start.mapToGlobal(start.rect().center())
    pane(desk).card("reviewer").start_considered.emit("reviewer")
    (panel,) = desk.window.findChildren(WhatIfPanel)
    qtbot.waitUntil(panel.isVisible)
    boxes.tell(BOX, boxes.status_of(BOX))
    assert panel.isVisible()
    assert start.mapToGlobal(start.rect().center()) == before


def test_given_a_start_that_is_pointed_at_then_its_verdict_stands_there_until_it_is_left(
    desk: Desk, boxes: ScriptedBoxes
) -> None:
    start = pane(desk).card("reviewer").start
    QApplication.sendEvent(start, QEvent(QEvent.Type.Enter))
    verdict = boxes.forecast(BOX, ["llama-reviewer"])
    assert verdict is not None
    assert verdict.sentence in shown(desk)
    QApplication.sendEvent(start, QEvent(QEvent.Type.Leave))
    assert verdict.sentence not in shown(desk)


async def test_given_a_start_that_does_not_fit_then_it_is_talked_over_and_needs_a_deliberate_act(
    desk: Desk, boxes: ScriptedBoxes
) -> None:
    pane(desk).card("reviewer").start.click()
    await until(lambda: bool(desk.window.findChildren(StartDialog)))
    (dialog,) = desk.window.findChildren(StartDialog)
    press(dialog, "Start anyway")
    assert len(done(boxes)) == 1, "only the first one, which was refused"
    (sure,) = [box for box in dialog.findChildren(QCheckBox) if box.text() == RISK]
    sure.setChecked(True)
    press(dialog, "Start anyway")
    await until(lambda: len(done(boxes)) == 2)
    assert done(boxes)[1] == (Deed.START, ("llama-reviewer",), None, True)


async def test_given_a_remedy_then_others_are_stopped_before_the_start(
    desk: Desk, boxes: ScriptedBoxes
) -> None:
    pane(desk).card("reviewer").start.click()
    await until(lambda: bool(desk.window.findChildren(StartDialog)))
    (dialog,) = desk.window.findChildren(StartDialog)
    look = boxes.forecast(BOX, ["llama-reviewer"])
    assert look is not None
    remedy = next(one for one in look.remedies if one.stop)
    press(dialog, remedy.sentence)
    await until(lambda: len(done(boxes)) == 2)
    assert done(boxes)[1] == (Deed.STOP, remedy.stop, None, False)
    freed = boxes.status_of(BOX)
    assert freed.memory is not None
    boxes.tell(
        BOX,
        replace(
            freed,
            services=tuple(one for one in freed.services if one.name not in remedy.stop),
            memory=replace(freed.memory, available_bytes=120 * GB, gpu_used_bytes=0),
        ),
    )
    boxes.step(BOX, replace(operation(Deed.STOP), state=OperationState.DONE))
    await until(lambda: len(done(boxes)) == 3)
    assert done(boxes)[2] == (Deed.START, ("llama-reviewer",), None, False)


# -- one click -----------------------------------------------------------------------------------


async def test_given_a_ready_tier_then_stop_is_one_click(desk: Desk, boxes: ScriptedBoxes) -> None:
    pane(desk).card("orchestrator").stop.click()
    await until(lambda: done(boxes) == [(Deed.STOP, ("vllm-orchestrator",), None, False)])


async def test_given_stop_all_then_it_waits_for_a_yes_and_escape_is_a_no(
    desk: Desk, boxes: ScriptedBoxes, qtbot: PatientBot
) -> None:
    press(desk.window, "Stop everything on strix")
    desk.window.activateWindow()
    await until(desk.window.isActiveWindow)
    qtbot.keyClick(desk.window, Qt.Key.Key_Escape)
    (strip,) = desk.window.findChildren(ConfirmStrip)
    await until(lambda: not strip.isVisible())
    assert done(boxes) == []
    press(desk.window, "Stop everything on strix")
    strip.yes.click()
    await until(lambda: done(boxes) == [(Deed.STOP, (), None, False)])


async def test_given_the_log_then_it_is_followed_searched_and_ends_with_its_window(
    desk: Desk, boxes: ScriptedBoxes, qtbot: PatientBot
) -> None:
    pane(desk).card("coder").logs.click()
    (panel,) = desk.window.findChildren(BoxLog)
    await until(lambda: "9/16" in panel.text.toPlainText())
    boxes.say_line("INFO ready")
    await until(lambda: panel.text.toPlainText().endswith("INFO ready"))
    qtbot.keyClicks(panel.field, "max model len")
    panel.find_next()
    assert panel.text.textCursor().selectedText() == "max model len"
    assert not panel.follow.isChecked(), "so that it stays at what was found"
    panel.close()


def test_given_a_card_without_a_box_then_it_offers_no_start(desk: Desk) -> None:
    desk.assistant.say(TiersChanged((CODER,)))
    assert not pane(desk).card("coder").start.isVisible()


def test_given_a_pane_that_is_hidden_then_the_boxes_are_looked_at_less(
    desk: Desk, boxes: ScriptedBoxes, qtbot: PatientBot
) -> None:
    watched = desk.assistant.calls_of
    qtbot.waitUntil(lambda: watched("set_watched")[-1] == (True,))
    press(desk.window, "Show or hide the tiers")
    assert watched("set_watched")[-1] == (False,)
    press(desk.window, "Show or hide the tiers")
    qtbot.waitUntil(lambda: watched("set_watched")[-1] == (True,))


# -- spoken control ------------------------------------------------------------------------------


def test_given_a_question_then_yes_and_no_go_back_with_its_id(desk: Desk) -> None:
    (strip,) = desk.window.findChildren(ConfirmStrip)
    desk.assistant.say(ConfirmationAsked("7", "Start the coder? It takes 4 minutes."))
    assert strip.isVisible()
    strip.yes.click()
    desk.assistant.say(ConfirmationAsked("8", "Stop the coder?"))
    strip.no.click()
    assert desk.assistant.calls_of("confirm") == [("7", True), ("8", False)]


def test_given_a_question_that_ended_elsewhere_then_the_strip_leaves(desk: Desk) -> None:
    (strip,) = desk.window.findChildren(ConfirmStrip)
    desk.assistant.say(ConfirmationAsked("7", "Start the coder?"), ConfirmationEnded("7", True))
    assert not strip.isVisible()
    assert desk.assistant.calls_of("confirm") == []


async def test_given_an_own_question_of_the_window_then_the_one_behind_it_comes_back(
    desk: Desk, boxes: ScriptedBoxes
) -> None:
    (strip,) = desk.window.findChildren(ConfirmStrip)
    desk.assistant.say(ConfirmationAsked("7", "Start the coder?"))
    press(desk.window, "Stop everything on strix")
    strip.yes.click()
    strip.yes.click()
    assert desk.assistant.calls_of("confirm") == []
    await until(strip.isVisible)
    assert strip.accessibleName() == "Start the coder?"
    strip.yes.click()
    assert desk.assistant.calls_of("confirm") == [("7", True)]


# -- for everyone --------------------------------------------------------------------------------


def test_every_control_of_the_cockpit_has_an_accessible_name(
    desk: Desk, boxes: ScriptedBoxes
) -> None:
    boxes.step(BOX, operation())
    desk.assistant.say(BoxChanged(BOX, boxes.status_of(BOX)))
    nameless = [
        f"{type(one).__name__} {one.objectName()}"
        for one in pane(desk).findChildren(QWidget)
        if one.focusPolicy() != Qt.FocusPolicy.NoFocus
        and not one.objectName().startswith("qt_")
        and not one.accessibleName()
    ]
    assert nameless == []


def test_given_tab_then_every_visible_button_of_the_pane_is_reached(
    desk: Desk, boxes: ScriptedBoxes
) -> None:
    reached: set[QWidget] = set()
    one: QWidget | None = desk.window
    while one is not None and one not in reached:
        reached.add(one)
        one = one.nextInFocusChain()
    wanted = {b for b in pane(desk).findChildren(QAbstractButton) if b.isVisible()}
    assert wanted <= reached
    assert all(b.focusPolicy() & Qt.FocusPolicy.TabFocus for b in wanted)


def done(boxes: ScriptedBoxes) -> list[tuple[object, ...]]:
    """What was asked to be done: deed, services, mode and override."""
    return [call[2:] for call in boxes.calls if call[0] == "do"]
