"""Whisper on short utterances without paying for 30 seconds each time.

The encoder's cost grows with its window, and the model was trained on windows of 30 s. A shorter
one gives the same words as long as enough silence follows the speech; with too little the decoder
says everything twice. So: short window, wide margin, and whatever looks wrong is done again the
ordinary way.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from strixdesk.core.audio import SPEECH_RATE_HZ, Samples

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

FULL_S: Final = 30.0
SHORT_UP_TO_S: Final = 12.0
"""Longer utterances use the full window."""
DOUBTFUL: Final = -0.6
"""Mean log-probability of a token under which the short window is not trusted."""
REPETITIVE: Final = 2.4
"""Compression ratio over which a text goes round in circles (Whisper's own threshold)."""


@dataclass(frozen=True, slots=True)
class Decoded:
    text: str
    mean_logprob: float
    no_speech: float
    """Probability that there is none, as the model sees it."""
    thorough: bool

    @property
    def doubtful(self) -> bool:
        """It was decoded the quick way and does not look right."""
        return not self.thorough and (self.mean_logprob < DOUBTFUL or circles(self.text))


@dataclass(frozen=True, slots=True)
class Window:
    """How much silence a model wants after the speech before it stops losing its place."""

    least_s: float
    margin_s: float

    def seconds(self, duration_s: float) -> float:
        if duration_s > SHORT_UP_TO_S:
            return FULL_S
        return max(self.least_s, duration_s + self.margin_s)


NARROW: Final = Window(11.0, 5.0)
"""For tiny models: the full window's words on every clip that was measured."""
WIDE: Final = Window(15.0, 8.0)
"""For everything larger: with less, base drops the ends of sentences."""
TINY_WIDTH: Final = 384
"""The encoder's width in Whisper's tiny models; base has 512."""


def circles(text: str) -> bool:
    """The text says something several times on end, as a decoder does that has lost its place."""
    words = [word.strip(".,!?;:").casefold() for word in text.split()]
    for size in range(3, len(words) // 2 + 1):
        for start in range(len(words) - 2 * size + 1):
            if words[start : start + size] == words[start + size : start + 2 * size]:
                return True
    data = text.encode()
    return len(data) > 40 and len(data) / len(zlib.compress(data)) > REPETITIVE


def believable(decoded: Decoded, speech_s: float) -> bool:
    """Words came from speech rather than from silence. `speech_s`: what the detector heard."""
    if circles(decoded.text) and decoded.mean_logprob < DOUBTFUL:
        return False
    if speech_s < 0.1:
        return decoded.no_speech < 0.3 and decoded.mean_logprob > -0.5
    return not (decoded.no_speech > 0.6 and decoded.mean_logprob < -1.0)


class ShortWindowDecoder:
    """Turns up to 30 s of sound into text, on the calling thread."""

    def __init__(self, model: WhisperModel, language: str | None) -> None:
        """`language` None: listened for in each utterance."""
        self._model = model
        self._multilingual = bool(model.model.is_multilingual)
        self._language = language if self._multilingual else "en"
        self._tokenizers: dict[str, Any] = {}
        width = model.encode(np.zeros((model.model.n_mels, 100), np.float32)).shape[-1]
        self._window = NARROW if width <= TINY_WIDTH else WIDE

    def decode(self, samples: Samples) -> Decoded:
        """The quick way, and the thorough one if that does not look right."""
        decoded = self.quickly(samples)
        return self.thoroughly(samples) if decoded.doubtful else decoded

    def quickly(self, samples: Samples) -> Decoded:
        window = self._window.seconds(len(samples) / SPEECH_RATE_HZ)
        length = int(window * SPEECH_RATE_HZ)
        padded = np.zeros(length, np.float32)
        padded[: min(length, len(samples))] = samples[:length]
        features = self._model.feature_extractor(padded, padding=0)
        encoded = self._model.encode(features)
        language = self._language
        if language is None:
            language = self._model.model.detect_language(encoded)[0][0][0][2:-2]
        tokenizer, suppressed = self._tokenizer(language)
        seconds = min(window, len(samples) / SPEECH_RATE_HZ)
        result = self._model.model.generate(
            encoded,
            [[*tokenizer.sot_sequence, tokenizer.no_timestamps]],
            beam_size=1,
            # People say up to six words a second; a decoder that is lost should not go on to 448.
            max_length=min(448, 40 + int(seconds * 16)),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=True,
            suppress_tokens=suppressed,
        )[0]
        tokens = result.sequences_ids[0]
        # CTranslate2 divides by the length; Whisper counts the end token as well.
        mean = result.scores[0] * len(tokens) / (len(tokens) + 1) if tokens else -10.0
        text = tokenizer.decode(tokens).strip()
        return Decoded(text, mean, result.no_speech_prob, thorough=False)

    def thoroughly(self, samples: Samples) -> Decoded:
        """The ordinary way: 30 s, beam search, and a second try that is less sure of itself."""
        segments, _ = self._model.transcribe(
            samples,
            language=self._language,
            beam_size=5,
            temperature=[0.0, 0.4],
            best_of=2,
            condition_on_previous_text=False,
        )
        found = list(segments)
        if not found:
            return Decoded("", -10.0, 1.0, thorough=True)
        weights = [max(1, len(segment.tokens)) for segment in found]
        return Decoded(
            " ".join(segment.text.strip() for segment in found).strip(),
            float(np.average([segment.avg_logprob for segment in found], weights=weights)),
            min(segment.no_speech_prob for segment in found),
            thorough=True,
        )

    def _tokenizer(self, language: str) -> tuple[Any, list[int]]:
        if language not in self._tokenizers:
            from faster_whisper.tokenizer import Tokenizer
            from faster_whisper.transcribe import get_suppressed_tokens

            tokenizer = Tokenizer(
                self._model.hf_tokenizer,
                self._multilingual,
                task="transcribe",
                language=language,
            )
            self._tokenizers[language] = tokenizer, list(get_suppressed_tokens(tokenizer, [-1]))
        found: tuple[Any, list[int]] = self._tokenizers[language]
        return found
