"""The markdown dialect of chat models: CommonMark with tables, strike-through and bare links."""

from __future__ import annotations

import re
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

MOST_NESTING = 60
"""Of quotes and lists; the parser drops what lies deeper without a word."""


def parse(text: str, references: dict[str, object]) -> list[Token] | None:
    """The tokens of one block; None when it is nested too deeply to be shown whole.
    `references`: the link definitions of the blocks before, and of this one afterwards."""
    if "`" not in text:
        text = _FORMULA.sub(_formula_as_code, text)
    tokens = _parser().parse(text, references)
    if any(token.level >= MOST_NESTING - 1 for token in tokens):
        return None
    return tokens


@cache
def _parser() -> MarkdownIt:
    """Raw HTML stays text. Links are told apart later; the parser only finds them."""
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": MOST_NESTING})
    return parser.enable(["table", "strikethrough"])


_FORMULA = re.compile(
    r"\\\((?P<round>[^\n]{1,500}?)\\\)"
    r"|\\\[(?P<square>.{1,2000}?)\\\]"
    r"|\$\$(?P<dollars>.{1,2000}?)\$\$",
    re.DOTALL,
)


def _formula_as_code(match: re.Match[str]) -> str:
    """Formulas are shown in their own notation, which markdown must not take for emphasis."""
    return f"`{' '.join((match[match.lastgroup or 0] or '').split())}`"
