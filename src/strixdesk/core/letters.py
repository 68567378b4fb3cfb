"""Letters as they are compared, whichever way Unicode writes them."""

from __future__ import annotations

import unicodedata

_WITHIN = 64
"""Characters from the end, in which the last letter is looked for."""


def keys_of(char: str) -> tuple[str, ...]:
    """What of a character is compared: letters and digits without accents, which some write in
    one with the letter and others behind it; a Korean syllable has several."""
    if char.isascii():
        return (char.casefold(),) if char.isalnum() else ()
    return tuple(part.casefold() for part in unicodedata.normalize("NFD", char) if part.isalnum())


def marks_of_last_letter(text: str) -> str:
    """Accents that some write behind it."""
    marks = ""
    for char in reversed(unicodedata.normalize("NFD", text[-_WITHIN:])):
        if char.isalnum():
            return marks
        marks = char + marks if is_mark(char) else ""
    return ""


def is_mark(char: str) -> bool:
    """It stands on, below or beside the letter before it."""
    return unicodedata.category(char)[0] == "M"
