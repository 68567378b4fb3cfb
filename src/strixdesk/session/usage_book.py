"""The book of answers: what each took, and whether the month's money suffices for one more.

It is kept in the history's file. Reserving and checking are one transaction of it, so that the
budget holds for all programs that share the file.
"""

from __future__ import annotations

import logging
import sqlite3
import statistics
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import astuple, fields, replace

from strixdesk.core.errors import BudgetReached, StoreError, StrixError
from strixdesk.core.tier import Tier
from strixdesk.core.usage import (
    AnswerOutcome,
    AnswerRecord,
    UsageReport,
    dollars,
    month_at,
    month_span,
    nano_usd,
    tier_usages,
)
from strixdesk.session.store import HistoryStore
from strixdesk.session.store_codec import storable
from strixdesk.settings import UsageSettings

log = logging.getLogger(__name__)

RECENT = 9
"""Answers whose speed counts: enough that one slow answer does not."""

_FIELDS = ", ".join(field.name for field in fields(AnswerRecord))
_MARKS = ", ".join("?" for _ in fields(AnswerRecord))
_SPENT = "SELECT coalesce(sum(cost_nano_usd), 0) FROM answers WHERE began_at >= ? AND began_at < ?"
_SPEEDS = """
    SELECT tier, tokens_per_s FROM (
        SELECT tier, tokens_per_s, number,
            row_number() OVER (PARTITION BY tier ORDER BY number DESC) AS place
        FROM answers WHERE tokens_per_s IS NOT NULL AND began_at >= ?
    ) WHERE place <= ? ORDER BY number
"""
_SPEEDS_FOR_S = 60 * 86_400.0


class UsageBook:
    """Raises StoreError where the file cannot be read or written."""

    def __init__(
        self,
        store: HistoryStore,
        settings: UsageSettings,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._settings = settings
        self._now = now
        self._speeds: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=RECENT))
        self._subscribers: list[Callable[[], None]] = []

    def subscribe(self, on_change: Callable[[], None]) -> None:
        """Called whenever something was written."""
        self._subscribers.append(on_change)

    async def open(self) -> dict[str, float]:
        """Takes up what was measured lately: tokens a second by tier."""
        since = self._now() - _SPEEDS_FOR_S

        def read(db: sqlite3.Connection) -> list[tuple[str, float]]:
            return [tuple(row) for row in db.execute(_SPEEDS, (since, RECENT))]

        for tier, speed in await self._store.within(read):
            self._speeds[tier].append(speed)
        return {tier: statistics.median(speeds) for tier, speeds in self._speeds.items()}

    def tokens_per_s(self, tier: str) -> float | None:
        """The median of its last answers; None: it was not measured yet."""
        speeds = self._speeds.get(tier)
        return statistics.median(speeds) if speeds else None

    # -- writing -------------------------------------------------------------------------------

    async def reserve(self, tier: Tier, record: AnswerRecord) -> int:
        """Books an answer at the most that it may cost, before it is asked for. Returns its
        number, for `settle`. Raises BudgetReached when that could pass the month's budget."""
        budget = self._budget(tier)
        record = replace(record, outcome=AnswerOutcome.RUNNING)

        def write(db: sqlite3.Connection) -> int | None:
            (spent,) = db.execute(_SPENT, month_span(month_at(record.began_at))).fetchone()
            if spent + record.cost_nano_usd > budget:
                raise _would_pass(tier, record.cost_nano_usd, spent, budget)
            return _insert(db, record)

        number = await self._store.within(write)
        self._tell()
        return number or 0

    def _budget(self, tier: Tier) -> int:
        budget = self._settings.monthly_budget_usd
        if budget is None:
            raise BudgetReached(
                f"“{tier.title}” costs money, and no monthly budget is set.",
                "Set monthly_budget_usd under [usage] in the settings.",
            )
        if not self._store.lasts:
            raise BudgetReached(
                f"“{tier.title}” costs money, and what was spent this month cannot be read.",
                "Mend the history's file first; the log says what is wrong with it.",
            )
        return nano_usd(budget)

    async def settle(self, number: int, record: AnswerRecord) -> None:
        """What a reserved answer came to."""

        def write(db: sqlite3.Connection) -> None:
            db.execute(
                f"REPLACE INTO answers (number, {_FIELDS}) VALUES (?, {_MARKS})",  # noqa: S608 — our own names
                (number, *_row(record)),
            )

        await self._store.within(write)
        self._written(record)

    async def add(self, record: AnswerRecord) -> None:
        """An answer that costs nothing."""
        await self._store.within(lambda db: _insert(db, record))
        self._written(record)

    async def never_ready(self, tier: str, error: StrixError) -> None:
        """It could not even be asked."""
        try:
            await self.add(
                AnswerRecord(tier, self._now(), AnswerOutcome.FAILED, error=error.sentence())
            )
        except StoreError as problem:
            log.warning("the book of answers: %s", problem)

    def _written(self, record: AnswerRecord) -> None:
        if record.tokens_per_s is not None:
            self._speeds[record.tier].append(record.tokens_per_s)
        self._tell()

    def _tell(self) -> None:
        for subscriber in self._subscribers:
            subscriber()

    # -- reading -------------------------------------------------------------------------------

    async def report(self, month: str | None = None) -> UsageReport:
        """`month`: `YYYY-MM`; None: this one. Raises ValueError for a month that is none."""
        month = month or month_at(self._now())
        span = month_span(month)

        def read(db: sqlite3.Connection) -> list[AnswerRecord]:
            rows = db.execute(
                f"SELECT {_FIELDS} FROM answers WHERE began_at >= ? AND began_at < ?",  # noqa: S608 — our own names
                span,
            )
            return [_record(row) for row in rows]

        records = await self._store.within(read)
        running = [one for one in records if one.outcome is AnswerOutcome.RUNNING]
        budget = self._settings.monthly_budget_usd
        return UsageReport(
            month,
            tier_usages(records),
            spent_nano_usd=sum(one.cost_nano_usd for one in records),
            reserved_nano_usd=sum(one.cost_nano_usd for one in running),
            budget_nano_usd=None if budget is None else nano_usd(budget),
        )


def _would_pass(tier: Tier, worst: int, spent: int, budget: int) -> BudgetReached:
    return BudgetReached(
        f"“{tier.title}” was not asked: this could cost up to {dollars(worst)}, and "
        f"{dollars(max(0, budget - spent))} of this month's {dollars(budget)} are left.",
        "Ask a tier of your own, or raise monthly_budget_usd under [usage] in the settings.",
    )


def _insert(db: sqlite3.Connection, record: AnswerRecord) -> int | None:
    return db.execute(
        f"INSERT INTO answers ({_FIELDS}) VALUES ({_MARKS})",  # noqa: S608 — our own names
        _row(record),
    ).lastrowid


def _row(record: AnswerRecord) -> tuple[object, ...]:
    values = [one.value if isinstance(one, AnswerOutcome) else one for one in astuple(record)]
    return tuple(storable(one) if isinstance(one, str) else one for one in values)


def _record(row: sqlite3.Row) -> AnswerRecord:
    values = dict(row)
    outcome = AnswerOutcome(values.pop("outcome"))
    estimated = bool(values.pop("estimated"))
    return AnswerRecord(**values, outcome=outcome, estimated=estimated)
