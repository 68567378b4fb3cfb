"""Pictures: what can be sent is kept, everything else is explained."""

from __future__ import annotations

import hashlib
import os
import struct
from pathlib import Path

import pytest

from strixdesk.core.errors import AttachmentError
from strixdesk.session.attachments import MAX_BYTES, AttachmentStore
from tests.support.pictures import flat_png

PNG = flat_png((10, 20, 30), size=7)
GIF = b"GIF89a" + struct.pack("<HH", 5, 6) + b"\0\0\0;"
BMP = b"BM" + bytes(16) + struct.pack("<ii", 8, -9) + bytes(28)


def jpeg(frame: int = 0xC0) -> bytes:
    """Application data that looks like a frame, a fill byte, then the real frame."""
    exif = b"\xff\xe1" + struct.pack(">H", 10) + b"\xff\xc0\0\x0b\x08\0\1\0"
    size = b"\xff\xff" + bytes([frame]) + struct.pack(">HBHHB", 11, 8, 12, 34, 1) + b"\1\x11\0"
    return b"\xff\xd8" + exif + size + b"\xff\xda\0\x02" + bytes(20) + b"\xff\xd9"


def webp(kind: bytes, payload: bytes) -> bytes:
    body = b"WEBP" + kind + struct.pack("<I", len(payload)) + payload
    return b"RIFF" + struct.pack("<I", len(body)) + body


VP8X = webp(b"VP8X", bytes(4) + (99).to_bytes(3, "little") + (49).to_bytes(3, "little"))
VP8L = webp(b"VP8L", b"\x2f" + struct.pack("<I", 99 | 49 << 14) + bytes(8))
VP8 = webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 100, 50) + bytes(8))


@pytest.fixture
def pictures(tmp_path: Path) -> AttachmentStore:
    return AttachmentStore(tmp_path / "attachments")


@pytest.mark.parametrize(
    ("data", "media_type", "size"),
    [
        (PNG, "image/png", (7, 7)),
        (GIF, "image/gif", (5, 6)),
        (BMP, "image/bmp", (8, 9)),
        (jpeg(), "image/jpeg", (34, 12)),
        (jpeg(0xC2), "image/jpeg", (34, 12)),
        (VP8X, "image/webp", (100, 50)),
        (VP8L, "image/webp", (100, 50)),
        (VP8, "image/webp", (100, 50)),
    ],
    ids=["png", "gif", "bmp", "jpeg", "progressive", "vp8x", "vp8l", "vp8"],
)
async def test_given_a_picture_then_its_kind_and_size_come_from_its_content(
    pictures: AttachmentStore, tmp_path: Path, data: bytes, media_type: str, size: tuple[int, int]
) -> None:
    source = tmp_path / "it is named.txt"
    source.write_bytes(data)
    image = await pictures.add(source)
    assert (image.media_type, (image.width, image.height)) == (media_type, size)
    assert image.name == "it is named.txt"
    assert image.attachment_id == hashlib.sha256(data).hexdigest()
    assert await pictures.read(image) == data
    source.unlink()
    assert await pictures.read(image) == data, "it does not depend on where it came from"


@pytest.mark.parametrize(
    "data",
    [
        *(PNG[:20], PNG[:-20], b"\xff\xd8\xff", jpeg()[:-10], GIF[:7], VP8X[:-1], BMP[:20]),
        *(b"\x89PNG\r\n\x1a\n" + bytes(100), flat_png((0, 0, 0), 0), b"\xff\xd8" + bytes(50)),
    ],
)
async def test_given_a_damaged_picture_then_it_is_called_that(
    pictures: AttachmentStore, data: bytes
) -> None:
    with pytest.raises(AttachmentError, match="holiday is a damaged picture") as caught:
        await pictures.add(data, "holiday")
    assert caught.value.advice


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"BMW makes cars, and these are just some words", "not a picture"),
        (b"%PDF-1.7", "not a picture"),
        (b"", "empty"),
    ],
)
async def test_given_something_else_then_it_says_what_can_be_attached(
    pictures: AttachmentStore, data: bytes, told: str
) -> None:
    with pytest.raises(AttachmentError, match=told) as caught:
        await pictures.add(data, "drawing")
    assert "PNG, JPEG" in caught.value.advice


async def test_given_a_picture_that_is_too_large_then_the_limit_is_told(
    pictures: AttachmentStore, tmp_path: Path
) -> None:
    huge = tmp_path / "huge.png"
    with huge.open("wb") as file:
        file.write(PNG)
        file.truncate(10 * MAX_BYTES)
    with pytest.raises(AttachmentError, match=r"huge\.png is larger than 20 MB"):
        await pictures.add(huge)
    with pytest.raises(AttachmentError, match="larger"):
        await pictures.add(PNG + bytes(MAX_BYTES))


async def test_given_a_folder_a_pipe_or_nothing_then_each_is_told_apart(
    pictures: AttachmentStore, tmp_path: Path
) -> None:
    with pytest.raises(AttachmentError, match="is a folder"):
        await pictures.add(tmp_path)
    with pytest.raises(AttachmentError, match="There is no file"):
        await pictures.add(tmp_path / "gone.png")
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(AttachmentError, match="not a file"):
        await pictures.add(tmp_path / "pipe.png")


async def test_given_the_same_picture_twice_then_it_is_kept_once(
    pictures: AttachmentStore, tmp_path: Path
) -> None:
    first = await pictures.add(PNG, "one")
    second = await pictures.add(PNG, "two")
    assert first.attachment_id == second.attachment_id
    assert (first.name, second.name) == ("one", "two")
    assert len(list((tmp_path / "attachments").iterdir())) == 1


async def test_given_a_kept_file_that_was_cut_short_then_adding_it_again_mends_it(
    pictures: AttachmentStore,
) -> None:
    image = await pictures.add(PNG)
    pictures.path(image).write_bytes(PNG[:10])
    await pictures.add(PNG)
    assert await pictures.read(image) == PNG


async def test_given_a_kept_file_that_is_gone_then_a_sentence_says_so(
    pictures: AttachmentStore,
) -> None:
    image = await pictures.add(PNG, "cat.png")
    pictures.path(image).unlink()
    with pytest.raises(AttachmentError, match=r"cat\.png is not on disk any more"):
        await pictures.read(image)
