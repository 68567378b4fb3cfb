"""Utterances on disk while they are spoken, until their transcript is stored."""

from __future__ import annotations

import asyncio
import logging
import re
import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path

import numpy as np

from strixdesk.core.audio import SPEECH_RATE_HZ, Samples, Utterance
from strixdesk.core.errors import StoreError

log = logging.getLogger(__name__)

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
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
    """Set while the disk holds less than memory does."""
    _file: FileIO | None = None
    _ended: bool = False

    def append(self, samples: Samples) -> None:
        """16 kHz mono. Never waits; nothing happens after `finish` or `discard`."""
        if not self._ended:
            self.pieces.append(samples)
            self.thread.submit(self._write, samples)

    async def finish(self) -> None:
        """Everything appended is in the file, or `problem` says why not. Call it again to have
        another try at a disk that was full."""
        self._ended = True
        await asyncio.wrap_future(self.thread.submit(self._settle))

    def discard(self) -> None:
        """No file is left, whatever was still on its way to it."""
        self._ended = True
        self.thread.submit(self._remove)

    # -- on the journal's thread ---------------------------------------------------------------

    def _write(self, samples: Samples) -> None:
        if self.problem:
            return
        try:
            if self._file is None:
                self._file = self._opened()
            _write_all(self._file, _pcm(samples))
        except OSError as error:
            self._failed(error)

    def _settle(self) -> None:
        if self.problem:
            self._write_anew()
        elif self._file is not None:
            self._close_file()

    def _write_anew(self) -> None:
        self._close_file()
        try:
            self._file = self._opened()
            for piece in self.pieces:
                _write_all(self._file, _pcm(piece))
        except OSError as error:
            self._failed(error)
        else:
            self.problem = None
        self._close_file()

    def _opened(self) -> FileIO:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = FileIO(self.path, "wb")  # unbuffered: after a crash it holds all but the last frame
        try:
            _write_all(file, _header(_MAX_DATA_BYTES))
        except OSError:
            file.close()
            raise
        return file

    def _close_file(self) -> None:
        if self._file is None:
            return
        try:
            data_bytes = self._file.tell() - _HEADER_BYTES
            self._file.seek(0)
            _write_all(self._file, _header(data_bytes))
        except OSError as error:
            self._failed(error)
        finally:
            self._file.close()
            self._file = None

    def _remove(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        _unlink(self.path)

    def _failed(self, error: OSError) -> None:
        log.error("recording: %s", error.strerror)
        self.problem = StoreError(
            "The recording could not be written to disk.",
            "It is kept in memory; free some space before you close StrixDesk.",
        )


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
        return await asyncio.to_thread(_read, self._path(utterance_id), utterance_id)

    def discard(self, utterance_id: str) -> None:
        """Its transcript is stored, or the user does not want it. Raises StoreError for an id that
        is none."""
        path = self._path(utterance_id)
        if writer := self._writers.pop(utterance_id, None):
            writer.discard()
        else:
            self._thread.submit(_unlink, path)

    async def leftovers(self) -> tuple[tuple[str, float], ...]:
        """Ids and durations in seconds of recordings that an earlier run left, oldest first."""
        mine = frozenset(self._writers)
        return await asyncio.wrap_future(self._thread.submit(self._look, mine))

    async def close(self) -> None:
        """Gives what a full disk did not take another try."""
        for writer in tuple(self._writers.values()):
            await writer.finish()
        await asyncio.to_thread(self._thread.shutdown)

    def _look(self, mine: frozenset[str]) -> tuple[tuple[str, float], ...]:
        found = []
        try:
            for path in sorted(self._folder.glob("*.wav")) if self._folder.is_dir() else []:
                if path.stem in mine or not _ID.fullmatch(path.stem):
                    continue
                samples = (path.stat().st_size - _HEADER_BYTES) // 2
                if samples > 0:
                    found.append((path.stem, samples / SPEECH_RATE_HZ))
                else:
                    _unlink(path)  # it ended before the first sound
        except OSError as error:
            log.error("recordings: %s", error.strerror)
        return tuple(found)

    def _path(self, utterance_id: str) -> Path:
        if not _ID.fullmatch(utterance_id):
            raise StoreError("This recording has a name that no recording can have.")
        return self._folder / f"{utterance_id}.wav"


def _pcm(samples: Samples) -> bytes:
    sound = np.clip(np.nan_to_num(samples), -1, 1) * 32767
    return sound.astype("<i2").tobytes()


def _write_all(file: FileIO, data: bytes) -> None:
    """Whole or OSError: an unbuffered file may take a part of what it is given."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) or 0 :]


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.error("recording: %s", error.strerror)


def _read(path: Path, utterance_id: str) -> Utterance:
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
