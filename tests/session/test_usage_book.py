"""The month's budget is never passed, and what was measured survives the program."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strixdesk.core.errors import BudgetReached
from strixdesk.core.tier import Price, Tier
from strixdesk.core.usage import AnswerOutcome, AnswerRecord, month_span, nano_usd
from strixdesk.session.store import HistoryStore
from strixdesk.session.usage_book import UsageBook
from strixdesk.settings import UsageSettings

CLOUD = Tier("cloud", "https://api.example/v1", cloud=True, price=Price(3.0, 15.0))
NOON = month_span("2026-11")[0] + 12 * 3600
DOLLAR = nano_usd(1.0)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[HistoryStore]:
    store = HistoryStore(tmp_path / "history.sqlite3")
    await store.open()
    yield store
    await store.close()


def book(store: HistoryStore, budget_usd: float | None = 1.0) -> UsageBook:
    return UsageBook(store, UsageSettings(monthly_budget_usd=budget_usd), now=lambda: NOON)


def answer(cost: int = 0, at: float = NOON, speed: float | None = None) -> AnswerRecord:
    return AnswerRecord("cloud", at, AnswerOutcome.COMPLETE, cost_nano_usd=cost, tokens_per_s=speed)


async def test_an_answer_that_could_pass_the_budget_is_refused(store: HistoryStore) -> None:
    usage = book(store)
    await usage.reserve(CLOUD, answer(DOLLAR * 7 // 10))
    with pytest.raises(BudgetReached, match=r"up to \$0\.40, and \$0\.30 of this month's \$1\.00"):
        await usage.reserve(CLOUD, answer(DOLLAR * 4 // 10))


async def test_what_a_running_answer_did_not_need_can_be_spent(store: HistoryStore) -> None:
    usage = book(store)
    number = await usage.reserve(CLOUD, answer(DOLLAR))
    assert (await usage.report()).reserved_nano_usd == DOLLAR
    await usage.settle(number, answer(DOLLAR // 2))
    await usage.reserve(CLOUD, answer(DOLLAR // 2))
    report = await usage.report()
    assert (report.spent_nano_usd, report.reserved_nano_usd) == (DOLLAR, DOLLAR // 2)


async def test_without_a_budget_nothing_that_costs_money_is_asked(store: HistoryStore) -> None:
    with pytest.raises(BudgetReached, match="no monthly budget is set"):
        await book(store, None).reserve(CLOUD, answer(1))


async def test_another_month_has_its_own_budget(store: HistoryStore) -> None:
    usage = book(store)
    await usage.reserve(CLOUD, answer(DOLLAR, at=month_span("2026-11")[0] - 1))
    await usage.reserve(CLOUD, answer(DOLLAR))
    assert (await usage.report("2026-10")).spent_nano_usd == DOLLAR
    assert (await usage.report()).spent_nano_usd == DOLLAR


async def test_two_programs_share_one_budget(tmp_path: Path, store: HistoryStore) -> None:
    second = HistoryStore(tmp_path / "history.sqlite3")
    await second.open()
    books = [book(store), book(second)]
    asked = [each.reserve(CLOUD, answer(DOLLAR * 3 // 10)) for each in books * 4]
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(one, BudgetReached) for one in results) == 5
    assert (await books[0].report()).spent_nano_usd == DOLLAR * 9 // 10
    await second.close()


async def test_money_is_not_spent_where_it_cannot_be_written_down() -> None:
    forgetful = HistoryStore(Path(":memory:"))
    await forgetful.open()
    with pytest.raises(BudgetReached, match="cannot be read"):
        await book(forgetful).reserve(CLOUD, answer(1))
    await forgetful.close()


async def test_the_speed_of_the_last_answers_survives_the_program(store: HistoryStore) -> None:
    first = book(store)
    for speed in (1.0, 40.0, 42.0, 41.0):
        await first.add(answer(speed=speed))
    second = book(store)
    assert await second.open() == {"cloud": 40.5}
    assert second.tokens_per_s("cloud") == first.tokens_per_s("cloud") == 40.5
    assert second.tokens_per_s("coder") is None


@given(
    budget=st.integers(0, 400),
    questions=st.lists(
        st.tuples(st.integers(1, 150), st.floats(0, 1), st.integers(0, 3)), max_size=25
    ),
)
@settings(max_examples=40, deadline=None)
def test_no_sequence_of_questions_passes_the_budget(
    budget: int, questions: list[tuple[int, float, int]]
) -> None:
    """Each is worth `worst` at most, comes to a share of it, and ends a few questions later; one
    whose share is below a tenth never ends (a crash)."""

    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            store = HistoryStore(Path(folder) / "history.sqlite3")
            await store.open()
            usage = book(store, budget / 1000)
            running: list[tuple[int, int, AnswerRecord]] = []
            spent = 0
            for step, (worst, share, lasts) in enumerate(questions):
                for one in [one for one in running if one[0] <= step]:
                    running.remove(one)
                    await usage.settle(one[1], one[2])
                    spent += one[2].cost_nano_usd
                record = answer(worst * 1_000_000)
                try:
                    number = await usage.reserve(CLOUD, record)
                except BudgetReached:
                    continue
                if share >= 0.1:
                    cost = int(record.cost_nano_usd * share)
                    running.append((step + lasts, number, replace(record, cost_nano_usd=cost)))
                report = await usage.report()
                assert spent <= report.spent_nano_usd <= budget * 1_000_000
            await store.close()

    asyncio.run(run())
