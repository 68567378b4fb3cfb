"""One assistant that always answers: who goes on when a tier cannot, and what is told of it."""

from __future__ import annotations

import asyncio

import pytest

from strixdesk.core.chat import ChatDelta
from strixdesk.core.conversation import MessageStatus, Offer, Role, Text
from strixdesk.core.errors import (
    TierResting,
    TierUnreachable,
)
from strixdesk.core.events import MessageAdded, MessageChanged
from strixdesk.core.tier import Capability, Tier
from strixdesk.core.turn import TurnState
from tests.session.conftest import Stage
from tests.session.two_tiers import END, ONE, TWO, answered, kept
from tests.support.fakes import FakeTiers, ScriptedChat
from tests.support.pictures import flat_png


@pytest.fixture
def stage(stage: Stage) -> Stage:
    stage.tiers = FakeTiers(ONE, TWO)
    return stage


# -- a tier that is left alone, or busy --------------------------------------------------------


async def test_given_a_tier_that_is_left_alone_then_the_next_answers_without_asking_it(
    stage: Stage,
) -> None:
    stage.chat = ScriptedChat([ChatDelta("Hi."), END])
    stage.chat.resting["one"] = TierResting("“one” kept failing.")
    answer = await answered(stage)
    assert [tier.name for tier, _ in stage.chat.requests] == ["two"]
    assert answer.reason == "Instead of “one”: “one” kept failing."
    assert stage.tiers.doubted == []


async def test_given_a_named_tier_that_is_left_alone_then_it_is_tried_all_the_same(
    stage: Stage,
) -> None:
    stage.chat = ScriptedChat([ChatDelta("Hi."), END])
    stage.chat.resting["one"] = TierResting("“one” kept failing.")
    answer = await answered(stage, tier="one")
    assert (answer.tier, answer.status) == ("one", MessageStatus.COMPLETE)


async def test_given_a_busy_tier_and_a_free_one_then_the_free_one_answers_and_says_why(
    stage: Stage,
) -> None:
    stage.chat = ScriptedChat([ChatDelta("Hi."), END])
    stage.chat.busy_tiers = {"one"}
    answer = await answered(stage)
    assert answer.tier == "two"
    assert answer.reason == "Instead of “one”: it is busy with another answer; “two” is free."


async def test_given_a_busy_tier_that_was_named_then_the_question_says_that_it_waits(
    stage: Stage,
) -> None:
    turn = asyncio.Event()
    stage.chat = ScriptedChat([turn, ChatDelta("Hi."), END])
    stage.chat.busy_tiers = {"one"}
    session = await stage.begin()
    runner = session.begin_typed("Tell me.", tier="one")

    def reasons() -> list[str]:
        return [event.message.reason or "" for event in stage.heard.of(MessageChanged)]

    await stage.heard.until(lambda: any("Waiting for its turn" in reason for reason in reasons()))
    turn.set()
    await session.finished(runner)
    assert runner.answer is not None
    assert runner.answer.tier == "one"
    assert "Waiting" not in (runner.answer.reason or "")


async def test_given_a_stop_while_the_answer_is_first_written_down_then_it_has_ended(
    stage: Stage,
) -> None:
    stage.chat = ScriptedChat([ChatDelta("Hi."), END])
    session = await stage.begin()
    runner = session.begin_typed("Tell me.")

    def added() -> bool:
        return any(e.message.role is Role.ASSISTANT for e in stage.heard.of(MessageAdded))

    await stage.heard.until(added)
    session.stop()
    await session.finished(runner)
    assert (await kept(session)).status is MessageStatus.INCOMPLETE
    assert stage.heard.of(MessageChanged)[-1].message.status is MessageStatus.INCOMPLETE


# -- what the user is offered ------------------------------------------------------------------


async def test_given_no_tier_that_sees_then_asking_without_the_picture_is_offered_and_works(
    stage: Stage,
) -> None:
    stage.tiers = FakeTiers(Tier("one", ONE.base_url, capabilities=frozenset({Capability.CODE})))
    stage.chat = ScriptedChat([ChatDelta("A guess."), END])
    session = await stage.begin()
    picture = await session.attach(flat_png((255, 0, 0)), "dot.png")
    runner = session.begin_typed("What is it?", [picture])
    await session.finished(runner)
    failed = await kept(session)
    assert failed.offer is not None
    assert failed.offer.without_pictures

    session.answer_again(failed.id, without_pictures=True)
    await stage.heard.until(lambda: len(stage.chat.requests) == 1)
    await stage.until(TurnState.DONE)
    assert stage.chat.requests[0][1][-1].text == "What is it?"
    assert (await kept(session)).text == "A guess."
    asked = (await session.open_conversation(session.conversation_id)).messages[0]
    assert asked.parts == (picture, Text("What is it?"))


async def test_given_a_named_tier_that_is_down_then_another_is_offered_and_asked(
    stage: Stage,
) -> None:
    stage.chat = ScriptedChat([TierUnreachable("“one” is gone.")], [ChatDelta("Hi."), END])
    answer = await answered(stage, tier="one")
    assert (answer.status, answer.offer) == (MessageStatus.FAILED, Offer(("two",)))

    stage.session.answer_again(answer.id, tier="two")
    await stage.heard.until(lambda: stage.states()[-1] is TurnState.DONE)
    again = await kept(stage.session)
    assert (again.tier, again.text, again.offer) == ("two", "Hi.", None)
