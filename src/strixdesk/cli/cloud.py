"""`strixdesk cloud`: switch a role to the cloud, and back."""

from __future__ import annotations

import argparse
import asyncio

from strixdesk.cli.context import CommandContext
from strixdesk.session.cloud_switch import CloudSwitch


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    cloud = subparsers.add_parser("cloud", help="switch a role to the cloud, and back")
    cloud.add_argument("state", choices=("on", "off"))
    cloud.add_argument("role", help="orchestrator, coder, …")
    cloud.set_defaults(run=lambda arguments, context: asyncio.run(_run(arguments, context)))


async def _run(arguments: argparse.Namespace, context: CommandContext) -> int:
    settings = context.loaded.settings
    switch = CloudSwitch(settings.cloud, context.paths.config_file)
    tiers = [tier.tier() for tier in settings.tiers]
    print(await switch.turn(arguments.role, arguments.state == "on", tiers))
    return 0
