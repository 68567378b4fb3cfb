"""What answers took: averages, money and months."""

from __future__ import annotations

import pytest

from strixdesk.core.chat import ChatImage, ChatMessage
from strixdesk.core.tier import Price
from strixdesk.core.usage import (
    AnswerOutcome,
    AnswerRecord,
    cost_nano_usd,
    dollars,
    month_at,
    month_span,
    most_prompt_tokens,
    tier_usages,
)


def record(number: int, outcome: AnswerOutcome = AnswerOutcome.COMPLETE) -> AnswerRecord:
    return AnswerRecord(
        "coder",
        float(number),
        outcome,
        prompt_tokens=10,
        completion_tokens=5,
        ttft_ms=float(number),
        total_ms=number * 10.0,
        tokens_per_s=40.0,
        error="It broke." if outcome is AnswerOutcome.BROKEN else "",
    )


def test_the_95th_percentile_is_the_value_that_19_of_20_stay_below_or_at() -> None:
    (usage,) = tier_usages([record(number) for number in range(1, 21)])
    assert usage.ttft_ms is not None
    assert (usage.ttft_ms.average, usage.ttft_ms.p95) == (10.5, 19.0)


def test_answers_that_the_user_stopped_count_neither_way() -> None:
    outcomes = [AnswerOutcome.COMPLETE] * 3 + [AnswerOutcome.BROKEN, AnswerOutcome.STOPPED]
    (usage,) = tier_usages([record(n, outcome) for n, outcome in enumerate(outcomes)])
    assert (usage.answers, usage.success_rate) == (5, 0.75)
    assert (usage.last_error, usage.last_error_at) == ("It broke.", 3.0)


def test_answers_from_the_cache_make_no_tier_faster() -> None:
    (usage,) = tier_usages([record(1000), record(1, AnswerOutcome.CACHED)])
    assert usage.ttft_ms is not None
    assert (usage.answers, usage.cached, usage.ttft_ms.average) == (1, 1, 1000.0)


def test_a_price_is_in_dollars_per_million_tokens() -> None:
    assert cost_nano_usd(Price(3.0, 15.0), 1_000_000, 200_000) == 6_000_000_000
    assert cost_nano_usd(None, 1_000_000, 200_000) == 0


@pytest.mark.parametrize(
    ("nano", "words"), [(0, "$0.00"), (2_500_000_000, "$2.50"), (1_234_000, "$0.0012")]
)
def test_small_sums_can_be_seen(nano: int, words: str) -> None:
    assert dollars(nano) == words


def test_a_month_ends_where_the_next_begins() -> None:
    assert month_span("2026-12")[1] == month_span("2027-01")[0]
    begin, end = month_span("2026-02")
    assert (month_at(begin), month_at(end - 1), month_at(end)) == ("2026-02", "2026-02", "2026-03")


def test_no_tokenizer_makes_more_of_a_prompt_than_it_is_counted_for() -> None:
    said = ChatMessage("user", "Ünï 日本 🙂", (ChatImage("image/png", b"x"),))
    assert most_prompt_tokens([said]) > len(said.text.encode())
