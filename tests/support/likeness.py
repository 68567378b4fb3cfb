"""Is this recording that sound?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from strixdesk.core.audio import SPEECH_RATE_HZ, Samples

PIECE_S = 0.3
EDGE_S = 0.1
ALIKE = 0.8


def likeness(source: Samples, recorded: Samples) -> tuple[float, int]:
    """Correlation at the best alignment, -1 to 1, and where in `recorded` the source begins.

    Both at the same rate; only alignments with the whole source inside count.
    """
    n = len(source)
    if n > len(recorded):
        return 0.0, -1
    size = 1 << (n + len(recorded)).bit_length()
    product = np.fft.rfft(recorded, size) * np.conj(np.fft.rfft(source, size))
    lags = len(recorded) - n + 1
    correlation = np.fft.irfft(product, size)[:lags]
    energy = np.concatenate(([0.0], np.cumsum(recorded.astype(np.float64) ** 2)))
    local = np.sqrt(np.maximum(energy[n : n + lags] - energy[:lags], 1e-6))
    normal = correlation / (local * max(float(np.linalg.norm(source)), 1e-6))
    best = int(np.argmax(normal))
    return float(normal[best]), best


@dataclass(frozen=True, slots=True)
class Found:
    """Where words stand in a recording, compared piece by piece.

    A busy machine drops a few milliseconds here and there on the way into a virtual microphone:
    that moves the rest, and would spoil the correlation of the whole.
    """

    share: float
    """Of the pieces, how many are there, 0 to 1."""
    begins: int | None
    """Sample at which the first piece begins; None when it is not there."""
    ends: int | None
    """Sample after the last piece; None when it is not there."""

    @property
    def whole(self) -> bool:
        return self.share >= 0.75 and self.begins is not None and self.ends is not None


def find(words: Samples, recorded: Samples, rate_hz: int = SPEECH_RATE_HZ) -> Found:
    n = round(PIECE_S * rate_hz)
    starts = [*range(0, len(words) - n, n), len(words) - n]
    found = [likeness(words[start : start + n], recorded) for start in starts]
    there = [at if alike >= ALIKE else None for alike, at in found]
    edge = round(EDGE_S * rate_hz)
    begins, ends = there[0], there[-1]
    # The soft consonant at either edge hardly counts in a piece that holds a vowel as well.
    if begins is not None and not _near(words[:edge], recorded, begins, rate_hz):
        begins = None
    if ends is not None:
        ends += n
        if not _near(words[-edge:], recorded, ends - edge, rate_hz):
            ends = None
    return Found(sum(at is not None for at in there) / len(there), begins, ends)


def _near(piece: Samples, recorded: Samples, at: int, rate_hz: int) -> bool:
    slack = round(0.02 * rate_hz)
    around = recorded[max(0, at - slack) : at + len(piece) + slack]
    return likeness(piece, around)[0] >= ALIKE
