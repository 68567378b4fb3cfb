"""The page of usage."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtGui import QAction
from pytestqt.qtbot import QtBot

from strixdesk.core.errors import StrixError
from strixdesk.core.events import UsageChanged
from strixdesk.core.usage import AnswerOutcome, AnswerRecord, UsageReport, tier_usages
from strixdesk.ui.bridge import Requests
from strixdesk.ui.usage_desk import UsageDesk
from strixdesk.ui.usage_page import HEADERS, UsagePage
from tests.ui.conftest import Desk, until
from tests.ui.no_screen import NO_SCREEN

pytestmark = NO_SCREEN

RECORDS = [
    AnswerRecord("coder", 1.0, AnswerOutcome.COMPLETE, prompt_tokens=1200, ttft_ms=250.0),
    AnswerRecord("coder", 2.0, AnswerOutcome.BROKEN, error="It broke off."),
    AnswerRecord("claude", 3.0, AnswerOutcome.COMPLETE, cost_nano_usd=500_000_000),
]


def report(budget: int | None = 2_000_000_000) -> UsageReport:
    return UsageReport("2026-11", tier_usages(RECORDS), 500_000_000, 0, budget)


@pytest.fixture
def page(qtbot: QtBot) -> UsagePage:
    page = UsagePage()
    qtbot.addWidget(page)
    page.show_report(report())
    page.open()
    return page


def cell(page: UsagePage, row: int, header: str) -> str:
    item = page.table.item(row, HEADERS.index(header))
    return item.text() if item else ""


def test_each_tier_has_a_row(page: UsagePage) -> None:
    assert [cell(page, row, "Tier") for row in range(2)] == ["coder", "claude"]
    assert cell(page, 0, "Good") == "50%"
    assert cell(page, 0, "Tokens in") == "1,200"
    assert cell(page, 1, "Cost") == "$0.50"


def test_the_money_stands_against_the_budget(page: UsagePage) -> None:
    assert page.money.text() == "2026-11: $0.50 of $2.00 spent."
    assert page.bar.value() == page.bar.maximum() // 4


def test_without_a_budget_there_is_no_bar(page: UsagePage) -> None:
    page.show_report(report(None))
    assert not page.bar.isVisible()


def test_the_last_failure_is_told(page: UsagePage) -> None:
    assert "coder: It broke off." in page.failures.text()


async def test_the_page_follows_what_is_answered(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    refused: list[StrixError] = []
    usage = UsageDesk(desk.assistant, Requests(refused.append), desk.window)
    usage.open()
    (page,) = desk.window.findChildren(UsagePage)
    await until(lambda: bool(page.money.text()))
    assert page.table.rowCount() == 0
    desk.assistant.report = report()
    desk.assistant.say(UsageChanged())
    await until(lambda: page.table.rowCount() == 2)
    page.reject()
    assert not refused


@pytest.mark.parametrize(
    ("entry", "away"),
    [("&Orchestrator to the cloud", True), ("Orchestrator &back", False)],
)
def test_given_an_entry_of_the_cloud_menu_then_the_role_goes_there_or_comes_back(
    desk: Desk, entry: str, away: bool
) -> None:
    entries = {action.text(): action for action in desk.window.findChildren(QAction)}
    entries[entry].trigger()
    assert desk.assistant.calls_of("cloud") == [("orchestrator", away)]
