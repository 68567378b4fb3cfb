"""The recogniser after the key goes up, against batch faster-whisper on the same model.

Both run in this order again and again: ours is fed at the pace of speech and asked for the final
text; batch gets the whole recording at once, with its defaults and the language set. The speech is
a person's (tests/data) cut at its pauses, and the benchmark's own question.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from faster_whisper import WhisperModel

from benchmarks.report import Row, median
from benchmarks.speech_turn import FRAME, QUESTION, words
from strixdesk.core.audio import Samples
from strixdesk.voice.installed import find_recogniser
from strixdesk.voice.recording_file import read_recording
from strixdesk.voice.stt import SpeechRecogniser

HUMAN = Path(__file__).parent.parent / "tests" / "data" / "jfk.flac"


def _clips() -> list[tuple[str, Samples]]:
    human = read_recording(HUMAN).utterance.samples
    return [
        ("a person, 2.4 s", human[: int(2.35 * 16_000)]),
        ("a person, 5.4 s", human[: int(5.4 * 16_000)]),
        ("a person, 11 s", human),
        ("a voice, 3.6 s", read_recording(QUESTION).utterance.samples),
    ]


async def _ours(recogniser: SpeechRecogniser, samples: Samples, name: str) -> tuple[float, str]:
    recognition = recogniser.begin(name)
    begun = time.monotonic()
    for start in range(0, len(samples), FRAME):
        piece = samples[start : start + FRAME]
        await asyncio.sleep(max(0.0, begun + (start + len(piece)) / 16_000 - time.monotonic()))
        recognition.feed(piece)
    released = time.monotonic()
    transcript = await recognition.finish()
    return (time.monotonic() - released) * 1000, transcript.text


async def _measure(rounds: int) -> list[Row]:
    model = find_recogniser("auto", Path())
    recogniser = SpeechRecogniser(model, language="en", threads=1)
    await recogniser.ensure_ready()
    whisper = WhisperModel(str(model), compute_type="int8", cpu_threads=1)
    rows: list[Row] = []
    differing = 0
    try:
        for name, samples in _clips():
            mine: list[float] = []
            batch: list[float] = []
            for number in range(rounds + 1):
                took, text = await _ours(recogniser, samples, f"{name}-{number}")
                begun = time.monotonic()
                segments, _info = whisper.transcribe(samples, language="en")
                peer = "".join(segment.text for segment in segments)
                batch_took = (time.monotonic() - begun) * 1000
                differing += words(text) != words(peer)
                if number:
                    mine.append(took)
                    batch.append(batch_took)
            rows.append(Row(f"key up → text, {name}", median(mine), median(batch), "ms", 0.4))
    finally:
        await recogniser.close()
    rows.append(Row("transcripts whose words differ from batch", differing, None, "", 0))
    return rows


def measure(rounds: int = 5) -> list[Row]:
    return asyncio.run(_measure(rounds))
