"""`strixdesk config`: where the settings are, what is in force, and what is wrong with them."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from strixdesk.cli.context import CommandContext


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("config", help="where the settings are, and what they say")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("path", help="print where the settings file is (or would be)")
    show = actions.add_parser("show", help="print the settings in force, defaults included")
    show.add_argument("--json", action="store_true", help="as JSON instead of TOML")
    actions.add_parser("check", help="say what is wrong with the settings file")
    parser.set_defaults(run=run)


def _toml(settings: dict[str, Any]) -> str:
    import tomlkit

    return tomlkit.dumps(settings).rstrip()


def run(arguments: argparse.Namespace, context: CommandContext) -> int:
    problem = context.loaded.problem
    match arguments.action:
        case "path":
            print(context.paths.config_file)
            return 0
        case "show":
            # Keys are SecretStr: they are printed as stars.
            settings = context.loaded.settings.model_dump(mode="json", exclude_none=True)
            print(json.dumps(settings, indent=2) if arguments.json else _toml(settings))
            if problem:
                print(f"strixdesk: {problem.sentence()}", file=sys.stderr)
            return 0
    if problem:
        print(problem.sentence())
        return 1
    where = context.paths.config_file
    print(f"{where} is fine." if where.exists() else f"There is no {where}; the defaults hold.")
    return 0
