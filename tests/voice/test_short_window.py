"""What is believed of a short window's text."""

from __future__ import annotations

import pytest

from strixdesk.voice.short_window import NARROW, WIDE, Decoded, Window, believable, circles


@pytest.mark.parametrize(
    "text",
    [
        "And so am I, fellow Americans. And so am I, fellow Americans.",
        "What is the capital of France? " * 6,
        "la " * 40,
        "go on go on go on go on go on go on go on go on go on go on go on",
    ],
)
def test_a_text_that_goes_round_in_circles_is_noticed(text: str) -> None:
    assert circles(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "No, no, no.",
        "Knock, knock. Who's there?",
        "Ask not what your country can do for you, ask what you can do for your country.",
        "One two three four five six seven eight nine ten eleven twelve thirteen fourteen.",
    ],
)
def test_ordinary_repetition_is_not(text: str) -> None:
    assert not circles(text)


@pytest.mark.parametrize("window", [NARROW, WIDE])
def test_the_window_always_leaves_silence_and_never_passes_thirty_seconds(window: Window) -> None:
    for tenths in range(301):
        seconds = window.seconds(tenths / 10)
        assert tenths / 10 <= seconds <= 30.0
        assert seconds >= 11.0
        assert seconds == 30.0 or seconds - tenths / 10 > 4.99


def _decoded(mean_logprob: float, no_speech: float) -> Decoded:
    return Decoded("Thank you for watching.", mean_logprob, no_speech, thorough=True)


def test_words_out_of_silence_are_not_believed() -> None:
    assert not believable(_decoded(-0.7, 0.2), speech_s=0.0)
    assert not believable(_decoded(-0.2, 0.5), speech_s=0.0)
    assert not believable(_decoded(-1.2, 0.7), speech_s=2.0)


def test_words_out_of_speech_are() -> None:
    assert believable(_decoded(-0.3, 0.01), speech_s=0.05)
    assert believable(_decoded(-0.9, 0.7), speech_s=2.0)
    assert believable(_decoded(-1.2, 0.1), speech_s=2.0)
