"""When a conversation is condensed, how much of it, and by whom."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strixdesk.core.conversation import Message, MessageStatus, Role, Text
from strixdesk.core.summary import Summary
from strixdesk.core.tier import Activity, Tier, TierState, TierStatus
from strixdesk.core.tokens import estimated_tokens
from strixdesk.session.prompt import cost_of
from strixdesk.session.summary_plan import (
    SummaryPlan,
    plan_summary,
    request_for,
    summary_tier,
    within,
)

READY = TierStatus(TierState.READY, 0.0)
BIG = Tier("orchestrator", "http://box:1/v1", "orchestrator")
SMALL = Tier("utility", "http://box:2/v1", "utility")
REVIEWER = Tier("reviewer", "http://box:3/v1", "reviewer")
STARTER = Tier("This computer", "http://127.0.0.1:1/v1", starter=True)
CLOUD = Tier("cloud/opus", "https://api.example/v1", cloud=True)


def cost(message: Message) -> int:
    return cost_of(message, estimated_tokens, vision=False)


def talk(turns: int, words: str = "word " * 16) -> tuple[Message, ...]:
    """Whole exchanges."""
    return tuple(
        Message(
            str(number),
            Role.ASSISTANT if number % 2 else Role.USER,
            (Text(f"{words}{number}"),),
            MessageStatus.COMPLETE,
            float(number),
        )
        for number in range(2 * turns)
    )


def plan(turns: int, budget_tokens: int, earlier: Summary | None = None) -> SummaryPlan | None:
    return plan_summary(talk(turns), earlier, budget_tokens=budget_tokens, cost=cost)


def digest(through: int) -> Summary:
    return Summary("They spoke of boats.", str(through), through + 1, 900, 40, "utility", 1.0)


def test_nothing_is_condensed_while_there_is_room() -> None:
    total = sum(map(cost, talk(10)))
    assert plan(10, total * 2) is None
    assert plan(10, total) is not None


def test_the_newest_exchanges_stay_as_they_are() -> None:
    got = plan(20, 1200)
    assert got is not None
    kept = talk(20)[len(got.messages) :]
    assert kept[0].role is Role.USER
    assert 0 < sum(map(cost, kept)) <= 1200 * 0.25
    assert got.before_tokens == got.replaced_tokens == sum(map(cost, got.messages))


def test_an_earlier_summary_is_condensed_along_and_counted() -> None:
    got = plan(40, 1200, digest(19))
    assert got is not None
    assert got.messages[0].id == "20"
    assert got.covers == 20 + len(got.messages)
    assert got.before_tokens == 900 + got.tokens
    assert got.replaced_tokens == 40 + got.tokens
    assert "They spoke of boats." in request_for(got)[-1].text


def test_one_exchange_is_never_condensed() -> None:
    assert plan_summary(talk(1, "word " * 900), None, budget_tokens=500, cost=cost) is None


def test_a_small_tier_is_shown_as_much_as_it_holds_oldest_first() -> None:
    whole = plan(40, 1200)
    assert whole is not None
    part = within(whole, 400, cost)
    assert part is not None
    assert part.messages == whole.messages[: len(part.messages)]
    assert sum(map(cost, part.messages)) <= 400
    assert part.messages[-1].role is Role.ASSISTANT
    assert within(whole, 10, cost) is None


def test_a_very_long_message_is_shown_by_its_beginning_and_end() -> None:
    history = (*talk(1, "a" * 50_000), *talk(3))
    got = plan_summary(history, None, budget_tokens=1000, cost=cost)
    assert got is not None
    assert len(request_for(got)[-1].text) < 20_000
    assert within(got, 4000, cost) is not None


@given(st.integers(1, 60), st.integers(100, 4000), st.integers(-1, 40))
def test_a_plan_is_made_of_whole_exchanges_from_the_oldest_on(
    turns: int, budget_tokens: int, through: int
) -> None:
    earlier = digest(through) if through % 2 and 0 < through < 2 * turns else None
    got = plan(turns, budget_tokens, earlier)
    if got:
        first = int(earlier.through_id) + 1 if earlier else 0
        assert [message.id for message in got.messages] == [
            str(number) for number in range(first, first + len(got.messages))
        ]
        assert got.messages[-1].role is Role.ASSISTANT
        assert len(got.messages) + first < 2 * turns, "something stays as it is"


# ---- who writes it ----------------------------------------------------------------------------


def writer(*tiers: Tier, wanted: str | None = None, **statuses: TierStatus) -> Tier | None:
    return summary_tier(tiers, {tier.name: READY for tier in tiers} | dict(statuses), wanted=wanted)


def test_the_utility_writes_it_else_the_fastest_of_the_house() -> None:
    assert writer(CLOUD, BIG, SMALL, STARTER) == SMALL
    assert writer(REVIEWER, BIG, STARTER) == BIG
    quick = replace(BIG, name="quick")
    assert writer(BIG, quick, quick=replace(READY, tokens_per_s=40.0)) == quick
    assert writer(STARTER) == STARTER


@pytest.mark.parametrize(
    "status",
    [
        TierStatus(TierState.LOADING, 0.0),
        replace(READY, stale=True),
        replace(READY, activity=Activity(running=1)),
        replace(READY, context_tokens=1024),
        replace(READY, unloaded=True),
    ],
    ids=["loading", "stale", "busy", "too small", "not in memory"],
)
def test_who_is_not_ready_or_busy_or_too_small_is_passed_over(status: TierStatus) -> None:
    assert writer(BIG, SMALL, utility=status) == BIG


def test_the_cloud_writes_it_only_when_it_is_wanted_by_name() -> None:
    assert writer(CLOUD) is None
    assert writer(CLOUD, SMALL, wanted="cloud/opus") == CLOUD


def test_who_is_wanted_and_not_there_is_not_replaced() -> None:
    assert writer(BIG, SMALL, wanted="odin") is None
    assert writer(BIG, SMALL, wanted="utility", utility=TierStatus(TierState.STOPPED, 0.0)) is None
