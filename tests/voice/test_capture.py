"""What a microphone's blocks become, whatever the device gives."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
import soxr

from strixdesk.core.audio import AudioFrame, Samples
from strixdesk.voice.capture import Microphone, input_shapes
from strixdesk.voice.portaudio import OpenStream, PortAudio, Shape
from tests.support.likeness import likeness


class Status:
    input_overflow = False


class OneDevice:
    """A PortAudio whose microphone takes one shape, and gives what the test says."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._give: Any = None

    def open(self, _kind: Any, _device: Any, shapes: Any, callback: Any, **_: Any) -> OpenStream:
        info = {"max_input_channels": self._shape.channels, "default_samplerate": 48_000.0}
        assert self._shape in shapes(info)
        stream = OpenStream("desk microphone", self._shape)
        self._give = callback(stream)
        return stream

    def close(self, _stream: OpenStream) -> None:
        """Nothing is open."""

    def give(self, samples: np.ndarray[Any, np.dtype[np.float32]], status: Any = Status) -> None:
        self._give(samples.tobytes(), len(samples), None, status)


def microphone(device: OneDevice) -> Microphone:
    return Microphone(cast(PortAudio, device), None, lambda: None)


def joined(frames: list[AudioFrame]) -> Samples:
    assert all(len(frame.samples) == 512 and frame.rate_hz == 16_000 for frame in frames)
    assert [f.start_sample for f in frames] == [512 * i for i in range(len(frames))]
    return np.concatenate([frame.samples for frame in frames])


def murmur(n: int) -> Samples:
    return np.random.default_rng(1).normal(0, 0.1, n).astype(np.float32)


def test_blocks_of_any_length_become_frames_of_512() -> None:
    device = OneDevice(Shape(16_000, 1, 512))
    ears = microphone(device)
    said = murmur(5_000)
    frames: list[AudioFrame] = []
    for at in range(0, 5_000, 333):
        device.give(said[at : at + 333])
        frames += ears.frames()
    assert np.array_equal(joined(frames), said[: 5_000 // 512 * 512])


def test_a_stereo_device_at_48_khz_is_mixed_and_resampled_without_seams() -> None:
    device = OneDevice(Shape(48_000, 2, 1536))
    ears = microphone(device)
    said = murmur(16_000)
    loud: Samples = soxr.resample(said, 16_000, 48_000)
    frames: list[AudioFrame] = []
    for at in range(0, len(loud), 1536):
        left = loud[at : at + 1536]
        device.give(np.stack((left * 1.5, left * 0.5), axis=1))
        frames += ears.frames()
    heard = joined(frames)
    alike, begins = likeness(said[1000:15_000], heard)
    assert alike > 0.97  # a resampler may round off the top of white noise
    assert abs(begins - 1000) <= 2


def test_what_nobody_reads_in_time_is_counted() -> None:
    device = OneDevice(Shape(48_000, 2, 1536))
    ears = microphone(device)
    five_seconds = np.zeros((48_000 * 5, 2), dtype=np.float32)
    device.give(five_seconds)
    list(ears.frames())
    assert ears.lost_samples == 48_000
    device.give(five_seconds[:1536], status=type("Late", (), {"input_overflow": True}))
    assert ears.device_overflows == 1


@pytest.mark.parametrize(
    ("channels", "rate", "first", "last"),
    [
        (1, 16_000.0, Shape(16_000, 1, 512), Shape(16_000, 1, 512)),
        (2, 48_000.0, Shape(16_000, 1, 512), Shape(48_000, 2, 1536)),
        (6, 44_100.0, Shape(16_000, 1, 512), Shape(44_100, 6, 1411)),
    ],
)
def test_what_suits_speech_is_asked_for_before_what_suits_the_device(
    channels: int, rate: float, first: Shape, last: Shape
) -> None:
    shapes = input_shapes({"max_input_channels": channels, "default_samplerate": rate})
    assert (shapes[0], shapes[-1]) == (first, last)
