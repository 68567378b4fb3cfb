"""Is this recording that sound?"""

from __future__ import annotations

import numpy as np

from strixdesk.core.audio import Samples


def likeness(source: Samples, recorded: Samples) -> tuple[float, int]:
    """Correlation at the best alignment, -1 to 1, and where in `recorded` the source begins.

    Both at the same rate. What of the source lies outside the recording counts as not there.
    """
    size = 1 << (len(source) + len(recorded)).bit_length()
    product = np.fft.rfft(recorded, size) * np.conj(np.fft.rfft(source, size))
    correlation = np.fft.irfft(product, size)
    lag = int(np.argmax(correlation))
    peak = float(correlation[lag])
    lag = lag - size if lag > size // 2 else lag
    overlap = recorded[max(0, lag) : max(0, lag + len(source))]
    energy = float(np.linalg.norm(source) * np.linalg.norm(overlap))
    return (peak / energy if energy else 0.0), lag
