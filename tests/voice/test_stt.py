"""The recogniser on its real engine: its words and its speed."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from strixdesk.core.audio import Samples, Utterance
from strixdesk.core.hearing import Transcript
from strixdesk.voice.stt import SpeechRecogniser
from tests.support.eventually import eventually
from tests.support.speech import (
    SENTENCES,
    feed_in_time,
    human_utterance,
    recogniser_dir,
    silence,
    spoken,
    words,
)

pytestmark = [pytest.mark.engine, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def recogniser() -> AsyncIterator[SpeechRecogniser]:
    made = SpeechRecogniser(recogniser_dir(), language="en", threads=1)
    await made.ensure_ready()
    yield made
    await made.close()


@pytest.fixture(scope="module")
def batch() -> Callable[[Samples], str]:
    """Plain faster-whisper with its defaults, on the same model."""
    from faster_whisper import WhisperModel

    model: Any = WhisperModel(
        str(recogniser_dir()), device="cpu", compute_type="int8", cpu_threads=1
    )
    return lambda samples: " ".join(segment.text for segment in model.transcribe(samples)[0])


async def _live(recogniser: SpeechRecogniser, samples: Samples, faster: float = 1.0) -> Transcript:
    recognition = recogniser.begin("live")
    await feed_in_time(recognition, samples, faster)
    return await recognition.finish()


async def test_a_person_is_understood_as_plain_whisper_would(
    recogniser: SpeechRecogniser, batch: Callable[[Samples], str]
) -> None:
    samples = human_utterance().samples
    expected = words(batch(samples))
    assert words((await _live(recogniser, samples, faster=4)).text) == expected
    assert words((await recogniser.transcribe(human_utterance())).text) == expected


async def test_ten_sentences_are_understood_as_plain_whisper_would(
    recogniser: SpeechRecogniser, batch: Callable[[Samples], str]
) -> None:
    different = []
    for sentence in SENTENCES:
        plain = words(batch(spoken(sentence)))
        live = words((await _live(recogniser, spoken(sentence), faster=20)).text)
        if live != plain and live != words(sentence):
            different.append((plain, live))
    assert different == []


async def test_the_final_text_is_there_in_less_than_four_tenths_of_plain_whispers_time(
    recogniser: SpeechRecogniser, batch: Callable[[Samples], str]
) -> None:
    asked = [
        np.concatenate([spoken(sentence), silence(0.25)])  # a key is let go a bit late
        for sentence in (SENTENCES[0], SENTENCES[1], SENTENCES[7])
    ]
    ours_s, plain_s = [math.inf] * len(asked), [math.inf] * len(asked)

    def ratio() -> float:
        return statistics.median(ours / plain for ours, plain in zip(ours_s, plain_s, strict=True))

    for _ in range(4):  # the best times: a machine that stands still adds to any of them
        for number, samples in enumerate(asked):
            live = await _live(recogniser, samples)
            ours_s[number] = min(ours_s[number], live.decode_ms / 1000)
            begun = time.perf_counter()
            batch(samples)
            plain_s[number] = min(plain_s[number], time.perf_counter() - begun)
        if ratio() <= 0.4:
            break
    assert ratio() <= 0.4


async def test_partial_texts_come_while_it_is_spoken(recogniser: SpeechRecogniser) -> None:
    partials: list[str] = []
    recognition = recogniser.begin("u", partials.append)
    await feed_in_time(recognition, human_utterance().samples[: 16_000 * 5], faster=2)
    # It is not told of the end before that has come.
    await eventually(lambda: any("fellow Americans" in text for text in partials), within_s=60)
    await recognition.finish()


@pytest.mark.parametrize(
    "sound",
    [
        silence(0),
        silence(4),
        np.random.default_rng(0).normal(0, 0.05, 64_000).astype(np.float32),
        np.asarray(0.2 * np.sin(np.arange(64_000) * 2 * np.pi * 50 / 16_000), np.float32),
    ],
    ids=["no sound", "silence", "noise", "hum"],
)
async def test_nothing_is_invented(recogniser: SpeechRecogniser, sound: Samples) -> None:
    assert (await _live(recogniser, sound, faster=50)).text == ""
    assert (await recogniser.transcribe(Utterance("u", sound))).text == ""


async def test_a_minute_of_speech_without_a_break_is_understood_live(
    recogniser: SpeechRecogniser,
) -> None:
    speech = np.concatenate([spoken(sentence) for sentence in SENTENCES] * 2)
    assert len(speech) > 45 * 16_000
    found = words((await _live(recogniser, speech, faster=30)).text)
    expected = words(" ".join(SENTENCES * 2))
    assert len(set(expected) & set(found)) >= 0.9 * len(set(expected))
    assert abs(len(found) - len(expected)) <= 0.1 * len(expected)


async def test_a_long_recording_reports_progress_and_loses_no_sentence(
    recogniser: SpeechRecogniser,
) -> None:
    speech = np.concatenate(
        [part for sentence in SENTENCES for part in (spoken(sentence), silence(12))]
    )
    done: list[float] = []
    found = await recogniser.transcribe(Utterance("long", speech), done.append)
    expected = words(" ".join(SENTENCES))
    assert abs(len(words(found.text)) - len(expected)) <= 0.1 * len(expected)
    assert done == sorted(done)
    assert len(done) >= 4


async def test_two_utterances_at_once_do_not_mix(recogniser: SpeechRecogniser) -> None:
    first, second = recogniser.begin("1"), recogniser.begin("2")
    for recognition, sentence in ((first, SENTENCES[0]), (second, SENTENCES[2])):
        recognition.feed(spoken(sentence))
    assert "France" in (await first.finish()).text
    assert "lazy dog" in (await second.finish()).text


async def test_a_cancelled_utterance_leaves_the_worker_free(recogniser: SpeechRecogniser) -> None:
    pid = recogniser.worker_pid
    dropped = recogniser.begin("dropped")
    dropped.feed(human_utterance().samples)
    dropped.cancel()
    assert "France" in (await _live(recogniser, spoken(SENTENCES[0]), faster=50)).text
    assert recogniser.worker_pid == pid
