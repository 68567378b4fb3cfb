"""`strixdesk transcribe` and `strixdesk say`: one half of a turn each."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from contextlib import aclosing
from pathlib import Path
from typing import Any

from strixdesk.cli.context import CommandContext
from strixdesk.composition import build_recogniser, build_voice
from strixdesk.core.errors import StrixError
from strixdesk.core.sentences import SentenceSplitter
from strixdesk.core.speakable import speakable
from strixdesk.voice.recording_file import read_recording
from strixdesk.voice.wav_sink import WavSink

NO_SPEECH = "No speech was heard."


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    transcribe = subparsers.add_parser("transcribe", help="print the words of a recording")
    transcribe.add_argument("recording", type=Path, metavar="WAV")
    transcribe.add_argument("--json", action="store_true", help="print one JSON object")
    transcribe.set_defaults(
        run=lambda arguments, context: asyncio.run(_transcribe(arguments, context))
    )
    say = subparsers.add_parser("say", help="read a text out into a WAV file")
    say.add_argument("text")
    say.add_argument("--out", type=Path, metavar="WAV", required=True)
    say.set_defaults(run=lambda arguments, context: asyncio.run(_say(arguments, context)))


async def _transcribe(arguments: argparse.Namespace, context: CommandContext) -> int:
    recording = await asyncio.to_thread(read_recording, arguments.recording)
    if recording.warning:
        print(f"strixdesk: {recording.warning}", file=sys.stderr)
    recogniser = build_recogniser(context.loaded.settings, context.paths)
    try:
        transcript = await recogniser.transcribe(recording.utterance)
    finally:
        await recogniser.close()
    heard = bool(transcript.text.strip())
    if arguments.json:
        report: dict[str, Any] = {
            "text": transcript.text,
            "duration_s": round(recording.utterance.duration_s, 3),
            "decode_ms": round(transcript.decode_ms, 1),
            "warning": recording.warning,
        }
        if not heard:
            report["error"] = NO_SPEECH
        print(json.dumps(report, ensure_ascii=False))
    elif heard:
        print(transcript.text)
    if not heard:
        print(f"strixdesk: {NO_SPEECH}", file=sys.stderr)
    return 0 if heard else 1


async def _say(arguments: argparse.Namespace, context: CommandContext) -> int:
    splitter = SentenceSplitter()
    language = context.loaded.settings.recogniser.language
    chunks = [*splitter.feed(arguments.text), *splitter.flush()]
    spoken = [text for chunk in chunks if (text := speakable(chunk.raw, language))]
    if not spoken:
        raise StrixError("There is nothing in this text that can be read out.")
    sink = WavSink(arguments.out)
    await sink.open()
    voice = build_voice(context.loaded.settings, context.paths)
    try:
        for text in spoken:
            async with aclosing(voice.speak(text, "say")) as frames:
                async for frame in frames:
                    await sink.write(frame)
        await sink.close()
    finally:
        await voice.close()
    return 0
