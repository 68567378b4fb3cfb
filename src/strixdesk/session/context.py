"""The prompt for one tier: as much of the conversation as it holds, by its own count."""

from __future__ import annotations

from collections.abc import Sequence

from strixdesk.core.conversation import Message
from strixdesk.core.routing import sees
from strixdesk.core.summary import Summary
from strixdesk.core.tier import Tier, TierStatus
from strixdesk.session.prompt import Prompt, build_prompt, sent_texts
from strixdesk.session.token_count import TokenCounter
from strixdesk.settings import ChatSettings

_COUNTING_S = 0.3
"""A question does not wait longer than that for exact counts."""
_NEAR = 0.6
"""Below this share of a tier's context an estimate is good enough."""


async def tokens_of(
    tier: Tier, status: TierStatus, text: str, counter: TokenCounter, within_s: float = _COUNTING_S
) -> int:
    """Of a text that may take much of what the tier holds."""
    count = counter.counts_of(tier, status)
    context_tokens = status.context_tokens or tier.context_tokens
    if context_tokens and count(text) > context_tokens * _NEAR / 2:
        await counter.learn(tier, status, [text], within_s=within_s)
    return count(text)


async def prompt_for(
    tier: Tier,
    status: TierStatus,
    history: Sequence[Message],
    *,
    chat: ChatSettings,
    counter: TokenCounter,
    summary: Summary | None = None,
    notes: Sequence[str] = (),
    taken_tokens: int = 0,
    within_s: float = _COUNTING_S,
) -> Prompt:
    """The server's tokenizer is asked only when the conversation comes near to what it holds.
    `taken_tokens`: how much of that something else takes."""
    context_tokens = status.context_tokens or tier.context_tokens
    if context_tokens is not None:
        context_tokens = max(1, context_tokens - taken_tokens)

    def build() -> Prompt:
        return build_prompt(
            chat.system_prompt,
            history,
            vision=sees(tier, status),
            context_tokens=context_tokens,
            max_answer_tokens=chat.max_answer_tokens,
            summary=summary,
            count=counter.counts_of(tier, status),
            notes=notes,
        )

    prompt = build()
    if context_tokens is None:
        return prompt
    if not prompt.left_out and prompt.tokens + prompt.answer_tokens < context_tokens * _NEAR:
        return prompt
    texts = sent_texts(history, vision=sees(tier, status))
    await counter.learn(tier, status, [chat.system_prompt, *texts], within_s=within_s)
    return build()
