"""How many tokens a text is, where no server was asked: an estimate on the cautious side."""

from __future__ import annotations

import math

_CHARS_PER_TOKEN = 3.2
"""A cautious average over English prose and code; a server may count a third differently."""
_WIDE_FROM = "\u2e80"
"""From here on a character is about a token of its own: Chinese, Japanese, Korean, emoji."""
_EXACT_UP_TO_CHARS = 20_000

TOKENS_PER_IMAGE = 700
TOKENS_PER_MESSAGE = 8
"""What a chat template wraps around each message."""


def estimated_tokens(text: str) -> int:
    """Of the text alone. Very long texts are judged by their beginning."""
    seen = text[:_EXACT_UP_TO_CHARS]
    if seen.isascii():
        return math.ceil(len(text) / _CHARS_PER_TOKEN)
    wide = sum(1 for letter in seen if letter >= _WIDE_FROM)
    tokens = wide + (len(seen) - wide) / _CHARS_PER_TOKEN
    return math.ceil(tokens * len(text) / max(1, len(seen)))
