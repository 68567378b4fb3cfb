"""`strixdesk stack`: start a mode of a box's stack, or stop all of it."""

from __future__ import annotations

import argparse
import asyncio
import json

from strixdesk.cli.context import CommandContext
from strixdesk.cli.opened import opened
from strixdesk.cli.operations import Order, carry_out, chosen_box, report, to_stderr
from strixdesk.composition_boxes import stack_of
from strixdesk.core.box import Deed
from strixdesk.core.stack import Stack


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    stack = subparsers.add_parser("stack", help="start a mode of a box's stack, or stop it all")
    actions = stack.add_subparsers(dest="action", required=True, metavar="ACTION")
    up = actions.add_parser("up", help="start what a mode consists of")
    up.add_argument("mode", help="as the stack's own script calls it: `strixdesk stack modes`")
    up.add_argument("--anyway", action="store_true", help="even if the memory does not suffice")
    down = actions.add_parser("down", help="stop everything that the stack runs")
    modes = actions.add_parser("modes", help="list what the stack's own script offers")
    for parser in (up, down, modes):
        parser.add_argument("--box", metavar="NAME", help="which box, if there are several")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
    stack.set_defaults(run=lambda arguments, context: asyncio.run(_run(arguments, context)))


async def _run(arguments: argparse.Namespace, context: CommandContext) -> int:
    async with opened(context) as (_, boxes):
        box = chosen_box(boxes, arguments.box)
        if arguments.action == "modes":
            print(mode_lines(await stack_of(boxes, box), as_json=arguments.json))
            return 0
        order = Order(box, Deed.STOP)
        if arguments.action == "up":
            order = Order(box, Deed.START, mode=arguments.mode)
        anyway = arguments.action == "up" and arguments.anyway
        outcome = await carry_out(boxes, order, anyway=anyway, say=to_stderr)
        return report([outcome], as_json=arguments.json)


def mode_lines(stack: Stack, *, as_json: bool) -> str:
    if as_json:
        rows = [{"name": one.name, "services": list(one.services)} for one in stack.modes]
        return json.dumps({"directory": stack.directory, "modes": rows}, ensure_ascii=False)
    if not stack.modes:
        return f"{stack.directory} offers no modes."
    width = max(len(mode.name) for mode in stack.modes)
    return "\n".join(f"{mode.name:<{width}}  {', '.join(mode.services)}" for mode in stack.modes)
