"""A tier dies in mid-answer: the next goes on, or the part stays and is labelled."""

from __future__ import annotations

import asyncio

import pytest

from strixdesk.core.chat import ChatDelta, ChatEnd
from strixdesk.core.conversation import HandOver, MessageStatus, Offer, Role
from strixdesk.core.errors import (
    TierError,
    TierRefused,
    TierTimeout,
    TierUnreachable,
)
from strixdesk.core.events import TextDelta
from strixdesk.core.tier import Tier, TierState, TierStatus
from strixdesk.core.turn import TurnState
from tests.session.conftest import Stage
from tests.session.two_tiers import CUT, END, ONE, TWO, answered, kept, served_by
from tests.support.fakes import FakeTiers, ScriptedChat


@pytest.fixture
def stage(stage: Stage) -> Stage:
    stage.tiers = FakeTiers(ONE, TWO)
    return stage


@pytest.mark.parametrize("error", [CUT, TierTimeout("“one” was silent.", "Ask again.")])
async def test_given_a_tier_that_dies_then_the_next_goes_on_from_the_exact_text(
    stage: Stage, error: TierError
) -> None:
    stage.chat = ScriptedChat(
        [ChatDelta("One two th"), error],
        [ChatDelta("One two "), ChatDelta("three four."), END],
    )
    answer = await answered(stage)

    assert (answer.text, answer.status) == ("One two three four.", MessageStatus.COMPLETE)
    assert stage.states()[-1] is TurnState.DONE
    assert answer.tier == "two"
    assert answer.reason == f"Begun by “one”, continued by “two”: {error.message}"
    assert answer.hand_overs == (HandOver("one", "two", len("One two th"), error.message),)


async def test_a_hand_over_is_kept_in_the_history(stage: Stage) -> None:
    stage.chat = ScriptedChat([ChatDelta("One two "), CUT], [ChatDelta("two three."), END])
    await answered(stage)
    assert (await kept(stage.session)).hand_overs == (HandOver("one", "two", 8, CUT.message),)


@pytest.mark.parametrize("server", ["llama.cpp", "vllm"])
async def test_given_a_server_that_can_then_it_is_given_the_beginning_of_its_answer(
    stage: Stage, server: str
) -> None:
    served_by(stage, "two", server)
    stage.chat = ScriptedChat([ChatDelta("One two "), CUT], [ChatDelta(" three."), END])
    answer = await answered(stage)

    last = stage.chat.requests[-1][1][-1]
    assert (last.role, last.text) == ("assistant", "One two")
    assert answer.text == "One two three."


async def test_given_a_word_that_was_cut_then_such_a_server_ends_it_as_it_began(
    stage: Stage,
) -> None:
    served_by(stage, "two", "llama.cpp")
    stage.chat = ScriptedChat([ChatDelta("It is Par"), CUT], [ChatDelta(" Paris."), END])
    answer = await answered(stage)

    last = stage.chat.requests[-1][1][-1]
    assert (last.text, last.goes_on) == ("It is", " Par")
    assert answer.text == "It is Paris."
    assert [delta.text for delta in stage.heard.of(TextDelta)] == ["It is Par", "is."]


async def test_given_another_word_than_was_begun_then_it_is_asked_from_the_exact_text(
    stage: Stage,
) -> None:
    served_by(stage, "two", "vllm")
    stage.chat = ScriptedChat(
        [ChatDelta("It is Par"), CUT], [ChatDelta(" Rome."), END], [ChatDelta("is."), END]
    )
    answer = await answered(stage)

    last = stage.chat.requests[-1][1][-1]
    assert (last.text, last.goes_on) == ("It is Par", "")
    assert (answer.text, answer.status) == ("It is Paris.", MessageStatus.COMPLETE)


async def test_given_any_other_server_then_it_is_told_to_go_on(stage: Stage) -> None:
    stage.chat = ScriptedChat([ChatDelta("One two "), CUT], [ChatDelta("One two three."), END])
    await answered(stage)
    *_, begun, told = stage.chat.requests[-1][1]
    assert (begun.role, begun.text) == ("assistant", "One two ")
    assert told.role == "user"
    assert "One two" in told.text


async def test_given_a_model_that_takes_no_beginning_then_it_is_told_to_go_on(
    stage: Stage,
) -> None:
    served_by(stage, "two", "llama.cpp")
    stage.chat = ScriptedChat(
        [ChatDelta("One two "), CUT],
        [TierRefused("prefill is incompatible with thinking", status=400)],
        [ChatDelta("one two three."), END],
    )
    answer = await answered(stage)
    assert (answer.text, answer.status) == ("One two three.", MessageStatus.COMPLETE)
    assert stage.chat.requests[-1][1][-1].role == "user"


async def test_given_speech_then_nothing_is_read_out_twice(stage: Stage) -> None:
    stage.chat = ScriptedChat(
        [ChatDelta("The first sentence is here. The second is "), CUT],
        [ChatDelta("The first sentence is here. The second is there."), END],
    )
    session = await stage.begin(speech_on=True)
    runner = session.begin_typed("Tell me.")
    await session.finished(runner)
    assert " ".join(stage.voice.said) == "The first sentence is here. The second is there."


async def test_given_three_tiers_that_die_then_each_joint_is_told(stage: Stage) -> None:
    stage.tiers = FakeTiers(ONE, TWO, Tier("three", "http://127.0.0.1:3/v1"))
    stage.chat = ScriptedChat(
        [ChatDelta("a b c "), CUT], [ChatDelta("b c d e "), CUT], [ChatDelta("d e f"), END]
    )
    answer = await answered(stage)
    assert answer.text == "a b c d e f"
    assert [(o.begun_by, o.continued_by) for o in answer.hand_overs] == [
        ("one", "two"),
        ("two", "three"),
    ]


async def test_given_nobody_who_can_go_on_then_the_part_stays_and_is_labelled(
    stage: Stage,
) -> None:
    gone = TierUnreachable("“two” cannot be reached.", "Start it.")
    stage.chat = ScriptedChat([ChatDelta("One two"), CUT], [gone])
    answer = await answered(stage)
    assert (answer.text, answer.status) == ("One two", MessageStatus.INCOMPLETE)
    assert answer.detail == (
        f"{CUT.message} Nobody else could go on with it. “two” cannot be reached. Start it."
    )
    assert answer.tier == "one"
    assert answer.hand_overs == ()


async def test_given_a_tier_that_only_repeats_then_the_answer_is_not_called_whole(
    stage: Stage,
) -> None:
    stage.chat = ScriptedChat(
        [ChatDelta("a b c d e f g"), CUT], [ChatDelta("a b c d"), ChatEnd("stop")]
    )
    answer = await answered(stage)
    assert (answer.text, answer.status) == ("a b c d e f g", MessageStatus.INCOMPLETE)


async def test_given_a_tier_that_says_nothing_more_then_the_answer_is_not_called_whole(
    stage: Stage,
) -> None:
    stage.chat = ScriptedChat([ChatDelta("One two and"), CUT], [END])
    answer = await answered(stage)
    assert (answer.text, answer.status) == ("One two and", MessageStatus.INCOMPLETE)


async def test_given_a_tier_that_dies_after_its_last_word_then_the_answer_is_whole(
    stage: Stage,
) -> None:
    served_by(stage, "two", "llama.cpp")
    stage.chat = ScriptedChat([ChatDelta("One two."), CUT], [ChatDelta(" two."), END])
    answer = await answered(stage)
    assert (answer.text, answer.status) == ("One two.", MessageStatus.COMPLETE)


async def test_given_a_tier_that_dies_while_it_thinks_then_the_next_answers_afresh(
    stage: Stage,
) -> None:
    stage.chat = ScriptedChat(
        [ChatDelta(thinking="I wonder"), CUT],
        [ChatDelta(thinking="Let me "), ChatDelta(thinking="see."), ChatDelta("Hi."), END],
    )
    answer = await answered(stage)
    assert (answer.text, answer.thinking) == ("Hi.", "I wonder\n\nLet me see.")
    assert answer.hand_overs == ()
    assert [message.role for message in stage.chat.requests[-1][1]] == ["system", "user"]


async def test_given_a_server_that_takes_the_rest_for_thinking_then_it_is_told_to_go_on(
    stage: Stage,
) -> None:
    served_by(stage, "two", "vllm")
    stage.chat = ScriptedChat(
        [ChatDelta("One two"), CUT],
        [ChatDelta(thinking=" two three."), END],
        [ChatDelta("One two three."), END],
    )
    answer = await answered(stage)
    assert (answer.text, answer.thinking) == ("One two three.", "")
    assert stage.chat.requests[-1][1][-1].role == "user"


async def test_given_a_tier_that_dies_in_a_tool_call_then_the_next_answers_afresh(
    stage: Stage,
) -> None:
    stage.chat = ScriptedChat([ChatDelta(), ChatDelta(), CUT], [ChatDelta("Hi."), END])
    answer = await answered(stage)
    assert (answer.text, answer.tier) == ("Hi.", "two")


async def test_given_a_tier_that_cannot_hold_the_text_so_far_then_it_is_not_asked(
    stage: Stage,
) -> None:
    stage.tiers = FakeTiers(ONE, TWO, Tier("three", "http://127.0.0.1:3/v1"))
    stage.tiers.status["two"] = TierStatus(TierState.READY, 0.0, context_tokens=512)
    numbers = " ".join(map(str, range(1, 401)))
    stage.chat = ScriptedChat([ChatDelta(numbers), CUT], [ChatDelta(f"{numbers} 401."), END])
    answer = await answered(stage)
    assert [tier.name for tier, _ in stage.chat.requests] == ["one", "three"]
    assert answer.text == f"{numbers} 401."


async def test_given_a_small_context_then_the_oldest_messages_give_way_to_the_text_so_far(
    stage: Stage,
) -> None:
    stage.tiers.status["two"] = TierStatus(TierState.READY, 0.0, context_tokens=512)
    stage.chat = ScriptedChat(
        [ChatDelta("Earlier. " * 60), END],
        [ChatDelta("a word and " * 60), CUT],
        [ChatDelta("a word and " * 4 + "no more."), END],
    )
    session = await stage.begin()
    await session.finished(session.begin_typed("First."))
    runner = session.begin_typed("Second.")
    await session.finished(runner)
    assert runner.answer is not None
    assert runner.answer.status is MessageStatus.COMPLETE
    asked = [message.text for message in stage.chat.requests[-1][1]]
    assert not any("Earlier" in text for text in asked)
    assert any("Second." in text for text in asked)


async def test_given_a_named_tier_that_dies_then_nobody_goes_on_in_its_name(stage: Stage) -> None:
    stage.chat = ScriptedChat([ChatDelta("One two"), CUT])
    answer = await answered(stage, tier="one")
    assert (answer.text, answer.status) == ("One two", MessageStatus.INCOMPLETE)
    assert answer.offer == Offer(("two",))


@pytest.mark.parametrize("then", ["stop", "ask"])
async def test_given_a_stop_or_a_question_during_a_hand_over_then_what_was_shown_stays(
    stage: Stage, then: str
) -> None:
    stage.chat = ScriptedChat(
        [ChatDelta("One two"), CUT],
        [ChatDelta("One tw"), asyncio.Event(), ChatDelta("o three."), END],
        [ChatDelta("Another."), END],
    )
    session = await stage.begin()
    runner = session.begin_typed("Tell me.")
    await stage.heard.until(lambda: len(stage.chat.requests) == 2)
    if then == "stop":
        session.stop()
    else:
        runner = session.begin_typed("Something else.")
    await session.finished(runner)
    conversation = await session.open_conversation(session.conversation_id)
    answers = [m for m in conversation.messages if m.role is Role.ASSISTANT]
    assert (answers[0].text, answers[0].status) == ("One two", MessageStatus.INCOMPLETE)
    assert [m.text for m in answers[1:]] == ([] if then == "stop" else ["Another."])
