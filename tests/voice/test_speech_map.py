"""Where in a recording somebody speaks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from strixdesk.voice.speech_map import FRAME, Detector, SpeechMap, spans
from tests.support.speech import human_utterance, silence

_FRAMES_PER_S = 16_000 / FRAME


def _probabilities(*parts: tuple[float, float]) -> NDArray[np.float32]:
    """(seconds, probability) one after the other."""
    return np.concatenate([np.full(round(s * _FRAMES_PER_S), p, np.float32) for s, p in parts])


def test_silence_and_a_click_have_no_spans() -> None:
    assert spans(_probabilities((60, 0.02)), 28) == []
    assert spans(_probabilities((5, 0.02), (0.032, 0.9), (5, 0.02)), 28) == []


def test_speech_is_kept_with_a_margin_and_long_silence_left_out() -> None:
    found = spans(_probabilities((20, 0), (3, 0.9), (40, 0), (2, 0.9), (20, 0)), 28)
    edges = np.array(found).ravel() / 16_000
    assert edges == pytest.approx([19.8, 23.2, 62.8, 65.2], abs=0.11)


def test_sentences_that_fit_together_stay_together() -> None:
    found = spans(_probabilities((4, 0.9), (1, 0), (4, 0.9), (1, 0), (4, 0.9)), 28)
    assert len(found) == 1


def test_speech_without_a_pause_is_cut_where_it_is_faintest() -> None:
    found = spans(_probabilities((20, 0.95), (0.3, 0.6), (30, 0.95)), 28)
    assert max(end - start for start, end in found) <= 28 * 16_000
    assert found[0][1] / 16_000 == pytest.approx(20.15, abs=0.2)
    assert [start for start, _ in found[1:]] == [end for _, end in found[:-1]]


@pytest.mark.engine
def test_the_map_is_the_same_however_the_sound_is_cut() -> None:
    samples = human_utterance().samples[:64_000]
    detector = Detector()
    whole, pieces = SpeechMap(detector), SpeechMap(detector)
    whole.append(samples)
    for start in range(0, len(samples), 333):
        pieces.append(samples[start : start + 333])
    np.testing.assert_allclose(pieces.probabilities, whole.probabilities, atol=1e-4)


@pytest.mark.engine
def test_the_end_of_speech_is_found() -> None:
    heard = SpeechMap(Detector())
    heard.append(np.concatenate([silence(0.5), human_utterance().samples[:32_000], silence(1.0)]))
    assert heard.speech_s() > 1.0
    assert 1.5 < heard.last_speech() / 16_000 < 2.8
    assert heard.last_speech(start=45_056) == 45_056
