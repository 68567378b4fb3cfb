"""A sound file in a speaker's place."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
import wave
from collections import defaultdict
from pathlib import Path

import numpy as np
import soxr

from strixdesk.core.audio import AudioFrame, Samples
from strixdesk.core.errors import AudioOutputError


class WavSink:
    """Implements `session.ports.AudioSink`: 16-bit mono at the rate of the first frame.

    The file appears under its name when it is closed, whole, and not at all when nothing was
    written. Each call raises AudioOutputError where the disk does not take it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part: Path | None = None
        self._wave: wave.Wave_write | None = None
        self._rate_hz = 0
        self._played_s: defaultdict[str, float] = defaultdict(float)

    async def open(self) -> None:
        """Whether the file can be written is tried before there is sound for it."""
        with self._explained():
            if self._path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            _remove(self._new_part())

    async def write(self, frame: AudioFrame) -> None:
        with self._explained():
            out = self._wave or self._begin(frame.rate_hz)
            out.writeframes(_to_int16(self._at_own_rate(frame)).tobytes())
        self._played_s[frame.turn_id] += frame.duration_s

    def flush(self) -> None:
        """What is in the file was heard, so to speak."""

    async def drain(self) -> None:
        """Nothing waits."""

    def played_s(self, turn_id: str) -> float:
        return self._played_s[turn_id]

    async def close(self) -> None:
        out, part = self._wave, self._part
        self._wave = self._part = None
        if out is None or part is None:
            return
        try:
            with self._explained():
                out.close()
                _publish(part, self._path)
        except AudioOutputError:
            _remove(part)
            raise

    def _begin(self, rate_hz: int) -> wave.Wave_write:
        self._part = self._new_part()
        out = wave.open(str(self._part), "wb")  # noqa: SIM115 — closed by close()
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        self._wave, self._rate_hz = out, rate_hz
        return out

    def _new_part(self) -> Path:
        handle, name = tempfile.mkstemp(
            prefix=f".{self._path.name}.", suffix=".part", dir=self._path.parent
        )
        os.close(handle)
        return Path(name)

    def _at_own_rate(self, frame: AudioFrame) -> Samples:
        if frame.rate_hz == self._rate_hz:
            return frame.samples
        resampled: Samples = soxr.resample(frame.samples, frame.rate_hz, self._rate_hz)
        return resampled

    @contextlib.contextmanager
    def _explained(self):  # type: ignore[no-untyped-def]
        try:
            yield
        except OSError as error:
            raise AudioOutputError(
                f"The sound could not be written to {self._path} ({error.strerror or error}).",
                "See that the folder exists, may be written to and has room.",
            ) from error


def _to_int16(samples: Samples) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    clipped = np.clip(samples, -1.0, 1.0)
    return np.round(clipped * 32767).astype("<i2")


def _publish(part: Path, path: Path) -> None:
    with part.open("rb") as file:
        os.fsync(file.fileno())
    umask = os.umask(0)
    os.umask(umask)
    part.chmod(0o666 & ~umask)
    part.replace(path)


def _remove(part: Path) -> None:
    with contextlib.suppress(OSError):
        part.unlink()
