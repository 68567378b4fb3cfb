"""What a WAV file says of itself. FFmpeg reads one that is cut off as if it were whole."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO, Final

_UNKNOWN_FROM: Final = 0x7FFF_0000
"""Bytes. Recorders that write into a pipe give such lengths, or none: they do not know theirs."""
_MOST_CHUNKS: Final = 1000


@dataclass(frozen=True, slots=True)
class WavHeader:
    said_s: float | None = None
    """Length of its sound. None: it says none, or ends before that."""
    has_sound: bool = False
    """A place for sound was found in it."""


def read_wav_header(file: BinaryIO) -> WavHeader | None:
    """From the beginning of a file; None: it is no WAV. The file is at any place afterwards."""
    riff = file.read(12)
    if riff[:4] != b"RIFF" or riff[8:] != b"WAVE":
        return None
    bytes_per_s = 0
    for _ in range(_MOST_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            break
        kind, size = head[:4], int.from_bytes(head[4:], "little")
        if kind == b"data":
            known = bytes_per_s and 0 < size < _UNKNOWN_FROM
            return WavHeader(size / bytes_per_s if known else None, has_sound=True)
        body = size + size % 2  # chunks begin at even places
        if kind == b"fmt " and size >= 16:
            shape = file.read(16)
            if len(shape) < 16:
                break
            (bytes_per_s,) = struct.unpack_from("<I", shape, 8)
            body -= 16
        file.seek(body, 1)
    return WavHeader()
