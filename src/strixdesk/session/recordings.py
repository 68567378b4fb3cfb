"""Utterances on disk while they are spoken, until their transcript is stored."""

from __future__ import annotations

import asyncio
import logging
import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path

import numpy as np

from strixdesk.core.audio import SPEECH_RATE_HZ, Samples, Utterance
from strixdesk.core.errors import StoreError

log = logging.getLogger(__name__)

_HEADER_BYTES = 44
_MAX_DATA_BYTES = 0x7FFFFFFF - _HEADER_BYTES


@dataclass(eq=False)
class RecordingWriter:
    """Appends to one recording. Samples also stay in memory until the recording is discarded, so
    that a full disk costs nothing while the program lives."""

    path: Path
    thread: ThreadPoolExecutor
    pieces: list[Samples] = field(default_factory=list)
    problem: StoreError | None = None
    """Set when the disk failed; told by `finish`."""
    _file: FileIO | None = None
    _finished: bool = False

    def append(self, samples: Samples) -> None:
        """16 kHz mono. Never waits."""
        self.pieces.append(samples)
        self.thread.submit(self._write, samples)

    async def finish(self) -> None:
        """Everything appended is in the file. Idempotent."""
        if not self._finished:
            self._finished = True
            await asyncio.wrap_future(self.thread.submit(self._close))

    def _write(self, samples: Samples) -> None:
        if self.problem:
            return
        try:
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                # Unbuffered: after a crash the file holds all but the last frame.
                self._file = FileIO(self.path, "wb")
                self._file.write(_header(_MAX_DATA_BYTES))
            self._file.write((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
        except OSError as error:
            log.error("recording: %s", error)
            self.problem = StoreError(
                "The recording could not be written to disk.",
                "It is kept in memory; free some space before you close StrixDesk.",
            )

    def _close(self) -> None:
        if self._file is None:
            return
        try:
            data_bytes = self._file.tell() - _HEADER_BYTES
            self._file.seek(0)
            self._file.write(_header(data_bytes))
        except OSError as error:
            log.error("recording: %s", error)
        finally:
            self._file.close()
            self._file = None


class RecordingJournal:
    """A folder of WAV files, one an utterance, named by its id."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._thread = ThreadPoolExecutor(1, "recordings")
        self._writers: dict[str, RecordingWriter] = {}

    def begin(self, utterance_id: str) -> RecordingWriter:
        writer = RecordingWriter(self._path(utterance_id), self._thread)
        self._writers[utterance_id] = writer
        return writer

    async def load(self, utterance_id: str) -> Utterance:
        """Also a file whose program died in mid-word. Raises StoreError."""
        if writer := self._writers.get(utterance_id):
            return Utterance(
                utterance_id, np.concatenate([np.empty(0, np.float32), *writer.pieces])
            )
        return await asyncio.to_thread(self._read, utterance_id)

    def discard(self, utterance_id: str) -> None:
        """Its transcript is stored, or the user does not want it."""
        writer = self._writers.pop(utterance_id, None)

        def remove() -> None:
            if writer:
                writer._close()
            self._path(utterance_id).unlink(missing_ok=True)

        self._thread.submit(remove)

    async def leftovers(self) -> tuple[tuple[str, float], ...]:
        """Ids and durations in seconds of recordings that are on disk, oldest first."""

        def look() -> tuple[tuple[str, float], ...]:
            files = sorted(self._folder.glob("*.wav")) if self._folder.is_dir() else []
            return tuple(
                (f.stem, (f.stat().st_size - _HEADER_BYTES) / 2 / SPEECH_RATE_HZ) for f in files
            )

        return await asyncio.wrap_future(self._thread.submit(look))

    async def close(self) -> None:
        for writer in self._writers.values():
            await writer.finish()
        await asyncio.to_thread(self._thread.shutdown)

    def _path(self, utterance_id: str) -> Path:
        return self._folder / f"{utterance_id}.wav"

    def _read(self, utterance_id: str) -> Utterance:
        path = self._path(utterance_id)
        try:
            data = path.read_bytes()[_HEADER_BYTES:]
        except OSError as error:
            raise StoreError(f"The recording could not be read: {error.strerror}.") from error
        whole = data[: len(data) // 2 * 2]
        return Utterance(utterance_id, (np.frombuffer(whole, "<i2") / 32767).astype(np.float32))


def _header(data_bytes: int) -> bytes:
    """A canonical WAV header: 16 bit, mono."""
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + data_bytes,
        b"WAVE",
        b"fmt ",
        16,
        1,
        1,
        SPEECH_RATE_HZ,
        SPEECH_RATE_HZ * 2,
        2,
        16,
        b"data",
        data_bytes,
    )
