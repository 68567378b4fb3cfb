"""What a speech worker and its supervisor say to each other: a JSON line, then raw bytes.

    {"kind": "feed", "id": "0192…", "bytes": 2048}\\n<2048 bytes>

Both ends use the same `Unpacker`; it takes any cut of the stream and holds no file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

LONGEST_HEADER: Final = 256 * 1024
"""Bytes. A header carries at most one transcript; more than this is not one of ours."""
LONGEST_PAYLOAD: Final = 512 * 1024 * 1024
"""Bytes: over two hours of 16 kHz float32."""


class WireError(Exception):
    """The other side said something that is not a message."""


@dataclass(frozen=True, slots=True)
class WireMessage:
    kind: str
    """`begin`, `feed`, `final`, … : each worker's own words."""
    id: str = ""
    """The request it belongs to; empty for the worker as a whole."""
    fields: dict[str, Any] = field(default_factory=dict)
    """What JSON can carry."""
    payload: bytes = b""

    def packed(self) -> bytes:
        header = {
            **self.fields,
            "kind": self.kind,
            "id": self.id,
            "bytes": len(self.payload),
        }
        return json.dumps(header).encode() + b"\n" + self.payload


class Unpacker:
    """Cuts a byte stream into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._header: dict[str, Any] | None = None
        self._wanted = 0

    def feed(self, data: bytes) -> list[WireMessage]:
        """The messages that are complete now. Raises WireError; the stream is lost then."""
        self._buffer += data
        messages: list[WireMessage] = []
        while True:
            if self._header is None and not self._take_header():
                return messages
            if len(self._buffer) < self._wanted or self._header is None:
                return messages
            payload = bytes(self._buffer[: self._wanted])
            del self._buffer[: self._wanted]
            header, self._header = self._header, None
            messages.append(
                WireMessage(header.pop("kind"), header.pop("id"), header, payload=payload)
            )

    def _take_header(self) -> bool:
        end = self._buffer.find(b"\n", 0, LONGEST_HEADER)
        if end < 0:
            if len(self._buffer) >= LONGEST_HEADER:
                raise WireError("a header without an end")
            return False
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        try:
            header = json.loads(line)
        except ValueError as error:
            raise WireError("a header that is not JSON") from error
        if not isinstance(header, dict):
            raise WireError("a header that is not an object")
        wanted = header.pop("bytes", 0)
        if not isinstance(header.get("kind"), str) or not isinstance(header.get("id"), str):
            raise WireError("a header without kind and id")
        if type(wanted) is not int or not 0 <= wanted <= LONGEST_PAYLOAD:
            raise WireError("a payload of impossible length")
        self._header, self._wanted = header, wanted
        return True
