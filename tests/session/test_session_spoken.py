"""A spoken turn: what was said survives whatever goes wrong."""

from __future__ import annotations

import asyncio

from strixdesk.core.audio import Utterance
from strixdesk.core.chat import ChatDelta, ChatEnd
from strixdesk.core.conversation import MessageStatus
from strixdesk.core.errors import AudioInputError, RecogniserError, WorkerError
from strixdesk.core.events import (
    Failed,
    HandsFreeSwitched,
    MessageAdded,
    MicrophoneChanged,
    MicrophoneState,
    Noticed,
)
from strixdesk.core.hearing import MicrophoneMoved
from strixdesk.core.turn import TurnState
from tests.session.conftest import Stage
from tests.support.fakes import FakeListener, FakeRecogniser, Script, ScriptedChat, tone

HI: Script = [ChatDelta("Hi."), ChatEnd("stop")]


async def test_given_a_held_key_then_the_words_are_transcribed_and_answered(stage: Stage) -> None:
    stage.chat = ScriptedChat(HI)
    session = await stage.begin()
    session.press_talk()
    await stage.until(TurnState.LISTENING)
    session.release_talk()
    await stage.until(TurnState.DONE)

    assert stage.states() == [
        TurnState.LISTENING,
        TurnState.TRANSCRIBING,
        TurnState.THINKING,
        TurnState.DONE,
    ]
    user, answer = (await session.open_conversation(session.conversation_id)).messages
    assert (user.text, user.status, user.spoken) == ("hello there", MessageStatus.COMPLETE, True)
    assert answer.text == "Hi."
    assert stage.recogniser.begun[0].samples == 16_000


async def test_given_a_stored_transcript_then_the_recording_is_gone(stage: Stage) -> None:
    stage.chat = ScriptedChat(HI)
    session = await stage.begin()
    session.press_talk()
    await stage.until(TurnState.LISTENING)
    session.release_talk()
    await stage.until(TurnState.DONE)
    assert await stage.recordings.leftovers() == ()


async def test_given_a_worker_that_crashes_then_the_recording_is_transcribed(stage: Stage) -> None:
    stage.chat = ScriptedChat(HI)
    stage.recogniser = FakeRecogniser([WorkerError("The recogniser crashed.")])
    session = await stage.begin()
    session.press_talk()
    await stage.until(TurnState.LISTENING)
    session.release_talk()
    await stage.until(TurnState.DONE)

    user = (await session.open_conversation(session.conversation_id)).messages[0]
    assert user.text == "hello again"
    assert len(stage.recogniser.transcribed[0].samples) == 16_000


async def test_given_a_recogniser_that_fails_twice_then_the_recording_is_kept(stage: Stage) -> None:
    stage.chat = ScriptedChat(HI)
    error = RecogniserError("The model is broken.", "Get it again.")
    stage.recogniser = FakeRecogniser([error], second=error)
    session = await stage.begin()
    session.press_talk()
    await stage.until(TurnState.LISTENING)
    session.release_talk()
    await stage.until(TurnState.FAILED)

    user = (await session.open_conversation(session.conversation_id)).messages[0]
    assert user.status is MessageStatus.FAILED
    assert user.detail == "The model is broken. Get it again."
    assert user.recording is not None

    stage.recogniser.second = "now it works"
    session.transcribe_again(user.id)
    await stage.until(TurnState.DONE)
    user = (await session.open_conversation(session.conversation_id)).messages[0]
    assert (user.text, user.recording) == ("now it works", None)


async def test_given_stop_while_transcribing_then_the_recording_is_kept(stage: Stage) -> None:
    stage.recogniser = FakeRecogniser(hold=asyncio.Event())
    session = await stage.begin()
    session.press_talk()
    await stage.until(TurnState.LISTENING)
    session.release_talk()
    await stage.until(TurnState.TRANSCRIBING)
    session.stop()
    await stage.until(TurnState.INTERRUPTED)

    user = (await session.open_conversation(session.conversation_id)).messages[0]
    assert user.status is MessageStatus.FAILED
    assert user.recording is not None
    kept = await stage.recordings.load(user.recording.utterance_id)
    assert len(kept.samples) == 16_000


async def test_given_a_program_that_died_then_the_recording_comes_back(stage: Stage) -> None:
    stage.recogniser = FakeRecogniser(["", ""], second="brought back", hold=asyncio.Event())
    session = await stage.begin()
    writer = stage.recordings.begin("lost")
    writer.append(tone(1.0))
    await writer.finish()
    await session.close()

    stage.chat = ScriptedChat(HI)
    session = await stage.begin()
    (summary,) = await session.conversations()
    (message,) = (await session.open_conversation(summary.id)).messages
    assert message.recording is not None
    assert message.recording.utterance_id == "lost"
    assert message.status is MessageStatus.FAILED
    session.transcribe_again(message.id)
    await stage.until(TurnState.DONE)
    assert (await session.open_conversation(summary.id)).messages[0].text == "brought back"


async def test_given_a_key_held_in_silence_then_nothing_is_sent_and_a_hint_is_shown(
    stage: Stage,
) -> None:
    stage.recogniser = FakeRecogniser([""])
    session = await stage.begin()
    utterance = stage.listener.begin()
    await stage.until(TurnState.LISTENING)
    stage.listener.end(utterance, heard_speech=False)
    await stage.until(TurnState.DONE)

    assert not stage.heard.of(MessageAdded)
    assert "microphone" in stage.heard.of(Noticed)[0].message
    assert session.conversation_id


async def test_given_a_whisper_that_the_detector_missed_then_it_is_recognised_all_the_same(
    stage: Stage,
) -> None:
    stage.chat = ScriptedChat(HI)
    stage.recogniser = FakeRecogniser(["a whisper"])
    session = await stage.begin()
    utterance = stage.listener.begin()
    await stage.until(TurnState.LISTENING)
    stage.listener.end(utterance, heard_speech=False)
    await stage.until(TurnState.DONE)
    user = (await session.open_conversation(session.conversation_id)).messages[0]
    assert user.text == "a whisper"


async def test_given_hands_free_noise_without_words_then_no_message_appears(stage: Stage) -> None:
    stage.recogniser = FakeRecogniser([""])
    await stage.begin()
    utterance = stage.listener.begin(hands_free=True)
    await stage.until(TurnState.LISTENING)
    stage.listener.end(utterance)
    await stage.until(TurnState.DONE)

    assert not stage.heard.of(MessageAdded)
    assert await stage.recordings.leftovers() == ()


async def test_given_hands_free_then_it_does_not_listen_from_the_words_to_the_answers_end(
    stage: Stage,
) -> None:
    stage.chat = ScriptedChat(HI)
    await stage.begin(speech_on=True)
    utterance = stage.listener.begin(hands_free=True)
    await stage.until(TurnState.LISTENING)
    assert True not in stage.listener.paused
    stage.listener.end(utterance)
    assert stage.listener.paused[-1] is True
    await stage.until(TurnState.DONE)
    await stage.listener.unpaused.wait()
    assert stage.listener.paused[-1] is False


async def test_given_a_key_during_an_answer_then_the_answer_is_interrupted(stage: Stage) -> None:
    stage.chat = ScriptedChat([ChatDelta("A long answer"), asyncio.Event()], HI)
    session = await stage.begin()
    session.ask("Tell me")
    await stage.heard.until(lambda: bool(stage.chat.requests))
    session.press_talk()
    await stage.until(TurnState.INTERRUPTED, TurnState.LISTENING)
    session.release_talk()
    await stage.until(TurnState.DONE)


async def test_given_a_key_let_go_before_the_microphone_is_open_then_the_turn_still_ends(
    stage: Stage,
) -> None:
    stage.chat = ScriptedChat(HI)
    stage.listener.opening = asyncio.Event()
    session = await stage.begin()
    session.press_talk()
    session.release_talk()
    stage.listener.opening.set()
    await stage.until(TurnState.DONE)
    assert stage.states()[0] is TurnState.LISTENING


async def test_given_a_lost_microphone_then_hands_free_is_off(stage: Stage) -> None:
    session = await stage.begin()
    session.set_hands_free(True)
    await stage.heard.until(lambda: bool(stage.heard.of(HandsFreeSwitched)))
    stage.listener.hear(MicrophoneMoved(MicrophoneState.CLOSED, "The microphone was unplugged."))
    assert stage.heard.of(HandsFreeSwitched)[-1] == HandsFreeSwitched(False)
    assert stage.heard.of(MicrophoneChanged)[-1].detail == "The microphone was unplugged."


async def test_given_no_microphone_then_hands_free_goes_off_with_a_sentence(stage: Stage) -> None:
    stage.listener = FakeListener(AudioInputError("There is no microphone.", "Plug one in."))
    session = await stage.begin()
    session.set_hands_free(True)
    await stage.heard.until(lambda: bool(stage.heard.of(HandsFreeSwitched)))

    assert stage.heard.of(Failed) == [Failed("There is no microphone.", "Plug one in.")]
    assert stage.heard.of(HandsFreeSwitched) == [HandsFreeSwitched(False)]


async def test_given_a_recording_from_a_file_then_it_is_asked(stage: Stage) -> None:
    stage.chat = ScriptedChat(HI)
    session = await stage.begin()
    runner = session.begin_recorded(Utterance("file", tone(2.0)))
    await session.finished(runner)

    assert runner.transcript == "hello again"
    assert runner.turn.timings.stt_ms is not None
    assert runner.answer is not None
    assert runner.answer.text == "Hi."
