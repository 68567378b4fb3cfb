"""Reads the command line and runs the command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from strixdesk import __version__
from strixdesk.cli import ask, config, doctor, models, speech, tiers
from strixdesk.cli.context import CommandContext
from strixdesk.core.errors import StrixError
from strixdesk.logs import set_up_logging
from strixdesk.paths import Paths
from strixdesk.settings_file import load

EPILOG = "Without a command, the desktop app starts. README.md has examples of every command."


class _Commands(Protocol):
    def add_parser(
        self, subparsers: argparse._SubParsersAction[argparse.ArgumentParser]
    ) -> None: ...


def parser() -> argparse.ArgumentParser:
    main_parser = argparse.ArgumentParser(
        prog="strixdesk",
        description="Talk to, see with and run the model servers of a Strix Halo box.",
        epilog=EPILOG,
    )
    main_parser.add_argument("--version", action="version", version=f"strixdesk {__version__}")
    main_parser.add_argument(
        "--config", type=Path, metavar="FILE", help="settings file to use instead of the usual one"
    )
    main_parser.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="folder for history, models and logs"
    )
    main_parser.add_argument("--verbose", action="store_true", help="log in detail, to stderr too")
    subparsers = main_parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    module: _Commands
    for module in (ask, speech, tiers, models, config, doctor):
        module.add_parser(subparsers)
    return main_parser


def main(argv: Sequence[str]) -> int:
    arguments = parser().parse_args(argv)
    paths = Paths.standard(arguments.config, arguments.data_dir)
    set_up_logging(paths.log_dir, arguments.verbose)
    context = CommandContext(paths, load(paths.config_file))
    if arguments.command is None:
        from strixdesk.app import run_app  # Qt is loaded for the window only

        return run_app(context)
    run: Callable[[argparse.Namespace, CommandContext], int] = arguments.run
    try:
        return run(arguments, context)
    except StrixError as error:
        print(f"strixdesk: {error.sentence()}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("strixdesk: stopped.", file=sys.stderr)
        return 130
