"""From a conversation to the messages that a tier is sent: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from strixdesk.core.conversation import Image, Message, MessageStatus, Role

CHARS_PER_TOKEN = 3.2
"""A cautious average over English prose and code; a server may count a third differently."""
TOKENS_PER_IMAGE = 700
TOKENS_PER_MESSAGE = 8
"""What a chat template wraps around each message."""


@dataclass(frozen=True, slots=True)
class PromptMessage:
    """One message to send; its pictures are still references."""

    role: str
    text: str
    images: tuple[Image, ...] = ()

    @property
    def tokens(self) -> int:
        """Estimated."""
        return (
            TOKENS_PER_MESSAGE
            + int(len(self.text) / CHARS_PER_TOKEN)
            + TOKENS_PER_IMAGE * len(self.images)
        )


@dataclass(frozen=True, slots=True)
class Prompt:
    messages: tuple[PromptMessage, ...]
    left_out: int
    """How many older messages did not fit."""
    answer_tokens: int
    """Cap for the answer."""


def build_prompt(
    system: str,
    history: Sequence[Message],
    *,
    vision: bool,
    context_tokens: int | None,
    max_answer_tokens: int,
) -> Prompt:
    """The system prompt, then as many of the newest messages as fit; the last one always goes.

    A small context keeps a quarter of itself for the answer. Pictures go to tiers with vision
    only; elsewhere an earlier picture is named in words, so that what was said of it makes sense.
    """
    answer = max_answer_tokens
    budget = float("inf")
    if context_tokens is not None:
        answer = min(max_answer_tokens, max(64, context_tokens // 4))
        budget = context_tokens - answer
    head = PromptMessage("system", system) if system.strip() else None
    if head:
        budget -= head.tokens
    sendable = [
        _prompt_message(message, vision=vision) for message in history if _worth_sending(message)
    ]
    kept: list[PromptMessage] = []
    for message in reversed(sendable):
        budget -= message.tokens
        if budget < 0 and kept:
            break
        kept.append(message)
    kept.reverse()
    left_out = len(sendable) - len(kept)
    while len(kept) > 1 and kept[0].role == "assistant":  # templates want the user to begin
        kept.pop(0)
        left_out += 1
    return Prompt((head, *kept) if head else tuple(kept), left_out, answer)


def _worth_sending(message: Message) -> bool:
    if message.role is Role.USER:
        return bool(message.text.strip() or message.images)
    return message.status is not MessageStatus.FAILED and bool(message.text.strip())


def _prompt_message(message: Message, *, vision: bool) -> PromptMessage:
    text = message.text
    if message.role is Role.ASSISTANT and message.status is MessageStatus.INCOMPLETE:
        text = f"{text.rstrip()} […]"
    if message.images and not vision:
        text = f"{text}\n[{len(message.images)} picture(s), not shown to this model]".strip()
    return PromptMessage(message.role.value, text, message.images if vision else ())
