"""Choosing a tier for a 100 kB question among twelve, and how much of each prompt is new.

The share is of a conversation of 60 turns that outgrows its context, beside the naive way of
dropping just as many old messages as needed with each question.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from benchmarks.report import Row, median
from strixdesk.core.conversation import Message, MessageStatus, Role, Text
from strixdesk.core.routing import choose_route
from strixdesk.core.tier import Tier, TierState, TierStatus
from strixdesk.core.tokens import estimated_tokens
from strixdesk.session.prompt import PromptMessage, build_prompt

ROUNDS = 200
CONTEXT_TOKENS, ANSWER_TOKENS = 8192, 1024
QUESTIONS = {
    "prose": "compare the plan of the harbour with that of the town, and why must it be so? ",
    "code": "def harbour(town):\n    return [boat.name for boat in town if boat.size > 12]\n",
    "log": "2026-11-21 08:00:01 INFO served /v1/models to 10.0.0.7 in 12 ms\n",
}
ROLES = ("orchestrator", "coder", "reviewer", "utility")
TIERS = tuple(Tier(f"box/{n}-{ROLES[n % 4]}", "http://box/v1", ROLES[n % 4]) for n in range(12))
STATUSES = {tier.name: TierStatus(TierState.READY, 0.0, context_tokens=65_536) for tier in TIERS}


def measure() -> list[Row]:
    rows = [
        Row(f"choose_route, 100 kB of {kind}", _choosing_ms(text), None, "ms", 1.0)
        for kind, text in QUESTIONS.items()
    ]
    ours, naive = _new_percent(_prompt), _new_percent(_sliding)
    return [*rows, Row("of each prompt new to the server, 60 turns", ours, naive, "%", 0.5)]


def _choosing_ms(piece: str) -> float:
    text = (piece * (100_000 // len(piece) + 1))[:100_000]
    took = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        choose_route(text, tiers=TIERS, statuses=STATUSES, needed_tokens=30_000)
        took.append((time.perf_counter() - begun) * 1000)
    return median(took)


def _new_percent(prompt_of: Callable[[tuple[Message, ...]], Sequence[PromptMessage]]) -> float:
    """What a prompt does not share with the beginning of the next, mean of all turns."""
    history: tuple[Message, ...] = ()
    before, new = "", []
    for turn in range(60):
        history = (*history, _said(2 * turn, f"{turn}: " + "ask " * 20, Role.USER))
        now = "".join(f"<|{one.role}|>{one.text}<|end|>" for one in prompt_of(history))
        if before:
            new.append(1 - _common(before, now) / len(before))
        before = now
        history = (*history, _said(2 * turn + 1, f"{turn}: " + "word " * 120, Role.ASSISTANT))
    return 100 * sum(new) / len(new)


def _prompt(history: tuple[Message, ...]) -> Sequence[PromptMessage]:
    return build_prompt(
        "You are a helpful assistant.",
        history,
        vision=False,
        context_tokens=CONTEXT_TOKENS,
        max_answer_tokens=ANSWER_TOKENS,
    ).messages


def _sliding(history: tuple[Message, ...]) -> Sequence[PromptMessage]:
    kept: list[PromptMessage] = []
    left = CONTEXT_TOKENS - ANSWER_TOKENS
    for message in reversed(history):
        one = PromptMessage(message.role.value, message.text)
        left -= one.tokens(estimated_tokens)
        if left < 0:
            break
        kept.insert(0, one)
    return [PromptMessage("system", "You are a helpful assistant."), *kept]


def _said(number: int, text: str, role: Role) -> Message:
    return Message(str(number), role, (Text(text),), MessageStatus.COMPLETE, float(number))


def _common(one: str, other: str) -> int:
    if other.startswith(one):
        return len(one)
    return next(at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
