"""`strixdesk box`: the way to each box, what runs there, and what is being done."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from strixdesk.cli.context import CommandContext
from strixdesk.cli.opened import opened
from strixdesk.cli.operations import chosen_box, how_far, progress_words
from strixdesk.core.box import (
    Box,
    BoxMemory,
    BoxStatus,
    ContainerHealth,
    Hop,
    HopState,
    Operation,
    ServiceStatus,
)
from strixdesk.core.memory import gb
from strixdesk.core.stack import Stack
from strixdesk.session.ports import Boxes

_MARKS = {
    HopState.UNKNOWN: "?",
    HopState.OK: "ok",
    HopState.IMPAIRED: "!",
    HopState.FAILED: "✗",
}
HOP_WORDS = {
    HopState.UNKNOWN: "not looked at",
    HopState.OK: "in order",
    HopState.IMPAIRED: "impaired",
    HopState.FAILED: "broken",
}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    box = subparsers.add_parser("box", help="say how each box is, and the way there")
    box.add_argument("name", nargs="?", help="only this box")
    box.add_argument("--json", action="store_true", help="print one JSON object")
    box.set_defaults(run=lambda arguments, context: asyncio.run(_run(arguments, context)))


async def _run(arguments: argparse.Namespace, context: CommandContext) -> int:
    async with opened(context) as (_, boxes):
        if not boxes.all() and not arguments.json:
            print("No box is configured.")
            print(f"Add a [[boxes]] table with name and host to {context.paths.config_file}.")
            return 0
        wanted = (chosen_box(boxes, arguments.name),) if arguments.name else boxes.all()
        return await show(boxes, wanted, as_json=arguments.json)


async def show(boxes: Boxes, wanted: tuple[Box, ...], *, as_json: bool) -> int:
    """Looks at each and prints what was seen; the exit status: 1 if the way to one is broken."""
    statuses = await asyncio.gather(*map(boxes.refresh, wanted))
    seen = [
        (box, status, boxes.stack_of(box)) for box, status in zip(wanted, statuses, strict=True)
    ]
    if as_json:
        print(json.dumps({"boxes": [box_row(*one) for one in seen]}, ensure_ascii=False))
    else:
        print("\n\n".join("\n".join(box_lines(*one)) for one in seen))
    return 1 if any(status.broken for status in statuses) else 0


# ---- for a person ------------------------------------------------------------------------------


def box_lines(box: Box, status: BoxStatus, stack: Stack | None) -> Iterator[str]:
    place = f"{box.user}@{box.host}" if box.host and box.user else box.host or "this machine"
    yield f"{box.name}  {place}" + (f"  {stack.directory}" if stack else "")
    for hop in status.hops:
        yield _hop_line(hop)
    if status.memory:
        yield f"  memory: {_memory_words(status.memory)}"
    width = max((len(one.name) for one in status.services), default=0)
    for one in status.services:
        yield f"  {one.name:<{width}}  {_service_words(one)}"
        if one.last_error:
            yield f"  {'':<{width}}  its log: {one.last_error}"
    if stack and stack.modes:
        yield f"  modes: {', '.join(mode.name for mode in stack.modes)}"
    for sentence in stack.left_out if stack else ():
        yield f"   !  {sentence}"
    if status.holder:
        yield f"  held by: {status.holder}"
    if status.operation and not status.operation.state.over:
        yield f"  now: {progress_words(status.operation)}"


def _hop_line(hop: Hop) -> str:
    latency = f", {hop.latency_ms:.0f} ms" if hop.latency_ms is not None else ""
    detail = f" — {hop.detail}" if hop.detail else ""
    return f"  {_MARKS[hop.state]:>2}  {hop.kind.value:<9}  {HOP_WORDS[hop.state]}{latency}{detail}"


def _memory_words(memory: BoxMemory) -> str:
    words = f"{gb(memory.available_bytes)} free of {gb(memory.total_bytes)}"
    if memory.gpu_total_bytes is not None:
        used = "" if memory.gpu_used_bytes is None else f"{gb(memory.gpu_used_bytes)} used of "
        words += f"; GPU {used}{gb(memory.gpu_total_bytes)}"
    if memory.temperature_c is not None:
        words += f"; {memory.temperature_c:.0f} °C"
    return words


def _service_words(one: ServiceStatus) -> str:
    words = one.container.value
    if one.health is not ContainerHealth.NONE:
        words += f", {one.health.value}"
    if one.phase:
        words += f", {one.phase}"
    if far := how_far(one.progress, one.eta_s):
        words += f", {far}"
    if one.exit_code:
        words += f", exit status {one.exit_code}"
    if one.restarts:
        words += f", restarted {one.restarts} times" if one.restarts > 1 else ", restarted once"
    return words


# ---- for a program -----------------------------------------------------------------------------


def box_row(box: Box, status: BoxStatus, stack: Stack | None) -> dict[str, Any]:
    return {
        "name": box.name,
        "host": box.host,
        "user": box.user,
        "stack": stack.directory if stack else None,
        "reachable": status.broken is None,
        "hops": [
            {
                "kind": hop.kind.value,
                "state": hop.state.value,
                "detail": hop.detail,
                "latency_ms": hop.latency_ms,
            }
            for hop in status.hops
        ],
        "memory": asdict(status.memory) if status.memory else None,
        "services": [
            asdict(one) | {"container": one.container.value, "health": one.health.value}
            for one in status.services
        ],
        "modes": [mode.name for mode in stack.modes] if stack else [],
        "left_out": list(stack.left_out) if stack else [],
        "holder": status.holder,
        "operation": _operation_row(status.operation) if status.operation else None,
    }


def _operation_row(operation: Operation) -> dict[str, Any]:
    return asdict(operation) | {"deed": operation.deed.value, "state": operation.state.value}
