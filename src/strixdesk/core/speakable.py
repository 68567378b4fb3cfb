"""Turns a piece of markdown into what a person would read out.

Markdown, emoji and addresses are handled for every language; numbers, units and abbreviations by
the rules of the language, where there are any (`english`). The speech engine itself already reads
integers, decimals, times and spelled-out names well, so those are left to it.
"""

from __future__ import annotations

import re

from strixdesk.core.blocks import ShutBlock, line_kind
from strixdesk.core.english import pronounce as pronounce_english
from strixdesk.core.inline import plain_text

CODE_HINTS = {
    "en": "The code is on the screen.",
    "de": "Der Code steht auf dem Bildschirm.",
    "fr": "Le code est à l'écran.",
    "es": "El código está en la pantalla.",
}
"""Said in place of a block of code; in other languages it is passed over in silence."""
TABLE_HINTS = {
    "en": "The table is on the screen.",
    "de": "Die Tabelle steht auf dem Bildschirm.",
    "fr": "Le tableau est à l'écran.",
    "es": "La tabla está en la pantalla.",
}
MOST_TABLE_ROWS = 5
MOST_TABLE_COLUMNS = 3
"""A table beyond either is not read out."""


def speakable(raw: str, language: str = "en") -> str:
    """The words to speak for a piece of an answer, as one line; empty when there is nothing to
    say. Takes what `SentenceSplitter` gives: code and tables come whole or not at all."""
    tongue = language.split("-")[0].split("_")[0].casefold()
    said = [_said(block, tongue) for block in _blocks(raw)]
    text = " ".join(filter(None, said))
    return text if any(map(str.isalnum, text)) else ""


# -- blocks ---------------------------------------------------------------------------------------


def _blocks(raw: str) -> list[list[str]]:
    """Groups of lines: a block of code, a table or a formula, or one line of text with what was
    wrapped after it."""
    blocks: list[list[str]] = []
    shut: ShutBlock | None = None
    open_line = False
    for line in raw.splitlines():
        if shut is None:
            kind = line_kind(line, 0, final=True)
            if isinstance(kind, ShutBlock):
                open_line = False
                table = kind.mark == "|"
                if table and blocks and _is_table(blocks[-1]):
                    blocks[-1].append(line)
                else:
                    blocks.append([line])
                shut = None if table or kind.ends_with(line, first=True) else kind
                continue
            if not line.strip():
                open_line = False
            elif open_line and not _OWN_LINE.match(line):
                blocks[-1].append(line)
            else:
                blocks.append([line])
                open_line = kind is not True
        else:
            blocks[-1].append(line)
            if shut.ends_with(line, first=False):
                shut = None
    return blocks


def _said(block: list[str], tongue: str) -> str:
    kind = line_kind(block[0], 0, final=True)
    if isinstance(kind, ShutBlock):
        if kind.mark == "|":
            return _table(block, tongue)
        if kind.mark[0] in "`~":
            return CODE_HINTS.get(tongue, "")
    if len(block) == 1 and _SILENT_LINE.fullmatch(block[0]):
        return ""
    lines = [_LINE_START.sub("", line, count=1).lstrip("> \t") for line in block]
    return _finished(
        _words(" ".join(lines), tongue), always=_LINE_START.match(block[0]) is not None
    )


def _finished(text: str, always: bool) -> str:
    """A heading or list item gets the point that its line break stood for."""
    ends_open = text[-1:].isalnum() or text[-1:] in "\")'”’"
    return text + "." if text and always and ends_open else text


def _words(text: str, tongue: str) -> str:
    plain = plain_text(text, english=tongue == "en")
    if tongue == "en":
        plain = pronounce_english(plain)
    plain = _CONTROL.sub(" ", plain)
    plain = _BLANKS.sub(" ", plain)
    plain = _SPACE_BEFORE_MARK.sub(r"\1", plain)
    plain = _DOUBLE_MARK.sub(r"\1", plain)
    return plain.strip(" ,;:") if not any(map(str.isalnum, plain)) else plain.strip()


# -- tables ---------------------------------------------------------------------------------------


def _is_table(block: list[str]) -> bool:
    return block[0].lstrip("> \t").startswith("|")


def _table(lines: list[str], tongue: str) -> str:
    if len(lines) > MOST_TABLE_ROWS + 2:
        return TABLE_HINTS.get(tongue, "")
    rows = [_cells(line, tongue) for line in lines if not _TABLE_RULE.fullmatch(line)]
    rows = [row for row in rows if any(row)]
    ruled = len(lines) > 1 and _TABLE_RULE.fullmatch(lines[1]) is not None
    header, body = (rows[0], rows[1:]) if ruled and rows else ([], rows)
    if len(body) > MOST_TABLE_ROWS or max(map(len, rows), default=0) > MOST_TABLE_COLUMNS:
        return TABLE_HINTS.get(tongue, "")
    return " ".join(_row(row, header) for row in body)


def _row(row: list[str], header: list[str]) -> str:
    """`Rome: population 3 million, country Italy.`"""
    named = [
        f"{header[column]} {cell}" if column < len(header) and header[column] else cell
        for column, cell in enumerate(row)
        if column and cell
    ]
    return ": ".join(filter(None, [row[0], ", ".join(named)])) + "."


def _cells(line: str, tongue: str) -> list[str]:
    bare = line.strip("> \t").strip("|")
    return [_words(cell, tongue).rstrip(".") for cell in bare.split("|")]


_LINE_START = re.compile(
    r"\A[ \t>]*(?:#{1,6}(?:[ \t]|$)|[-*+•][ \t]+(?:\[[ xX]\][ \t])?|(?=\d{1,3}[.)][ \t]))"
)
_OWN_LINE = re.compile(r"[ \t>]*(?:#{1,6}[ \t]|[-*+•][ \t]|\d{1,3}[.)][ \t]|\[[^\]\n]{1,60}\]:)")
_SILENT_LINE = re.compile(
    r"[ \t>]*(?:(?:[-*_=][ \t]*){3,}|\[\^[^\]\n]{1,60}\]:.*|\[[^\]\n]{1,60}\]:[ \t]*\S+.*|<!--.*)"
)
_TABLE_RULE = re.compile(r"[ \t>]*\|?[ \t]*:?-+[-:| \t]*")
_CONTROL = re.compile(r"[*`_~|<>#\\{}^\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]+")
_BLANKS = re.compile(r"\s{1,}")
_SPACE_BEFORE_MARK = re.compile(r" ([,.;:!?…](?:\s|$))")
_DOUBLE_MARK = re.compile(r"([,;:.!?])(?: ?[,;:]){1,10}(?=\s|$)")
