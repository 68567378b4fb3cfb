"""`strixdesk tiers`: who is there and how each is doing; start, stop, restart and pull them."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
from collections.abc import Coroutine, Sequence
from typing import Any

from strixdesk.backends.box.backings import is_on
from strixdesk.backends.box.unit_controls import UnitControls, unknown_box
from strixdesk.backends.inventory.inventory import Inventory
from strixdesk.cli.context import CommandContext
from strixdesk.cli.opened import opened
from strixdesk.cli.operations import (
    Order,
    Outcome,
    Say,
    carry_out,
    how_far,
    report,
    to_stderr,
    together,
)
from strixdesk.composition_boxes import build_controls
from strixdesk.core.addressing import by_name
from strixdesk.core.box import Box, Deed, OperationState
from strixdesk.core.errors import BoxError, StrixError
from strixdesk.core.tier import Control, ControlKind, Tier, TierStatus
from strixdesk.session.ports import Boxes

_ACTIONS = {
    Deed.START: "start tiers, and wait until they are ready",
    Deed.STOP: "stop tiers",
    Deed.RESTART: "stop tiers, and start them again",
    Deed.PULL: "fetch the newest images of tiers",
}
_RUNS = {True: "It runs.", False: "It does not run.", None: "Whether it runs is not known."}
_HOW = (
    'Give it a control in the settings, like control = { kind = "compose", box = "…", '
    'unit = "the service" }; or kind = "systemd", "llama-swap", "llama-router" or "command".'
)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    tiers = subparsers.add_parser("tiers", help="list the tiers; start and stop them")
    tiers.add_argument("--json", action="store_true", help="print one JSON object")
    actions = tiers.add_subparsers(dest="action", metavar="ACTION")
    for deed, words in _ACTIONS.items():
        action = actions.add_parser(deed.value, help=words)
        action.add_argument("names", nargs="+", metavar="NAME", help="name, label, model or role")
        action.add_argument(
            "--anyway", action="store_true", help="even if the memory does not suffice"
        )
        # What `tiers --json start …` has set must not be set back here.
        action.add_argument(
            "--json", action="store_true", default=argparse.SUPPRESS, help="print one JSON object"
        )
    tiers.set_defaults(run=lambda arguments, context: asyncio.run(_run(arguments, context)))


async def _run(arguments: argparse.Namespace, context: CommandContext) -> int:
    if arguments.action is None:
        return await _list(context, as_json=arguments.json)
    async with opened(context) as (tiers, boxes), contextlib.AsyncExitStack() as stack:
        controls = build_controls(boxes)
        stack.push_async_callback(controls.close)
        named = await find(arguments.names, tiers)
        deeds = deeds_of(named, Deed(arguments.action), boxes, controls, anyway=arguments.anyway)
        return report(await together(deeds), as_json=arguments.json)


# ---- the list ----------------------------------------------------------------------------------


async def look(
    context: CommandContext,
) -> tuple[tuple[Tier, ...], dict[str, TierStatus], dict[str, str]]:
    """Every tier, asked once; and what is wrong with their sources, which is told at once."""
    async with opened(context) as (tiers, boxes):
        await asyncio.gather(tiers.refresh(), *map(boxes.refresh, boxes.all()))
        problems = tiers.problems()
        for name, sentence in problems.items():
            to_stderr(f"strixdesk: {name}: {sentence}")
        return tiers.all(), tiers.statuses(), problems


async def _list(context: CommandContext, *, as_json: bool) -> int:
    tiers, statuses, problems = await look(context)
    rows = [tier_row(tier, statuses[tier.name]) for tier in tiers]
    if as_json:
        print(json.dumps({"tiers": rows, "problems": problems}, ensure_ascii=False))
        return 1 if problems else 0
    if not rows and not problems:
        print("No tier is configured, and the starter kit is not installed.")
        print(f"Add a [[tiers]] table with name and base_url to {context.paths.config_file}.")
        return 0
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        print(f"{row['name']:<{width}}  {_line(row)}")
    return 1 if problems else 0


def _line(row: dict[str, Any]) -> str:
    parts = [row["model"] or "?"]
    if far := how_far(row["progress"], row["eta_s"]):
        parts.append(far)
    if row["tokens_per_s"] is not None:
        parts.append(f"{row['tokens_per_s']:.1f} t/s")
    if row["box"] is not None:
        parts.append(f"{row['service']} on {row['box'] or 'this machine'}")
    said = " ".join(filter(None, (row["detail"], row["degraded"])))
    state = "not loaded" if row["unloaded"] else row["state"]
    state = f"{state}?" if row["stale"] else state
    return f"{state:<11}  {', '.join(parts)}" + (f"  — {said}" if said else "")


def tier_row(tier: Tier, status: TierStatus) -> dict[str, Any]:
    capabilities = tier.capabilities if tier.capabilities is not None else status.capabilities
    activity = status.activity
    now = activity.tokens_per_s if activity else None
    speed = now if now is not None else status.tokens_per_s
    return {
        "name": tier.name,
        "role": tier.role,
        "base_url": tier.base_url,
        "state": status.state.value,
        "stale": status.stale,
        "unloaded": status.unloaded,
        "detail": status.detail,
        "degraded": status.degraded,
        "progress": status.progress,
        "eta_s": status.eta_s,
        "model": status.model or tier.model,
        "context_tokens": tier.context_tokens or status.context_tokens,
        "capabilities": sorted(capability.value for capability in capabilities),
        "server": status.server,
        "latency_ms": None if status.latency_ms is None else round(status.latency_ms, 1),
        "tokens_per_s": None if speed is None else round(speed, 1),
        "requests_running": activity.running if activity else None,
        "requests_waiting": activity.waiting if activity else None,
        "kv_cache_use": activity.kv_cache_use if activity else None,
        "box": tier.control.box if tier.control else None,
        "service": tier.control.unit if tier.control else None,
    }


# ---- start, stop, restart, pull ----------------------------------------------------------------


async def find(names: Sequence[str], tiers: Inventory) -> tuple[Tier, ...]:
    """Sources are asked only for what is not known of them. Raises StrixError."""
    if any(by_name(name, tiers.all()) is None for name in names):
        await tiers.refresh()
    found: dict[str, Tier] = {}
    for name in names:
        tier = by_name(name, tiers.all())
        if tier is None:
            there = ", ".join(one.name for one in tiers.all()) or "none"
            why = " ".join(tiers.problems().values())
            advice = f"There are: {there}. {why}".strip()
            raise StrixError(f"No tier is called “{name}”, or several are.", advice)
        found[tier.name] = tier
    return tuple(found.values())


def deeds_of(
    tiers: Sequence[Tier],
    deed: Deed,
    boxes: Boxes,
    controls: UnitControls,
    *,
    anyway: bool = False,
    say: Say = to_stderr,
) -> list[Coroutine[Any, Any, Outcome]]:
    """One for all services of a box, and one for each other tier. Raises StrixError, before
    anything is begun, for a tier that cannot be dealt with."""
    on_box: dict[str, tuple[Box, list[str]]] = {}
    others: list[Tier] = []
    for tier in tiers:
        control = tier.control
        if control is None:
            raise _without_control(tier)
        if control.kind is ControlKind.COMPOSE:
            box = _box_of(tier, control, boxes)
            on_box.setdefault(box.name, (box, []))[1].append(control.unit)
        else:
            controls.check(tier, deed)
            others.append(tier)
    return [
        *(
            carry_out(boxes, Order(box, deed, tuple(services)), anyway=anyway, say=say)
            for box, services in on_box.values()
        ),
        *(_carry_out_alone(tier, deed, controls, say) for tier in others),
    ]


def _without_control(tier: Tier) -> StrixError:
    if tier.starter:
        return StrixError(
            f"“{tier.title}” starts by itself when it is asked, and is never stopped."
        )
    if tier.cloud:
        return StrixError(f"“{tier.title}” runs in the cloud: nobody here starts or stops it.")
    return StrixError(f"How “{tier.title}” is started and stopped is not known.", _HOW)


def _box_of(tier: Tier, control: Control, boxes: Boxes) -> Box:
    for box in boxes.all():
        if is_on(tier, box):
            return box
    if control.box:
        raise unknown_box(control.box)
    raise BoxError(
        "This machine is not one of the boxes in the settings.",
        'Add [[boxes]] with name = "here" and stack = "the folder of the compose files".',
    )


async def _carry_out_alone(tier: Tier, deed: Deed, controls: UnitControls, say: Say) -> Outcome:
    try:
        try:
            await controls.do(tier, deed, lambda step: say(f"{tier.name}: {step}"))
        except asyncio.CancelledError:
            say(f"{tier.name}: Cancelled. {_RUNS[await controls.is_running(tier)]}")
            raise
    except StrixError as error:
        advice = (error.advice,) if error.advice else ()
        return Outcome(tier.name, (tier.name,), OperationState.FAILED, error.message, advice)
    done = "It was stopped." if deed is Deed.STOP else "It was started."
    return Outcome(tier.name, (tier.name,), OperationState.DONE, done)
