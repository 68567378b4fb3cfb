"""Pictures that go with a question: checked, and kept under the hash of their bytes."""

from __future__ import annotations

import asyncio
import hashlib
import os
import struct
from pathlib import Path

from strixdesk.atomic_file import write_atomically
from strixdesk.core.conversation import Image
from strixdesk.core.errors import AttachmentError

MAX_BYTES = 20 * 1024 * 1024
_SUFFIX = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/bmp": ".bmp",
}


class AttachmentStore:
    """A folder of picture files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def add(self, source: Path | bytes, name: str = "") -> Image:
        """Raises AttachmentError when it is no picture that can be sent."""
        return await asyncio.to_thread(self._add, source, name)

    def path(self, image: Image) -> Path:
        return self._folder / (image.attachment_id + _SUFFIX[image.media_type])

    async def read(self, image: Image) -> bytes:
        """Raises AttachmentError when the file is gone."""
        try:
            return await asyncio.to_thread(self.path(image).read_bytes)
        except OSError as error:
            raise AttachmentError(
                f"The picture {image.name or 'of this message'} is not on disk any more.",
                "Attach it again.",
            ) from error

    def _add(self, source: Path | bytes, name: str) -> Image:
        called = name or (source.name if isinstance(source, Path) else "The picture")
        data = source if isinstance(source, bytes) else _read(source)
        if len(data) > MAX_BYTES:
            raise AttachmentError(
                f"{called} is larger than {MAX_BYTES // 2**20} MB.", "Scale it down first."
            )
        media_type, width, height = _sniff(data, called)
        if not name and isinstance(source, Path):
            name = source.name
        image = Image(hashlib.sha256(data).hexdigest(), media_type, width, height, name)
        target = self.path(image)
        if not _is_whole(target, len(data)):
            try:
                write_atomically(target, data)
            except OSError as error:
                raise AttachmentError(
                    f"{called} could not be kept: {os.strerror(error.errno or 0)}.",
                    f"Check the space in {self._folder}.",
                ) from error
        return image


def _is_whole(path: Path, size: int) -> bool:
    """The power may have gone while it was written before."""
    try:
        return path.stat().st_size == size
    except OSError:
        return False


def _what(data: bytes) -> str:
    """For what cannot be sent: what it is instead, where that helps."""
    if not data:
        return "empty"
    if data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"mif1", b"msf1", b"avif"):
        return "a HEIC or AVIF picture, which model servers do not read"
    if b"<svg" in data[:1024]:
        return "an SVG drawing, which model servers do not read"
    return "not a picture that can be sent"


def _read(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise AttachmentError(f"{path.name} is a folder.", "Attach the pictures inside it.")
        if not path.is_file():
            if path.exists():
                raise AttachmentError(f"{path.name} is not a file.", "Attach a picture.")
            raise AttachmentError(f"There is no file {path}.", "Check its name.")
        if path.stat().st_size > MAX_BYTES:
            return b"\0" * (MAX_BYTES + 1)
        return path.read_bytes()
    except OSError as error:
        raise AttachmentError(f"{path.name} could not be read: {error.strerror}.") from error


def _sniff(data: bytes, called: str) -> tuple[str, int, int]:
    """Media type, width and height, from the content: names lie."""
    size: tuple[int, int] | None = None
    kind = ""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            kind = "image/png"
            if data[12:16] == b"IHDR" and b"IEND" in data[-4096:]:
                size = struct.unpack(">II", data[16:24])
        elif data.startswith((b"GIF87a", b"GIF89a")):
            kind = "image/gif"
            size = struct.unpack("<HH", data[6:10])
        elif data.startswith(b"\xff\xd8"):
            kind = "image/jpeg"
            if b"\xff\xd9" in data:
                size = _jpeg_size(data)
        elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            kind = "image/webp"
            if len(data) >= int.from_bytes(data[4:8], "little") + 8:
                size = _webp_size(data)
        elif data.startswith(b"BM") and data[6:10] == bytes(4):
            kind = "image/bmp"
            width, height = struct.unpack("<ii", data[18:26])
            size = width, abs(height)
    except (struct.error, IndexError):
        size = None
    if not kind:
        advice = "PNG, JPEG, WebP, GIF and BMP pictures can be attached."
        raise AttachmentError(f"{called} is {_what(data)}.", advice)
    if size is None or not (0 < size[0] <= 65535 and 0 < size[1] <= 65535):
        raise AttachmentError(f"{called} is a damaged picture.", "Save or export it again.")
    return kind, size[0], size[1]


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 < len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        if marker == 0xFF:
            at += 1
        else:
            at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    return None


def _webp_size(data: bytes) -> tuple[int, int] | None:
    match data[12:16]:
        case b"VP8X":
            width = int.from_bytes(data[24:27], "little") + 1
            return width, int.from_bytes(data[27:30], "little") + 1
        case b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            width, height = struct.unpack("<HH", data[26:30])
            return width & 0x3FFF, height & 0x3FFF
    return None
