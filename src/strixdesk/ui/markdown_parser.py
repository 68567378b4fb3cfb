"""The markdown dialect of chat models: CommonMark with tables, strike-through and bare links."""

from __future__ import annotations

from functools import cache

from markdown_it import MarkdownIt

MOST_NESTING = 12


@cache
def parser() -> MarkdownIt:
    """Raw HTML stays text. Links are told apart later; the parser only finds them."""
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": MOST_NESTING})
    return parser.enable(["table", "strikethrough"])
