"""Reads the command line and runs the command."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from pathlib import Path

from strixdesk import __version__

EPILOG = "Without a command, the desktop app starts. README.md has examples of every command."


def main(argv: Sequence[str]) -> int:
    """The exit status: 0 done, 1 failed with a sentence on stderr, 2 a wrong command line, 130
    interrupted. With `--json` one object is printed whether it is done or failed."""
    common = _common()
    arguments, rest = common.parse_known_args(argv)
    if rest:
        arguments = _parser(common).parse_args(argv)
    if arguments.config and _missing(arguments.config):
        # Whoever names a file means what it says: other settings are no stand-in for it.
        print(f"strixdesk: {_no_settings_file(arguments.config)}", file=sys.stderr)
        return 2
    return _run_command(arguments) if rest else _run_app(arguments)


def _missing(file: Path) -> bool:
    """A file that is there and cannot be read is explained by whoever reads it."""
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _no_settings_file(file: Path) -> str:
    make = f"touch {shlex.quote(str(file))}"
    if not file.parent.is_dir():
        make = f"mkdir -p {shlex.quote(str(file.parent))} && {make}"
    return (
        f"There is no settings file {file}. Check its name, or make one: `{make}` "
        "(an empty one holds the defaults)."
    )


def _common() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--version", action="version", version=f"strixdesk {__version__}")
    common.add_argument(
        "--config", type=Path, metavar="FILE", help="settings file to use instead of the usual one"
    )
    common.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="folder for history, models and logs"
    )
    common.add_argument("--verbose", action="store_true", help="log in detail, to stderr too")
    return common


def _parser(common: argparse.ArgumentParser) -> argparse.ArgumentParser:
    # The commands bring the engines' libraries along; the window is painted before those.
    from strixdesk.cli import (
        ask,
        box,
        cloud,
        config,
        doctor,
        key,
        models,
        route,
        speech,
        stack,
        tiers,
        usage,
    )

    parser = argparse.ArgumentParser(
        prog="strixdesk",
        description="Talk to, see with and run the model servers of a Strix Halo box.",
        epilog=EPILOG,
        parents=[common],
    )
    subparsers = parser.add_subparsers(
        dest="command", metavar="COMMAND", title="commands", required=True
    )
    asking, running = (ask, speech, route), (tiers, box, stack)
    for module in (*asking, *running, usage, key, cloud, models, config, doctor):
        module.add_parser(subparsers)
    return parser


def _run_app(arguments: argparse.Namespace) -> int:
    from strixdesk.app import run_app

    return run_app(arguments.config, arguments.data_dir, verbose=arguments.verbose)


def _run_command(arguments: argparse.Namespace) -> int:
    from strixdesk.cli.context import CommandContext
    from strixdesk.core.errors import StrixError
    from strixdesk.logs import set_up_logging
    from strixdesk.paths import Paths
    from strixdesk.settings_file import load

    paths = Paths.standard(arguments.config, arguments.data_dir)
    set_up_logging(paths.log_dir, arguments.verbose)
    context = CommandContext(paths, load(paths.config_file))
    if context.loaded.settings.sources:
        from strixdesk.composition_boxes import take_listed_keys

        take_listed_keys(context.loaded.settings)
    run: Callable[[argparse.Namespace, CommandContext], int] = arguments.run
    problem = context.loaded.problem
    if problem and arguments.command not in {"config", "doctor"}:  # they tell it themselves
        print(f"strixdesk: {problem.sentence()}", file=sys.stderr)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal may have no curly quotes
    try:
        status = run(arguments, context)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Whoever reads has seen enough (`| head`). Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except StrixError as error:
        print(f"strixdesk: {error.sentence()}", file=sys.stderr)
        if getattr(arguments, "json", False):
            told = {"error": error.message, "advice": error.advice}
            print(json.dumps(told, ensure_ascii=False), flush=True)
        return 1
