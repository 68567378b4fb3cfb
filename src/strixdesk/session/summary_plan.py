"""When a conversation is summarised, how much of it, by whom, and what the tier is told: pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from strixdesk.core.addressing import by_name
from strixdesk.core.candidates import Candidate
from strixdesk.core.chat import ChatMessage
from strixdesk.core.conversation import Message, Role
from strixdesk.core.summary import Summary
from strixdesk.core.tier import Tier, TierState, TierStatus
from strixdesk.session.prompt import is_sendable, unsummarised

FROM_SHARE = 0.8
"""Of the room for the conversation: from here on it is summarised, before anything is left out."""
KEPT_SHARE = 0.25
"""Of the room: the newest messages that stay as they are. The less, the longer the prompt's
beginning then stays the same."""
SUMMARY_TOKENS = 400
"""Cap for a summary."""
_SMALLEST_CONTEXT_TOKENS = 1536
_TOLD_CHARS = 4000
Cost = Callable[[Message], int]
"""Tokens that a message takes in a prompt."""

_INSTRUCTION = (
    "You condense conversations. Write down what somebody must know to go on with this one: what "
    "was asked and found out, names, numbers, decisions, code identifiers, what the user wants and "
    "likes, and what is still open. Short plain sentences, at most 200 words, in the language of "
    "the conversation, nothing invented, no introduction."
)


@dataclass(frozen=True, slots=True)
class SummaryPlan:
    """What is to be condensed."""

    earlier: Summary | None
    messages: tuple[Message, ...]
    """Oldest first; the last is an answer."""
    tokens: int
    """What these messages take in a prompt."""

    @property
    def through_id(self) -> str:
        return self.messages[-1].id

    @property
    def covers(self) -> int:
        return len(self.messages) + (self.earlier.messages if self.earlier else 0)

    @property
    def before_tokens(self) -> int:
        """What everything that it covers would take."""
        return self.tokens + (self.earlier.before_tokens if self.earlier else 0)

    @property
    def replaced_tokens(self) -> int:
        """What goes from the prompt: the messages, and the earlier summary."""
        return self.tokens + (self.earlier.after_tokens if self.earlier else 0)


def plan_summary(
    history: Sequence[Message], earlier: Summary | None, *, budget_tokens: int, cost: Cost
) -> SummaryPlan | None:
    """None: there is still room, or nothing that could be condensed."""
    rest, earlier = unsummarised(history, earlier)
    rest = [message for message in rest if is_sendable(message)]
    costs = [cost(message) for message in rest]
    total = sum(costs) + (earlier.after_tokens if earlier else 0)
    if total <= budget_tokens * FROM_SHARE:
        return None
    keep_from, kept = len(rest), 0
    for index in range(len(rest) - 1, -1, -1):
        kept += costs[index]
        if kept > budget_tokens * KEPT_SHARE and keep_from < len(rest):
            break
        if rest[index].role is Role.USER:
            keep_from = index
    return _plan(rest[:keep_from], earlier, cost)


def within(plan: SummaryPlan, room_tokens: int, cost: Cost) -> SummaryPlan | None:
    """As much of it as a tier with that much room can be shown, oldest first; None: nothing."""
    left = room_tokens - (plan.earlier.after_tokens if plan.earlier else 0)
    shown = []
    for message in plan.messages:
        left -= cost(message.with_text(_told(message)))
        if left < 0:
            break
        shown.append(message)
    return _plan(shown, plan.earlier, cost)


def request_for(plan: SummaryPlan) -> tuple[ChatMessage, ...]:
    so_far = f"What was said before:\n{plan.earlier.text}\n\n" if plan.earlier else ""
    said = "\n\n".join(
        f"{'User' if message.role is Role.USER else 'Assistant'}: {_told(message)}"
        for message in plan.messages
    )
    return (
        ChatMessage("system", _INSTRUCTION),
        ChatMessage("user", f"{so_far}The conversation:\n\n{said}\n\nNow condense all of it."),
    )


def summary_tier(
    tiers: Sequence[Tier],
    statuses: Mapping[str, TierStatus],
    *,
    wanted: str | None = None,
    slow_below_tokens_per_s: float = 5.0,
) -> Tier | None:
    """Who writes it: the wanted tier, else the smallest of the house that is ready, else the
    fastest. Somebody who is busy is not disturbed, and the cloud is asked only by name."""
    unknown = TierStatus(TierState.UNKNOWN, since=0.0)
    ready = [
        Candidate(tier, status, position, slow_below_tokens_per_s)
        for position, tier in enumerate(tiers)
        if (status := statuses.get(tier.name, unknown)).state is TierState.READY
        and not status.stale
        and (status.activity is None or not status.activity.running)
        and (status.context_tokens or tier.context_tokens or _SMALLEST_CONTEXT_TOKENS)
        >= _SMALLEST_CONTEXT_TOKENS
    ]
    if wanted is not None:
        named = by_name(wanted, tiers)
        return next((one.tier for one in ready if one.tier is named), None)
    house = [one for one in ready if not one.tier.cloud and not one.status.unloaded]
    house.sort(
        key=lambda one: (
            one.tier.starter,
            not one.is_a("utility"),
            one.slow,
            -one.expected_tokens_per_s,
            one.position,
        )
    )
    return house[0].tier if house else None


def _plan(messages: Sequence[Message], earlier: Summary | None, cost: Cost) -> SummaryPlan | None:
    """Whole exchanges only."""
    chosen = list(messages)
    while chosen and chosen[-1].role is not Role.ASSISTANT:
        chosen.pop()
    tokens = sum(map(cost, chosen))
    return SummaryPlan(earlier, tuple(chosen), tokens) if chosen else None


def _told(message: Message) -> str:
    """Of a very long message, its beginning and its end."""
    text = message.text.strip()
    if len(text) <= _TOLD_CHARS:
        return text
    return f"{text[: _TOLD_CHARS * 2 // 3]} […] {text[-_TOLD_CHARS // 3 :]}"
