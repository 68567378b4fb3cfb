"""`strixdesk usage`: what the answers of a month took."""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from dataclasses import asdict
from typing import Any

from strixdesk.cli.context import CommandContext
from strixdesk.core.errors import StrixError
from strixdesk.core.usage import NANO_USD, Spread, TierUsage, UsageReport, budget_words, dollars
from strixdesk.session.store import HistoryStore
from strixdesk.session.usage_book import UsageBook

_HEAD = ("tier", "answers", "good", "tokens in", "out", "first word", "p95", "whole", "p95", "t/s")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    usage = subparsers.add_parser("usage", help="tokens, times, failures and cost by tier")
    usage.add_argument("--month", metavar="YYYY-MM", help="another month than this one")
    usage.add_argument("--json", action="store_true", help="print one JSON object")
    usage.set_defaults(run=lambda arguments, context: asyncio.run(_run(arguments, context)))


async def _run(arguments: argparse.Namespace, context: CommandContext) -> int:
    store = HistoryStore(context.paths.history_file)
    await store.open()
    try:
        report = await UsageBook(store, context.loaded.settings.usage).report(arguments.month)
    except ValueError:
        raise StrixError(
            f"“{arguments.month}” is no month.", "Write it like this: --month 2026-11."
        ) from None
    finally:
        await store.close()
    if arguments.json:
        print(json.dumps(_plain(report), ensure_ascii=False))
    else:
        _print(report)
    return 0


def _print(report: UsageReport) -> None:
    rows = [_HEAD, *(_row(tier) for tier in report.tiers)]
    if len(rows) == 1:
        print(f"No answers in {report.month}.")
    else:
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
        for row in rows:
            first, *rest = zip(row, widths, strict=True)
            cells = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]
            print("  ".join(cells).rstrip())
    for tier in report.tiers:
        if tier.cost_nano_usd:
            print(f"{tier.tier}: {dollars(tier.cost_nano_usd)}")
        if tier.cached:
            print(f"{tier.tier}: {tier.cached} more from the cache")
        if tier.last_error and tier.last_error_at is not None:
            when = time.strftime("%Y-%m-%d %H:%M", time.localtime(tier.last_error_at))
            print(f"{tier.tier}: last failure {when}: {tier.last_error}")
    print(budget_words(report))


def _row(tier: TierUsage) -> tuple[str, ...]:
    about = "~" if tier.estimated else ""
    rate = "-" if tier.success_rate is None else f"{tier.success_rate:.0%}"
    speed = "-" if tier.tokens_per_s is None else f"{tier.tokens_per_s:.1f}"
    return (
        tier.tier,
        str(tier.answers),
        rate,
        f"{about}{tier.prompt_tokens:,}",
        f"{about}{tier.completion_tokens:,}",
        *_seconds(tier.ttft_ms),
        *_seconds(tier.total_ms),
        speed,
    )


def _seconds(spread: Spread | None) -> tuple[str, str]:
    if spread is None:
        return "-", "-"
    return f"{spread.average / 1000:.2f} s", f"{spread.p95 / 1000:.2f} s"


def _plain(report: UsageReport) -> dict[str, Any]:
    tiers = []
    for tier in report.tiers:
        plain = asdict(tier)
        plain["cost_usd"] = plain.pop("cost_nano_usd") / NANO_USD
        tiers.append(plain)
    budget = report.budget_nano_usd
    return {
        "month": report.month,
        "spent_usd": report.spent_nano_usd / NANO_USD,
        "reserved_usd": report.reserved_nano_usd / NANO_USD,
        "budget_usd": None if budget is None else budget / NANO_USD,
        "tiers": tiers,
    }
