"""What the command line does with a box, and how it tells of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from strixdesk.cli.operations import Order, Outcome, carry_out, chosen_box, report
from strixdesk.core.box import (
    Box,
    BoxMemory,
    BoxStatus,
    ContainerState,
    Deed,
    Operation,
    OperationState,
)
from strixdesk.core.errors import BoxError
from tests.support.eventually import eventually
from tests.support.scripted_boxes import BOX, BROKEN, GB, ScriptedBoxes, operation

CODER = ("vllm-coder",)
REVIEWER = ("llama-reviewer",)
UTILITY = ("llama-utility",)


def carried_out(
    boxes: ScriptedBoxes,
    order: Order,
    *steps: Operation,
    anyway: bool = False,
    said: Callable[[str], None] = print,
) -> Outcome:
    """The box goes through these steps as soon as it was told to begin."""

    async def play() -> Outcome:
        deed = asyncio.create_task(carry_out(boxes, order, anyway=anyway, say=said))
        if steps:
            await eventually(lambda: boxes.status_of(BOX).operation is not None, within_s=10)
        for step in steps:
            boxes.step(BOX, step)
        return await deed

    return asyncio.run(play())


def done(deed: Deed, services: tuple[str, ...]) -> Operation:
    return replace(
        operation(deed, services, state=OperationState.DONE), step=f"Up: {', '.join(services)}."
    )


def test_a_start_says_what_it_does_to_the_memory_and_then_each_new_step_once() -> None:
    boxes, said = ScriptedBoxes(), list[str]()
    status = boxes.status_of(BOX)
    idle = tuple(replace(one, container=ContainerState.EXITED) for one in status.services)
    boxes.tell(BOX, replace(status, services=idle, memory=BoxMemory(128 * GB, 120 * GB)))
    begun = operation(services=UTILITY)
    loading = replace(begun, step="utility: loading.", progress=0.5, eta_s=None)
    outcome = carried_out(
        boxes,
        Order(BOX, Deed.START, UTILITY),
        begun,
        loading,
        replace(loading, progress=0.6),
        done(Deed.START, UTILITY),
        said=said.append,
    )
    assert outcome == Outcome("strix", UTILITY, OperationState.DONE, "Up: llama-utility.")
    memory, *steps = said
    assert memory.startswith("strix: ")
    assert "GB" in memory
    assert steps == [
        "strix: Starting coder: loading weights, 9 of 16 files. (62%, about 2 min left)",
        "strix: utility: loading. (50%)",
    ]


def test_a_start_that_does_not_fit_is_refused_with_what_would_make_it_fit() -> None:
    boxes = ScriptedBoxes()
    outcome = carried_out(boxes, Order(BOX, Deed.START, REVIEWER))
    assert outcome.state is OperationState.FAILED
    assert "llama-reviewer" in outcome.sentence
    *ways, override = outcome.remedies
    assert any("Stop" in way for way in ways)
    assert override == "To start it all the same: --anyway."


def test_a_start_that_does_not_fit_is_made_anyway_when_it_was_said_so() -> None:
    boxes, said = ScriptedBoxes(), list[str]()
    outcome = carried_out(
        boxes,
        Order(BOX, Deed.START, REVIEWER),
        done(Deed.START, REVIEWER),
        anyway=True,
        said=said.append,
    )
    assert outcome.state is OperationState.DONE
    assert said[0].endswith("It is started anyway.")
    assert boxes.calls[-1] == ("do", "strix", Deed.START, REVIEWER, None, True)


def test_a_mode_is_asked_for_by_its_name() -> None:
    boxes = ScriptedBoxes()
    order = Order(BOX, Deed.START, mode="cpu")
    carried_out(boxes, order, done(Deed.START, REVIEWER + UTILITY), anyway=True)
    assert boxes.calls[-1] == ("do", "strix", Deed.START, (), "cpu", True)


def test_a_box_out_of_reach_is_told_with_what_is_broken() -> None:
    boxes = ScriptedBoxes()
    boxes.tell(BOX, replace(boxes.status_of(BOX), hops=BROKEN))
    outcome = carried_out(boxes, Order(BOX, Deed.STOP))
    assert outcome.state is OperationState.FAILED
    assert outcome.sentence == "“strix” cannot be reached."
    assert "ssh-copy-id" in outcome.remedies[0]


def test_an_operation_that_fails_ends_with_why() -> None:
    failed = replace(
        operation(Deed.RESTART, CODER, state=OperationState.FAILED), step="vllm-coder ended."
    )
    outcome = carried_out(ScriptedBoxes(), Order(BOX, Deed.RESTART, CODER), failed)
    assert (outcome.state, outcome.sentence) == (OperationState.FAILED, "vllm-coder ended.")


def test_who_interrupts_a_start_is_told_what_is_left_running() -> None:
    boxes, said = ScriptedBoxes(), list[str]()
    status = boxes.status_of(BOX)
    first, *_, last = status.services
    only = (first, replace(last, container=ContainerState.EXITED))
    boxes.tell(BOX, replace(status, services=only))

    async def interrupted() -> None:
        order = Order(BOX, Deed.START, UTILITY)
        deed = asyncio.create_task(carry_out(boxes, order, anyway=False, say=said.append))
        await eventually(lambda: boxes.status_of(BOX).operation is not None, within_s=10)
        deed.cancel()
        await deed

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(interrupted())
    assert said[-1] == "strix: Cancelled. Left running: vllm-orchestrator."


def test_an_interrupt_before_anything_is_begun_waits_for_nothing() -> None:
    said: list[str] = []

    class Slow(ScriptedBoxes):
        looks = 0

        def stack_of(self, box: Box) -> None:
            return None

        async def refresh(self, box: Box) -> BoxStatus:
            self.looks += 1
            await asyncio.Event().wait()
            return self.status_of(box)

    async def interrupted() -> None:
        order = Order(BOX, Deed.START, UTILITY)
        deed = asyncio.create_task(carry_out(boxes, order, anyway=False, say=said.append))
        await eventually(lambda: boxes.looks == 1, within_s=10)
        deed.cancel()
        await deed

    boxes = Slow()
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(interrupted())
    assert (boxes.looks, said) == (1, [])


# ---- the end -----------------------------------------------------------------------------------


def test_what_is_done_goes_to_stdout_and_what_failed_with_its_remedies_to_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    good = Outcome("strix", CODER, OperationState.DONE, "Up: vllm-coder.")
    bad = Outcome("attic", UTILITY, OperationState.FAILED, "No.", ("Stop another.",))
    assert report([good], as_json=False) == 0
    assert report([good, bad], as_json=False) == 1
    printed = capsys.readouterr()
    assert printed.out == "strix: Up: vllm-coder.\n" * 2
    assert printed.err == "strixdesk: attic: No.\n  → Stop another.\n"


def test_a_program_reads_the_end_as_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    cancelled = Outcome("strix", CODER, OperationState.CANCELLED, "Cancelled.")
    assert report([cancelled], as_json=True) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["done"] is False
    assert told["outcomes"][0]["names"] == ["vllm-coder"]
    assert told["outcomes"][0]["state"] == "cancelled"


# ---- which box ---------------------------------------------------------------------------------


def test_the_only_box_needs_no_name() -> None:
    assert chosen_box(ScriptedBoxes(), None) is BOX


def test_of_several_boxes_one_must_be_named() -> None:
    boxes = ScriptedBoxes(BOX, Box("attic"))
    assert chosen_box(boxes, "Attic").name == "attic"
    with pytest.raises(BoxError, match="several boxes: strix, attic"):
        chosen_box(boxes, None)


def test_a_box_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(BoxError) as failure:
        chosen_box(ScriptedBoxes(), "shed")
    assert failure.value.sentence() == "There is no box “shed”. There are: strix."
