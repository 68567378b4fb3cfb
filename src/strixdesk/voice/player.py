"""The speaker: sound is queued ahead, and what was really heard is known by the sample."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
import soxr

from strixdesk.core.audio import AudioFrame, Samples
from strixdesk.core.errors import AudioOutputError
from strixdesk.voice.device_lookup import DeviceKind
from strixdesk.voice.portaudio import (
    PORT_AUDIO,
    Callback,
    OpenStream,
    PortAudio,
    Shape,
    StreamEnd,
)
from strixdesk.voice.ring import SampleRing

log = logging.getLogger(__name__)

QUEUE_S = 1.5
"""How much sound waits ahead of the speaker: the event loop may be late by nearly that."""
OUTPUT_LATENCY_S = 0.06
"""Asked of the device; less underflows on PulseAudio."""
FADE_S = 0.005
"""A flush fades out this fast, so that it does not click."""
STALLED_S = 3.0
"""A speaker that takes nothing for so long is taken for lost."""
_PIECE_S = 0.1
_TURNS_KEPT = 32


def output_shapes(info: dict[str, Any]) -> list[Shape]:
    """The rate the device likes, in stereo where it can: mono would be left only on some."""
    most = max(1, int(info["max_output_channels"]))
    own = round(info["default_samplerate"])
    return [
        Shape(rate, channels, 0)
        for rate in dict.fromkeys((own, 48_000, 44_100))
        for channels in dict.fromkeys((min(2, most), 1, most))
    ]


@dataclass(slots=True)
class _Span:
    """Where a turn's sound stands in the ring, as positions."""

    turn_id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Callback:
    """What is known of the latest one."""

    start: int
    """Samples given to the device before it."""
    at_s: float
    """Monotonic seconds."""
    delay_s: float
    """Until its first sample is heard, by the device's own account."""


class SpeakerPlayer:
    """Implements `session.ports.AudioSink`.

    The stream is opened once and kept, playing silence between turns: starting and stopping it
    is what deadlocks on macOS (portaudio#1174).
    """

    def __init__(self, device: str | None = None, *, portaudio: PortAudio = PORT_AUDIO) -> None:
        self._device = device
        self._portaudio = portaudio
        self._stream: OpenStream | None = None
        self._opening = asyncio.Lock()
        self._ring = SampleRing(1)
        self._rate_hz = 1
        self._spans: deque[_Span] = deque(maxlen=_TURNS_KEPT)
        self._resampler: tuple[str, int, soxr.ResampleStream] | None = None
        """Of the turn that is being written, from its voice's rate."""
        self._generation = 0
        """Grows with each flush: what was on its way before is stale."""
        self._flush_to = 0
        self._skips: deque[tuple[int, int]] = deque(maxlen=_TURNS_KEPT)
        """Ring positions from and to, which a flush jumped over."""
        self._clock: deque[tuple[int, int]] = deque([(0, 0)], maxlen=256)
        """After each callback: samples given to the device so far, and the ring position."""
        self._last = _Callback(0, 0.0, 0.0)
        self._end_at = 0
        """Ring position at which nothing more is expected."""
        self.underflows = 0
        """Callbacks that came for more in the middle of a turn than there was, or came late."""

    async def open(self) -> None:
        async with self._opening:
            if self._stream and self._stream.end is None:
                return
            await self._close_stream()
            self._last = _Callback(self._last.start, time.monotonic(), 0.0)
            self._stream = await asyncio.to_thread(self._open_stream)
            self._last = _Callback(self._last.start, time.monotonic(), self._last.delay_s)

    async def write(self, frame: AudioFrame) -> None:
        generation = self._generation
        piece = max(1, round(frame.rate_hz * _PIECE_S))
        for at in range(0, len(frame.samples), piece):
            await self._usable()
            if generation != self._generation:
                return
            samples = self._resampled(frame, frame.samples[at : at + piece])
            if not await self._room(len(samples), generation):
                return
            self._queue(frame.turn_id, samples)

    def flush(self) -> None:
        self._generation += 1
        self._resampler = None
        self._flush_to = self._ring.written

    async def drain(self) -> None:
        self._finish_resampling()
        target, generation = self._ring.written, self._generation
        self._end_at = target
        while self._stream and self._stream.end is None and generation == self._generation:
            left = target - self._heard()
            if left <= 0 or self._stalled():
                return
            await asyncio.sleep(min(0.25, left / self._rate_hz + 0.002))

    def played_s(self, turn_id: str) -> float:
        heard = self._heard()
        skips = tuple(self._skips)
        samples = 0
        for span in tuple(self._spans):
            if span.turn_id == turn_id:
                end = min(span.end, heard)
                samples += max(0, end - span.start)
                samples -= sum(max(0, min(end, b) - max(span.start, a)) for a, b in skips)
        return samples / self._rate_hz

    async def close(self) -> None:
        async with self._opening:
            await self._close_stream()

    # -- the stream ----------------------------------------------------------------------------

    def _open_stream(self) -> OpenStream:
        return self._portaudio.open(
            DeviceKind.OUTPUT,
            self._device,
            output_shapes,
            self._callback,
            latency_s=OUTPUT_LATENCY_S,
            on_end=lambda: None,
        )

    async def _close_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream:
            await asyncio.to_thread(self._portaudio.close, stream)

    async def _usable(self) -> None:
        """Raises AudioOutputError when the speaker is not there any more."""
        stream = self._stream
        if stream is None or stream.end is StreamEnd.RETIRED:
            await self.open()
        elif stream.end is StreamEnd.LOST or self._stalled():
            self.flush()
            stream.ended(StreamEnd.LOST)
            raise AudioOutputError(
                f'The speaker "{stream.device}" went away.',
                "Connect it again or choose another in the settings; the answer stays on the "
                "screen.",
            )

    def _stalled(self) -> bool:
        return time.monotonic() - self._last.at_s > STALLED_S

    # -- the queue -----------------------------------------------------------------------------

    def _resampled(self, frame: AudioFrame, samples: Samples) -> Samples:
        if self._resampler and self._resampler[:2] != (frame.turn_id, frame.rate_hz):
            self._finish_resampling()
        if frame.rate_hz == self._rate_hz:
            return samples
        if self._resampler is None:
            stream = soxr.ResampleStream(frame.rate_hz, self._rate_hz, 1, dtype="float32")
            self._resampler = (frame.turn_id, frame.rate_hz, stream)
        out: Samples = self._resampler[2].resample_chunk(np.ascontiguousarray(samples))
        return out

    def _finish_resampling(self) -> None:
        """The resampler holds back the last milliseconds until it is told that they are."""
        if self._resampler:
            turn_id, _, stream = self._resampler
            self._resampler = None
            rest = stream.resample_chunk(np.empty(0, dtype=np.float32), last=True)
            self._queue(turn_id, rest)

    async def _room(self, n: int, generation: int) -> bool:
        """Wait for room for n samples; False when they were flushed meanwhile."""
        while (missing := self._ring.available + n - round(QUEUE_S * self._rate_hz)) > 0:
            await asyncio.sleep(min(0.25, missing / self._rate_hz + 0.005))
            await self._usable()
            if generation != self._generation:
                return False
        return True

    def _queue(self, turn_id: str, samples: Samples) -> None:
        start = self._ring.written
        end = start + len(samples)
        last = self._spans[-1] if self._spans else None
        if last and last.turn_id == turn_id and last.end == start:
            last.end = end
        else:
            self._spans.append(_Span(turn_id, start, end))
        self._ring.write(samples)

    # -- what was heard ------------------------------------------------------------------------

    def _heard(self) -> int:
        """The ring position that reaches the ear now."""
        last = self._last
        since = min(0.25, time.monotonic() - last.at_s)
        now = last.start + (since - last.delay_s) * self._rate_hz
        heard = 0
        previous = self._clock[0]
        for frames, position in tuple(self._clock):
            if frames > now:
                into = max(0.0, now - previous[0])
                return min(position, previous[1] + round(into)) if into else previous[1]
            heard = position
            previous = (frames, position)
        return heard

    def _callback(self, stream: OpenStream) -> Callback:
        """Made before each attempt to open the device in some shape."""
        rate_hz, channels = stream.shape.rate_hz, stream.shape.channels
        if rate_hz != self._rate_hz:
            self._rate_hz = rate_hz
            # Beside the queue there is room for what a resampler gives at its end.
            self._ring = SampleRing(round((QUEUE_S + 0.25) * rate_hz))
            self._spans.clear()
            self._skips.clear()
            self._clock.clear()
            self._clock.append((self._last.start, 0))
            self._flush_to = self._end_at = 0
        ring = self._ring
        fade = np.linspace(1.0, 0.0, max(1, round(FADE_S * rate_hz)), dtype=np.float32)

        def give(outdata: Any, frames: int, times: Any, status: Any) -> None:
            out = np.frombuffer(outdata, dtype=np.float32).reshape(frames, channels)
            mono = np.zeros(frames, dtype=np.float32)
            flush_to = self._flush_to
            if flush_to > ring.taken:
                n = ring.read_into(mono[: len(fade)])
                mono[:n] *= fade[len(fade) - n :] if n < len(fade) else fade
                self._skips.append((ring.taken, flush_to))
                ring.skip_to(flush_to)
            else:
                n = ring.read_into(mono)
                starved = 0 < n < frames and ring.taken != self._end_at
                if starved or status.output_underflow:
                    self.underflows += 1
            out[:] = mono[:, np.newaxis]
            given = self._clock[-1][0] + frames
            delay = times.outputBufferDacTime - times.currentTime
            self._last = _Callback(
                given - frames,
                time.monotonic(),
                delay if 0 < delay < 2 else stream.latency_s,
            )
            self._clock.append((given, ring.taken))

        return give
