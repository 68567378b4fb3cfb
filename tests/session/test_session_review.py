"""Turns that come close together, and parts that fail on the way out: no word is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field

import pytest

from strixdesk.core.chat import ChatDelta, ChatEnd, ChatMessage
from strixdesk.core.errors import AudioOutputError
from strixdesk.core.events import PartialTranscript, TurnChanged
from strixdesk.core.tier import Tier
from strixdesk.core.turn import TurnState
from strixdesk.session.assistant import Assistant
from strixdesk.session.deferred import DeferredAssistant
from tests.session.conftest import Stage
from tests.support.fakes import FakeRecogniser, FakeRecognition, FakeSink, ScriptedChat

END = ChatEnd("stop")


class SlowToLeave(ScriptedChat):
    """A server whose connection takes its time to close."""

    def __init__(self, *scripts: Sequence[ChatDelta | ChatEnd | Exception | asyncio.Event]) -> None:
        super().__init__(*scripts)
        self.may_leave = asyncio.Event()

    async def stream(
        self,
        tier: Tier,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int | None = None,
        fresh: bool = True,
    ) -> AsyncGenerator[ChatDelta | ChatEnd, None]:
        try:
            async for item in super().stream(tier, messages, max_tokens=max_tokens):
                yield item
        except asyncio.CancelledError:
            await self.may_leave.wait()
            raise


@dataclass
class Whispering(FakeRecogniser):
    """Hands out the ways to say a partial transcript, so that one can come late."""

    whispers: list[Callable[[str], None]] = field(default_factory=list)

    def begin(
        self, utterance_id: str, on_partial: Callable[[str], None] | None = None
    ) -> FakeRecognition:
        if on_partial:
            self.whispers.append(on_partial)
        return super().begin(utterance_id, on_partial)


async def questions(stage: Stage) -> list[str]:
    conversation = await stage.session.open_conversation(stage.session.conversation_id)
    return [message.text for message in conversation.messages if message.role.value == "user"]


async def test_given_two_questions_at_once_then_both_are_kept(stage: Stage) -> None:
    stage.chat = ScriptedChat([ChatDelta("Hi."), END], [ChatDelta("Hi."), END])
    session = await stage.begin()
    session.ask("first")
    session.ask("second")
    await stage.until(TurnState.DONE)
    assert await questions(stage) == ["first", "second"]


async def test_given_two_questions_before_the_engines_are_there_then_both_are_kept(
    stage: Stage,
) -> None:
    stage.chat = ScriptedChat([ChatDelta("Hi."), END], [ChatDelta("Hi."), END])
    session: Assistant = await stage.begin()
    deferred = DeferredAssistant(session.attachment_path)
    deferred.ask("first")
    deferred.ask("second")
    deferred.arrived(session)
    await stage.until(TurnState.DONE)
    assert await questions(stage) == ["first", "second"]


async def test_given_a_stop_right_after_enter_then_the_question_is_kept(stage: Stage) -> None:
    stage.chat = ScriptedChat([ChatDelta("Hi."), END])
    session = await stage.begin()
    runner = session.begin_typed("never mind")
    session.stop()
    await session.finished(runner)
    assert await questions(stage) == ["never mind"]


async def test_given_a_turn_that_is_slow_to_end_then_the_next_but_one_waits_for_it_too(
    stage: Stage,
) -> None:
    stage.chat = chat = SlowToLeave(
        [ChatDelta("It begins"), asyncio.Event()], [ChatDelta("Hi."), END], [ChatDelta("Hi."), END]
    )
    session = await stage.begin()
    first = session.begin_typed("first")
    await stage.heard.until(lambda: bool(chat.requests))
    session.ask("second")
    await asyncio.sleep(0)  # the second waits for the first
    third = session.begin_typed("third")
    asyncio.get_running_loop().call_later(0.2, chat.may_leave.set)
    await session.finished(third)
    await stage.heard.until(lambda: not first.turn.state.live)
    order = [e.turn.id for e in stage.heard.of(TurnChanged)]
    last_of_first = max(i for i, turn in enumerate(order) if turn == first.turn.id)
    assert last_of_first < order.index(third.turn.id)


async def test_given_a_key_pressed_again_before_the_former_turn_has_ended_then_the_words_are_kept(
    stage: Stage,
) -> None:
    stage.recogniser.results = ["one", "two"]
    stage.chat = chat = SlowToLeave(
        [ChatDelta("It begins"), asyncio.Event()], [ChatDelta("Hi."), END], [ChatDelta("Hi."), END]
    )
    session = await stage.begin()
    session.ask("first")
    await stage.heard.until(lambda: bool(chat.requests))
    spoken = stage.listener.begin()
    stage.listener.end(spoken)
    await asyncio.sleep(0)
    again = stage.listener.begin()
    asyncio.get_running_loop().call_later(0.2, chat.may_leave.set)
    stage.listener.end(again)
    await stage.until(TurnState.DONE)
    conversation = await session.open_conversation(session.conversation_id)
    spoken_messages = [m for m in conversation.messages if m.spoken and m.role.value == "user"]
    assert len(spoken_messages) == 2, "the first is there, with its words or its recording"


async def test_given_a_speaker_that_fails_to_close_then_the_history_is_closed_all_the_same(
    stage: Stage,
) -> None:
    class Stubborn(FakeSink):
        closed = False

        async def close(self) -> None:
            if not self.closed:
                self.closed = True
                raise AudioOutputError("The speaker does not answer.")

    stage.sink = Stubborn()
    session = await stage.begin()
    try:
        await session.close()
    except AudioOutputError:
        pytest.fail("closing goes on, whatever fails")
    locks = await asyncio.to_thread(
        lambda: list((stage.folder / "history.sqlite3-writers").iterdir())
    )
    assert locks == []


async def test_given_words_of_a_former_utterance_then_they_are_not_shown_in_the_next_turn(
    stage: Stage,
) -> None:
    stage.recogniser = recogniser = Whispering(results=["one", "two"])
    stage.chat = ScriptedChat([ChatDelta("Hi."), END], [ChatDelta("Hi."), END])
    await stage.begin()
    stage.listener.end(stage.listener.begin())
    await stage.until(TurnState.DONE)
    stage.listener.begin()
    await stage.until(TurnState.LISTENING)
    recogniser.whispers[0]("old words")
    assert stage.heard.of(PartialTranscript) == []
