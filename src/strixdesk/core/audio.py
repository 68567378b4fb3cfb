"""Sound as values: time is counted in samples, never read off a clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from strixdesk.core.loudness import SILENCE_DB

Samples = NDArray[np.float32]
"""Mono samples in [-1, 1], shape (n,)."""

SPEECH_RATE_HZ = 16_000
"""What the recogniser and the voice-activity detector listen at."""


@dataclass(frozen=True, slots=True, eq=False)
class AudioFrame:
    """A short run of mono samples and where it stands in its stream."""

    samples: Samples
    rate_hz: int
    start_sample: int = 0
    """Index of the first sample since the stream was opened."""
    turn_id: str = ""
    """The turn that produced it; empty for microphone input."""

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.rate_hz


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """What the user said, pre-roll and tail included."""

    id: str
    samples: Samples
    rate_hz: int = SPEECH_RATE_HZ

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.rate_hz


def level_db(samples: Samples) -> float:
    """Root-mean-square level in dB relative to full scale."""
    if not len(samples):
        return SILENCE_DB
    mean_square = float(np.dot(samples, samples)) / len(samples)
    return max(SILENCE_DB, 10 * float(np.log10(mean_square))) if mean_square > 0 else SILENCE_DB
