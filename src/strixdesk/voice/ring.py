"""Samples on their way between an audio callback and an ordinary thread, without a lock."""

from __future__ import annotations

import numpy as np

from strixdesk.core.audio import Samples


class SampleRing:
    """A ring for one producer and one consumer.

    Positions count samples since the ring was made and only grow. `written` belongs to the
    producer and `taken` to the consumer; each is one attribute store, so neither side waits for
    the other. What does not fit is dropped and counted.
    """

    def __init__(self, capacity: int) -> None:
        self._buffer = np.zeros(capacity, dtype=np.float32)
        self.capacity = capacity
        self.written = 0
        """Samples ever put in."""
        self.taken = 0
        """Samples ever taken out, or skipped."""
        self.overflowed = 0
        """Samples dropped because nobody took the earlier ones in time."""

    @property
    def available(self) -> int:
        return self.written - self.taken

    @property
    def free(self) -> int:
        return self.capacity - self.available

    def write(self, samples: Samples) -> int:
        """Producer: put in what fits; returns how many samples that was."""
        n = min(len(samples), self.free)
        self.overflowed += len(samples) - n
        at = self.written % self.capacity
        first = min(n, self.capacity - at)
        self._buffer[at : at + first] = samples[:first]
        self._buffer[: n - first] = samples[first:n]
        self.written += n
        return n

    def read(self, n: int) -> Samples:
        """Consumer: a copy of the next n samples, or of as many as there are."""
        out = np.empty(min(n, self.available), dtype=np.float32)
        self.read_into(out)
        return out

    def read_into(self, out: Samples) -> int:
        """Consumer: fill `out` from its start; returns how many samples that was."""
        n = min(len(out), self.available)
        at = self.taken % self.capacity
        first = min(n, self.capacity - at)
        out[:first] = self._buffer[at : at + first]
        out[first:n] = self._buffer[: n - first]
        self.taken += n
        return n

    def skip_to(self, position: int) -> None:
        """Consumer: drop everything before `position`."""
        self.taken = max(self.taken, min(position, self.written))
