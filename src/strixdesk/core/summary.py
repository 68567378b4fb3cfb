"""What older messages of a conversation come down to, once they no longer fit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Summary:
    """Stands in prompts for everything up to and with one message; the messages themselves stay
    in the history."""

    text: str
    through_id: str
    """The last message that it stands for."""
    messages: int
    """How many it stands for, those of earlier summaries included."""
    before_tokens: int
    """What those that it replaced took in the prompt, an earlier summary included."""
    after_tokens: int
    """What it takes itself."""
    tier: str
    """Name of the tier that wrote it."""
    created_at: float
    """Seconds since the epoch, UTC."""

    def sentence(self) -> str:
        what = "message" if self.messages == 1 else "messages"
        return (
            f"{self.messages} older {what} summarised by “{self.tier}”: "
            f"{self.before_tokens:,} → {self.after_tokens:,} tokens."
        )
