"""Draws a table of markdown as a table of the document, or in columns of plain text when large."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QBrush, QColor, QFont, QTextBlockFormat, QTextCharFormat

from strixdesk.ui.markdown_writer import BlockWriter

if TYPE_CHECKING:
    from markdown_it.token import Token

MOST_CELLS = 1_200
"""Of a table that is laid out as one."""

_SHORT = 14
"""Characters of a cell whose words are kept on one line, such as `24 tok/s`."""
_MOST_SHORT = 42
"""Characters that such cells may need side by side, so that a narrow window has room for them."""


def write_table(
    writer: BlockWriter, tokens: Sequence[Token], inline: Callable[[Token, QTextCharFormat], None]
) -> None:
    """The tokens from `table_open` to `table_close`."""
    rows = _rows(tokens)
    columns = max(map(len, rows), default=0)
    if len(rows) * columns > MOST_CELLS:
        text = "\n".join(" | ".join(cell.content for cell, _ in row) for row in rows)
        writer.plain(text, writer.formats.code)
        return
    formats = writer.formats
    # A table begins behind a block; that block is kept as low as can be.
    writer.begin(formats.fixed(1))
    table = writer.cursor.insertTable(len(rows), columns, formats.table())
    keep_short = _short_cells_fit(rows)
    head = QTextCharFormat(formats.body)
    head.setFontWeight(QFont.Weight.DemiBold)
    for y, row in enumerate(rows):
        for x, (cell, align) in enumerate(row):
            place = table.cellAt(y, x)
            if y == 0:
                form = place.format()
                form.setBackground(QBrush(QColor(formats.theme.code)))
                place.setFormat(form)
            cursor = place.firstCursorPosition()
            block = QTextBlockFormat()
            block.setAlignment(align)
            block.setNonBreakableLines(keep_short and len(cell.content) <= _SHORT)
            cursor.setBlockFormat(block)
            writer.cursor.setPosition(cursor.position())
            inline(cell, head if y == 0 else formats.body)
    writer.leave_table()


def _rows(tokens: Sequence[Token]) -> list[list[tuple[Token, Qt.AlignmentFlag]]]:
    rows: list[list[tuple[Token, Qt.AlignmentFlag]]] = []
    align = Qt.AlignmentFlag.AlignLeft
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            style = str(token.attrGet("style") or "")
            align = _ALIGN.get(style.rpartition(":")[2].strip(), Qt.AlignmentFlag.AlignLeft)
        elif token.type == "inline":
            rows[-1].append((token, align))
    return rows


def _short_cells_fit(rows: Sequence[Sequence[tuple[Token, Qt.AlignmentFlag]]]) -> bool:
    longest: dict[int, int] = {}
    for row in rows:
        for x, (cell, _) in enumerate(row):
            if len(cell.content) <= _SHORT:
                longest[x] = max(longest.get(x, 0), len(cell.content))
    return sum(longest.values()) <= _MOST_SHORT


_ALIGN = {
    "right": Qt.AlignmentFlag.AlignRight,
    "center": Qt.AlignmentFlag.AlignHCenter,
}
