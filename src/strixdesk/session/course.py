"""One answer on its way, and what it took when it has ended: the same for the book of answers and
for the line above an answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from strixdesk.core.chat import ChatDelta, ChatEnd, ChatMessage
from strixdesk.core.figures import Figures
from strixdesk.core.tokens import estimated_tokens
from strixdesk.core.usage import estimated_prompt_tokens

_FEWEST_TOKENS = 8
"""A shorter answer says little about how fast a tier writes."""


@dataclass(slots=True)
class Course:
    began: float = field(default_factory=time.monotonic)
    """Monotonic seconds, as the others."""
    _deltas: list[ChatDelta] = field(default_factory=list)
    first_at: float | None = None
    first_text_at: float | None = None
    last_at: float | None = None

    @property
    def text(self) -> str:
        return "".join(delta.text for delta in self._deltas)

    @property
    def thinking(self) -> str:
        return "".join(delta.thinking for delta in self._deltas)

    def take(self, delta: ChatDelta) -> None:
        self.last_at = time.monotonic()
        if self.first_at is None:
            self.first_at = self.last_at
        if delta.text and self.first_text_at is None:
            self.first_text_at = self.last_at
        self._deltas.append(delta)

    def figures(self, end: ChatEnd | None, messages: Sequence[ChatMessage]) -> Figures:
        """`messages`: what was asked. `end` None: it did not end properly."""
        usage = end.usage if end else None
        if usage:
            prompt, completion = usage.prompt_tokens, usage.completion_tokens
        else:
            asked = self.first_at is not None or end is not None
            prompt = estimated_prompt_tokens(messages) if asked else 0
            completion = estimated_tokens(self.text + self.thinking)
        return Figures(
            prompt or None,
            completion or None,
            estimated=usage is None and prompt > 0,
            ttft_ms=self._since(self.first_text_at),
            tokens_per_s=self._speed(completion),
        )

    def total_ms(self) -> float:
        """Until now."""
        return (time.monotonic() - self.began) * 1000

    def _since(self, at: float | None) -> float | None:
        return None if at is None else (at - self.began) * 1000

    def _speed(self, tokens: int) -> float | None:
        if self.first_at is None or self.last_at is None or tokens < _FEWEST_TOKENS:
            return None
        took_s = self.last_at - self.first_at
        return (tokens - 1) / took_s if took_s > 0.001 else None
