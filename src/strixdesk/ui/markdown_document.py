"""A QTextDocument that markdown flows into: finished blocks stay, only the last one is redrawn."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QBrush, QColor, QFont, QTextCharFormat, QTextCursor, QTextDocument

from strixdesk.ui.code_colours import coloured
from strixdesk.ui.markdown_blocks import Block, BlockKind, BlockSplitter, healed, pieces
from strixdesk.ui.markdown_formats import Formats
from strixdesk.ui.markdown_writer import BlockWriter, CodeSpan, WriterState


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A finished block: where it ends in the source and where it begins in the document."""

    source_end: int
    position: int


class MarkdownDocument:
    """Fills a document that belongs to someone else. All methods on the GUI's thread."""

    def __init__(self, document: QTextDocument, formats: Formats) -> None:
        document.setUndoRedoEnabled(False)
        document.setDocumentMargin(0)
        document.setDefaultFont(formats.font)
        self._document = document
        self._formats = formats
        self._restart()

    def _restart(self) -> None:
        self._document.clear()
        self._splitter = BlockSplitter()
        self._cursor = QTextCursor(self._document)
        self._writer = BlockWriter(self._cursor, self._formats)
        self._state: WriterState = self._writer.state()
        self._drawn: list[_Drawn] = []
        self._tail: Block | None = None
        self._pending: list[Block] = []
        self._uncoloured: list[CodeSpan] = []
        self._references: dict[str, object] = {}

    # -- text ----------------------------------------------------------------------------------

    def set_text(self, text: str, *, complete: bool, most_blocks: int | None = None) -> None:
        """Another text altogether. See `draw` about `most_blocks`."""
        self._restart()
        self.feed(text)
        if complete:
            self.finish(most_blocks)
        else:
            self.draw(most_blocks)

    def feed(self, text: str) -> None:
        """More text; `draw` shows it."""
        self._pending += self._splitter.feed(text)

    def draw(self, most_blocks: int | None = None) -> None:
        """Show what was fed. Costs as much as the blocks that are new, and the last one.
        With `most_blocks`, a long text is drawn in parts: again while there `is_behind`."""
        self._cursor.beginEditBlock()
        tail = self._splitter.tail
        if not self._grow_code(tail):
            self._drop_tail()
            count = len(self._pending) if most_blocks is None else most_blocks
            for block in self._pending[:count]:
                self._drawn.append(_Drawn(block.end, self._state.position))
                self._uncoloured += self._write(block)
                self._state = self._writer.state()
            del self._pending[:count]
            if self._pending:
                tail = None
            if tail is not None:
                self._write(healed(tail))
        self._tail = tail
        self._cursor.endEditBlock()

    @property
    def is_behind(self) -> bool:
        """Finished blocks wait to be drawn."""
        return bool(self._pending)

    def finish(self, most_blocks: int | None = None) -> None:
        """No more text comes."""
        self._pending += self._splitter.finish()
        self.draw(most_blocks)

    def set_plain(self, text: str, *, muted: bool = False) -> None:
        """Exactly these characters: no markdown."""
        self._restart()
        self._cursor.beginEditBlock()
        for piece in pieces(text):
            self._writer.plain(piece, self._formats.muted if muted else None)
        self._cursor.endEditBlock()

    def set_formats(self, formats: Formats) -> None:
        """For the text that is set next."""
        self._formats = formats
        self._document.setDefaultFont(formats.font)

    # -- code ----------------------------------------------------------------------------------

    def code(self, number: int) -> str:
        """The text of a block of code, by its number."""
        return self._writer.codes[number - 1] if 0 < number <= len(self._writer.codes) else ""

    @property
    def has_uncoloured(self) -> bool:
        return bool(self._uncoloured)

    def colour_next(self) -> None:
        """Colour one finished block of code; a call for each, so that the window stays quick."""
        span = self._uncoloured.pop(0)
        cursor = QTextCursor(self._document)
        cursor.beginEditBlock()
        for run in coloured(span.text, span.language, self._formats.theme.pygments_style):
            form = QTextCharFormat()
            if run.colour:
                form.setForeground(QBrush(QColor(run.colour)))
            if run.bold:
                form.setFontWeight(QFont.Weight.Bold)
            if run.italic:
                form.setFontItalic(True)
            cursor.setPosition(span.begin + run.start)
            cursor.setPosition(span.begin + run.start + run.length, QTextCursor.MoveMode.KeepAnchor)
            cursor.mergeCharFormat(form)
        cursor.endEditBlock()

    # -- places --------------------------------------------------------------------------------

    def span_at(self, source_chars: int) -> tuple[int, int] | None:
        """The positions of the block that the given number of characters of source reach into."""
        for index, drawn in enumerate(self._drawn):
            if source_chars <= drawn.source_end:
                following = self._drawn[index + 1 :]
                end = following[0].position if following else self._state.position
                return drawn.position, end
        return None

    # -- drawing -------------------------------------------------------------------------------

    def _drop_tail(self) -> None:
        if self._tail is not None:
            self._writer.go_back(self._state)

    def _grow_code(self, tail: Block | None) -> bool:
        """Code that only became longer is added to: a long block would be slow to write anew."""
        before = self._tail
        if (
            self._pending
            or before is None
            or tail is None
            or not before.kind is tail.kind is BlockKind.FENCE
            or before.language != tail.language
            or not tail.text.startswith(before.text)
        ):
            return False
        self._writer.more_code(tail.text[len(before.text) :])
        return True

    def _write(self, block: Block) -> list[CodeSpan]:
        match block.kind:
            case BlockKind.FENCE:
                return [self._writer.code(block.text, block.language)]
            case BlockKind.PLAIN:
                self._writer.plain(block.text)
                return []
            case BlockKind.PROSE | BlockKind.ITEM:
                return self._write_markdown(block)

    def _write_markdown(self, block: Block) -> list[CodeSpan]:
        # Imported late: a window that shows no message does not wait for the parser.
        from strixdesk.ui.markdown_parser import parse
        from strixdesk.ui.markdown_tokens import TokenWriter

        tokens = parse(block.text, self._references)
        if tokens is None:
            self._writer.plain(block.text)
            return []
        return TokenWriter(self._writer, block.number).write(tokens)
