"""Server-sent events, parsed from bytes as they arrive, however they were cut into chunks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

LINE_LIMIT_BYTES = 16 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class SseTooLong(ValueError):
    """A line, or the data of one event, is longer than any honest server sends."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"one event is longer than {limit:,} bytes")


class SseEvent(NamedTuple):
    """A tuple, which costs a third less to make than a dataclass: there is one for every token."""

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
        lines = chunk.split(b"\n")
        rest = lines.pop()
        if lines and (self._pieces or self._first_line):
            lines[0] = self._completed(lines[0])
        # This loop runs for every token of an answer: what is usual comes first and in place.
        for line in lines:
            if not line:
                if self._data:
                    yield self._event()
                self._name = ""
            elif line.startswith(b"data: "):
                self._add(line[6:])
            else:
                self._field(line)
        if rest:
            self._keep(rest)

    def finish(self) -> SseEvent | None:
        """At the end of the stream: an event whose lines all came, only its blank line did not."""
        return self._event() if self._data else None

    def _keep(self, piece: bytes) -> None:
        self._line_bytes += len(piece)
        if self._line_bytes > self._limit:
            raise SseTooLong(self._limit)
        self._pieces.append(piece)

    def _completed(self, end: bytes) -> bytes:
        """The line that the stream begins with, or that earlier chunks began."""
        self._keep(end)
        line = b"".join(self._pieces)
        self._pieces.clear()
        self._line_bytes = 0
        if self._first_line:
            self._first_line = False
            line = line.removeprefix(_BOM)
        return line

    def _field(self, line: bytes) -> None:
        field, _, value = line.partition(b":")  # a comment has an empty field name
        if field == b"data":
            self._add(value.removeprefix(b" "))
        elif field == b"event":
            self._name = value.removeprefix(b" ").decode("utf-8", "replace")

    def _add(self, value: bytes) -> None:
        self._data_bytes += len(value) + 1
        if self._data_bytes > self._limit:
            raise SseTooLong(self._limit)
        self._data.append(value.decode("utf-8", "replace"))

    def _event(self) -> SseEvent:
        data = self._data[0] if len(self._data) == 1 else "\n".join(self._data)
        self._data.clear()
        self._data_bytes = 0
        return SseEvent(data, self._name)
