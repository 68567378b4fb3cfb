"""Draws what markdown-it parsed: paragraphs, headings, lists, quotes, tables, code and links.

Nothing is ever loaded: a picture is shown as its words, raw HTML as it is written, and only links
to the web become links.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QUrl
from PySide6.QtGui import QFont, QTextCharFormat

from strixdesk.ui.markdown_formats import (
    ITEM_GAP,
    LIST_INDENT,
    PARAGRAPH_GAP,
    QUOTE_INDENT,
    Formats,
)
from strixdesk.ui.markdown_table import write_table
from strixdesk.ui.markdown_writer import BlockWriter, CodeSpan

if TYPE_CHECKING:
    from markdown_it.token import Token

_BULLETS = ("•", "◦", "▪")
_MOST_INDENTS = 6
"""Deeper lists and quotes stay in the column."""


@dataclass(slots=True)
class _List:
    number: int | None
    """Of the next item; None for bullets."""


class TokenWriter:
    """One use: the tokens of one block."""

    def __init__(self, writer: BlockWriter, number: int | None = None) -> None:
        """`number`: of the item that the block is, where the list was counted elsewhere."""
        self._writer = writer
        self._formats = writer.formats
        self._outer_number = number
        self._lists: list[_List] = []
        self._quotes = 0
        self._marker = ""
        self._tight_top: float | None = None
        self._heading = 0
        self._codes: list[CodeSpan] = []

    def write(self, tokens: Sequence[Token]) -> list[CodeSpan]:
        """Returns the code that was among it."""
        at = 0
        while at < len(tokens):
            token = tokens[at]
            if token.type == "table_open":
                end = next(i for i in range(at, len(tokens)) if tokens[i].type == "table_close")
                write_table(self._writer, tokens[at : end + 1], self.inline)
                at = end
            else:
                self._block(token)
            at += 1
        return self._codes

    # -- blocks --------------------------------------------------------------------------------

    def _block(self, token: Token) -> None:
        match token.type:
            case "heading_open":
                self._heading = int(token.tag[1:])
            case "heading_close":
                self._heading = 0
            case "bullet_list_open":
                self._lists.append(_List(None))
            case "ordered_list_open":
                start = int(token.attrGet("start") or 1)
                if not self._lists and self._outer_number is not None:
                    start = self._outer_number
                self._lists.append(_List(start))
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
            case "list_item_open":
                self._open_item()
            case "list_item_close":
                if self._marker:
                    self._begin()
                self._tight_top = None
            case "blockquote_open":
                self._quotes += 1
            case "blockquote_close":
                self._quotes -= 1
            case "inline":
                self._begin()
                base = self._formats.heading(self._heading) if self._heading else None
                self.inline(token, base or self._formats.body)
            case "fence" | "code_block":
                self._code(token)
            case "hr":
                self._writer.begin(self._formats.rule())
            case "html_block":
                self._begin()
                self._writer.cursor.insertText(token.content.strip(), self._formats.body)

    def _open_item(self) -> None:
        current = self._lists[-1]
        if current.number is None:
            self._marker = _BULLETS[min(len(self._lists), len(_BULLETS)) - 1]
        else:
            self._marker = f"{current.number}."
            current.number += 1

    def _left(self) -> float:
        lists, quotes = min(len(self._lists), _MOST_INDENTS), min(self._quotes, _MOST_INDENTS)
        return LIST_INDENT * lists + QUOTE_INDENT * quotes

    def _begin(self) -> None:
        """The block of a paragraph or heading, with the mark of its item in front."""
        top = PARAGRAPH_GAP + (6 if self._heading in (1, 2, 3) else 0)
        if self._marker:
            hang = LIST_INDENT - (6 if len(self._marker) < 3 else 0)
            form = self._formats.item(
                top=self._writer.gap(ITEM_GAP + 1), left=self._left(), quote=self._quotes, hang=hang
            )
            self._writer.begin(form)
            self._writer.cursor.insertText(self._marker + "\t", self._formats.muted)
            self._marker = ""
            return
        if self._lists:
            top = ITEM_GAP + 2
        form = self._formats.block(top=self._writer.gap(top), left=self._left(), quote=self._quotes)
        if self._heading:
            form.setHeadingLevel(self._heading)
        self._writer.begin(form)

    def _code(self, token: Token) -> None:
        if self._marker:
            self._begin()
        words = token.info.split() if token.info else []
        text = token.content.removesuffix("\n")
        self._codes.append(self._writer.code(text, words[0] if words else "", left=self._left()))

    # -- inside a block ------------------------------------------------------------------------

    def inline(self, token: Token, base: QTextCharFormat) -> None:
        """Words with their emphasis, code and links, at the writer's cursor."""
        cursor = self._writer.cursor
        stack = [base]
        for child in token.children or ():
            form = stack[-1]
            match child.type:
                case "text" | "html_inline":
                    cursor.insertText(child.content, form)
                case "code_inline":
                    cursor.insertText(child.content, _as_code(form, self._formats))
                case "softbreak" | "hardbreak":
                    cursor.insertText("\u2028" if child.type == "hardbreak" else " ", form)
                case "image":
                    self._picture(child, form)
                case "strong_open":
                    strong = QTextCharFormat(form)
                    strong.setFontWeight(QFont.Weight.Bold)
                    stack.append(strong)
                case "em_open":
                    italic = QTextCharFormat(form)
                    italic.setFontItalic(True)
                    stack.append(italic)
                case "s_open":
                    struck = QTextCharFormat(form)
                    struck.setFontStrikeOut(True)
                    stack.append(struck)
                case "link_open":
                    url = str(child.attrGet("href") or "")
                    stack.append(self._formats.link(form, url) if is_web(url) else form)
                case "strong_close" | "em_close" | "s_close" | "link_close":
                    stack.pop()

    def _picture(self, token: Token, form: QTextCharFormat) -> None:
        """A picture on the web is never fetched: it is a link that says so."""
        url = str(token.attrGet("src") or "")
        words = token.content or "picture"
        if is_web(url):
            form = self._formats.link(form, url)
        self._writer.cursor.insertText(f"🖼 {words}", form)


def is_web(url: str) -> bool:
    return QUrl(url).scheme().lower() in ("http", "https") and bool(QUrl(url).host())


def _as_code(form: QTextCharFormat, formats: Formats) -> QTextCharFormat:
    code = QTextCharFormat(formats.inline_code)
    if form.fontWeight() > QFont.Weight.Medium:
        code.setFontWeight(QFont.Weight.Bold)
    if form.isAnchor():
        code = formats.link(code, form.anchorHref())
    return code
