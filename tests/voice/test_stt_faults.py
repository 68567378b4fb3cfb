"""What the recogniser survives: its own process's death, and models that are not whole."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from strixdesk.core.audio import Utterance
from strixdesk.core.errors import ModelError, WorkerError
from strixdesk.core.hearing import Transcript
from strixdesk.voice.stt import SpeechRecogniser
from tests.support.speech import SENTENCES, recogniser_dir, spoken

pytestmark = pytest.mark.engine


@pytest.fixture
async def recogniser() -> AsyncIterator[SpeechRecogniser]:
    made = SpeechRecogniser(recogniser_dir(), language="en", threads=1)
    await made.ensure_ready()
    yield made
    await made.close()


async def test_an_utterance_can_begin_before_the_worker_is_up() -> None:
    recogniser = SpeechRecogniser(recogniser_dir(), language="en", threads=1)
    try:
        recognition = recogniser.begin("early")
        recognition.feed(spoken(SENTENCES[0]))
        assert "France" in (await recognition.finish()).text
    finally:
        await recogniser.close()


async def _long_job(recogniser: SpeechRecogniser) -> asyncio.Task[Transcript]:
    """A transcription that is in the middle of decoding."""
    begun = asyncio.Event()
    speech = Utterance("long", np.concatenate([spoken(s) for s in SENTENCES]))
    job = asyncio.create_task(
        recogniser.transcribe(speech, lambda done: begun.set() if done == 0 else None)
    )
    await begun.wait()
    return job


async def test_a_worker_killed_in_mid_decode_is_started_again_and_the_text_comes(
    recogniser: SpeechRecogniser,
) -> None:
    job = await _long_job(recogniser)
    killed = recogniser.worker_pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    assert "lazy dog" in (await job).text
    assert recogniser.worker_pid not in (None, killed)


async def test_a_worker_that_hangs_is_ended_and_the_text_comes_from_a_fresh_one() -> None:
    recogniser = SpeechRecogniser(recogniser_dir(), language="en", threads=1, patience_s=10.0)
    try:
        await recogniser.ensure_ready()
        job = await _long_job(recogniser)
        stopped = recogniser.worker_pid
        assert stopped is not None
        os.kill(stopped, signal.SIGSTOP)
        async with asyncio.timeout(110):
            assert "lazy dog" in (await job).text
        assert recogniser.worker_pid != stopped
    finally:
        await recogniser.close()


async def test_a_live_utterance_whose_worker_dies_says_so_and_can_be_transcribed_again(
    recogniser: SpeechRecogniser,
) -> None:
    recognition = recogniser.begin("u")
    recognition.feed(spoken(SENTENCES[0]))
    assert recogniser.worker_pid is not None
    os.kill(recogniser.worker_pid, signal.SIGKILL)
    with pytest.raises(WorkerError, match="The recogniser stopped unexpectedly"):
        await recognition.finish()
    again = await recogniser.transcribe(Utterance("u", spoken(SENTENCES[0])))
    assert "France" in again.text


def _copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(recogniser_dir(), tmp_path / "model"))


async def _model_error(model_dir: Path, language: str = "en") -> ModelError:
    recogniser = SpeechRecogniser(model_dir, language=language, threads=1)
    try:
        with pytest.raises(ModelError) as caught:
            await recogniser.ensure_ready()
    finally:
        await recogniser.close()
    return caught.value


async def test_a_truncated_model_is_named_with_its_mend(tmp_path: Path) -> None:
    model = _copy(tmp_path)
    with (model / "model.bin").open("r+b") as file:
        file.truncate(30_000_000)
    error = await _model_error(model)
    assert str(model) in error.message
    assert "broken" in error.message
    assert "strixdesk models get" in error.advice


@pytest.mark.parametrize("name", ["model.bin", "tokenizer.json", "vocabulary.txt"])
async def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    model = _copy(tmp_path)
    (model / name).unlink()
    assert f"lacks {name}" in (await _model_error(model)).message


@pytest.mark.parametrize("name", ["model.bin", "tokenizer.json", "config.json"])
async def test_a_file_of_garbage_is_a_broken_model(tmp_path: Path, name: str) -> None:
    model = _copy(tmp_path)
    (model / name).write_bytes(b"<html>404</html>")
    assert "is broken" in (await _model_error(model)).message


async def test_an_utterance_for_a_model_that_is_not_there_names_the_model(tmp_path: Path) -> None:
    recogniser = SpeechRecogniser(tmp_path / "gone", language="en", threads=1)
    try:
        recognition = recogniser.begin("u")
        recognition.feed(spoken(SENTENCES[0]))
        with pytest.raises(ModelError, match="There is no recogniser"):
            await recognition.finish()
    finally:
        await recogniser.close()


async def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert "There is no recogniser" in (await _model_error(tmp_path / "gone")).message


async def test_a_language_it_does_not_speak_is_said() -> None:
    error = await _model_error(recogniser_dir(), language="de")
    assert 'does not understand the language "de"' in error.message
    assert "multilingual" in error.advice
