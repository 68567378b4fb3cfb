"""“Start the coder and the reviewer”, when they are on two machines."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from strixdesk.core.box import Box, Deed, OperationState
from strixdesk.core.conversation import MessageStatus
from strixdesk.core.events import ConfirmationAsked, ConfirmationEnded
from tests.session.conftest import Stage
from tests.session.test_box_control import asked, done, roomy, said, told
from tests.support.fakes import FakeTiers
from tests.support.scripted_boxes import BOX, BROKEN, ScriptedBoxes, operation, stack

ATLAS = Box("atlas", "atlas.tail1234.ts.net")
GPU, CPU = stack().services[:2], stack().services[2:]


@pytest.fixture
def two(stage: Stage) -> ScriptedBoxes:
    """The coder is on atlas, the reviewer and the utility on strix; all are stopped."""
    boxes = ScriptedBoxes(ATLAS, BOX)
    for box, services in ((ATLAS, GPU), (BOX, CPU)):
        boxes.stacks[box.name] = replace(stack(), services=services, modes=())
        boxes.tell(box, roomy(120))
    stage.boxes = boxes
    stage.tiers = FakeTiers()
    return boxes


async def both_started(stage: Stage, two: ScriptedBoxes) -> None:
    await stage.begin()
    await said(stage, "start the coder and the reviewer")
    await asked(stage)
    await said(stage, "yes")
    await stage.heard.until(lambda: len(done(two)) == 2)


async def test_tiers_of_two_boxes_are_one_plan_that_names_both(
    stage: Stage, two: ScriptedBoxes
) -> None:
    two.starts_s = {"vllm-coder": 125.0, "llama-reviewer": 40.0}
    await stage.begin()
    await said(stage, "start the coder and the reviewer")
    sentence = await asked(stage)
    assert "I would start the coder on atlas. That takes about 2 minutes." in sentence
    assert "And I would start the reviewer on strix. That takes about 40 seconds." in sentence
    assert sentence.count("Say yes.") == 1
    assert done(two) == []


async def test_one_yes_starts_them_on_both_and_each_box_tells_how_it_ended(
    stage: Stage, two: ScriptedBoxes
) -> None:
    await both_started(stage, two)
    assert {call[1:4] for call in done(two)} == {
        ("atlas", Deed.START, ("vllm-coder",)),
        ("strix", Deed.START, ("llama-reviewer",)),
    }
    two.step(BOX, replace(operation(state=OperationState.FAILED), step="The disk is full."))
    await stage.heard.until(lambda: MessageStatus.FAILED in told(stage, "The disk is full."))
    two.step(ATLAS, replace(operation(state=OperationState.DONE), step="The coder is ready."))
    await stage.heard.until(lambda: MessageStatus.COMPLETE in told(stage, "The coder is ready."))


async def test_a_no_starts_nothing_on_either(stage: Stage, two: ScriptedBoxes) -> None:
    await stage.begin()
    await said(stage, "stop the coder on atlas and the utility on strix")
    assert "stop the coder on atlas. And I would stop the utility on strix." in await asked(stage)
    await said(stage, "no")
    await stage.heard.until(lambda: bool(stage.heard.of(ConfirmationEnded)))
    assert done(two) == []


async def test_stop_cancels_it_on_both(stage: Stage, two: ScriptedBoxes) -> None:
    await both_started(stage, two)
    began = time.monotonic()
    stage.session.stop()
    assert {("cancel", "atlas"), ("cancel", "strix")} <= set(two.calls)  # at once
    await stage.heard.until(lambda: len(told(stage, "Cancelled")) == 2)
    assert time.monotonic() - began < 20.0  # 0.3 s on a quiet machine; it never ends by itself


async def test_what_does_not_fit_on_one_of_two_begins_on_neither_until_the_deliberate_words(
    stage: Stage, two: ScriptedBoxes
) -> None:
    two.tell(ATLAS, roomy(10))
    await stage.begin()
    await said(stage, "start the coder and the reviewer")
    assert told(stage, "Or say: start anyway.")
    assert not stage.heard.of(ConfirmationAsked)
    await said(stage, "start anyway")
    await asked(stage)
    await said(stage, "yes")
    await stage.heard.until(lambda: len(done(two)) == 2)
    assert {(call[1], call[5]) for call in done(two)} == {("atlas", True), ("strix", False)}


async def test_what_one_of_two_boxes_cannot_do_now_is_told_and_nothing_begins(
    stage: Stage, two: ScriptedBoxes
) -> None:
    two.tell(ATLAS, replace(roomy(120), hops=BROKEN))
    await stage.begin()
    await said(stage, "start the coder and the reviewer")
    assert told(stage, "atlas cannot be reached.")
    assert not stage.heard.of(ConfirmationAsked)


async def test_a_name_that_two_boxes_have_is_asked_about(stage: Stage, two: ScriptedBoxes) -> None:
    two.stacks["strix"] = stack()
    await stage.begin()
    await said(stage, "start the coder")
    assert told(stage, "Which coder: on atlas or on strix?")
    assert not stage.heard.of(ConfirmationAsked)
    await said(stage, "start the coder on strix")
    assert (await asked(stage)).startswith("I would start the coder on strix.")


async def test_stop_ends_what_is_done_and_what_is_asked(stage: Stage, two: ScriptedBoxes) -> None:
    await stage.begin()
    await said(stage, "start the coder")
    await asked(stage)
    await said(stage, "yes")
    await stage.heard.until(lambda: bool(done(two)))
    await said(stage, "start the reviewer")
    await stage.heard.until(lambda: len(stage.heard.of(ConfirmationAsked)) == 2)
    await said(stage, "stop")
    await stage.heard.until(lambda: bool(told(stage, "Cancelled")))
    await stage.heard.until(lambda: len(stage.heard.of(ConfirmationEnded)) == 2)
    assert len(done(two)) == 1
