"""The real detector on real sounds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soxr

from strixdesk.core.audio import Samples
from strixdesk.core.errors import ModelError
from strixdesk.voice.vad import FRAME_SAMPLES, SileroVad
from tests.support.likeness import find
from tests.support.soundcard import read_wav, said

pytestmark = pytest.mark.engine
WORDS = "Stop talking, and tell me about the weather in Paris."


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    samples, rate_hz = read_wav(said(WORDS, tmp_path_factory.mktemp("said") / "words.wav"))
    resampled: Samples = soxr.resample(samples, rate_hz, 16_000)
    return resampled


def probabilities(samples: Samples) -> list[float]:
    vad = SileroVad()
    whole = len(samples) // FRAME_SAMPLES * FRAME_SAMPLES
    return [vad.probability(frame) for frame in samples[:whole].reshape(-1, FRAME_SAMPLES)]


def test_speech_between_silences_is_found_where_it_is(speech: Samples) -> None:
    second = np.zeros(16_000, dtype=np.float32)
    heard = probabilities(np.concatenate((second, speech, second)))
    loud = [index * 0.032 for index, probability in enumerate(heard) if probability >= 0.5]
    sound = np.flatnonzero(np.abs(speech) > 0.02) / 16_000
    assert loud[0] == pytest.approx(1.0 + sound[0], abs=0.12)
    assert loud[-1] == pytest.approx(1.0 + sound[-1], abs=0.2)


def test_noise_hum_and_silence_are_no_speech() -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 0.05, 48_000).astype(np.float32)
    hum = (0.1 * np.sin(2 * np.pi * 50 * np.arange(48_000) / 16_000)).astype(np.float32)
    for sound in (noise, hum, np.zeros(48_000, dtype=np.float32)):
        heard = probabilities(sound)
        # A single frame may err, at the start above all; an utterance needs five on end.
        assert sum(probability >= 0.5 for probability in heard) <= 2


def test_a_reset_forgets_what_was_heard(speech: Samples) -> None:
    vad = SileroVad()
    frames = speech[: 20 * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    first = [vad.probability(frame) for frame in frames]
    vad.reset()
    assert [vad.probability(frame) for frame in frames] == first


def test_a_broken_model_file_is_explained(tmp_path: Path) -> None:
    broken = tmp_path / "vad.onnx"
    broken.write_bytes(b"not a model")
    with pytest.raises(ModelError, match=r"cannot be read \(vad.onnx\)"):
        SileroVad(broken).load()


def test_the_recogniser_library_is_not_loaded_for_it() -> None:
    program = (
        "import sys; from strixdesk.voice.vad import SileroVad; SileroVad().load(); "
        "print('faster_whisper' in sys.modules or 'ctranslate2' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_the_comparison_of_sounds_misses_a_word_that_is_cut_off(speech: Samples) -> None:
    loud = np.flatnonzero(np.abs(speech) > 0.01)
    words = speech[loud[0] : loud[-1] + 1]
    second = np.zeros(16_000, dtype=np.float32)
    assert find(words, np.concatenate((second, words, second))).whole
    assert find(words, np.concatenate((second, words[2_400:], second))).begins is None
    assert find(words, np.concatenate((second, words[:-2_400], second))).ends is None
