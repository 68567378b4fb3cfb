"""“Start the coder”: a plan that is read back, a yes, progress, and a stop that is obeyed."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from strixdesk.backends.box.local_shell import LocalShell
from strixdesk.backends.box.unit_controls import UnitControls
from strixdesk.backends.http import make_http_client
from strixdesk.core.box import BoxMemory, BoxStatus, Deed, OperationState
from strixdesk.core.chat import ChatDelta, ChatEnd
from strixdesk.core.conversation import MessageStatus
from strixdesk.core.errors import AudioOutputError
from strixdesk.core.events import ConfirmationAsked, ConfirmationEnded, Failed, MessageChanged
from strixdesk.core.tier import Control, ControlKind, Tier
from strixdesk.core.turn import TurnState
from tests.session.conftest import Stage
from tests.support.eventually import eventually
from tests.support.fakes import FakeSink, FakeTiers, Script, ScriptedChat
from tests.support.scripted_boxes import BOX, GB, TIERS, ScriptedBoxes, operation, status


@pytest.fixture
def boxes(stage: Stage) -> ScriptedBoxes:
    """Where everything is stopped and there is room."""
    boxes = ScriptedBoxes()
    boxes.tell(BOX, roomy(120))
    stage.boxes = boxes
    stage.tiers = FakeTiers(*TIERS)
    return boxes


def roomy(free_gb: int) -> BoxStatus:
    return replace(status(), services=(), memory=BoxMemory(128 * GB, free_gb * GB))


def done(boxes: ScriptedBoxes) -> list[tuple[object, ...]]:
    return [call for call in boxes.calls if call[0] == "do"]


async def said(stage: Stage, text: str) -> None:
    """One typed turn, to its end."""
    session = stage.session
    await session.finished(session.begin_typed(text))


async def asked(stage: Stage) -> str:
    """The question that waits for a yes."""
    await stage.heard.until(lambda: bool(stage.heard.of(ConfirmationAsked)))
    return stage.heard.of(ConfirmationAsked)[-1].sentence


def told(stage: Stage, words: str) -> list[MessageStatus]:
    changes = stage.heard.of(MessageChanged)
    return [one.message.status for one in changes if words in one.message.text]


async def test_a_command_is_read_back_with_its_plan_and_nothing_runs_before_the_yes(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    boxes.starts_s = {"vllm-coder": 125.0}
    await stage.begin()
    await said(stage, "Start the coder, please.")
    sentence = await asked(stage)
    assert sentence.startswith("I would start the coder on strix. That takes about 2 minutes.")
    assert "free" in sentence
    assert sentence.endswith("Say yes.")
    assert done(boxes) == []


async def test_a_typed_yes_starts_it_and_its_end_is_told(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    await stage.begin()
    await said(stage, "start the coder")
    await asked(stage)
    await said(stage, "yes")
    await stage.heard.until(lambda: bool(done(boxes)))
    assert done(boxes) == [("do", "strix", Deed.START, ("vllm-coder",), None, False)]
    boxes.step(BOX, operation())
    await stage.heard.until(lambda: bool(told(stage, "loading weights")))
    boxes.step(BOX, replace(operation(state=OperationState.DONE), step="The coder is ready."))
    await stage.heard.until(lambda: MessageStatus.COMPLETE in told(stage, "The coder is ready."))


async def test_a_clicked_yes_does_the_same(stage: Stage, boxes: ScriptedBoxes) -> None:
    session = await stage.begin()
    await said(stage, "start gpu mode")
    await asked(stage)
    session.confirm(stage.heard.of(ConfirmationAsked)[-1].id, yes=True)
    await stage.heard.until(lambda: bool(done(boxes)))
    assert done(boxes) == [("do", "strix", Deed.START, (), "gpu", False)]


async def test_a_spoken_command_is_answered_aloud(stage: Stage, boxes: ScriptedBoxes) -> None:
    stage.recogniser.results = ["Start the coder.", "Yes."]
    await stage.begin(speech_on=True)
    for _ in range(2):
        stage.listener.end(stage.listener.begin())
        await stage.until(TurnState.DONE)
        stage.heard.events = [e for e in stage.heard.events if isinstance(e, ConfirmationAsked)]
    await stage.heard.until(lambda: bool(done(boxes)))
    boxes.step(BOX, replace(operation(state=OperationState.DONE), step="The coder is ready."))
    await stage.heard.until(lambda: MessageStatus.COMPLETE in told(stage, "The coder is ready."))
    assert any("I would start the coder" in one for one in stage.voice.said)


async def test_a_speaker_that_is_missing_is_told_in_the_same_words_each_time(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    """So that the window shows them once."""
    stage.sink = FakeSink(error=AudioOutputError("No speaker was found.", "Connect one."))
    await stage.begin(speech_on=True)
    await said(stage, "start the coder")
    await said(stage, "yes")
    await stage.heard.until(lambda: bool(done(boxes)))
    boxes.step(BOX, replace(operation(state=OperationState.DONE), step="The coder is ready."))
    await stage.heard.until(lambda: len(stage.heard.of(Failed)) == 3)
    assert {one.message for one in stage.heard.of(Failed)} == {"No speaker was found."}


@pytest.mark.parametrize("answer", ["no", "stop"])
async def test_a_no_ends_it(stage: Stage, boxes: ScriptedBoxes, answer: str) -> None:
    await stage.begin()
    await said(stage, "start the coder")
    await asked(stage)
    await said(stage, answer)
    await stage.heard.until(lambda: bool(stage.heard.of(ConfirmationEnded)))
    assert not stage.heard.of(ConfirmationEnded)[-1].confirmed
    assert done(boxes) == []
    assert not stage.chat.requests


def answers(count: int) -> list[Script]:
    return [[ChatDelta("A grid of numbers."), ChatEnd("stop")] for _ in range(count)]


async def asked_and_moved_on(stage: Stage, boxes: ScriptedBoxes) -> None:
    """A start was read back, then a question was asked and answered."""
    stage.chat = ScriptedChat(*answers(2))
    await stage.begin()
    await said(stage, "start the coder")
    await asked(stage)
    await said(stage, "What is a tensor?")
    assert len(stage.chat.requests) == 1
    assert not stage.heard.of(ConfirmationEnded)


async def test_after_another_question_a_click_still_starts_it(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    await asked_and_moved_on(stage, boxes)
    stage.session.confirm(stage.heard.of(ConfirmationAsked)[-1].id, yes=True)
    await stage.heard.until(lambda: bool(done(boxes)))


async def test_after_another_question_a_yes_in_words_is_not_meant_for_it(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    await asked_and_moved_on(stage, boxes)
    await said(stage, "yes")
    assert len(stage.chat.requests) == 2
    assert not stage.heard.of(ConfirmationEnded)
    assert done(boxes) == []


async def test_after_an_answer_that_is_given_again_a_yes_in_words_is_not_meant_for_it(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    stage.chat = ScriptedChat(*answers(3))
    session = await stage.begin()
    await said(stage, "What is a tensor?")
    answer = stage.heard.of(MessageChanged)[-1].message
    await said(stage, "start the coder")
    await asked(stage)
    session.answer_again(answer.id)
    await stage.heard.until(lambda: len(stage.chat.requests) == 2)
    await said(stage, "yes")
    assert len(stage.chat.requests) == 3
    assert done(boxes) == []


async def test_after_another_question_a_no_still_ends_it(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    await asked_and_moved_on(stage, boxes)
    await said(stage, "no")
    await stage.heard.until(lambda: bool(stage.heard.of(ConfirmationEnded)))
    assert len(stage.chat.requests) == 1
    assert done(boxes) == []


async def test_a_newer_command_takes_the_place_of_what_is_asked(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    await asked_and_moved_on(stage, boxes)
    await said(stage, "start the reviewer")
    await stage.heard.until(lambda: len(stage.heard.of(ConfirmationAsked)) == 2)
    await said(stage, "yes")
    await stage.heard.until(lambda: bool(done(boxes)))
    assert done(boxes) == [("do", "strix", Deed.START, ("llama-reviewer",), None, False)]


async def test_what_does_not_fit_is_refused_until_the_deliberate_words(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    boxes.tell(BOX, roomy(10))
    await stage.begin()
    await said(stage, "start the coder")
    assert told(stage, "Or say: start anyway.")
    assert not stage.heard.of(ConfirmationAsked)
    await said(stage, "start anyway")
    await asked(stage)
    assert done(boxes) == []
    await said(stage, "yes")
    await stage.heard.until(lambda: bool(done(boxes)))
    assert done(boxes) == [("do", "strix", Deed.START, ("vllm-coder",), None, True)]


async def test_yes_without_a_question_goes_to_the_model(stage: Stage, boxes: ScriptedBoxes) -> None:
    stage.chat = ScriptedChat([ChatDelta("Good."), ChatEnd("stop")])
    await stage.begin()
    await said(stage, "yes")
    assert len(stage.chat.requests) == 1


async def started(stage: Stage, boxes: ScriptedBoxes) -> None:
    await stage.begin()
    await said(stage, "start the coder")
    await asked(stage)
    await said(stage, "yes")
    await stage.heard.until(lambda: bool(done(boxes)))


@pytest.mark.parametrize("by_word", [True, False])
async def test_stop_cancels_what_is_being_done(
    stage: Stage, boxes: ScriptedBoxes, by_word: bool
) -> None:
    """The scripted box never reaches a safe point: it is cut off all the same."""
    await started(stage, boxes)
    began = time.monotonic()
    if by_word:
        await said(stage, "stop")
    else:
        stage.session.stop()
        assert ("cancel", "strix") in boxes.calls  # at once
    await stage.heard.until(lambda: bool(told(stage, "Cancelled")))
    assert time.monotonic() - began < 20.0  # 0.3 s on a quiet machine; it never ends by itself


async def test_another_question_leaves_it_running(stage: Stage, boxes: ScriptedBoxes) -> None:
    stage.chat = ScriptedChat([ChatDelta("A grid of numbers."), ChatEnd("stop")])
    await started(stage, boxes)
    await said(stage, "What is a tensor?")
    assert ("cancel", "strix") not in boxes.calls
    assert len(stage.chat.requests) == 1


def by_command(stage: Stage, *start: str, box: str = "") -> Tier:
    """Its server is a file that is there or not; without a box: on this machine."""
    up = str(stage.folder / "up")
    control = Control(ControlKind.COMMAND, box, start=start or ("touch", up), stop=("rm", up))
    tier = Tier("scribe", "http://127.0.0.1:9/v1", control=control)
    stage.tiers = FakeTiers(*TIERS, tier)
    stage.controls = UnitControls(lambda: (BOX,), lambda _: LocalShell(), make_http_client())
    return tier


async def test_a_tier_of_a_plain_command_is_started_and_stopped_by_word(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    by_command(stage)
    await stage.begin()
    up = stage.folder / "up"
    await said(stage, "start the scribe")
    assert await asked(stage) == "I would start the scribe on this machine. Say yes."
    assert not up.exists()
    await said(stage, "yes")
    await stage.heard.until(lambda: MessageStatus.COMPLETE in told(stage, "Done: start the scribe"))
    assert up.exists()
    assert "scribe" in stage.tiers.doubted
    await said(stage, "stop the scribe")
    await said(stage, "yes")
    await stage.heard.until(lambda: MessageStatus.COMPLETE in told(stage, "Done: stop the scribe"))
    assert not up.exists()
    assert done(boxes) == []


async def test_compose_services_come_before_the_other_tiers_of_a_box(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    by_command(stage, box="strix")
    await stage.begin()
    up = stage.folder / "up"
    await said(stage, "start the scribe and the coder")
    assert (await asked(stage)).startswith("I would start the scribe and the coder on strix.")
    await said(stage, "yes")
    await stage.heard.until(lambda: bool(done(boxes)))
    assert not up.exists()
    boxes.step(BOX, replace(operation(state=OperationState.DONE), step="The coder is ready."))
    words = "Done: start the scribe and the coder"
    await stage.heard.until(lambda: MessageStatus.COMPLETE in told(stage, words))
    assert up.exists()


async def test_a_command_that_fails_tells_why(stage: Stage, boxes: ScriptedBoxes) -> None:
    by_command(stage, "ls", "/no/such/folder")
    await stage.begin()
    await said(stage, "start the scribe")
    await said(stage, "yes")
    await stage.heard.until(lambda: bool(told(stage, "`ls` failed with status 2")))
    assert told(stage, "`ls` failed with status 2") == [MessageStatus.FAILED]


async def test_what_was_done_before_a_failure_is_told_with_it(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    by_command(stage, "ls", "/no/such/folder", box="strix")
    await stage.begin()
    await said(stage, "start the coder and the scribe")
    await said(stage, "yes")
    await stage.heard.until(lambda: bool(done(boxes)))
    boxes.step(BOX, replace(operation(state=OperationState.DONE), step="The coder is ready."))
    words = "The coder is ready. `ls` failed with status 2"
    await stage.heard.until(lambda: told(stage, words) == [MessageStatus.FAILED])


async def test_stop_ends_a_command_that_is_running(stage: Stage, boxes: ScriptedBoxes) -> None:
    begun = stage.folder / "begun"
    by_command(stage, "sh", "-c", f"touch {begun}; sleep 60")
    await stage.begin()
    await said(stage, "start the scribe")
    await said(stage, "yes")
    await eventually(begun.exists, within_s=10)
    began = time.monotonic()
    stage.session.stop()
    await stage.heard.until(lambda: bool(told(stage, "Cancelled")))
    assert time.monotonic() - began < 25.0  # 0.3 s on a quiet machine, and far from 60
