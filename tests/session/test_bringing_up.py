"""What a kept question waits for is brought up: after a wake, and whatever controls it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from strixdesk.backends.box.local_shell import LocalShell
from strixdesk.backends.box.shell import Shell
from strixdesk.backends.box.unit_controls import UnitControls
from strixdesk.core.box import BoxMemory, BoxStatus, Deed, OperationState
from strixdesk.core.chat import ChatDelta, ChatEnd
from strixdesk.core.events import ConfirmationAsked, ConfirmationEnded, MessageAdded, MessageChanged
from strixdesk.core.tier import Control, ControlKind, Tier, TierState, TierStatus
from strixdesk.session import bringing_up
from tests.session.conftest import Stage
from tests.session.test_waiting import all_are, answered, calls, manner, now_is, said, waiting
from tests.support.eventually import eventually
from tests.support.fakes import FakeTiers, ScriptedChat
from tests.support.scripted_boxes import (
    BOX,
    BROKEN,
    CODER,
    GB,
    TIERS,
    UTILITY,
    ScriptedBoxes,
    operation,
    status,
)

UP = replace(status(), services=(), memory=BoxMemory(128 * GB, 120 * GB))
ASLEEP = BoxStatus(BROKEN, 0.0)


@pytest.fixture(autouse=True)
def _no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bringing_up, "COMES_UP_WITHIN_S", 0.0)


@pytest.fixture
def boxes(stage: Stage) -> ScriptedBoxes:
    """It is asleep."""
    boxes = ScriptedBoxes()
    boxes.tell(BOX, ASLEEP)
    stage.boxes = boxes
    stage.tiers = FakeTiers(*TIERS)
    all_are(stage, TierState.UNREACHABLE)
    stage.chat = ScriptedChat(
        [ChatDelta("Answer 1."), ChatEnd("stop")], [ChatDelta("Answer 2."), ChatEnd("stop")]
    )
    return boxes


def comes_up(stage: Stage, boxes: ScriptedBoxes, now: BoxStatus = UP) -> None:
    """With nothing running on it."""
    boxes.tell(BOX, now)
    for tier in TIERS:
        now_is(stage, tier, TierState.STOPPED)


def is_done(boxes: ScriptedBoxes) -> None:
    boxes.step(BOX, replace(operation(state=OperationState.DONE), step="Up."))


async def offered(stage: Stage, words: str) -> ConfirmationAsked:
    await stage.heard.until(
        lambda: any(words in one.sentence for one in stage.heard.of(ConfirmationAsked))
    )
    return stage.heard.of(ConfirmationAsked)[-1]


async def test_by_setting_a_box_that_was_woken_gets_its_tier_started(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    manner(boxes, "automatic")
    boxes.tell(BOX, ASLEEP)
    await stage.begin()
    await said(stage, "Write a parser.", "coder")
    await stage.heard.until(lambda: calls(boxes, "wake") == 1)
    comes_up(stage, boxes)
    await stage.heard.until(lambda: calls(boxes, "do") == 1)
    assert boxes.calls[-1] == ("do", "strix", Deed.START, ("vllm-coder",), None, False)
    is_done(boxes)
    now_is(stage, CODER, TierState.READY)
    await answered(stage, "Answer 1.")
    assert not stage.heard.of(ConfirmationAsked)


async def test_else_its_start_is_offered(stage: Stage, boxes: ScriptedBoxes) -> None:
    session = await stage.begin()
    await said(stage, "Write a parser.", "coder")
    session.confirm((await offered(stage, "Shall I wake it")).id, yes=True)
    await stage.heard.until(lambda: calls(boxes, "wake") == 1)
    comes_up(stage, boxes)
    question = await offered(stage, "strix is up, but “coder” is stopped. A question waits")
    assert calls(boxes, "do") == 0
    session.confirm(question.id, yes=True)
    await stage.heard.until(lambda: calls(boxes, "do") == 1)
    is_done(boxes)
    now_is(stage, CODER, TierState.READY)
    await answered(stage, "Answer 1.")


async def test_a_tier_that_comes_up_by_itself_is_not_started(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    manner(boxes, "automatic")
    boxes.tell(BOX, ASLEEP)
    await stage.begin()
    await said(stage, "Write a parser.", "coder")
    await stage.heard.until(lambda: calls(boxes, "wake") == 1)
    now_is(stage, CODER, TierState.LOADING)
    boxes.tell(BOX, UP)
    now_is(stage, UTILITY, TierState.STOPPED)
    now_is(stage, CODER, TierState.READY)
    await answered(stage, "Answer 1.")
    assert calls(boxes, "do") == 0


async def test_after_a_no_the_question_waits_on_and_nothing_is_offered_until_the_box_was_away(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    session = await stage.begin()
    await said(stage, "Write a parser.", "coder")
    session.confirm((await offered(stage, "Shall I wake it")).id, yes=True)
    await stage.heard.until(lambda: calls(boxes, "wake") == 1)
    comes_up(stage, boxes)
    session.confirm((await offered(stage, "A question waits")).id, yes=False)
    await stage.heard.until(lambda: len(stage.heard.of(ConfirmationEnded)) == 2)
    now_is(stage, CODER, TierState.STOPPED)
    assert len(waiting(stage)) == 1
    boxes.tell(BOX, ASLEEP)
    comes_up(stage, boxes)
    await stage.heard.until(lambda: len(stage.heard.of(ConfirmationAsked)) == 3)
    now_is(stage, CODER, TierState.READY)  # started by hand
    await answered(stage, "Answer 1.")
    assert calls(boxes, "do") == 0


async def test_what_would_not_fit_is_told_where_the_question_waits(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    manner(boxes, "automatic")
    boxes.tell(BOX, ASLEEP)
    await stage.begin()
    await said(stage, "Write a parser.", "coder")
    await stage.heard.until(lambda: calls(boxes, "wake") == 1)
    comes_up(stage, boxes, replace(UP, memory=BoxMemory(128 * GB, 10 * GB)))
    await stage.heard.until(lambda: "would not fit" in (waiting(stage)[0].detail or ""))
    assert calls(boxes, "do") == 0


async def test_a_late_start_that_fails_is_not_repeated(stage: Stage, boxes: ScriptedBoxes) -> None:
    manner(boxes, "automatic")
    boxes.tell(BOX, ASLEEP)
    await stage.begin()
    await said(stage, "Write a parser.", "coder")
    await stage.heard.until(lambda: calls(boxes, "wake") == 1)
    comes_up(stage, boxes)
    await stage.heard.until(lambda: calls(boxes, "do") == 1)
    boxes.step(BOX, replace(operation(state=OperationState.FAILED), step="Out of memory."))
    await stage.heard.until(
        lambda: any("Out of memory" in e.message.text for e in stage.heard.of(MessageChanged))
    )
    now_is(stage, CODER, TierState.STOPPED)
    await said(stage, "What now?", "utility")  # takes longer than seeing to the box
    await stage.heard.until(lambda: calls(boxes, "do") == 2)
    assert [call[3] for call in boxes.calls if call[0] == "do"][1] == ("llama-utility",)
    assert any("is stopped" in (one.detail or "") for one in waiting(stage))


async def test_a_dropped_question_leaves_the_offer_to_the_next(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    session = await stage.begin()
    await said(stage, "First?", "coder")
    session.confirm((await offered(stage, "Shall I wake it")).id, yes=True)
    await stage.heard.until(lambda: calls(boxes, "wake") == 1)
    await said(stage, "Second?", "coder")
    first, second = waiting(stage)
    comes_up(stage, boxes)
    assert (await offered(stage, "A question waits")).id == first.id
    session.drop_waiting(first.id)
    await stage.heard.until(lambda: len(stage.heard.of(ConfirmationAsked)) == 3)
    session.confirm(stage.heard.of(ConfirmationAsked)[-1].id, yes=True)
    await stage.heard.until(lambda: calls(boxes, "do") == 1)
    assert stage.heard.of(ConfirmationAsked)[-1].id == second.id


async def test_an_offer_that_another_took_the_place_of_comes_back(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    await stage.begin()
    comes_up(stage, boxes)
    await said(stage, "Write a parser.", "coder")
    await offered(stage, "“coder” is stopped. Shall I start it and answer then?")
    await said(stage, "stop the reviewer")
    await offered(stage, "I would stop the reviewer")
    await said(stage, "no")
    question = await offered(stage, "“coder” is stopped. A question waits")
    assert len(waiting(stage)) == 1
    stage.session.confirm(question.id, yes=True)
    await stage.heard.until(lambda: calls(boxes, "do") == 1)


async def test_while_the_box_is_busy_a_start_waits_and_is_offered_after(
    stage: Stage, boxes: ScriptedBoxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bringing_up, "_LOOK_S", 0.01)
    session = await stage.begin()
    await said(stage, "Write a parser.", "coder")
    session.confirm((await offered(stage, "Shall I wake it")).id, yes=True)
    await stage.heard.until(lambda: calls(boxes, "wake") == 1)
    comes_up(stage, boxes, replace(UP, operation=operation(services=("llama-utility",))))
    await said(stage, "Second?", "coder")  # takes longer than seeing to the box
    await offered(stage, "“coder” is stopped. Shall I start it and answer then?")
    await said(stage, "yes")
    assert len(waiting(stage)) == 2
    assert calls(boxes, "do") == 0
    is_done(boxes)
    question = await offered(stage, "“coder” is stopped. A question waits")
    session.confirm(question.id, yes=True)
    await stage.heard.until(lambda: calls(boxes, "do") == 1)


async def test_a_yes_that_comes_when_another_start_has_begun_is_told_that_the_box_is_busy(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    manner(boxes, "automatic")
    session = await stage.begin()
    comes_up(stage, boxes)
    await said(stage, "start the reviewer")
    question = await offered(stage, "I would start the reviewer")
    await said(stage, "Write a parser.", "coder")
    await stage.heard.until(lambda: calls(boxes, "do") == 1)
    session.confirm(question.id, yes=True)
    await stage.heard.until(
        lambda: any("already" in one.message.text for one in stage.heard.of(MessageAdded))
    )
    assert calls(boxes, "do") == 1


# ---- tiers that are no compose services --------------------------------------------------------


def scribe(stage: Stage, control: Control, shell: Shell | None = None) -> Tier:
    """It does not answer."""
    tier = Tier("scribe", "http://127.0.0.1:9/v1", control=control)
    stage.tiers = FakeTiers(*TIERS, tier)
    stage.tiers.status = {
        one.name: TierStatus(TierState.UNREACHABLE, 0.0) for one in (*TIERS, tier)
    }
    stage.controls = UnitControls(
        lambda: (BOX,), lambda _: shell or LocalShell(), httpx.AsyncClient()
    )
    return tier


async def test_a_server_with_a_command_of_its_own_is_offered_and_answers_once_it_is_up(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    up = stage.folder / "up"
    tier = scribe(stage, Control(ControlKind.COMMAND, start=("touch", str(up))))
    session = await stage.begin()
    await said(stage, "Take a note.", "scribe")
    question = await offered(stage, "“scribe” is stopped")
    assert not up.exists()
    session.confirm(question.id, yes=True)
    await eventually(up.exists, within_s=10)
    await eventually(lambda: "scribe" in stage.tiers.doubted, within_s=10)
    now_is(stage, tier, TierState.READY)
    await answered(stage, "Answer 1.")


async def test_a_systemd_unit_on_a_box_that_is_up_starts_by_itself_where_that_is_set(
    stage: Stage, boxes: ScriptedBoxes, tmp_path: Path
) -> None:
    program = tmp_path / "systemctl"
    program.write_text('#!/bin/sh\necho "$@" >> "${0%/*}/asked"\n')
    program.chmod(0o755)
    shell = LocalShell({**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})
    tier = scribe(stage, Control(ControlKind.SYSTEMD, "strix", "scribe.service"), shell)
    manner(boxes, "automatic")
    boxes.tell(BOX, UP)
    await stage.begin()
    await said(stage, "Take a note.", "scribe")
    await eventually((tmp_path / "asked").exists, within_s=10)
    now_is(stage, tier, TierState.READY)
    await answered(stage, "Answer 1.")
    assert (tmp_path / "asked").read_text() == "--user start -- scribe.service\n"
    assert calls(boxes, "wake") == 0


async def test_a_systemd_unit_on_a_box_that_was_woken_is_started_too(
    stage: Stage, boxes: ScriptedBoxes, tmp_path: Path
) -> None:
    program = tmp_path / "systemctl"
    program.write_text('#!/bin/sh\necho "$@" >> "${0%/*}/asked"\n')
    program.chmod(0o755)
    shell = LocalShell({**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})
    tier = scribe(stage, Control(ControlKind.SYSTEMD, "strix", "scribe.service"), shell)
    manner(boxes, "automatic")
    boxes.tell(BOX, ASLEEP)
    await stage.begin()
    await said(stage, "Take a note.", "scribe")
    await stage.heard.until(lambda: calls(boxes, "wake") == 1)
    boxes.tell(BOX, UP)
    await eventually((tmp_path / "asked").exists, within_s=10)
    now_is(stage, tier, TierState.READY)
    await answered(stage, "Answer 1.")


async def test_a_command_that_fails_ends_the_wait_in_words(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    scribe(stage, Control(ControlKind.COMMAND, start=("ls", "/no/such/folder")))
    session = await stage.begin()
    await said(stage, "Take a note.", "scribe")
    session.confirm((await offered(stage, "“scribe” is stopped")).id, yes=True)
    await stage.heard.until(
        lambda: any(
            one.message.detail == "“scribe” was not started."
            for one in stage.heard.of(MessageChanged)
        )
    )


async def test_a_model_that_llama_swap_has_not_loaded_is_simply_asked(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    """llama-swap itself loads it with the first request."""
    scribe(stage, Control(ControlKind.LLAMA_SWAP, unit="qwen"))
    stage.tiers.status["scribe"] = TierStatus(TierState.READY, 0.0, unloaded=True)
    await stage.begin()
    await said(stage, "Take a note.", "scribe")
    assert [tier.name for tier, _ in stage.chat.requests] == ["scribe"]
    assert not stage.heard.of(ConfirmationAsked)


@pytest.mark.parametrize(
    "control",
    [Control(ControlKind.LLAMA_SWAP, unit="qwen"), Control(ControlKind.COMMAND, stop=("true",))],
)
async def test_what_cannot_be_started_from_here_is_not_waited_for(
    stage: Stage, boxes: ScriptedBoxes, control: Control
) -> None:
    """A llama-swap that is not there; a server without a command that starts it."""
    scribe(stage, control)
    await stage.begin()
    await said(stage, "Take a note.", "scribe")
    assert len(stage.chat.requests) == 1
    assert not waiting(stage)
