"""What answers took: tokens, time and money. Pure arithmetic over the records of answers.

Money is counted in whole billionths of a US dollar, so that sums are exact.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from strixdesk.core.chat import ChatMessage
from strixdesk.core.tier import Price
from strixdesk.core.tokens import TOKENS_PER_IMAGE, TOKENS_PER_MESSAGE, estimated_tokens

NANO_USD = 1_000_000_000
_WORST_TOKENS_PER_IMAGE = 8_192
_WORST_TOKENS_PER_MESSAGE = 32


class AnswerOutcome(Enum):
    RUNNING = "running"
    """It may cost up to what is booked. One that a crash cut off stays so."""
    COMPLETE = "complete"
    CAPPED = "capped"
    """It reached its length limit."""
    STOPPED = "stopped"
    """By the user."""
    BROKEN = "broken"
    """It broke off in the middle."""
    FAILED = "failed"
    """Nothing came."""
    CACHED = "cached"
    """Nobody was asked: the same question had been answered before."""


_GOOD = frozenset({AnswerOutcome.COMPLETE, AnswerOutcome.CAPPED})
_BAD = frozenset({AnswerOutcome.BROKEN, AnswerOutcome.FAILED})


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """One request to one tier, and what came of it."""

    tier: str
    began_at: float
    """Seconds since the epoch."""
    outcome: AnswerOutcome
    model: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = False
    """The server did not count the tokens."""
    ttft_ms: float | None = None
    """From the request to the first word."""
    total_ms: float | None = None
    tokens_per_s: float | None = None
    """While it wrote: the wait for the first token is not part of it."""
    cost_nano_usd: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Spread:
    average: float
    p95: float


@dataclass(frozen=True, slots=True)
class TierUsage:
    """What one tier did in a month."""

    tier: str
    answers: int
    """That it was asked for; those from the cache are not among them."""
    success_rate: float | None
    """Of those that nobody stopped, 0 to 1; None: there were none."""
    prompt_tokens: int
    completion_tokens: int
    estimated: bool
    """Some of the tokens are estimated."""
    ttft_ms: Spread | None
    total_ms: Spread | None
    tokens_per_s: float | None
    cost_nano_usd: int
    cached: int
    """Answers that came from the cache."""
    last_error: str
    last_error_at: float | None


@dataclass(frozen=True, slots=True)
class UsageReport:
    month: str
    """`YYYY-MM`, of the local calendar."""
    tiers: tuple[TierUsage, ...]
    """Those that answered most come first."""
    spent_nano_usd: int
    """What running answers may still cost included."""
    reserved_nano_usd: int
    """Of `spent_nano_usd`: what is only set aside for answers that have not ended."""
    budget_nano_usd: int | None
    """None: there is none, and nothing that costs money is asked for."""


def tier_usages(records: Iterable[AnswerRecord]) -> tuple[TierUsage, ...]:
    by_tier: dict[str, list[AnswerRecord]] = {}
    for record in records:
        by_tier.setdefault(record.tier, []).append(record)
    usages = [_usage(tier, of_it) for tier, of_it in by_tier.items()]
    return tuple(sorted(usages, key=lambda usage: (-usage.answers, usage.tier)))


def _usage(tier: str, records: Sequence[AnswerRecord]) -> TierUsage:
    asked = [one for one in records if one.outcome is not AnswerOutcome.CACHED]
    good = [one for one in asked if one.outcome in _GOOD]
    bad = [one for one in asked if one.outcome in _BAD]
    speeds = [one.tokens_per_s for one in asked if one.tokens_per_s is not None]
    last = max(bad, key=lambda one: one.began_at, default=None)
    return TierUsage(
        tier,
        answers=len(asked),
        success_rate=len(good) / (len(good) + len(bad)) if good or bad else None,
        prompt_tokens=sum(one.prompt_tokens for one in asked),
        completion_tokens=sum(one.completion_tokens for one in asked),
        estimated=any(one.estimated for one in asked),
        ttft_ms=_spread([one.ttft_ms for one in good if one.ttft_ms is not None]),
        total_ms=_spread([one.total_ms for one in good if one.total_ms is not None]),
        tokens_per_s=statistics.fmean(speeds) if speeds else None,
        cost_nano_usd=sum(one.cost_nano_usd for one in asked),
        cached=len(records) - len(asked),
        last_error=last.error if last else "",
        last_error_at=last.began_at if last else None,
    )


def _spread(values: Sequence[float]) -> Spread | None:
    """The 95th percentile is a value that was measured (nearest rank)."""
    if not values:
        return None
    ordered = sorted(values)
    return Spread(statistics.fmean(ordered), ordered[math.ceil(0.95 * len(ordered)) - 1])


# ---- tokens ------------------------------------------------------------------------------------


def estimated_prompt_tokens(messages: Iterable[ChatMessage]) -> int:
    return sum(
        TOKENS_PER_MESSAGE + estimated_tokens(message.text) + TOKENS_PER_IMAGE * len(message.images)
        for message in messages
    )


def most_prompt_tokens(messages: Iterable[ChatMessage]) -> int:
    """No tokenizer makes more of it: a token stands for one byte at least."""
    return sum(
        _WORST_TOKENS_PER_MESSAGE
        + len(message.text.encode("utf-8", "replace"))
        + _WORST_TOKENS_PER_IMAGE * len(message.images)
        for message in messages
    )


# ---- money -------------------------------------------------------------------------------------


def cost_nano_usd(price: Price | None, prompt_tokens: int, completion_tokens: int) -> int:
    """Rounded up. A price is in dollars per million tokens."""
    if price is None:
        return 0
    micro_usd = price.input * prompt_tokens + price.output * completion_tokens
    return math.ceil(round(micro_usd * 1000, 3))


def nano_usd(dollars: float) -> int:
    return round(dollars * NANO_USD)


def dollars(nano: int) -> str:
    """Small sums with as many places as it takes to see them."""
    usd = nano / NANO_USD
    return f"${usd:.2f}" if usd == 0 or usd >= 0.1 else f"${usd:.4f}"


def budget_words(report: UsageReport) -> str:
    """The month's money, as a sentence."""
    spent = dollars(report.spent_nano_usd)
    if report.reserved_nano_usd:
        spent += f" (of that {dollars(report.reserved_nano_usd)} set aside)"
    if report.budget_nano_usd is None:
        return f"{report.month}: {spent} spent; no budget is set, so nothing that costs is asked."
    return f"{report.month}: {spent} of {dollars(report.budget_nano_usd)} spent."


# ---- months ------------------------------------------------------------------------------------


def month_at(seconds: float) -> str:
    """The month of the local calendar at that time, as `YYYY-MM`."""
    return datetime.fromtimestamp(seconds).strftime("%Y-%m")


def month_span(month: str) -> tuple[float, float]:
    """Its beginning and its end, in seconds since the epoch. Raises ValueError."""
    begin = datetime.strptime(month, "%Y-%m")
    end = begin.replace(year=begin.year + begin.month // 12, month=begin.month % 12 + 1)
    return begin.timestamp(), end.timestamp()
