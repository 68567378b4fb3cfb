"""Appends blocks of text at the end of a QTextDocument, in the formats of a theme."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QTextBlockFormat, QTextCharFormat, QTextCursor

from strixdesk.ui.markdown_formats import CODE_GAP, CODE_PADDING, PARAGRAPH_GAP, Formats, Mark


@dataclass(frozen=True, slots=True)
class CodeSpan:
    """Where a block of code stands in its document."""

    number: int
    begin: int
    """Position of its first character."""
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class WriterState:
    """What it takes to go back to where a document ended before."""

    position: int
    block: QTextBlockFormat
    char: QTextCharFormat
    fresh: bool
    empty: bool
    codes: int


class BlockWriter:
    """Writes at the end of the document; can take back what was written after a mark."""

    def __init__(self, cursor: QTextCursor, formats: Formats) -> None:
        self.cursor = cursor
        self.formats = formats
        self.codes: list[str] = []
        """The code blocks so far; number n is at n - 1."""
        self.empty = True
        """Nothing was written yet: the first block stands at the very top."""
        self._fresh = True
        """The document's last block is empty and to be used."""

    def gap(self, height: float = PARAGRAPH_GAP) -> float:
        return 0.0 if self.empty else height

    def begin(self, form: QTextBlockFormat, char: QTextCharFormat | None = None) -> None:
        """A new block, or the one that stands ready."""
        char = char or self.formats.body
        if self._fresh:
            self.cursor.setBlockFormat(form)
            self.cursor.setBlockCharFormat(char)
            self.cursor.setCharFormat(char)
        else:
            self.cursor.insertBlock(form, char)
        self._fresh = False
        self.empty = False

    def leave_table(self) -> None:
        """Behind a table Qt keeps an empty block; it is made as low as can be and left alone, as
        it takes no margin above itself."""
        self.cursor.movePosition(QTextCursor.MoveOperation.End)
        self.cursor.setBlockFormat(self.formats.fixed(1))
        self._fresh = False
        self.empty = False

    def plain(self, text: str, char: QTextCharFormat | None = None) -> None:
        """As it is written, line breaks included."""
        form = self.formats.block(top=self.gap())
        following = self.formats.block(top=0)
        for number, line in enumerate(text.split("\n")):
            self.begin(following if number else form, char)
            self.cursor.insertText(line, char or self.formats.body)

    def code(self, text: str, language: str, *, left: float = 0.0) -> CodeSpan:
        """A block of code, not yet coloured."""
        self.codes.append("")
        number = len(self.codes)
        form = self.formats.code_line(number, left=left)
        form.setTopMargin(self.formats.code_top(self.gap(PARAGRAPH_GAP + 2)))
        form.setProperty(Mark.LANGUAGE, language)
        self.begin(form, self.formats.code)
        begin = self.cursor.position()
        self.more_code(text)
        return CodeSpan(number, begin, text, language)

    def more_code(self, text: str) -> None:
        """Goes on with the block of code that was written last."""
        self.codes[-1] += text
        first, *others = text.split("\n")
        self.cursor.insertText(first, self.formats.code)
        last = self.cursor.blockFormat()
        left = last.leftMargin() - CODE_PADDING
        if others:
            last.clearProperty(Mark.CODE_LAST)
            last.setBottomMargin(0)
            self.cursor.setBlockFormat(last)
            form = self.formats.code_line(len(self.codes), left=left)
            for line in others:
                self.cursor.insertBlock(form, self.formats.code)
                self.cursor.insertText(line, self.formats.code)
            last = form
        last.setProperty(Mark.CODE_LAST, True)
        last.setBottomMargin(CODE_PADDING + CODE_GAP)
        self.cursor.setBlockFormat(last)

    # -- taking back ---------------------------------------------------------------------------

    def state(self) -> WriterState:
        return WriterState(
            self.cursor.position(),
            self.cursor.blockFormat(),
            self.cursor.blockCharFormat(),
            self._fresh,
            self.empty,
            len(self.codes),
        )

    def go_back(self, state: WriterState) -> None:
        """Drops everything that was written since."""
        self.cursor.setPosition(state.position)
        self.cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
        self.cursor.removeSelectedText()
        # Only where needed: a format that is set lays out its block anew.
        if self.cursor.blockFormat() != state.block:
            self.cursor.setBlockFormat(state.block)
        if self.cursor.blockCharFormat() != state.char:
            self.cursor.setBlockCharFormat(state.char)
        self._fresh, self.empty = state.fresh, state.empty
        del self.codes[state.codes :]
