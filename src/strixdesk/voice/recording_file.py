"""Recordings on disk: any sound file in, 16-bit WAV out."""

from __future__ import annotations

import logging
import os
import wave
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from strixdesk.core.audio import SPEECH_RATE_HZ, Samples, Utterance
from strixdesk.core.errors import AudioInputError
from strixdesk.core.ids import new_id

if TYPE_CHECKING:
    import av

_log = logging.getLogger(__name__)

LONGEST_S: Final = 60 * 60
_FORMATS: Final = "WAV, FLAC, MP3, OGG and M4A files work."


def read_recording(path: Path) -> Utterance:
    """The first sound track of a file as 16 kHz mono. A file that breaks off gives what is there,
    and a line in the log. Raises AudioInputError."""
    _check(path)
    import av

    pieces: list[Samples] = []
    count = 0
    try:
        # An open file, not a name: FFmpeg takes names for addresses, and playlists for orders.
        with (
            path.open("rb") as file,
            av.open(
                file, mode="r", metadata_errors="ignore", options={"protocol_whitelist": "none"}
            ) as container,
        ):
            if not container.streams.audio:
                raise AudioInputError(f"{path} has no sound in it.", _FORMATS)
            for samples in _decoded(container):
                pieces.append(samples)
                count += len(samples)
                if count > LONGEST_S * SPEECH_RATE_HZ:
                    raise AudioInputError(
                        f"{path} is longer than {LONGEST_S // 60} minutes.",
                        "Cut it into shorter recordings.",
                    )
    except av.FFmpegError as error:
        if not count:
            raise AudioInputError(f"{path} is not a sound file.", _FORMATS) from error
        _log.warning("a recording breaks off after %.1f s; using that", count / SPEECH_RATE_HZ)
    if not count:
        raise AudioInputError(
            f"{path} has no samples: it is a sound file without sound.", "Record it again."
        )
    samples = np.concatenate(pieces)
    return Utterance(new_id(), np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0))


def _check(path: Path) -> None:
    if path.is_dir():
        raise AudioInputError(f"{path} is a folder, not a recording.", "Name a sound file in it.")
    try:
        if path.exists() and not path.is_file():
            raise AudioInputError(f"{path} is not a file.", _FORMATS)
        with path.open("rb") as file:
            empty = not file.read(1)
    except FileNotFoundError:
        raise AudioInputError(f"There is no file {path}.", "Check its name.") from None
    except OSError as error:
        raise AudioInputError(f"{path} cannot be read: {error.strerror}.") from error
    if empty:
        raise AudioInputError(f"{path} is empty.", "Record it again, or check that it was copied.")


def _decoded(container: av.container.InputContainer) -> Iterator[Samples]:
    """16 kHz mono float32, packet by packet; a broken packet in the middle is left out."""
    import av

    resampler = av.AudioResampler(format="flt", layout="mono", rate=SPEECH_RATE_HZ)
    for packet in container.demux(container.streams.audio[0]):
        try:
            frames = packet.decode()
        except av.InvalidDataError:
            continue
        for frame in frames:
            frame.pts = None  # gaps in a file's clock are not silence
            for out in resampler.resample(frame):
                yield out.to_ndarray().reshape(-1)
    with suppress(av.FFmpegError):
        for out in resampler.resample(None):
            yield out.to_ndarray().reshape(-1)


def write_wav(path: Path, samples: Samples, rate_hz: int) -> None:
    """Mono, 16 bit, complete or not there at all. Raises OSError."""
    pcm = np.round(np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2")
    part = path.with_name(f".{path.name}.{new_id()}.part")
    try:
        with part.open("xb") as file:
            with wave.open(file, "wb") as out:
                out.setnchannels(1)
                out.setsampwidth(2)
                out.setframerate(rate_hz)
                out.writeframes(pcm.tobytes())
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
