"""A typed turn, from the question to the end of the answer."""

from __future__ import annotations

import asyncio

from strixdesk.core.chat import ChatDelta, ChatEnd
from strixdesk.core.conversation import MessageStatus, Role
from strixdesk.core.errors import StreamBroken, TierUnreachable
from strixdesk.core.events import (
    Failed,
    MessageChanged,
    ServersFound,
    SpeechProgress,
    TextDelta,
    TurnChanged,
)
from strixdesk.core.tier import Tier
from strixdesk.core.turn import TurnState, Usage
from tests.session.conftest import Stage
from tests.support.fakes import FakeSink, FakeTiers, FakeVoice, ScriptedChat

END = ChatEnd("stop", Usage(5, 7), "tiny")


async def test_given_a_question_then_the_answer_streams_and_is_stored(stage: Stage) -> None:
    stage.chat = ScriptedChat([ChatDelta("Par"), ChatDelta("is."), END])
    session = await stage.begin()
    runner = session.begin_typed("What is the capital of France?")
    await session.finished(runner)

    assert stage.states() == [TurnState.THINKING, TurnState.DONE]
    assert [delta.text for delta in stage.heard.of(TextDelta)] == ["Par", "is."]
    stored = await session.open_conversation(session.conversation_id)
    assert [(m.role, m.text, m.status) for m in stored.messages] == [
        (Role.USER, "What is the capital of France?", MessageStatus.COMPLETE),
        (Role.ASSISTANT, "Paris.", MessageStatus.COMPLETE),
    ]
    assert runner.usage == Usage(5, 7)
    assert runner.model == "tiny"


async def test_given_speech_on_then_the_answer_is_read_out_before_it_is_whole(
    stage: Stage,
) -> None:
    rest = asyncio.Event()
    stage.chat = ScriptedChat(
        [ChatDelta("The first sentence is here. And "), rest, ChatDelta("here is more."), END]
    )
    session = await stage.begin(speech_on=True)
    runner = session.begin_typed("Tell me.")
    await stage.until(TurnState.SPEAKING)
    assert stage.voice.said[0].startswith("The first sentence")
    rest.set()
    await session.finished(runner)

    assert stage.states() == [TurnState.THINKING, TurnState.SPEAKING, TurnState.DONE]
    assert runner.answer is not None
    assert stage.heard.of(SpeechProgress)[-1].spoken_chars == len(runner.answer.text)
    assert runner.turn.timings.first_audio_ms is not None


async def test_given_thinking_then_it_is_kept_but_never_spoken(stage: Stage) -> None:
    stage.chat = ScriptedChat([ChatDelta(thinking="Hmm, cats."), ChatDelta("A cat."), END])
    session = await stage.begin(speech_on=True)
    runner = session.begin_typed("Which animal?")
    await session.finished(runner)

    assert runner.answer is not None
    assert runner.answer.thinking == "Hmm, cats."
    assert stage.voice.said == ["A cat."]


async def test_given_a_stream_that_breaks_then_the_part_is_kept_and_labelled(stage: Stage) -> None:
    broken = StreamBroken("utility stopped in mid-answer.", "Try again.")
    stage.chat = ScriptedChat([ChatDelta("Half of"), broken])
    session = await stage.begin()
    runner = session.begin_typed("Go on")
    await session.finished(runner)

    assert runner.answer is not None
    assert (runner.answer.text, runner.answer.status) == ("Half of", MessageStatus.INCOMPLETE)
    assert runner.answer.detail == "utility stopped in mid-answer. Try again."
    assert stage.states()[-1] is TurnState.FAILED


async def test_given_a_cap_on_length_then_the_answer_is_not_called_complete(stage: Stage) -> None:
    stage.chat = ScriptedChat([ChatDelta("One, two,"), ChatEnd("length")])
    session = await stage.begin()
    runner = session.begin_typed("Count")
    await session.finished(runner)

    assert runner.answer is not None
    assert runner.answer.status is MessageStatus.INCOMPLETE
    assert "length limit" in (runner.answer.detail or "")


async def test_given_a_dead_first_tier_then_the_next_answers_and_says_so(stage: Stage) -> None:
    stage.tiers = FakeTiers(
        Tier("one", "http://127.0.0.1:1/v1"), Tier("two", "http://127.0.0.1:2/v1")
    )
    stage.chat = ScriptedChat([TierUnreachable("one cannot be reached.")], [ChatDelta("Hi."), END])
    session = await stage.begin()
    runner = session.begin_typed("Hello")
    await session.finished(runner)

    assert [tier.name for tier, _ in stage.chat.requests] == ["one", "two"]
    assert runner.answer is not None
    assert (runner.answer.tier, runner.answer.status) == ("two", MessageStatus.COMPLETE)
    assert "one cannot be reached" in (runner.answer.reason or "")


async def test_given_a_named_tier_that_is_dead_then_no_other_is_asked(stage: Stage) -> None:
    stage.tiers = FakeTiers(
        Tier("one", "http://127.0.0.1:1/v1"), Tier("two", "http://127.0.0.1:2/v1")
    )
    stage.chat = ScriptedChat([TierUnreachable("one cannot be reached.", "Start it.")])
    session = await stage.begin()
    runner = session.begin_typed("Hello", tier="one")
    await session.finished(runner)

    assert len(stage.chat.requests) == 1
    assert runner.answer is not None
    assert runner.answer.status is MessageStatus.FAILED
    assert runner.answer.detail == "one cannot be reached. Start it."


async def test_given_stop_then_speech_is_silent_at_once_and_the_text_so_far_is_kept(
    stage: Stage,
) -> None:
    never = asyncio.Event()
    stage.chat = ScriptedChat([ChatDelta("A long story begins here. And"), never])
    stage.sink = FakeSink(stuck=True)
    session = await stage.begin(speech_on=True)
    runner = session.begin_typed("A story")
    await stage.until(TurnState.SPEAKING)
    flushed = stage.sink.flushed
    session.stop()
    assert stage.sink.flushed > flushed
    await session.finished(runner)

    assert stage.states()[-1] is TurnState.INTERRUPTED
    assert stage.chat.closed_early == 1
    stored = (await session.open_conversation(session.conversation_id)).messages[-1]
    assert stored.status is MessageStatus.INCOMPLETE
    assert stored.text == "A long story begins here. And"


async def test_given_stop_while_the_end_is_read_out_then_the_whole_text_stays_complete(
    stage: Stage,
) -> None:
    stage.chat = ScriptedChat([ChatDelta("All of it."), END])
    stage.sink = FakeSink(stuck=True)
    session = await stage.begin(speech_on=True)
    runner = session.begin_typed("Say it")
    await stage.heard.until(
        lambda: any(
            e.message.status is MessageStatus.COMPLETE for e in stage.heard.of(MessageChanged)
        )
    )
    session.stop()
    await session.finished(runner)

    assert runner.answer is not None
    assert runner.answer.status is MessageStatus.COMPLETE
    assert stage.states()[-1] is TurnState.INTERRUPTED


async def test_given_a_new_question_then_the_live_turn_ends_before_the_next_begins(
    stage: Stage,
) -> None:
    stage.chat = ScriptedChat([ChatDelta("First"), asyncio.Event()], [ChatDelta("Second."), END])
    session = await stage.begin()
    session.ask("one")
    await stage.heard.until(lambda: bool(stage.heard.of(TextDelta)))
    runner = session.begin_typed("two")
    await session.finished(runner)

    turns = [event.turn.id for event in stage.heard.of(TurnChanged)]
    assert turns == sorted(turns), "ids sort by the time at which the turns were made"
    assert runner.answer is not None
    assert runner.answer.text == "Second."


async def test_given_a_voice_that_fails_then_the_text_is_whole_and_the_user_is_told(
    stage: Stage,
) -> None:
    from strixdesk.core.errors import VoiceError

    stage.chat = ScriptedChat([ChatDelta("All well."), END])
    stage.voice = FakeVoice(VoiceError("The voice has no model.", "Get one."))
    session = await stage.begin(speech_on=True)
    runner = session.begin_typed("Hello")
    await session.finished(runner)

    assert runner.answer is not None
    assert runner.answer.status is MessageStatus.COMPLETE
    assert any("no model" in event.message for event in stage.heard.of(Failed))
    assert stage.states()[-1] is TurnState.DONE


async def test_given_a_crashed_voice_worker_then_the_sentence_is_said_once(stage: Stage) -> None:
    from strixdesk.core.errors import WorkerError

    stage.chat = ScriptedChat([ChatDelta("All well."), END])
    stage.voice = FakeVoice(WorkerError("The voice worker crashed."))
    session = await stage.begin(speech_on=True)
    await session.finished(session.begin_typed("Hello"))

    assert stage.voice.said == ["All well."]
    assert not stage.heard.of(Failed)


async def test_given_an_answer_asked_again_then_the_tier_is_not_shown_the_former_one(
    stage: Stage,
) -> None:
    stage.chat = ScriptedChat([ChatDelta("Bad"), StreamBroken("cut.")], [ChatDelta("Good."), END])
    session = await stage.begin()
    runner = session.begin_typed("Question?")
    await session.finished(runner)
    assert runner.answer is not None
    session.answer_again(runner.answer.id)
    await stage.until(TurnState.DONE)

    sent = [message.text for message in stage.chat.requests[1][1] if message.role != "system"]
    assert sent == ["Question?"]


async def test_given_speech_switched_off_in_mid_answer_then_only_the_sound_stops(
    stage: Stage,
) -> None:
    rest = asyncio.Event()
    stage.chat = ScriptedChat(
        [ChatDelta("One sentence to say. Then"), rest, ChatDelta(" more."), END]
    )
    session = await stage.begin(speech_on=True)
    runner = session.begin_typed("Go")
    await stage.until(TurnState.SPEAKING)
    session.set_speech(False)
    rest.set()
    await session.finished(runner)

    assert runner.answer is not None
    assert runner.answer.text == "One sentence to say. Then more."
    assert stage.states()[-1] is TurnState.DONE


async def test_given_a_server_that_comes_up_later_then_it_is_offered_and_can_be_asked(
    stage: Stage,
) -> None:
    stage.chat = ScriptedChat([ChatDelta("Hi."), END])
    session = await stage.begin()
    stage.tiers.around = [Tier("Ollama", "http://127.0.0.1:11434/v1")]
    session.refresh_tiers()
    await stage.heard.until(lambda: bool(stage.heard.of(ServersFound)))
    session.adopt_tier(stage.tiers.around[0])
    stage.tiers.status["Ollama"] = stage.tiers.status["utility"]
    runner = session.begin_typed("Hello", tier="Ollama")
    await session.finished(runner)
    assert runner.answer is not None
    assert (runner.answer.tier, runner.answer.text) == ("Ollama", "Hi.")


async def test_given_words_that_were_said_then_their_conversation_is_found(stage: Stage) -> None:
    stage.chat = ScriptedChat([ChatDelta("Copper is dear."), END], [ChatDelta("Rain."), END])
    session = await stage.begin()
    await session.finished(session.begin_typed("metals?"))
    metals = session.conversation_id
    session.new_conversation()
    await session.finished(session.begin_typed("weather?"))
    assert await session.find("copper de") == frozenset({metals})
    assert await session.find('"*') == frozenset()


async def test_given_a_look_elsewhere_while_it_answers_then_nothing_of_the_answer_is_missing(
    stage: Stage,
) -> None:
    rest = asyncio.Event()
    stage.chat = ScriptedChat(
        [ChatDelta("Hi."), END], [ChatDelta("One "), rest, ChatDelta("two."), END]
    )
    session = await stage.begin()
    await session.finished(session.begin_typed("old"))
    old = session.conversation_id
    current = session.new_conversation()
    runner = session.begin_typed("count")
    await stage.heard.until(lambda: stage.heard.of(TextDelta)[-1:][0].text == "One ")
    await session.open_conversation(old)
    back = await session.open_conversation(current)
    assert (back.title, back.messages[-1].text) == ("count", "One ")
    rest.set()
    await session.finished(runner)
    assert (await session.open_conversation(current)).messages[-1].text == "One two."
