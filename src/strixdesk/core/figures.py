"""What one answer took, for whoever reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Figures:
    """None: not known, or too little to tell."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    estimated: bool = False
    """The server did not count the tokens."""
    ttft_ms: float | None = None
    """From the request to the first word."""
    tokens_per_s: float | None = None
    """While it wrote: the wait for the first token is not part of it."""

    def and_then(self, later: Self) -> Self:
        """Of an answer that was gone on with."""
        return type(self)(
            _sum(self.prompt_tokens, later.prompt_tokens),
            _sum(self.completion_tokens, later.completion_tokens),
            self.estimated or later.estimated,
            later.ttft_ms if self.ttft_ms is None else self.ttft_ms,
            _mean_speed(self, later),
        )


def _sum(one: int | None, other: int | None) -> int | None:
    return one if other is None else other if one is None else one + other


def _mean_speed(*parts: Figures) -> float | None:
    """All that was written in all the time that it took, where both are known."""
    known = [
        (part.completion_tokens, part.tokens_per_s)
        for part in parts
        if part.completion_tokens and part.tokens_per_s
    ]
    took_s = sum(tokens / speed for tokens, speed in known)
    return sum(tokens for tokens, _ in known) / took_s if known else None
