"""Run StrixDesk; `--worker KIND` re-executes the program as one of its own child processes."""

from __future__ import annotations

import sys


def main() -> int:
    if sys.argv[1:2] == ["--worker"]:
        return _worker(sys.argv[2:])

    try:
        from strixdesk.cli.main import main as command_line

        return command_line(sys.argv[1:])
    except KeyboardInterrupt:  # as early as the imports
        sys.stderr.write("strixdesk: stopped.\n")
        return 130


def _worker(argv: list[str]) -> int:
    """A child process of ours; only the child pays for what it imports."""
    match argv:
        case [("stt" | "tts") as kind, *args]:
            from strixdesk.voice.worker import main as speech_worker

            return speech_worker(kind, args)
        case ["llama", *args]:
            from strixdesk.backends.starter_worker import main as starter_worker

            return starter_worker(args)
    sys.stderr.write(f"strixdesk --worker: no such worker: {' '.join(argv)}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
