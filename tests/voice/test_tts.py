"""The voice on its real engine: how soon it speaks, how it stops, and what it survives."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from strixdesk.core.audio import AudioFrame, Samples, level_db
from strixdesk.core.errors import ModelError, WorkerError
from strixdesk.voice.tts import SpeechVoice
from strixdesk.voice.tts_worker import LONGEST_PIECE, pieces_of
from tests.support.speech import voice_file

pytestmark = [pytest.mark.engine, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def voice() -> AsyncIterator[SpeechVoice]:
    made = SpeechVoice(voice_file(), speed=1.0, steady=True)
    await made.ensure_ready()
    yield made
    await made.close()


async def _frames(voice: SpeechVoice, text: str) -> list[AudioFrame]:
    return [frame async for frame in voice.speak(text, "turn")]


async def _sound(voice: SpeechVoice, text: str) -> Samples:
    frames = await _frames(voice, text)
    return np.concatenate([frame.samples for frame in frames])


async def test_frames_are_short_in_order_and_belong_to_the_turn(voice: SpeechVoice) -> None:
    frames = await _frames(voice, "The kettle is on. Tea in two minutes.")
    assert voice.rate_hz == 22_050
    assert {(frame.rate_hz, frame.turn_id) for frame in frames} == {(22_050, "turn")}
    assert max(frame.duration_s for frame in frames) <= 0.1
    ends = np.cumsum([len(frame.samples) for frame in frames])
    assert [frame.start_sample for frame in frames] == [0, *ends[:-1].tolist()]
    assert 1.5 < ends[-1] / 22_050 < 5.0
    assert level_db(np.concatenate([frame.samples for frame in frames])) > -40


async def test_the_first_sound_of_two_sentences_does_not_wait_for_the_second(
    voice: SpeechVoice,
) -> None:
    text = "Yes. " + "And then, after a good deal of thought, we went all the way home again. " * 3

    async def share() -> float:
        """Of the whole time, until the first sound."""
        begun = time.perf_counter()
        arrivals = [time.perf_counter() - begun async for _ in voice.speak(text, "turn")]
        return arrivals[0] / arrivals[-1]

    # A machine that stands still while the first comes says nothing of the voice.
    shares = [await share()]
    while min(shares) >= 1 / 3 and len(shares) < 4:
        shares.append(await share())
    assert min(shares) < 1 / 3


async def test_steady_speech_is_the_same_each_time(voice: SpeechVoice) -> None:
    first = await _sound(voice, "Once more, with feeling.")
    second = await _sound(voice, "Once more, with feeling.")
    np.testing.assert_array_equal(first, second)


async def test_a_faster_voice_takes_less_time(voice: SpeechVoice) -> None:
    fast = SpeechVoice(voice_file(), speed=2.0, steady=True)
    try:
        text = "A sentence that is long enough to be measured."
        ratio = len(await _sound(fast, text)) / len(await _sound(voice, text))
    finally:
        await fast.close()
    assert 0.4 < ratio < 0.65


@pytest.mark.parametrize("text", ["", "   \n", "…", "😀", "!?"])
async def test_nothing_to_say_ends_without_harm(voice: SpeechVoice, text: str) -> None:
    frames = await _frames(voice, text)
    assert frames == []
    assert await _frames(voice, "Still here.")


async def test_closing_the_generator_stops_the_synthesis(voice: SpeechVoice) -> None:
    pid = voice.worker_pid
    stream = voice.speak("This is a rather long sentence, one of very many. " * 600, "long")
    await anext(stream)
    await stream.aclose()
    begun = time.perf_counter()
    assert await _frames(voice, "Short.")
    assert time.perf_counter() - begun < 20.0  # the rest would take over a hundred
    assert voice.worker_pid == pid


async def test_two_texts_at_once_do_not_mix(voice: SpeechVoice) -> None:
    texts = ("The first of the two.", "And this is the second, which is longer.")
    alone = [await _sound(voice, text) for text in texts]
    together = await asyncio.gather(*(_sound(voice, text) for text in texts))
    for expected, found in zip(alone, together, strict=True):
        np.testing.assert_array_equal(found, expected)


async def test_a_worker_that_is_killed_fails_this_text_and_speaks_the_next(
    voice: SpeechVoice,
) -> None:
    stream = voice.speak("This is a rather long sentence, one of very many. " * 60, "long")
    await anext(stream)
    assert voice.worker_pid is not None
    os.kill(voice.worker_pid, signal.SIGKILL)
    with pytest.raises(WorkerError, match="The voice stopped unexpectedly"):
        async for _ in stream:
            pass
    assert await _frames(voice, "Back again.")


async def test_a_worker_that_hangs_is_ended() -> None:
    voice = SpeechVoice(voice_file(), steady=True, silent_within_s=8.0)
    try:
        await voice.ensure_ready()
        assert voice.worker_pid is not None
        os.kill(voice.worker_pid, signal.SIGSTOP)
        with pytest.raises(WorkerError, match="did not answer for 8 seconds"):
            await _frames(voice, "Hello?")
        assert await _frames(voice, "Hello again.")
    finally:
        await voice.close()


async def _model_error(model: Path) -> ModelError:
    voice = SpeechVoice(model)
    try:
        with pytest.raises(ModelError) as caught:
            await voice.ensure_ready()
    finally:
        await voice.close()
    return caught.value


def _copy(tmp_path: Path) -> Path:
    for suffix in ("", ".json"):
        shutil.copy(f"{voice_file()}{suffix}", tmp_path / f"v.onnx{suffix}")
    return tmp_path / "v.onnx"


async def test_a_truncated_voice_is_named_with_its_mend(tmp_path: Path) -> None:
    model = _copy(tmp_path)
    with model.open("r+b") as file:
        file.truncate(10_000_000)
    error = await _model_error(model)
    assert error.message == f"The voice's model {model} is broken."
    assert "strixdesk models get" in error.advice


async def test_a_missing_or_broken_description_is_named(tmp_path: Path) -> None:
    model = _copy(tmp_path)
    described = tmp_path / "v.onnx.json"
    described.write_text('{"audio": {')
    assert f"{described} is broken" in (await _model_error(model)).message
    described.unlink()
    assert f"{described} is missing" in (await _model_error(model)).message


async def test_long_text_is_cut_into_pieces_at_punctuation_then_at_words() -> None:
    clause = "a clause of some forty characters or so, "
    text = clause * 20 + "word " * 200 + "x" * 1000
    pieces = pieces_of(text)
    assert max(map(len, pieces)) <= LONGEST_PIECE
    assert "".join(pieces).replace(" ", "") == text.replace(" ", "")
    assert pieces[0].endswith(",")
    assert pieces_of("One line.\nAnother one.") == ["One line.", "Another one."]
