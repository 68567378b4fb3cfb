"""A spoken turn, end to end, against the plain serial pipeline on the same engines.

Serial: record to the end, transcribe with faster-whisper as it comes, wait for the whole answer,
synthesise the whole answer, then play. Ours: the program's own session, fed in real time as the
microphone would. Rounds alternate, everything is warm, and the engines run on the same threads.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
from faster_whisper import WhisperModel
from piper import PiperVoice

from benchmarks.report import Row, median
from strixdesk.composition import build_services
from strixdesk.core.audio import AudioFrame, Samples
from strixdesk.core.events import Event, TextDelta, TurnChanged
from strixdesk.core.hearing import ListenerEvent, SpeechEnded, SpeechFrame, SpeechStarted
from strixdesk.core.tier import Tier
from strixdesk.paths import Paths
from strixdesk.session.session import Session
from strixdesk.session.unavailable import NoMicrophone
from strixdesk.settings import RecogniserSettings, Settings, StarterSettings
from strixdesk.voice.installed import find_recogniser, find_voice
from strixdesk.voice.recording_file import read_recording
from strixdesk.voice.wav_sink import WavSink

FRAME = 512
QUESTION = Path(__file__).parent / "data" / "question.wav"


@dataclass(frozen=True, slots=True)
class Marks:
    """Milliseconds after the end of speech."""

    transcript: float
    first_token: float
    first_audio: float
    words: list[str]


class RealTimeKey(NoMicrophone):
    """A held key: a recording arrives at the pace of speech, then the key goes up."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples
        self._hear: Callable[[ListenerEvent], None] = lambda event: None
        self.released_at = 0.0

    def subscribe(self, on_event: Callable[[ListenerEvent], None]) -> None:
        self._hear = on_event

    async def hold(self, utterance_id: str) -> None:
        self._hear(SpeechStarted(utterance_id, hands_free=False))
        begun = time.monotonic()
        for start in range(0, len(self._samples), FRAME):
            piece = self._samples[start : start + FRAME]
            due = begun + (start + len(piece)) / 16_000
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self._hear(SpeechFrame(utterance_id, AudioFrame(piece, 16_000, start)))
        self.released_at = time.monotonic()
        self._hear(SpeechEnded(utterance_id, heard_speech=True))


class Ours:
    def __init__(self, session: Session, key: RealTimeKey) -> None:
        self._session = session
        self._key = key
        self._at: dict[str, float] = {}
        self._turn_over = asyncio.Event()
        session.subscribe(self._take)

    def _take(self, event: Event) -> None:
        match event:
            case TextDelta():
                self._at.setdefault("first_token", time.monotonic())
            case TurnChanged(turn=turn):
                if turn.timings.first_audio_ms is not None:
                    self._at.setdefault("first_audio", time.monotonic())
                if turn.route is not None:
                    self._at.setdefault("routed", time.monotonic())
                if not turn.state.live:
                    self._turn_over.set()
            case _:
                pass

    async def turn(self, number: int) -> Marks:
        self._at.clear()
        self._turn_over.clear()
        conversation = self._session.new_conversation()
        await self._key.hold(f"benchmark-{number}")
        await self._turn_over.wait()
        (said, _answer) = (await self._session.open_conversation(conversation)).messages
        released = self._key.released_at
        return Marks(
            (self._at["routed"] - released) * 1000,
            (self._at["first_token"] - released) * 1000,
            (self._at["first_audio"] - released) * 1000,
            words(said.text),
        )


class Serial:
    """What a first version of such a program does."""

    def __init__(self, whisper: WhisperModel, voice: PiperVoice, tier: Tier, system: str) -> None:
        self._whisper = whisper
        self._voice = voice
        self._tier = tier
        self._system = system

    async def turn(self, samples: Samples) -> Marks:
        begun = time.monotonic()
        segments, _info = self._whisper.transcribe(samples, language="en")
        text = "".join(segment.text for segment in segments).strip()
        transcribed = time.monotonic()
        async with httpx.AsyncClient(timeout=120) as http:
            answer = await http.post(
                f"{self._tier.base_url}/chat/completions",
                headers={"Authorization": f"Bearer {self._tier.api_key}"},
                json={
                    "messages": [
                        {"role": "system", "content": self._system},
                        {"role": "user", "content": text},
                    ],
                    "max_tokens": 512,
                    "temperature": 0,
                },
            )
        answered = time.monotonic()
        spoken = answer.json()["choices"][0]["message"]["content"]
        b"".join(chunk.audio_int16_bytes for chunk in self._voice.synthesize(spoken))
        ready = time.monotonic()
        return Marks(
            (transcribed - begun) * 1000,
            (answered - begun) * 1000,
            (ready - begun) * 1000,
            words(text),
        )


def words(text: str) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in text.lower()).split()


async def _measure(rounds: int) -> list[Row]:
    samples = read_recording(QUESTION).utterance.samples
    with tempfile.TemporaryDirectory() as folder:
        paths = Paths.standard(data_dir=Path(folder))
        settings = Settings(
            starter=StarterSettings(enabled="always", threads=1),
            recogniser=RecogniserSettings(threads=1),
        )
        settings = settings.model_copy(
            update={"chat": settings.chat.model_copy(update={"temperature": 0.0})}
        )
        key = RealTimeKey(samples)
        services = await build_services(
            settings, paths, sink=WavSink(Path(folder) / "spoken.wav"), listener=key
        )
        session = Session(services, speech_on=True)
        await session.start()
        (tier,) = services.tiers.all()
        await services.tiers.ensure_ready(tier)
        await services.recogniser.ensure_ready()
        await services.voice.ensure_ready()
        whisper = WhisperModel(
            str(find_recogniser("auto", paths.models_dir)), compute_type="int8", cpu_threads=1
        )
        voice = PiperVoice.load(find_voice("auto", paths.models_dir))
        serial = Serial(whisper, voice, tier, settings.chat.system_prompt)
        ours = Ours(session, key)
        mine: list[Marks] = []
        theirs: list[Marks] = []
        try:
            for number in range(rounds + 1):
                mark, peer = await ours.turn(number), await serial.turn(samples)
                if number:  # the first round only warms up
                    mine.append(mark)
                    theirs.append(peer)
        finally:
            await session.close()
    differing = float(np.mean([a.words != b.words for a, b in zip(mine, theirs, strict=True)]))
    return [
        _row("end of speech → final text", mine, theirs, lambda m: m.transcript, 0.4),
        _row("end of speech → first token", mine, theirs, lambda m: m.first_token, None),
        _row("end of speech → first audio", mine, theirs, lambda m: m.first_audio, 0.5),
        Row("rounds whose words differ from batch", differing, None, "", 0.0),
    ]


def _row(
    name: str,
    mine: list[Marks],
    theirs: list[Marks],
    pick: Callable[[Marks], float],
    target: float | None,
) -> Row:
    return Row(name, median(map(pick, mine)), median(map(pick, theirs)), "ms", target)


def measure(rounds: int = 7) -> list[Row]:
    return asyncio.run(_measure(rounds))
