"""`strixdesk tiers`: who is there, and how each is doing."""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import Any

from strixdesk.cli.context import CommandContext
from strixdesk.composition import build_tiers
from strixdesk.core.tier import Tier, TierStatus


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    tiers = subparsers.add_parser("tiers", help="list the tiers and how each is doing")
    tiers.add_argument("--json", action="store_true", help="print one JSON object")
    tiers.set_defaults(run=lambda arguments, context: asyncio.run(_tiers(arguments, context)))


async def look(context: CommandContext) -> tuple[tuple[Tier, ...], dict[str, TierStatus]]:
    """Every tier, asked once."""
    watch = build_tiers(context.loaded.settings, context.paths)
    try:
        await watch.refresh()
        return watch.all(), watch.statuses()
    finally:
        await watch.close()


async def _tiers(arguments: argparse.Namespace, context: CommandContext) -> int:
    tiers, statuses = await look(context)
    rows = [_row(tier, statuses[tier.name]) for tier in tiers]
    if arguments.json:
        print(json.dumps({"tiers": rows}, ensure_ascii=False))
        return 0
    if not rows:
        print("No tier is configured, and the starter kit is not installed.")
        print(f"Add a [[tiers]] table with name and base_url to {context.paths.config_file}.")
        return 0
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        model = row["model"] or "?"
        line = f"{row['name']:<{width}}  {row['state']:<11}  {model}"
        print(f"{line}  — {row['detail']}" if row["detail"] else line)
    return 0


def _row(tier: Tier, status: TierStatus) -> dict[str, Any]:
    capabilities = tier.capabilities if tier.capabilities is not None else status.capabilities
    return {
        "name": tier.name,
        "role": tier.role,
        "base_url": tier.base_url,
        "state": status.state.value,
        "detail": status.detail,
        "model": status.model or tier.model,
        "context_tokens": tier.context_tokens or status.context_tokens,
        "capabilities": sorted(capability.value for capability in capabilities),
        "server": status.server,
        "latency_ms": None if status.latency_ms is None else round(status.latency_ms, 1),
    }
