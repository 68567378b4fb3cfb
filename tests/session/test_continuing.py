"""An answer that is not whole goes on when the user says so, or is asked for again."""

from __future__ import annotations

import pytest

from strixdesk.core.chat import ChatDelta, ChatEnd
from strixdesk.core.conversation import HandOver, MessageStatus, Role
from strixdesk.core.errors import (
    TierUnreachable,
)
from strixdesk.core.events import Failed, TextDelta
from strixdesk.core.turn import TurnState
from tests.session.conftest import Stage
from tests.session.two_tiers import CUT, END, ONE, TWO, answered, continued, kept
from tests.support.fakes import FakeTiers, ScriptedChat


@pytest.fixture
def stage(stage: Stage) -> Stage:
    stage.tiers = FakeTiers(ONE, TWO)
    return stage


async def test_an_answer_at_its_length_limit_is_continued_in_place(stage: Stage) -> None:
    stage.chat = ScriptedChat(
        [ChatDelta("One, two,"), ChatEnd("length")], [ChatDelta("One, two, three."), END]
    )
    answer = await answered(stage)
    assert answer.status is MessageStatus.INCOMPLETE
    whole = await continued(stage.session, answer)

    assert (whole.id, whole.text) == (answer.id, "One, two, three.")
    assert (whole.status, whole.detail) == (MessageStatus.COMPLETE, None)
    assert whole.hand_overs == ()
    assert [d.text for d in stage.heard.of(TextDelta)] == ["One, two,", " three."]
    conversation = await stage.session.open_conversation(stage.session.conversation_id)
    assert [m.role for m in conversation.messages] == [Role.USER, Role.ASSISTANT]
    assert conversation.messages[-1].text == "One, two, three."


async def test_whoever_began_an_answer_is_asked_first_to_continue_it(stage: Stage) -> None:
    stage.chat = ScriptedChat(
        [TierUnreachable("gone")],
        [ChatDelta("One, two,"), ChatEnd("length")],
        [ChatDelta("two, three."), END],
    )
    answer = await answered(stage)
    await continued(stage.session, answer)
    assert [tier.name for tier, _ in stage.chat.requests] == ["one", "two", "two"]


async def test_continuing_with_another_tier_is_told_as_a_hand_over(stage: Stage) -> None:
    stage.chat = ScriptedChat(
        [ChatDelta("One, two,"), ChatEnd("length")], [ChatDelta("two, three."), END]
    )
    answer = await answered(stage)
    stage.session.set_tier("two")
    whole = await continued(stage.session, answer)
    assert whole.hand_overs == (HandOver("one", "two", 9, "You let it continue."),)


async def test_a_failed_continuation_leaves_the_answer_as_it_was(stage: Stage) -> None:
    stage.chat = ScriptedChat(
        [ChatDelta("One, two,"), ChatEnd("length")],
        [TierUnreachable("gone", "Start it.")],
        [TierUnreachable("gone too", "Start it.")],
    )
    answer = await answered(stage)
    same = await continued(stage.session, answer)
    assert (same.text, same.status) == ("One, two,", MessageStatus.INCOMPLETE)


async def test_an_answer_that_was_cut_is_continued_after_a_restart(stage: Stage) -> None:
    stage.chat = ScriptedChat([ChatDelta("a b"), CUT], [ChatDelta("a b c d"), CUT])
    answer = await answered(stage)
    conversation = stage.session.conversation_id
    await stage.session.close()

    stage.chat = ScriptedChat([ChatDelta("a b c d e."), END])
    session = await stage.begin()
    await session.open_conversation(conversation)
    whole = await continued(session, answer)
    assert (whole.text, whole.status) == ("a b c d e.", MessageStatus.COMPLETE)
    assert whole.hand_overs == answer.hand_overs


async def test_continue_pressed_twice_continues_once(stage: Stage) -> None:
    stage.chat = ScriptedChat(
        [ChatDelta("One, two,"), ChatEnd("length")],
        [ChatDelta("One, two, three."), END],
        [ChatDelta("One, two, three."), END],
    )
    answer = await answered(stage)
    first = stage.session.begin_continuing(answer.id)
    second = stage.session.begin_continuing(answer.id)
    for runner in (first, second):
        if runner:
            await stage.session.finished(runner)
    whole = await kept(stage.session)
    assert (whole.text, whole.status) == ("One, two, three.", MessageStatus.COMPLETE)
    assert "".join(delta.text for delta in stage.heard.of(TextDelta)) == whole.text


async def test_asking_again_keeps_the_former_answer_beside_the_new_one(stage: Stage) -> None:
    stage.chat = ScriptedChat([ChatDelta("One, two,"), CUT], [CUT], [ChatDelta("One."), END])
    former = await answered(stage)
    stage.session.answer_again(former.id)
    await stage.heard.until(lambda: stage.states()[-1] is TurnState.DONE)
    conversation = await stage.session.open_conversation(stage.session.conversation_id)
    assert [(m.text, m.status) for m in conversation.messages[1:]] == [
        ("One, two,", MessageStatus.INCOMPLETE),
        ("One.", MessageStatus.COMPLETE),
    ]


async def test_given_speech_then_only_the_new_part_of_a_continued_answer_is_read(
    stage: Stage,
) -> None:
    stage.chat = ScriptedChat(
        [ChatDelta("The first sentence is here."), ChatEnd("length")],
        [ChatDelta("The first sentence is here. And the second."), END],
    )
    answer = await answered(stage)
    stage.session.set_speech(True)
    await continued(stage.session, answer)
    assert stage.voice.said == ["And the second."]


async def test_given_speech_then_a_word_that_was_cut_is_read_whole_and_once(stage: Stage) -> None:
    stage.chat = ScriptedChat(
        [ChatDelta("The first sentence is here. And the sec"), ChatEnd("length")],
        [ChatDelta("And the second."), END],
    )
    session = await stage.begin(speech_on=True)
    runner = session.begin_typed("Tell me.")
    await session.finished(runner)
    assert runner.answer is not None
    await continued(session, runner.answer)
    assert stage.voice.said == ["The first sentence is here.", "And the", "second."]


async def test_a_whole_answer_has_nothing_to_continue(stage: Stage) -> None:
    stage.chat = ScriptedChat([ChatDelta("Hi."), END])
    answer = await answered(stage)
    assert stage.session.begin_continuing(answer.id) is None
    assert "nothing to continue" in stage.heard.of(Failed)[-1].message
