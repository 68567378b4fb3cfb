"""Pictures on their way from the desktop to an attachment."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMimeData
from PySide6.QtGui import QImage, QImageReader

SENT_AS_IS = {b"png", b"jpeg", b"gif"}
"""What every server with vision reads; anything else that Qt reads is sent as PNG."""


def pictures_in(data: QMimeData) -> list[Path | bytes]:
    """Files and pasted pictures; empty for text. A file that is no picture is in it too: refusing
    it, with a sentence, is up to whoever attaches it."""
    files = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    if files:
        return [attachable(file) for file in files]
    if data.hasImage():
        image = data.imageData()
        if isinstance(image, QImage) and not image.isNull():
            return [_png(image)]
    return []


def attachable(path: Path) -> Path | bytes:
    """The file itself, or its picture as PNG where servers do not read its format."""
    reader = QImageReader(str(path))
    reader.setDecideFormatFromContent(True)
    if not reader.canRead() or bytes(reader.format().data()) in SENT_AS_IS:
        return path
    image = reader.read()
    return path if image.isNull() else _png(image)


def _png(image: QImage) -> bytes:
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]  # the stubs want bytes here
    return bytes(data.data())
