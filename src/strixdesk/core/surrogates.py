"""Mends text that JSON's `\\ud83d\\ude00` left in two halves."""

from __future__ import annotations

import re

_HALF = re.compile("[\ud800-\udfff]")


def mended(text: str) -> str:
    """Halves that belong together are joined; one alone becomes U+FFFD: nothing could store it."""
    if text.isascii() or not _HALF.search(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def split_half(text: str) -> tuple[str, str]:
    """(text, the first half of a character whose second half is still to come)"""
    if text and "\ud800" <= text[-1] <= "\udbff":
        return text[:-1], text[-1]
    return text, ""
