"""What the speech engine makes of it: the phonemes must be those of the words a person says."""

from __future__ import annotations

import pytest
from piper.phonemize_espeak import EspeakPhonemizer

from strixdesk.core.speakable import speakable

STRESS = str.maketrans({"ˈ": "", "ˌ": "", "ʲ": "", " ": "", "ᵻ": "ɪ"})
"""Digits and words of one number are stressed and joined differently."""


@pytest.fixture(scope="module")
def phonemizer() -> EspeakPhonemizer:
    return EspeakPhonemizer()


def sounds(phonemizer: EspeakPhonemizer, text: str) -> str:
    sentences = phonemizer.phonemize("en-us", text)
    return " ".join("".join(sentence) for sentence in sentences).translate(STRESS)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("in 1999", "in nineteen ninety nine"),
        ("in 1906", "in nineteen oh six"),
        ("the 1990s", "the nineteen nineties"),
        ("$3.50", "three dollars fifty"),
        ("1,234 GB", "one thousand two hundred thirty four gigabytes"),
        ("3–5 kWh", "three to five kilowatt hours"),
        ("10:00", "ten o'clock"),
        ("at 10:30", "at ten thirty"),
        ("gfx1151", "gfx eleven fifty one"),
        ("C#", "C sharp"),
        ("60 tok/s", "sixty tokens per second"),
        ("-5 °C", "minus five degrees Celsius"),
        ("Dr. Smith", "doctor Smith"),
        ("GPT-4", "GPT four"),
    ],
)
def test_it_sounds_like_the_words(raw: str, words: str, phonemizer: EspeakPhonemizer) -> None:
    assert sounds(phonemizer, speakable(raw)) == sounds(phonemizer, words)


@pytest.mark.parametrize(
    "raw",
    [
        "Use `--no-cache` and **bold** _words_ ~~here~~",
        "Qwen2.5-7B and Q4_K_M at 3-5 tok/s",
        "x86_64 | a_b | #tag | <b>x</b> | 5 * 3",
        "see [this](http://a.b/c_d-e) and/or https://a.b/c-d_e",
    ],
)
def test_no_mark_is_pronounced(raw: str, phonemizer: EspeakPhonemizer) -> None:
    said = sounds(phonemizer, speakable(raw))
    for mark in ("dash", "underscore", "asterisk", "hash", "slash", "tilde", "vertical bar"):
        assert sounds(phonemizer, mark) not in said
