"""Outside worlds that do exactly what a test says: for faults and for time."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from strixdesk.core.audio import AudioFrame, Samples, Utterance
from strixdesk.core.chat import ChatDelta, ChatEnd, ChatMessage
from strixdesk.core.errors import StrixError, TierResting
from strixdesk.core.events import Event, MicrophoneState
from strixdesk.core.hearing import (
    ListenerEvent,
    MicrophoneMoved,
    SpeechEnded,
    SpeechFrame,
    SpeechStarted,
    Transcript,
)
from strixdesk.core.tier import Tier, TierState, TierStatus

_E = TypeVar("_E")
Script = Sequence[ChatDelta | ChatEnd | Exception | asyncio.Event]


def tone(seconds: float, rate_hz: int = 16_000) -> Samples:
    """A 440 Hz tone at -20 dB."""
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    return (0.1 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)


class ScriptedChat:
    """Plays one script per request; an asyncio.Event in it is waited for."""

    def __init__(self, *scripts: Script) -> None:
        self.scripts = list(scripts)
        self.requests: list[tuple[Tier, list[ChatMessage]]] = []
        self.closed_early = 0
        self.busy_tiers: set[str] = set()
        self.resting: dict[str, TierResting] = {}
        """Tiers that are left alone, with what is said of them."""

    @contextlib.contextmanager
    def admission(self, tier: Tier, *, insists: bool = False) -> Iterator[None]:
        if not insists and tier.name in self.resting:
            raise self.resting[tier.name]
        yield

    def busy(self, tier: Tier) -> bool:
        return tier.name in self.busy_tiers

    async def stream(
        self,
        tier: Tier,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int | None = None,
        fresh: bool = True,
    ) -> AsyncGenerator[ChatDelta | ChatEnd, None]:
        self.requests.append((tier, list(messages)))
        script = self.scripts.pop(0)
        try:
            for item in script:
                if isinstance(item, asyncio.Event):
                    await item.wait()
                elif isinstance(item, Exception):
                    raise item
                else:
                    await asyncio.sleep(0)
                    yield item
        except (GeneratorExit, asyncio.CancelledError):
            self.closed_early += 1
            raise

    async def close(self) -> None:
        """Nothing is open."""


class FakeTiers:
    def __init__(self, *tiers: Tier) -> None:
        self._tiers = tiers or (Tier("utility", "http://127.0.0.1:1/v1"),)
        self.status = {
            t.name: TierStatus(TierState.READY, 0.0, capabilities=t.capabilities or frozenset())
            for t in self._tiers
        }
        self.doubted: list[str] = []
        self.around: list[Tier] = []
        """Servers that `discover` finds."""
        self.on_change: Callable[[Tier, TierStatus], None] | None = None
        self.on_list: Callable[[], None] | None = None
        self.watched = True
        self.asleep = False

    def all(self) -> tuple[Tier, ...]:
        return self._tiers

    def statuses(self) -> dict[str, TierStatus]:
        return self.status

    def subscribe(self, on_change: Callable[[Tier, TierStatus], None]) -> None:
        self.on_change = on_change

    def subscribe_list(self, on_change: Callable[[], None]) -> None:
        self.on_list = on_change

    def set_watched(self, watched: bool) -> None:
        self.watched = watched

    def set_asleep(self, asleep: bool) -> None:
        self.asleep = asleep

    async def start(self, *, starter: bool = False) -> None:
        """They never change by themselves."""

    def add(self, tier: Tier) -> None:
        self._tiers = (*self._tiers, tier)
        self.status[tier.name] = TierStatus(TierState.UNKNOWN, 0.0)

    def remove_box(self, box: str) -> None:
        self._tiers = tuple(t for t in self._tiers if not t.control or t.control.box != box)

    def return_box(self, box: str) -> None:
        """Those that were removed are adopted again one by one."""

    async def ensure_ready(self, tier: Tier) -> TierStatus:
        return self.status[tier.name]

    async def discover(self) -> list[Tier]:
        return [tier for tier in self.around if tier not in self._tiers]

    def decorate(self, labels: Mapping[str, str], favourites: frozenset[str]) -> None:
        pass

    def doubt(self, tier: Tier) -> None:
        self.doubted.append(tier.name)

    async def refresh(self) -> None:
        """They never change by themselves."""

    async def close(self) -> None:
        """Nothing is open."""


@dataclass
class FakeRecognition:
    result: str | StrixError
    hold: asyncio.Event | None = None
    samples: int = 0
    cancelled: bool = False

    def feed(self, samples: Samples) -> None:
        self.samples += len(samples)

    def pause(self) -> None:
        """Nothing to decode."""

    async def finish(self) -> Transcript:
        if self.hold:
            await self.hold.wait()
        if isinstance(self.result, StrixError):
            raise self.result
        return Transcript(self.result, 1.0)

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class FakeRecogniser:
    """`results` for live recognitions, `second` for whole recordings."""

    results: list[str | StrixError] = field(default_factory=lambda: ["hello there"])
    second: str | StrixError = "hello again"
    hold: asyncio.Event | None = None
    begun: list[FakeRecognition] = field(default_factory=list)
    transcribed: list[Utterance] = field(default_factory=list)

    async def ensure_ready(self) -> None:
        """Always ready."""

    def begin(
        self, utterance_id: str, on_partial: Callable[[str], None] | None = None
    ) -> FakeRecognition:
        recognition = FakeRecognition(self.results.pop(0), self.hold)
        self.begun.append(recognition)
        return recognition

    async def transcribe(self, utterance: Utterance) -> Transcript:
        self.transcribed.append(utterance)
        if isinstance(self.second, StrixError):
            raise self.second
        return Transcript(self.second, 1.0)

    async def close(self) -> None:
        """Nothing runs."""


class FakeVoice:
    """Says each chunk as one tenth of a second of tone, or raises what it was given."""

    def __init__(self, *errors: StrixError) -> None:
        self.errors = list(errors)
        self.said: list[str] = []

    async def ensure_ready(self) -> None:
        """Always ready."""

    async def speak(self, text: str, turn_id: str) -> AsyncGenerator[AudioFrame, None]:
        if self.errors:
            raise self.errors.pop(0)
        self.said.append(text)
        yield AudioFrame(tone(0.1), 16_000, turn_id=turn_id)

    async def close(self) -> None:
        """Nothing runs."""


class FakeSink:
    """Plays at once, unless `stuck`: then nothing is ever heard."""

    def __init__(self, *, stuck: bool = False, error: StrixError | None = None) -> None:
        self.stuck = stuck
        self.error = error
        self.flushed = 0
        self.written: list[AudioFrame] = []

    async def open(self) -> None:
        if self.error:
            raise self.error

    async def write(self, frame: AudioFrame) -> None:
        self.written.append(frame)

    def flush(self) -> None:
        self.flushed += 1

    async def drain(self) -> None:
        if self.stuck:
            await asyncio.Event().wait()

    def played_s(self, turn_id: str) -> float:
        if self.stuck:
            return 0.0
        return sum(frame.duration_s for frame in self.written if frame.turn_id == turn_id)

    async def close(self) -> None:
        """Nothing is open."""


class FakeListener:
    """A microphone that hears what the test says."""

    def __init__(self, error: StrixError | None = None) -> None:
        self.error = error
        self.opening: asyncio.Event | None = None
        """What a slow device waits for before it is open."""
        self._pressed = ""
        self.paused: list[bool] = []
        self.unpaused = asyncio.Event()
        self.listening = False
        self.discarded = 0
        self._on_event: Callable[[ListenerEvent], None] = lambda event: None
        self._utterances = 0

    def subscribe(self, on_event: Callable[[ListenerEvent], None]) -> None:
        self._on_event = on_event

    def hear(self, event: ListenerEvent) -> None:
        self._on_event(event)

    def begin(self, *, hands_free: bool = False, seconds: float = 1.0) -> str:
        self._utterances += 1
        utterance_id = f"u{self._utterances}"
        self.hear(SpeechStarted(utterance_id, hands_free))
        self.hear(SpeechFrame(utterance_id, AudioFrame(tone(seconds), 16_000)))
        return utterance_id

    def end(self, utterance_id: str, *, heard_speech: bool = True) -> None:
        self.hear(SpeechEnded(utterance_id, heard_speech))

    async def press(self) -> None:
        if self.opening:
            await self.opening.wait()
        if self.error:
            raise self.error
        self._pressed = self.begin()

    def release(self) -> None:
        if self._pressed:
            self.end(self._pressed)

    def discard(self) -> None:
        self.discarded += 1

    async def listen(self, on: bool) -> None:
        if self.error and on:
            raise self.error
        self.listening = on
        state = MicrophoneState.LISTENING if on else MicrophoneState.CLOSED
        self.hear(MicrophoneMoved(state))

    def pause(self, paused: bool) -> None:
        self.paused.append(paused)
        if not paused:
            self.unpaused.set()

    async def close(self) -> None:
        """Nothing is open."""


class Heard:
    """Collects events and waits for one, with a deadline; also for what comes without any."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._changed = asyncio.Event()

    def take(self, event: Event) -> None:
        self.events.append(event)
        self._changed.set()

    async def until(self, condition: Callable[[], bool], within_s: float = 30.0) -> None:
        deadline = time.monotonic() + within_s
        while not condition():
            self._changed.clear()
            assert time.monotonic() < deadline, f"did not come true within {within_s} s"
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    await self._changed.wait()

    def of(self, kind: type[_E]) -> list[_E]:
        return [event for event in self.events if isinstance(event, kind)]
