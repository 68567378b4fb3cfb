"""One assistant that always answers: who goes on when a tier cannot, and what is told of it."""

from __future__ import annotations

import asyncio

import pytest

from strixdesk.core.chat import ChatDelta, ChatEnd
from strixdesk.core.conversation import HandOver, Message, MessageStatus, Offer, Role, Text
from strixdesk.core.errors import (
    StreamBroken,
    TierError,
    TierRefused,
    TierResting,
    TierTimeout,
    TierUnreachable,
)
from strixdesk.core.events import Failed, MessageAdded, MessageChanged, TextDelta
from strixdesk.core.tier import Capability, Tier, TierState, TierStatus
from strixdesk.core.turn import TurnState
from strixdesk.session.session import Session
from tests.session.conftest import Stage
from tests.support.fakes import FakeTiers, ScriptedChat
from tests.support.pictures import flat_png

END = ChatEnd("stop")
ONE = Tier("one", "http://127.0.0.1:1/v1")
TWO = Tier("two", "http://127.0.0.1:2/v1")
CUT = StreamBroken("The answer of “one” broke off: the connection was cut.", "Ask again.")


@pytest.fixture
def stage(stage: Stage) -> Stage:
    stage.tiers = FakeTiers(ONE, TWO)
    return stage


def served_by(stage: Stage, name: str, server: str) -> None:
    stage.tiers.status[name] = TierStatus(TierState.READY, 0.0, server=server)


async def answered(stage: Stage, text: str = "Tell me.", tier: str | None = None) -> Message:
    session = await stage.begin()
    runner = session.begin_typed(text, tier=tier)
    await session.finished(runner)
    assert runner.answer is not None
    return runner.answer


async def kept(session: Session) -> Message:
    """The last message as the history has it."""
    conversation = await session.open_conversation(session.conversation_id)
    return conversation.messages[-1]


# -- a tier that dies in mid-answer ------------------------------------------------------------


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


# -- going on by hand --------------------------------------------------------------------------


async def continued(session: Session, answer: Message) -> Message:
    runner = session.begin_continuing(answer.id)
    assert runner is not None
    await session.finished(runner)
    assert runner.answer is not None
    return runner.answer


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
