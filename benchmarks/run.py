"""Runs the benchmarks and prints one table: python -m benchmarks.run [NAME…]"""

from __future__ import annotations

import importlib
import os
import sys

from benchmarks.report import table

NAMES = (
    "speech_turn",
    "recogniser",
    "transcript_tokens",
    "start_up",
    "wire",
    "routing",
    "box_refresh",
    "handover",
    "outage",
    "ssh_command",
    "stop",
)


def main(arguments: list[str]) -> int:
    unknown = [name for name in arguments if name not in NAMES]
    if unknown:
        print(f"No such benchmark: {', '.join(unknown)}. There are {', '.join(NAMES)}.")
        return 2
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    for name in arguments or NAMES:
        module = importlib.import_module(f"benchmarks.{name}")
        print(f"\n{(module.__doc__ or name).splitlines()[0]}\n")
        print(table(module.measure()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
