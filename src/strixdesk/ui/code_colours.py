"""Colours for code, found by pygments, which is imported with the first piece of code."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pygments.lexer import Lexer
    from pygments.style import StyleMeta

MOST_CHARS = 60_000
"""Longer code keeps one colour."""


@dataclass(frozen=True, slots=True)
class Coloured:
    """A run of code that differs from the rest."""

    start: int
    """Characters from the beginning of the code."""
    length: int
    colour: str
    """`#rrggbb`, or empty."""
    bold: bool
    italic: bool


def coloured(code: str, language: str, style_name: str) -> list[Coloured]:
    """Runs in order; none for a language that is not known."""
    lexer = _lexer(language) if language and len(code) <= MOST_CHARS else None
    if lexer is None:
        return []
    style = _style(style_name)
    runs: list[Coloured] = []
    for start, token, text in lexer.get_tokens_unprocessed(code):
        if not text.strip():
            continue
        look = style.style_for_token(token)
        colour = f"#{look['color']}" if look["color"] else ""
        if colour or look["bold"] or look["italic"]:
            runs.append(Coloured(start, len(text), colour, look["bold"], look["italic"]))
    return runs


@lru_cache(maxsize=32)
def _lexer(language: str) -> Lexer | None:
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language.lower())
    except ClassNotFound:
        return None


@lru_cache(maxsize=4)
def _style(name: str) -> StyleMeta:
    from pygments.styles import get_style_by_name

    return get_style_by_name(name)
