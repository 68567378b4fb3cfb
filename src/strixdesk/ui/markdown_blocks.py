"""Cuts markdown that is still arriving into blocks that will not change any more, and a rest.

A block is what can be drawn by itself: a paragraph, a heading, a fence of code, a table, a quote,
one item of a list. Only the last one, the tail, can still grow. Nothing here is larger than
`MOST_CHARS` but a fence: what is longer is cut and marked as plain, so that no input is slow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum

MOST_CHARS = 8_000
"""Of one block that is parsed as markdown, and of a piece of a plain one."""
MOST_TABLE_CHARS = 24_000


class BlockKind(Enum):
    PROSE = "prose"
    """Parsed as markdown."""
    FENCE = "fence"
    ITEM = "item"
    """One item of a list at the outermost level, nested lists included."""
    PLAIN = "plain"
    """Too long to be parsed: shown as it is written."""


@dataclass(frozen=True, slots=True)
class Block:
    kind: BlockKind
    text: str
    """Its markdown; of a fence, the code alone."""
    language: str = ""
    """Of a fence, as written behind its opening marks."""
    number: int | None = None
    """Of an item of a numbered list: lists that say 1. 1. 1. count on all the same."""
    end: int = 0
    """Where it ends in the whole text, in characters."""


class BlockSplitter:
    """Fed with text as it comes; gives each block once, when it is finished."""

    def __init__(self) -> None:
        self._line = ""
        self._lines: list[str] = []
        self._size = 0
        self._taken = 0
        self._kind = BlockKind.PROSE
        self._language = ""
        self._fence: _Fence | None = None
        self._inner_fence: _Fence | None = None
        self._content_indent = 0
        self._item: _Marker | None = None
        self._number: int | None = None
        self._blank_before = False

    def feed(self, text: str) -> list[Block]:
        """The blocks that this text has finished, in order."""
        done: list[Block] = []
        *whole, self._line = (
            (self._line + text).split("\n") if "\n" in text else (self._line + text,)
        )
        for line in whole:
            self._take_line(line.rstrip("\r"), done)
        if len(self._line) > MOST_CHARS and self._kind is BlockKind.FENCE:
            # A line of code without an end is broken, so that adding to it stays cheap.
            *broken, self._line = pieces(self._line)
            for piece in broken:
                self._push(piece, done)
        elif len(self._line) + self._size > self._limit and self._kind is not BlockKind.FENCE:
            self._overflow(done)
        return done

    @property
    def tail(self) -> Block | None:
        """What can still grow; None when the last block is finished."""
        if self._kind is BlockKind.FENCE:
            return self._block("\n".join((*self._lines, self._line)))
        text = "\n".join((*self._lines, self._line))
        if not text.strip():
            return None
        if not self._lines:
            return self._guess(text)
        return self._block(text)

    def finish(self) -> list[Block]:
        """No more comes: the tail is final too."""
        done: list[Block] = []
        if self._line:
            line, self._line = self._line, ""
            self._take_line(line, done)
        self._close(done)
        return done

    # -- lines ---------------------------------------------------------------------------------

    def _take_line(self, line: str, done: list[Block]) -> None:
        if self._kind is BlockKind.FENCE and self._fence:
            self._take_code(line, done)
            return
        if not line.strip():
            self._take_blank(line, done)
            return
        if self._kind is BlockKind.PLAIN:
            self._push(line, done)
            return
        if self._kind is BlockKind.ITEM and self._lines and self._continues_item(line):
            self._push(line, done)
            return
        if self._lines and self._begins_block(line):
            self._close(done)
        if not self._lines:
            self._open(line)
            if self._kind is BlockKind.FENCE:
                self._taken += len(line) + 1
                return
        self._push(line, done)
        if self._kind is BlockKind.PROSE and len(self._lines) == 1 and _ONE_LINE.match(line):
            self._close(done)

    def _take_code(self, line: str, done: list[Block]) -> None:
        assert self._fence is not None  # noqa: S101
        if self._fence.closed_by(line):
            self._taken += len(line) + 1
            self._close(done)
        else:
            self._push(_dedent(line, self._fence.indent), done)

    def _take_blank(self, line: str, done: list[Block]) -> None:
        if (self._kind is BlockKind.ITEM and self._lines) or (
            self._lines and _INDENTED.match(self._lines[0])
        ):
            self._push(line, done)
            self._blank_before = True
        else:
            self._taken += len(line) + 1
            self._close(done)
            self._kind = BlockKind.PROSE

    def _continues_item(self, line: str) -> bool:
        """Whether a line that is not blank belongs to the open item."""
        indent = _indent(line)
        if self._inner_fence:
            if indent >= self._content_indent and not self._inner_fence.closed_by(line):
                return True
            if indent >= self._content_indent:
                self._inner_fence = None
                return True
            self._inner_fence = None
        if indent >= self._content_indent:
            self._inner_fence = _fence(line.strip())
            return True
        lazy = not self._blank_before and not self._begins_block(line)
        return lazy and not _MARKER.match(line)

    def _begins_block(self, line: str) -> bool:
        """Whether a line that is not blank ends the open block by beginning another."""
        first = self._lines[0]
        if self._blank_before:
            return not _INDENTED.match(line)
        if _FENCE.match(line) or _HEADING.match(line):
            return True
        if _RULE.match(line) and not _SETEXT.match(line):
            return True
        if _QUOTE.match(line):
            return not _QUOTE.match(first)
        marker = _MARKER.match(line)
        if marker:
            return self._kind is BlockKind.ITEM or marker["number"] in (None, "1")
        return False

    def _open(self, line: str) -> None:
        """Sets what the block that begins with this line is."""
        self._blank_before = False
        self._inner_fence = None
        fence = _fence(line) if _FENCE.match(line) else None
        marker = _MARKER.match(line)
        if fence:
            self._kind, self._fence, self._language = BlockKind.FENCE, fence, fence.language
        elif marker and not _RULE.match(line):
            self._kind = BlockKind.ITEM
            self._content_indent = _content_indent(marker)
            found = _Marker(marker["bullet"] or marker["dot"], marker["number"])
            continues = self._item is not None and self._item.sign == found.sign
            if found.number is None:
                self._number = None
            elif continues and self._number is not None:
                self._number += 1
            else:
                self._number = int(found.number)
            self._item = found
            return
        else:
            self._kind = BlockKind.PROSE
        self._item = None

    # -- blocks --------------------------------------------------------------------------------

    @property
    def _limit(self) -> int:
        return MOST_TABLE_CHARS if self._lines and "|" in self._lines[0] else MOST_CHARS

    def _push(self, line: str, done: list[Block]) -> None:
        if line.strip():
            self._blank_before = False
        self._lines.append(line)
        self._size += len(line) + 1
        self._taken += len(line) + 1
        if self._size > self._limit and self._kind is not BlockKind.FENCE:
            self._flush_plain(done)

    def _overflow(self, done: list[Block]) -> None:
        """A line without an end: its beginning is given away in pieces."""
        self._flush_plain(done)
        while len(self._line) > MOST_CHARS:
            piece, self._line = self._line[:MOST_CHARS], self._line[MOST_CHARS:]
            self._taken += len(piece)
            done.append(Block(BlockKind.PLAIN, piece, end=self._taken))

    def _flush_plain(self, done: list[Block]) -> None:
        """The open block is too long. What there is of a table stays one; the rest is plain."""
        text = "\n".join(self._lines)
        table = "|" in text[:200] and len(self._lines) > 2 and self._kind is BlockKind.PROSE
        self._lines, self._size = [], 0
        if text:
            kind = BlockKind.PROSE if table else BlockKind.PLAIN
            parts = [text] if table else pieces(text)
            done.extend(Block(kind, piece, end=self._taken) for piece in parts)
        self._kind = BlockKind.PLAIN

    def _close(self, done: list[Block]) -> None:
        text = "\n".join(self._lines)
        if self._kind is BlockKind.FENCE or text.strip():
            done.append(self._block(text))
        self._lines, self._size = [], 0
        self._fence = None
        self._blank_before = False
        self._kind = BlockKind.PROSE

    def _block(self, text: str) -> Block:
        if self._kind is BlockKind.FENCE:
            return Block(self._kind, text, language=self._language, end=self._taken)
        number = self._number if self._kind is BlockKind.ITEM else None
        return Block(self._kind, text.rstrip(), number=number, end=self._taken)

    def _guess(self, line: str) -> Block:
        """What a line that has not ended looks like so far."""
        if self._kind is BlockKind.PLAIN:
            return self._block(line)
        marker = _MARKER.match(line)
        if _FENCE.match(line):
            fence = _fence(line)
            return Block(BlockKind.FENCE, "", language=fence.language if fence else "")
        if marker and not _RULE.match(line):
            number = int(marker["number"]) if marker["number"] else None
            sign = marker["bullet"] or marker["dot"]
            if number is not None and self._item and self._item.sign == sign and self._number:
                number = self._number + 1
            return Block(BlockKind.ITEM, line, number=number)
        return Block(BlockKind.PROSE, line)


def split(text: str) -> list[Block]:
    """The blocks of a text that is complete."""
    splitter = BlockSplitter()
    return [*splitter.feed(text), *splitter.finish()]


def pieces(text: str) -> list[str]:
    """A text in parts that are quick to draw, cut between lines where there are any; the line
    break at a cut is left out."""
    if len(text) <= MOST_CHARS:
        return [text]
    parts: list[str] = []
    at = 0
    while at < len(text):
        end = at + MOST_CHARS
        cut = text.rfind("\n", at, end) if end < len(text) else len(text)
        stop = cut if cut > at else min(end, len(text))
        parts.append(text[at:stop])
        at = stop + (text[stop : stop + 1] == "\n")
    return parts


def healed(block: Block) -> Block:
    """A tail as it will probably be meant: marks of emphasis that are still open are closed, the
    beginning of a link is its words, and a lone mark at the end is not drawn yet."""
    if block.kind not in (BlockKind.PROSE, BlockKind.ITEM):
        return block
    text = _LONE_MARK.sub("", block.text)
    text = _OPEN_LINK.sub(r"\1", text)
    if text.count("`") % 2:
        text = text + "`" if not text.endswith("`") else text[:-1]
    else:
        text = _DANGLING.sub("", text)
        for mark in ("**", "~~"):
            if text.count(mark) % 2:
                text = text[: -len(mark)] if text.endswith(mark) else text.rstrip() + mark
    return replace(block, text=text)


@dataclass(frozen=True, slots=True)
class _Fence:
    mark: str
    indent: int
    language: str

    def closed_by(self, line: str) -> bool:
        bare = line.strip()
        return len(bare) >= len(self.mark) and bare == self.mark[0] * len(bare)


@dataclass(frozen=True, slots=True)
class _Marker:
    sign: str
    """`-`, `*`, `+`, `.` or `)`: another one is another list."""
    number: str | None


def _fence(line: str) -> _Fence | None:
    match = _FENCE.match(line)
    if not match:
        return None
    words = match["info"].split()
    language = words[0].strip("{}.").split(",")[0] if words else ""
    return _Fence(match["mark"], len(match["indent"]), language[:40])


def _content_indent(marker: re.Match[str]) -> int:
    width = len(marker["space"])
    return len(marker["lead"]) + len(marker["sign"]) + (1 if width > 4 or width == 0 else width)


def _indent(line: str) -> int:
    expanded = line.expandtabs(4)
    return len(expanded) - len(expanded.lstrip(" "))


def _dedent(line: str, most: int) -> str:
    strip = min(most, len(line) - len(line.lstrip(" ")))
    return line[strip:]


_FENCE = re.compile(r"(?P<indent> {0,3})(?P<mark>`{3,}(?=[^`]*$)|~{3,})(?P<info>[^\n]*)")
_HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t]|$)")
_RULE = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
_SETEXT = re.compile(r" {0,3}(?:-+|=+)[ \t]*$")
_QUOTE = re.compile(r" {0,3}>")
_MARKER = re.compile(
    r"(?P<lead> {0,3})(?P<sign>(?P<bullet>[-*+])|(?P<number>\d{1,9})(?P<dot>[.)]))"
    r"(?P<space>[ \t]+|$)"
)
_INDENTED = re.compile(r"(?: {4}| {0,3}\t)")
_ONE_LINE = re.compile(rf"(?:{_HEADING.pattern}|{_RULE.pattern})")
_LONE_MARK = re.compile(r"(?:\A|\n)[ \t>]*(?:[-*+=_#]{1,6}|\d{1,9}[.)]?|`{1,2}|~{1,2})[ \t]*\Z")
_OPEN_LINK = re.compile(r"!?\[([^\[\]\n]{0,300})(?:\](?:\([^()\s]{0,2000})?)?\Z")
_DANGLING = re.compile(r"(?<=\s)(?:\*{1,3}|_{1,2}|~{1,2}|\[)\Z")
