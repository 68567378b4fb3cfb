"""Run StrixDesk; `--worker KIND` re-executes the program as one of its own child processes."""

from __future__ import annotations

import sys


def main() -> int:
    from strixdesk.cli.main import main as command_line

    return command_line(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
