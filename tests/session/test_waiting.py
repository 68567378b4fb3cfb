"""Ask now, answer later: a tier that is stopped, a box that is asleep."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from strixdesk.core.box import BoxMemory, OperationState
from strixdesk.core.chat import ChatDelta, ChatEnd
from strixdesk.core.conversation import Message, MessageStatus
from strixdesk.core.events import (
    ConfirmationAsked,
    ConfirmationEnded,
    MessageAdded,
    MessageChanged,
    TextDelta,
)
from strixdesk.core.tier import Tier, TierState, TierStatus
from strixdesk.core.turn import TurnState
from strixdesk.session.kept_answers import CUT_OFF
from strixdesk.session.log import STOPPED
from strixdesk.session.waiting import ASKED_AGAIN, DROPPED
from tests.session.conftest import Stage
from tests.support.eventually import eventually
from tests.support.fakes import FakeTiers, Script, ScriptedChat
from tests.support.scripted_boxes import BOX, CODER, GB, TIERS, ScriptedBoxes, operation, status


def all_are(stage: Stage, state: TierState) -> None:
    stage.tiers.status = {tier.name: TierStatus(state, 0.0) for tier in TIERS}


def now_is(stage: Stage, tier: Tier, state: TierState) -> None:
    stage.tiers.status[tier.name] = TierStatus(state, 1.0)
    assert stage.tiers.on_change
    stage.tiers.on_change(tier, stage.tiers.status[tier.name])


def manner(boxes: ScriptedBoxes, how: str) -> None:
    boxes.add(replace(BOX, start_on_demand=how))


@pytest.fixture
def boxes(stage: Stage) -> ScriptedBoxes:
    """Everything on it is stopped, and there is room."""
    boxes = ScriptedBoxes()
    boxes.tell(BOX, replace(status(), services=(), memory=BoxMemory(128 * GB, 120 * GB)))
    stage.boxes = boxes
    stage.tiers = FakeTiers(*TIERS)
    all_are(stage, TierState.STOPPED)
    scripts: list[Script] = [[ChatDelta(f"Answer {n}."), ChatEnd("stop")] for n in (1, 2, 3)]
    stage.chat = ScriptedChat(*scripts)
    return boxes


async def said(stage: Stage, text: str, tier: str | None = None) -> None:
    session = stage.session
    await session.finished(session.begin_typed(text, tier=tier))


def calls(boxes: ScriptedBoxes, name: str) -> int:
    return sum(call[0] == name for call in boxes.calls)


def messages(stage: Stage) -> dict[str, Message]:
    """As they are now, by id."""
    events = [e for e in stage.heard.events if isinstance(e, MessageAdded | MessageChanged)]
    return {event.message.id: event.message for event in events}


def waiting(stage: Stage) -> list[Message]:
    return [one for one in messages(stage).values() if (one.detail or "").startswith("Waiting")]


def questions(stage: Stage) -> list[str]:
    """As they were asked; before them in the same message may stand what nobody answered."""
    return [sent[-1].text.rpartition("\n\n")[2] for _, sent in stage.chat.requests]


async def answered(stage: Stage, *answers: str) -> None:
    await stage.heard.until(
        lambda: all(
            any(
                m.text == a and m.status is MessageStatus.COMPLETE for m in messages(stage).values()
            )
            for a in answers
        )
    )


async def test_a_stopped_tier_is_offered_and_answers_once_it_is_up(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    session = await stage.begin()
    await said(stage, "Write a parser.", "coder")
    (kept,) = waiting(stage)
    await stage.heard.until(lambda: bool(stage.heard.of(ConfirmationAsked)))
    assert calls(boxes, "do") == 0
    session.confirm(stage.heard.of(ConfirmationAsked)[-1].id, yes=True)
    await stage.heard.until(lambda: calls(boxes, "do") == 1)
    boxes.step(BOX, replace(operation(state=OperationState.DONE), step="Up."))
    now_is(stage, CODER, TierState.READY)
    await answered(stage, "Answer 1.")
    assert messages(stage)[kept.id].text == "Answer 1."
    assert [tier.name for tier, _ in stage.chat.requests] == ["coder"]


async def test_a_no_ends_the_offer_and_the_wait(stage: Stage, boxes: ScriptedBoxes) -> None:
    await stage.begin()
    await said(stage, "Write a parser.", "coder")
    await stage.heard.until(lambda: bool(stage.heard.of(ConfirmationAsked)))
    await said(stage, "no")
    await stage.heard.until(lambda: bool(stage.heard.of(ConfirmationEnded)))
    await stage.heard.until(lambda: not waiting(stage))
    assert calls(boxes, "do") == 0


async def test_another_question_is_answered_while_the_offer_stays(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    stage.tiers.status["utility"] = TierStatus(TierState.READY, 0.0)
    session = await stage.begin()
    await said(stage, "Write a parser.", "coder")
    await stage.heard.until(lambda: bool(stage.heard.of(ConfirmationAsked)))
    await said(stage, "What is a tensor?", "utility")
    await answered(stage, "Answer 1.")
    assert not stage.heard.of(ConfirmationEnded)
    session.confirm(stage.heard.of(ConfirmationAsked)[-1].id, yes=True)
    await stage.heard.until(lambda: calls(boxes, "do") == 1)
    boxes.step(BOX, replace(operation(state=OperationState.DONE), step="Up."))
    now_is(stage, CODER, TierState.READY)
    await answered(stage, "Answer 2.")


async def test_another_question_for_the_same_tier_waits_with_the_first(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    await stage.begin()
    await said(stage, "First?", "coder")
    await stage.heard.until(lambda: bool(stage.heard.of(ConfirmationAsked)))
    await said(stage, "Second?", "coder")
    await stage.heard.until(lambda: len(stage.heard.of(ConfirmationAsked)) == 2)
    assert len(waiting(stage)) == 2
    await said(stage, "yes")
    await stage.heard.until(lambda: calls(boxes, "do") == 1)
    boxes.step(BOX, replace(operation(state=OperationState.DONE), step="Up."))
    now_is(stage, CODER, TierState.READY)
    await answered(stage, "Answer 1.", "Answer 2.")
    assert questions(stage) == ["First?", "Second?"]


async def test_by_setting_it_starts_by_itself(stage: Stage, boxes: ScriptedBoxes) -> None:
    manner(boxes, "automatic")
    boxes.starts_s = {"vllm-coder": 120.0}
    await stage.begin()
    await said(stage, "Write a parser.", "coder")
    await stage.heard.until(lambda: calls(boxes, "do") == 1)
    assert "about 2 minutes" in (waiting(stage)[0].detail or "")
    assert not stage.heard.of(ConfirmationAsked)


async def test_by_setting_nothing_is_started(stage: Stage, boxes: ScriptedBoxes) -> None:
    manner(boxes, "never")
    await stage.begin()
    await said(stage, "Write a parser.", "coder")
    assert len(stage.chat.requests) == 1
    assert not waiting(stage)


async def test_nothing_is_started_while_another_is_ready(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    stage.tiers.status["utility"] = TierStatus(TierState.READY, 0.0)
    await stage.begin()
    await said(stage, "Write a parser.")
    assert [tier.name for tier, _ in stage.chat.requests] == ["utility"]
    assert calls(boxes, "do") == 0


async def test_a_box_that_is_asleep_is_woken_on_a_yes_and_answers_in_order(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    all_are(stage, TierState.UNREACHABLE)
    await stage.begin()
    await said(stage, "First?")
    await stage.heard.until(lambda: bool(stage.heard.of(ConfirmationAsked)))
    await said(stage, "yes")
    await stage.heard.until(lambda: calls(boxes, "wake") == 1)
    await said(stage, "Second?")
    assert len(waiting(stage)) == 2
    now_is(stage, CODER, TierState.READY)
    await answered(stage, "Answer 1.", "Answer 2.")
    now_is(stage, CODER, TierState.READY)  # once more
    asked = questions(stage)
    assert asked == ["First?", "Second?"]
    assert calls(boxes, "wake") == 1


async def test_kept_questions_survive_a_restart_of_the_program(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    all_are(stage, TierState.UNREACHABLE)
    await stage.begin()
    await said(stage, "First?")
    assert len(waiting(stage)) == 1
    await stage.session.close()
    await stage.begin()
    now_is(stage, CODER, TierState.READY)
    await answered(stage, "Answer 1.")
    assert len(stage.chat.requests) == 1


async def test_a_kept_question_can_be_dropped(stage: Stage, boxes: ScriptedBoxes) -> None:
    all_are(stage, TierState.UNREACHABLE)
    session = await stage.begin()
    await said(stage, "First?")
    (kept,) = waiting(stage)
    assert kept.waits
    session.drop_waiting(kept.id)
    await stage.heard.until(lambda: messages(stage)[kept.id].detail == DROPPED)
    assert not messages(stage)[kept.id].waits
    await said(stage, "Second?")
    now_is(stage, CODER, TierState.READY)
    await answered(stage, "Answer 1.")
    assert questions(stage) == ["Second?"]


async def test_a_kept_question_can_be_dropped_from_another_conversation(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    all_are(stage, TierState.UNREACHABLE)
    session = await stage.begin()
    await said(stage, "First?")
    (kept,) = waiting(stage)
    first = session.conversation_id
    session.new_conversation()
    await said(stage, "Second?")
    session.drop_waiting(kept.id)
    await stage.heard.until(lambda: messages(stage)[kept.id].detail == DROPPED)
    shown = (await session.open_conversation(first)).messages[-1]
    assert (shown.id, shown.detail, shown.waits) == (kept.id, DROPPED, False)


async def test_questions_for_a_box_that_is_taken_out_wait_no_more(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    all_are(stage, TierState.UNREACHABLE)
    session = await stage.begin()
    await said(stage, "First?")
    (kept,) = waiting(stage)
    session.remove_box("strix")
    await stage.heard.until(lambda: not messages(stage)[kept.id].waits)
    assert messages(stage)[kept.id].detail == "strix was taken out of StrixDesk."
    assert not boxes.all()
    assert not stage.tiers.all()


async def test_what_is_offered_for_a_dropped_question_is_withdrawn(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    session = await stage.begin()
    await said(stage, "Write a parser.", "coder")
    await stage.heard.until(lambda: bool(stage.heard.of(ConfirmationAsked)))
    (kept,) = waiting(stage)
    session.drop_waiting(kept.id)
    await stage.heard.until(lambda: bool(stage.heard.of(ConfirmationEnded)))
    await stage.heard.until(lambda: messages(stage)[kept.id].detail == DROPPED)
    assert not stage.heard.of(ConfirmationEnded)[-1].confirmed
    assert calls(boxes, "do") == 0


async def test_a_dropped_question_that_is_tried_again_waits_again(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    all_are(stage, TierState.UNREACHABLE)
    session = await stage.begin()
    await said(stage, "First?")
    (kept,) = waiting(stage)
    session.drop_waiting(kept.id)
    await stage.heard.until(lambda: not waiting(stage))
    session.answer_again(kept.id)
    await stage.heard.until(lambda: len(waiting(stage)) == 1)
    now_is(stage, CODER, TierState.READY)
    await answered(stage, "Answer 1.")
    assert questions(stage) == ["First?"]
    assert messages(stage)[kept.id].detail == DROPPED
    assert messages(stage)[kept.id].dropped


async def test_a_waiting_question_that_is_asked_again_is_answered_once(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    all_are(stage, TierState.UNREACHABLE)
    session = await stage.begin()
    await said(stage, "First?")
    (kept,) = waiting(stage)
    session.answer_again(kept.id)
    await stage.heard.until(lambda: messages(stage)[kept.id].detail == ASKED_AGAIN)
    await stage.heard.until(lambda: len(waiting(stage)) == 1)
    now_is(stage, CODER, TierState.READY)
    await answered(stage, "Answer 1.")
    assert len(stage.chat.requests) == 1


async def test_a_kept_answer_that_is_cut_off_before_its_first_word_comes_after_the_new_question(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    all_are(stage, TierState.UNREACHABLE)
    stage.chat.scripts.insert(0, [asyncio.Event()])  # says nothing for a while
    await stage.begin()
    await said(stage, "First?")
    await said(stage, "Second?")
    first, second = waiting(stage)
    now_is(stage, CODER, TierState.READY)
    await eventually(lambda: len(stage.chat.requests) == 1, within_s=10)
    await said(stage, "Third?")
    await answered(stage, "Answer 1.", "Answer 2.", "Answer 3.")
    asked = [sent[-1].text for _, sent in stage.chat.requests]
    assert asked == ["First?", "Third?", "First?", "Second?"]
    assert messages(stage)[first.id].text == "Answer 2."
    assert messages(stage)[second.id].text == "Answer 3."


async def test_a_kept_answer_that_is_cut_off_later_can_go_on(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    all_are(stage, TierState.UNREACHABLE)
    stage.chat.scripts.insert(0, [ChatDelta("Half"), asyncio.Event()])
    session = await stage.begin()
    await said(stage, "First?")
    (kept,) = waiting(stage)
    now_is(stage, CODER, TierState.READY)
    await stage.heard.until(lambda: bool(stage.heard.of(TextDelta)))
    await said(stage, "Second?")
    await stage.heard.until(lambda: messages(stage)[kept.id].detail == CUT_OFF)
    cut = messages(stage)[kept.id]
    assert (cut.text, cut.status) == ("Half", MessageStatus.INCOMPLETE)
    session.continue_answer(kept.id)
    await stage.heard.until(lambda: messages(stage)[kept.id].status is MessageStatus.COMPLETE)
    assert messages(stage)[kept.id].text == "Half Answer 2."
    assert len(stage.chat.requests) == 3


async def test_a_kept_answer_that_is_stopped_does_not_come_back(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    all_are(stage, TierState.UNREACHABLE)
    stage.chat.scripts.insert(0, [asyncio.Event()])
    session = await stage.begin()
    await said(stage, "First?")
    (kept,) = waiting(stage)
    now_is(stage, CODER, TierState.READY)
    await eventually(lambda: len(stage.chat.requests) == 1, within_s=10)
    session.stop()
    await stage.heard.until(lambda: messages(stage)[kept.id].detail == STOPPED)
    await said(stage, "Second?")
    now_is(stage, CODER, TierState.READY)
    await session.close()
    await stage.begin()
    await said(stage, "Third?")
    asked = questions(stage)
    assert asked == ["First?", "Second?", "Third?"]


async def test_a_kept_answer_does_not_cut_in_while_the_user_speaks(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    all_are(stage, TierState.UNREACHABLE)
    session = await stage.begin()
    await said(stage, "First?")
    session.press_talk()
    await stage.until(TurnState.LISTENING)
    now_is(stage, CODER, TierState.READY)
    session.release_talk()
    await answered(stage, "Answer 1.", "Answer 2.")
    asked = questions(stage)
    assert asked == ["hello there", "First?"]


async def test_a_kept_answer_that_the_program_closes_on_comes_at_the_next_start(
    stage: Stage, boxes: ScriptedBoxes
) -> None:
    all_are(stage, TierState.UNREACHABLE)
    stage.chat.scripts.insert(0, [asyncio.Event()])
    await stage.begin()
    await said(stage, "First?")
    now_is(stage, CODER, TierState.READY)
    await eventually(lambda: len(stage.chat.requests) == 1, within_s=10)
    await stage.session.close()
    await stage.begin()
    await answered(stage, "Answer 1.")
    assert len(stage.chat.requests) == 2
