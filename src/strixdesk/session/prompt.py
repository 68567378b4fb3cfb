"""From a conversation to the messages that a tier is sent: pure.

Servers keep what they have computed of a prompt's beginning. So each prompt begins as the last one
did: the system prompt first and never changed, messages never rewritten, old ones dropped rarely
and then many at once, and what holds for this question only at the very end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from strixdesk.core.candidates import answer_room
from strixdesk.core.conversation import Image, Message, MessageStatus, Role
from strixdesk.core.summary import Summary
from strixdesk.core.tokens import TOKENS_PER_IMAGE, TOKENS_PER_MESSAGE, estimated_tokens

KEPT_SHARE = 0.5
"""Of the room for the conversation, that much is kept when older messages have to go: then it
takes many turns until some have to go again."""

_NOTES_TOKENS = 32
"""Room for what is said of messages that were left out or cut off."""

Count = Callable[[str], int]
"""Tokens of a text."""


@dataclass(frozen=True, slots=True)
class PromptMessage:
    """One message to send; its pictures are still references."""

    role: str
    text: str
    images: tuple[Image, ...] = ()

    def tokens(self, count: Count) -> int:
        return TOKENS_PER_MESSAGE + count(self.text) + TOKENS_PER_IMAGE * len(self.images)


@dataclass(frozen=True, slots=True)
class Prompt:
    messages: tuple[PromptMessage, ...]
    left_out: int
    """How many older messages did not fit and stand in no summary."""
    answer_tokens: int
    """Cap for the answer."""
    tokens: int
    """All of it, as counted."""
    summarised: int = 0
    """How many older messages a summary stands for."""

    def left_out_words(self) -> str:
        """For the user; empty when everything is in it."""
        if not self.left_out:
            return ""
        if self.left_out == 1:
            return "The oldest message did not fit and was left out."
        return f"The {self.left_out} oldest messages did not fit and were left out."


def build_prompt(
    system: str,
    history: Sequence[Message],
    *,
    vision: bool,
    context_tokens: int | None,
    max_answer_tokens: int,
    summary: Summary | None = None,
    count: Count = estimated_tokens,
    notes: Sequence[str] = (),
) -> Prompt:
    """The system prompt, then the conversation, its beginning summarised or left out where it does
    not fit; the last message always goes.

    A small context keeps a quarter of itself for the answer. Pictures go to tiers with vision
    only; elsewhere they are named in words, so that what was said of them makes sense. `notes`
    hold for this question only, and stand at the end of it.
    """
    answer = max_answer_tokens
    budget = float("inf")
    if context_tokens is not None:
        answer = answer_room(context_tokens, max_answer_tokens)
        budget = context_tokens - answer
    head = (PromptMessage("system", system),) if system.strip() else ()
    budget -= sum(message.tokens(count) for message in head)
    rest, summary = unsummarised(history, summary)
    summary_words = _summary_words(summary) if summary else ""
    budget -= count(summary_words) + _NOTES_TOKENS
    sendable = _in_turns(
        [_prompt_message(one, vision=vision) for one in asked(rest) if is_sendable(one)]
    )
    costs = [message.tokens(count) for message in sendable]
    start = _start([message.role for message in sendable], costs, budget)
    kept = sendable[start:]
    before = [summary_words] if summary_words else []
    if start:
        before.append(f"[{start} older messages are not shown here.]")
    after = [f"[{note}]" for note in (*_cut_off(rest), *notes)]
    if kept:
        kept[0] = replace(kept[0], text="\n\n".join([*before, kept[0].text]))
        kept[-1] = replace(kept[-1], text="\n\n".join([kept[-1].text, *after]))
    # A message that something was put around has no count of its own: the parts have.
    around = sum(map(count, (*before, *after))) if kept else 0
    tokens = sum(message.tokens(count) for message in head) + sum(costs[start:])
    return Prompt(
        (*head, *kept),
        left_out=start,
        answer_tokens=answer,
        tokens=tokens + around,
        summarised=summary.messages if summary else 0,
    )


def needed_tokens(
    system: str,
    history: Sequence[Message],
    *,
    vision: bool,
    summary: Summary | None = None,
    count: Count = estimated_tokens,
) -> int:
    """What the whole conversation would take."""
    return build_prompt(
        system,
        history,
        vision=vision,
        context_tokens=None,
        max_answer_tokens=0,
        summary=summary,
        count=count,
    ).tokens


def unsummarised(
    history: Sequence[Message], summary: Summary | None
) -> tuple[Sequence[Message], Summary | None]:
    """What the summary does not stand for; all, where it stands for more than there is."""
    if summary:
        for index, message in enumerate(history):
            if message.id == summary.through_id:
                return history[index + 1 :], summary
    return history, None


def cost_of(message: Message, count: Count, *, vision: bool) -> int:
    """Tokens that a message takes in a prompt."""
    return _prompt_message(message, vision=vision).tokens(count)


def sent_texts(history: Sequence[Message], *, vision: bool) -> list[str]:
    """The texts as they go over the wire."""
    return [_prompt_message(one, vision=vision).text for one in asked(history) if is_sendable(one)]


def asked(history: Sequence[Message]) -> list[Message]:
    """Without the questions before the last that wait for an answer of their own, or were dropped:
    these are not asked along with the next."""
    exchanges: list[list[Message]] = []
    for message in history:
        if message.role is Role.USER or not exchanges:
            exchanges.append([])
        exchanges[-1].append(message)
    return [
        message
        for number, (question, *replies) in enumerate(exchanges, 1)
        if number == len(exchanges)
        or not replies
        or not all(one.waits or one.dropped for one in replies)
        for message in (question, *replies)
    ]


def is_sendable(message: Message) -> bool:
    """It says something to a tier."""
    if message.role is Role.USER:
        return bool(message.text.strip() or message.images)
    return message.status is not MessageStatus.FAILED and bool(message.text.strip())


def _in_turns(messages: Sequence[PromptMessage]) -> list[PromptMessage]:
    """Many templates refuse two messages of one side in a row. Of several answers to a question
    the last one counts; a question without any answer is asked along with the next."""
    turns: list[PromptMessage] = []
    for message in messages:
        if turns and turns[-1].role == message.role:
            before = turns.pop()
            if message.role == Role.USER.value:
                text = "\n\n".join(part for part in (before.text, message.text) if part.strip())
                message = PromptMessage(message.role, text, (*before.images, *message.images))
        turns.append(message)
    return turns


def _start(roles: Sequence[str], costs: Sequence[int], budget: float) -> int:
    """From which message on the conversation is sent.

    Found by going through it from its beginning, as it grew: what was once dropped stays dropped,
    and a prompt begins as the one before it did.
    """
    start, total, last = 0, 0, len(costs) - 1

    def is_answer(index: int) -> bool:
        return roles[index] == Role.ASSISTANT.value

    for index, cost in enumerate(costs):
        total += cost
        over = total > budget and (index == last or not is_answer(index))
        # Templates want the user to begin.
        while start < index and ((over and total > budget * KEPT_SHARE) or is_answer(start)):
            total -= costs[start]
            start += 1
    return start


def _prompt_message(message: Message, *, vision: bool) -> PromptMessage:
    text = message.text
    if message.role is Role.ASSISTANT and message.status is MessageStatus.INCOMPLETE:
        text = f"{text.rstrip()} […]"
    if message.images and not vision:
        text = f"{text}\n[{len(message.images)} picture(s), not shown to this model]".strip()
    return PromptMessage(message.role.value, text, message.images if vision else ())


def _summary_words(summary: Summary) -> str:
    return f"[What was said before, in short:\n{summary.text.strip()}\n]"


def _cut_off(history: Sequence[Message]) -> list[str]:
    """A note when the answer before the last question is not whole."""
    before = history[-2] if len(history) > 1 and history[-1].role is Role.USER else None
    cut = before is not None and before.status is MessageStatus.INCOMPLETE and is_sendable(before)
    return ["Your last answer was cut off."] if cut else []
