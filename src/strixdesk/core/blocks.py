"""Blocks of markdown that are spoken, or passed over, as one: code, tables and formulas."""

from __future__ import annotations

import re
from dataclasses import dataclass

LOOKAHEAD_CHARS = 40
"""No decision at a character needs more of what follows it."""
INDENT = re.compile(r"[ \t>]{0,12}")
"""What may stand before a line's own mark: blanks and quotation marks of markdown."""


@dataclass(frozen=True, slots=True)
class ShutBlock:
    """A block that is never cut inside."""

    mark: str
    """What opened it: backticks or tildes, `$$`, a backslash and bracket, or `|`."""

    @property
    def ends_before_next(self) -> bool:
        return self.mark == "|"

    def ends_with(self, line: str, first: bool) -> bool:
        bare = line.strip("> \t")
        if self.mark == "|":
            return False
        if self.mark in ("$$", "\\["):
            closing = "\\]" if self.mark == "\\[" else "$$"
            body = bare[2:] if first else bare
            return not bare or closing in body
        return not first and len(bare) >= len(self.mark) and not bare.strip(self.mark[0])


def line_kind(text: str, at: int, final: bool) -> ShutBlock | bool | None:
    """What a line that starts here is: a block, a heading (True), plain (False); None: too early
    to say."""
    indent = INDENT.match(text, at)
    begin = indent.end() if indent else at
    head = text[begin : begin + 32]
    if _UNDECIDED.fullmatch(head) and not final and begin - at < LOOKAHEAD_CHARS:
        return None
    fence = _FENCE.match(head)
    if fence:
        if fence.end() == len(head) and not final and len(head) < 32:
            return None
        return ShutBlock(fence.group())
    if head.startswith(("$$", "\\[")):
        return ShutBlock(head[:2])
    if head.startswith("|"):
        return ShutBlock("|")
    return _HEADING.match(head) is not None


_FENCE = re.compile(r"`{3,}|~{3,}")
_HEADING = re.compile(r"#{1,6}(?:\s|$)")
_UNDECIDED = re.compile(r"|`{1,2}|~{1,2}|#{1,6}|[$\\]")
"""Beginnings that more text may still make a block or a heading of."""
