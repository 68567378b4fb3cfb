"""Server-sent events, parsed from bytes as they arrive, however they were cut into chunks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

LINE_LIMIT_BYTES = 16 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class SseTooLong(ValueError):
    """A line, or the data of one event, is longer than any honest server sends."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"one event is longer than {limit:,} bytes")


@dataclass(frozen=True, slots=True)
class SseEvent:
    data: str
    name: str = ""
    """The `event:` field; empty for an ordinary message."""


class SseParser:
    """Incremental parser after the WHATWG rules: LF, CR and CRLF end a line, a leading byte-order
    mark and comments are dropped, several `data:` lines are joined with LF.

    Work is linear in the bytes fed: a line is put together once, when its end arrives.
    """

    def __init__(self, limit_bytes: int = LINE_LIMIT_BYTES) -> None:
        self._limit = limit_bytes
        self._pieces: list[bytes] = []
        """The unfinished line, as it came."""
        self._line_bytes = 0
        self._skip_lf = False
        """The last chunk ended in CR: an LF that follows belongs to it."""
        self._first_line = True
        self._data: list[str] = []
        self._data_bytes = 0
        self._name = ""

    def feed(self, chunk: bytes) -> Iterator[SseEvent]:
        """The events that this chunk completes. To be read to its end before the next chunk.

        Raises SseTooLong at the place in the stream where the limit is passed.
        """
        if self._skip_lf and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._skip_lf = False
        if b"\r" in chunk:
            self._skip_lf = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *ended, rest = chunk.split(b"\n")
        for piece in ended:
            self._keep(piece)
            line = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
            self._pieces.clear()
            self._line_bytes = 0
            event = self._line(line)
            if event is not None:
                yield event
        if rest:
            self._keep(rest)

    def finish(self) -> SseEvent | None:
        """At the end of the stream: an event whose lines all came, only its blank line did not."""
        return self._dispatch()

    def _keep(self, piece: bytes) -> None:
        self._line_bytes += len(piece)
        if self._line_bytes > self._limit:
            raise SseTooLong(self._limit)
        self._pieces.append(piece)

    def _line(self, line: bytes) -> SseEvent | None:
        if self._first_line:
            self._first_line = False
            line = line.removeprefix(_BOM)
        if not line:
            return self._dispatch()
        field, _, value = line.partition(b":")  # a comment has an empty field name
        if field == b"data":
            self._data_bytes += len(value) + 1
            if self._data_bytes > self._limit + 1:
                raise SseTooLong(self._limit)
            self._data.append(_text(value))
        elif field == b"event":
            self._name = _text(value)
        return None

    def _dispatch(self) -> SseEvent | None:
        name, self._name = self._name, ""
        if not self._data:
            return None
        data = self._data[0] if len(self._data) == 1 else "\n".join(self._data)
        self._data.clear()
        self._data_bytes = 0
        return SseEvent(data, name)


def _text(value: bytes) -> str:
    return value.removeprefix(b" ").decode("utf-8", "replace")
