"""Asks a tier and keeps everything that came, the failure included."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from strixdesk.backends.chat import ChatClient
from strixdesk.core.chat import ChatDelta, ChatEnd, ChatImage, ChatMessage
from strixdesk.core.errors import TierError
from strixdesk.core.tier import Tier


@dataclass(slots=True)
class Outcome:
    text: str = ""
    thinking: str = ""
    end: ChatEnd | None = None
    error: TierError | None = None

    @property
    def whole(self) -> bool:
        return self.end is not None and self.error is None


async def ask(
    chat: ChatClient,
    tier: Tier,
    text: str = "What is the capital of France? One sentence.",
    images: Sequence[bytes] = (),
    max_tokens: int | None = None,
) -> Outcome:
    outcome = Outcome()
    question = ChatMessage("user", text, tuple(ChatImage("image/png", one) for one in images))
    try:
        stream = chat.stream(tier, [question], max_tokens=max_tokens)
        async with contextlib.aclosing(stream) as items:
            async for item in items:
                match item:
                    case ChatDelta():
                        outcome.text += item.text
                        outcome.thinking += item.thinking
                    case ChatEnd():
                        outcome.end = item
    except TierError as error:
        outcome.error = error
    return outcome
