"""The open microphone: whatever the device gives, out come frames of 32 ms at 16 kHz, mono."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import soxr

from strixdesk.core.audio import SPEECH_RATE_HZ, AudioFrame, Samples
from strixdesk.voice.device_lookup import DeviceKind
from strixdesk.voice.portaudio import Callback, OpenStream, PortAudio, Shape, StreamEnd
from strixdesk.voice.ring import SampleRing
from strixdesk.voice.vad import FRAME_SAMPLES

RING_S = 4.0
"""The voice thread may be held up that long before sound is lost."""
MOST_CHANNELS = 8
INPUT_LATENCY_S = 0.03


def input_shapes(info: dict[str, Any]) -> list[Shape]:
    """16 kHz mono where the device (or its driver) can; else the rate it likes, mixed down."""
    most = max(1, min(MOST_CHANNELS, int(info["max_input_channels"])))
    counts = dict.fromkeys((1, min(2, most), most))
    own = round(info["default_samplerate"])
    return [
        Shape(rate, channels, round(rate * FRAME_SAMPLES / SPEECH_RATE_HZ))
        for rate in dict.fromkeys((SPEECH_RATE_HZ, own))
        for channels in counts
    ]


class Microphone:
    """Opened by its constructor, read by one thread. Raises AudioInputError.

    `on_sound` is called after each block on PortAudio's thread, and once more when the stream
    ends by itself: it may only wake somebody.
    """

    def __init__(
        self,
        portaudio: PortAudio,
        device: str | None,
        on_sound: Callable[[], None],
        *,
        start_sample: int = 0,
    ) -> None:
        self._portaudio = portaudio
        self._on_sound = on_sound
        self._ring = SampleRing(0)
        self._stream = portaudio.open(
            DeviceKind.INPUT,
            device,
            input_shapes,
            self._callback,
            latency_s=INPUT_LATENCY_S,
            on_end=on_sound,
        )
        shape = self._stream.shape
        self._channels = shape.channels
        self._resampler = (
            soxr.ResampleStream(shape.rate_hz, SPEECH_RATE_HZ, 1, dtype="float32")
            if shape.rate_hz != SPEECH_RATE_HZ
            else None
        )
        self._rest: Samples = np.empty(0, dtype=np.float32)
        self._position = start_sample
        self.device_overflows = 0
        """Blocks that the device itself lost."""

    @property
    def device(self) -> str:
        return self._stream.device

    @property
    def latency_s(self) -> float:
        """How old a sample is when it can be read, at the least."""
        return self._stream.latency_s

    @property
    def rate_hz(self) -> int:
        """The device's rate; frames come at 16 kHz whatever it is."""
        return self._stream.shape.rate_hz

    @property
    def end(self) -> StreamEnd | None:
        """Set when it stopped by itself; what was heard before can still be read."""
        return self._stream.end

    @property
    def lost_samples(self) -> int:
        """Dropped because the voice thread came too late."""
        return self._ring.overflowed // self._channels

    def frames(self) -> Iterator[AudioFrame]:
        """Every whole frame that is there by now."""
        ready = self._ring.available - self._ring.available % self._channels
        if ready:
            samples = self._ring.read(ready)
            if self._channels > 1:
                samples = samples.reshape(-1, self._channels).mean(axis=1, dtype=np.float32)
            if self._resampler:
                samples = self._resampler.resample_chunk(samples)
            self._rest = np.concatenate((self._rest, samples))
        while len(self._rest) >= FRAME_SAMPLES:
            frame, self._rest = self._rest[:FRAME_SAMPLES], self._rest[FRAME_SAMPLES:]
            yield AudioFrame(frame, SPEECH_RATE_HZ, self._position)
            self._position += FRAME_SAMPLES

    def close(self) -> None:
        self._portaudio.close(self._stream)

    def _callback(self, stream: OpenStream) -> Callback:
        shape = stream.shape
        ring = self._ring = SampleRing(round(RING_S * shape.rate_hz) * shape.channels)

        def take(indata: Any, frames: int, _times: Any, status: Any) -> None:
            if status.input_overflow:
                self.device_overflows += 1
            ring.write(np.frombuffer(indata, dtype=np.float32))
            self._on_sound()

        return take
