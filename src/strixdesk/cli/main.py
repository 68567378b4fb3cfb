"""Reads the command line and runs the command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from strixdesk import __version__

EPILOG = "Without a command, the desktop app starts. README.md has examples of every command."


def main(argv: Sequence[str]) -> int:
    """The exit status: 0 done, 1 failed with a sentence on stderr, 2 a wrong command line."""
    common = _common()
    arguments, rest = common.parse_known_args(argv)
    if arguments.config and not arguments.config.exists():
        there_is_none = f"there is no settings file {arguments.config} yet: the defaults hold."
        print(f"strixdesk: {there_is_none}", file=sys.stderr)
    if not rest:
        return _run_app(arguments)
    return _run_command(_parser(common).parse_args(argv))


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
    run: Callable[[argparse.Namespace, CommandContext], int] = arguments.run
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
        return 1
    except KeyboardInterrupt:
        print("strixdesk: stopped.", file=sys.stderr)
        return 130
