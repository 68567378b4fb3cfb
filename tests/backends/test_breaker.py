"""A tier that keeps failing costs nobody anything, and is tried by one question at a time."""

from __future__ import annotations

import pytest

from strixdesk.backends.breaker import Breaker, BreakerState
from strixdesk.core.errors import (
    StreamBroken,
    TierError,
    TierLoading,
    TierRefused,
    TierTimeout,
    TierUnreachable,
)

GONE = TierUnreachable("gone")
BROKEN = StreamBroken("broken")
BUSY = TierRefused("busy", status=429, passing=True)


def failing(*errors: BaseException, at: float = 0.0) -> Breaker:
    breaker = Breaker(30.0)
    for error in errors:
        assert breaker.admit(at)
        breaker.ended(at, error)
    return breaker


@pytest.mark.parametrize("error", [BROKEN, TierTimeout("silent"), BUSY])
def test_it_opens_when_questions_in_a_row_failed(error: TierError) -> None:
    assert failing(error, error).state is BreakerState.CLOSED
    assert failing(error, error, error).state is BreakerState.OPEN


def test_attempts_of_one_question_count_as_well() -> None:
    breaker = Breaker(30.0)
    breaker.admit(0.0)
    breaker.attempt_failed()
    breaker.attempt_failed()
    breaker.ended(0.0, BUSY)
    assert breaker.state is BreakerState.OPEN


def test_it_opens_at_once_where_there_is_no_connection_at_all() -> None:
    assert failing(GONE).state is BreakerState.OPEN


@pytest.mark.parametrize(
    "error", [TierRefused("too long", status=400), TierLoading("loading"), KeyboardInterrupt()]
)
def test_a_question_at_fault_or_stopped_is_no_failure_of_the_tier(error: BaseException) -> None:
    assert failing(error, error, error).state is BreakerState.CLOSED


def test_a_good_answer_begins_the_count_anew() -> None:
    breaker = failing(BROKEN, BROKEN)
    breaker.admit(0.0)
    breaker.ended(0.0, None)
    breaker.admit(0.0)
    breaker.ended(0.0, BROKEN)
    assert breaker.state is BreakerState.CLOSED


def test_while_open_nobody_is_admitted_until_the_cooldown_is_over() -> None:
    breaker = failing(GONE)
    assert not breaker.admit(29.0)
    assert breaker.remaining_s(29.0) == 1.0
    assert breaker.admit(30.0)


def test_half_open_one_question_tries_and_the_others_are_sent_on() -> None:
    breaker = failing(GONE)
    assert [breaker.admit(30.0) for _ in range(5)] == [True, False, False, False, False]
    breaker.ended(31.0, None)
    assert breaker.state is BreakerState.CLOSED
    assert breaker.admit(31.0)


def test_each_failed_try_makes_the_cooldown_longer() -> None:
    breaker = failing(GONE)
    breaker.admit(30.0)
    breaker.ended(30.0, GONE)
    assert not breaker.admit(89.0)
    assert breaker.admit(90.0)


def test_a_try_that_was_stopped_lets_the_next_question_try() -> None:
    breaker = failing(GONE)
    breaker.admit(30.0)
    breaker.ended(30.5, KeyboardInterrupt())
    assert breaker.admit(30.6)


def test_a_tier_that_the_user_insists_on_is_tried_at_once_but_by_one_at_a_time() -> None:
    breaker = failing(GONE)
    assert breaker.admit(1.0, insists=True)
    assert not breaker.admit(1.0, insists=True)


def test_a_server_that_was_seen_ready_since_is_tried_before_the_cooldown_is_over() -> None:
    breaker = failing(GONE, at=10.0)
    assert not breaker.admit(12.0, ready_since=5.0)
    assert breaker.admit(12.0, ready_since=11.0)


def test_a_busy_server_is_left_alone_for_as_long_as_it_wishes() -> None:
    breaker = failing(TierRefused("busy", status=429, passing=True, retry_after_s=45.0))
    assert not breaker.admit(44.0)
    assert breaker.admit(45.0)


def test_a_late_failure_of_an_earlier_question_changes_nothing() -> None:
    breaker = Breaker(30.0)
    breaker.admit(0.0)
    breaker.admit(0.0)
    breaker.ended(0.0, GONE)
    breaker.ended(20.0, GONE)
    assert breaker.admit(30.0)


def test_in_an_outage_of_a_minute_two_questions_at_most_reach_the_tier_after_it_opened() -> None:
    breaker = failing(GONE)
    tries = 0
    for second in range(60):
        for _ in range(10):
            if breaker.admit(float(second)):
                tries += 1
                breaker.ended(float(second), GONE)
    assert tries <= 2
