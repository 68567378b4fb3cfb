"""`strixdesk ask`: one turn of the same session that the window runs."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

from strixdesk.cli.context import CommandContext
from strixdesk.composition import build_services
from strixdesk.core.conversation import MessageStatus
from strixdesk.core.errors import StrixError
from strixdesk.core.events import Event, Failed, Noticed, TextDelta, TurnChanged
from strixdesk.core.turn import TurnState
from strixdesk.session.session import Session
from strixdesk.session.turn_runner import TurnRunner
from strixdesk.session.unavailable import NoMicrophone
from strixdesk.voice.recording_file import read_recording
from strixdesk.voice.wav_sink import WavSink


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "ask", help="ask one question, typed or recorded, and print the answer"
    )
    parser.add_argument("text", nargs="?", help="the question; - reads it from standard input")
    parser.add_argument("--audio", type=Path, metavar="WAV", help="a recording that asks it")
    parser.add_argument(
        "--image",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a picture to ask about",
    )
    parser.add_argument("--tier", metavar="NAME", help="ask exactly this tier")
    parser.add_argument("--speak", type=Path, metavar="WAV", help="write the spoken answer here")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, context: CommandContext) -> int:
    text = sys.stdin.read() if arguments.text == "-" else arguments.text
    if arguments.audio is None and not (text and text.strip()):
        raise StrixError("There is nothing to ask.", "Give a text, or a recording with --audio.")
    if arguments.audio is not None and text:
        raise StrixError("Both a text and a recording were given.", "Give one of them.")
    return asyncio.run(_ask(arguments, text, context))


async def _ask(arguments: argparse.Namespace, text: str | None, context: CommandContext) -> int:
    sink = WavSink(arguments.speak) if arguments.speak else None
    if sink:
        await sink.open()  # before anything is asked for it
    recording = (
        await asyncio.to_thread(read_recording, arguments.audio) if arguments.audio else None
    )
    warning = recording.warning if recording else None
    if warning:
        print(f"strixdesk: {warning}", file=sys.stderr)
    services = await build_services(
        context.loaded.settings,
        context.paths,
        sink=sink,
        listener=NoMicrophone(),
    )
    session = Session(services, speech_on=arguments.speak is not None)
    show = _Printer(quiet=arguments.json)
    session.subscribe(show.take)
    try:
        images = [await session.attach(path, path.name) for path in arguments.image]
        await services.tiers.refresh()
        if recording is not None:
            runner = session.begin_recorded(recording.utterance, images, arguments.tier)
        else:
            runner = session.begin_typed(text or "", images, arguments.tier)
        await session.finished(runner)
        await services.sink.close()  # a sound file that cannot be written is an error, told below
    finally:
        await session.close()
    show.end()
    answer = runner.answer
    complete = answer is not None and answer.status is MessageStatus.COMPLETE
    if arguments.json:
        print(json.dumps(_report(runner, warning), ensure_ascii=False))
    elif not complete:
        detail = (answer.detail if answer else None) or _why(runner)
        print(f"strixdesk: {detail}", file=sys.stderr)
    return 0 if complete else 1


def _why(runner: TurnRunner) -> str:
    if runner.error:
        return runner.error.sentence()
    return "No words were recognised in this recording." if runner.transcript == "" else "Stopped."


def _report(runner: TurnRunner, warning: str | None) -> dict[str, Any]:
    answer, route, timings = runner.answer, runner.turn.route, runner.turn.timings
    status = answer.status.value if answer else "failed"
    report: dict[str, Any] = {
        "text": answer.text if answer else "",
        "transcript": runner.transcript,
        "warning": warning,
        "tier": (answer.tier if answer else None) or (route.tier.name if route else None),
        "model": runner.model,
        "reason": answer.reason if answer else None,
        "status": status,
        "timings_ms": {
            name.removesuffix("_ms"): None if value is None else round(value, 1)
            for name, value in dataclasses.asdict(timings).items()
        },
        "usage": dataclasses.asdict(runner.usage) if runner.usage else None,
    }
    if status != "complete":
        report["error"] = (answer.detail if answer else None) or _why(runner)
    return report


class _Printer:
    """The answer goes to stdout as it comes, everything else to stderr."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._wrote = False
        self._state: TurnState | None = None

    def take(self, event: Event) -> None:
        match event:
            case TextDelta(text=text) if not self._quiet:
                sys.stdout.write(text)
                sys.stdout.flush()
                self._wrote = True
            case TurnChanged(turn=turn) if turn.state is not self._state and turn.state.live:
                self._state = turn.state
                if sys.stderr.isatty() and not self._wrote:
                    print(f"{turn.state.value} …", file=sys.stderr)
            case Failed(message=message, advice=advice):
                print(f"strixdesk: {message} {advice}".rstrip(), file=sys.stderr)
            case Noticed(message=message):
                print(message, file=sys.stderr)
            case _:
                pass

    def end(self) -> None:
        if self._wrote:
            print()
