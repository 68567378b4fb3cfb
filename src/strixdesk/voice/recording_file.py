"""Recordings on disk: any sound file in, 16-bit WAV out."""

from __future__ import annotations

import os
import wave
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from strixdesk.core.audio import SPEECH_RATE_HZ, Samples, Utterance
from strixdesk.core.errors import AudioInputError
from strixdesk.core.ids import new_id
from strixdesk.voice.wav_header import WavHeader, read_wav_header

if TYPE_CHECKING:
    import av

LONGEST_S: Final = 60 * 60
_MISSED_S: Final = 0.25
"""So much less than a file says is told; encoders round by up to a tenth of a second."""
_SAY_THEIR_LENGTH: Final = ("flac", "mov,mp4,m4a,3gp,3g2,mj2")
"""FFmpeg's names of formats that do so at their beginning; of others it guesses."""
_FORMATS: Final = "WAV, FLAC, MP3, OGG and M4A files work."


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """What was found in a sound file."""

    utterance: Utterance
    """16 kHz mono."""
    warning: str | None = None
    """A sentence, where less is there than the file says."""


def read_recording(path: Path) -> Recording:
    """The first sound track of a file. One that breaks off gives what is there. Raises
    AudioInputError."""
    header = _check(path)
    import av

    pieces: list[Samples] = []
    count = 0
    cut_short = header is not None and not header.has_sound
    said_s = header.said_s if header else None
    broken = False
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
            if container.format.name in _SAY_THEIR_LENGTH:
                said_s = _length_s(container.streams.audio[0])
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
            what = "ends before its sound begins" if cut_short else "is not a sound file"
            raise AudioInputError(f"{path} {what}.", _FORMATS) from error
        broken = True
    there_s = count / SPEECH_RATE_HZ
    if not count:
        raise AudioInputError(_nothing_in(path, said_s), "Record it again, or copy it again.")
    samples = np.nan_to_num(np.concatenate(pieces), nan=0.0, posinf=1.0, neginf=-1.0)
    warning = _warning(path, said_s, there_s, broken=broken, is_wav=header is not None)
    return Recording(Utterance(new_id(), samples), warning)


def _nothing_in(path: Path, said_s: float | None) -> str:
    if said_s:
        return f"{path} says it holds {said_s:.1f} s, and none of it can be read."
    return f"{path} has no samples: it is a sound file without sound."


def _warning(
    path: Path, said_s: float | None, there_s: float, *, broken: bool, is_wav: bool
) -> str | None:
    what = "is cut off" if is_wav else "is cut off or damaged"
    rest = f"the recording {what}; what is there is transcribed."
    if said_s is not None and said_s - there_s > _MISSED_S:
        return f"{path} says it holds {said_s:.1f} s, {there_s:.1f} s are there: {rest}"
    return f"{path} breaks off after {there_s:.1f} s: {rest}" if broken else None


def _length_s(track: av.AudioStream) -> float | None:
    if track.duration is None or track.time_base is None:
        return None
    return float(track.duration * track.time_base)


def _check(path: Path) -> WavHeader | None:
    if path.is_dir():
        raise AudioInputError(f"{path} is a folder, not a recording.", "Name a sound file in it.")
    try:
        if path.exists() and not path.is_file():
            raise AudioInputError(f"{path} is not a file.", _FORMATS)
        with path.open("rb") as file:
            empty = not file.read(1)
            file.seek(0)
            header = read_wav_header(file)
    except FileNotFoundError:
        raise AudioInputError(f"There is no file {path}.", "Check its name.") from None
    except OSError as error:
        raise AudioInputError(f"{path} cannot be read: {error.strerror}.") from error
    if empty:
        raise AudioInputError(f"{path} is empty.", "Record it again, or check that it was copied.")
    return header


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
