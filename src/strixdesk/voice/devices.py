"""Which microphones and speakers there are, and whether one works: for settings and `doctor`.

Everything here blocks, for seconds at worst: call it on a thread.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import numpy as np

from strixdesk.core.audio import AudioFrame, level_db
from strixdesk.core.errors import AudioInputError, AudioOutputError, StrixError
from strixdesk.core.loudness import SILENCE_DB
from strixdesk.voice.capture import Microphone
from strixdesk.voice.device_lookup import DeviceKind, NoSuchDevice, find_device, load_sounddevice
from strixdesk.voice.player import OUTPUT_LATENCY_S, output_shapes
from strixdesk.voice.portaudio import OPEN_TIMEOUT_S, PORT_AUDIO, Callback, OpenStream, PortAudio

FIRST_SOUND_TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True)
class Device:
    name: str
    """What the settings call it."""
    is_default: bool
    rate_hz: int
    """The rate that it likes best."""
    channels: int


@dataclass(frozen=True, slots=True)
class InputProbe:
    """What a microphone gave while it was listened to."""

    device: str = ""
    level_db: float = SILENCE_DB
    all_zero: bool = True
    """Not even hiss: muted, or not permitted."""
    rate_hz: int = 0
    """At which it was opened."""
    error: StrixError | None = None


@dataclass(frozen=True, slots=True)
class OutputProbe:
    """Whether a speaker takes sound; it was given silence."""

    device: str = ""
    rate_hz: int = 0
    latency_s: float = 0.0
    error: StrixError | None = None


def inputs(portaudio: PortAudio = PORT_AUDIO) -> tuple[Device, ...]:
    """Every microphone. Raises AudioInputError where PortAudio is missing or hangs."""
    return _devices(DeviceKind.INPUT, portaudio)


def outputs(portaudio: PortAudio = PORT_AUDIO) -> tuple[Device, ...]:
    """Every speaker. Raises AudioOutputError where PortAudio is missing or hangs."""
    return _devices(DeviceKind.OUTPUT, portaudio)


def probe_input(
    device: str | None, seconds: float = 1.0, portaudio: PortAudio = PORT_AUDIO
) -> InputProbe:
    """Listen for a moment. What goes wrong is in the answer."""
    arrived = threading.Event()
    try:
        microphone = Microphone(portaudio, device, arrived.set)
    except StrixError as error:
        return InputProbe(error=error)
    try:
        heard: list[AudioFrame] = []
        deadline = time.monotonic() + seconds + FIRST_SOUND_TIMEOUT_S
        while sum(len(f.samples) for f in heard) < seconds * 16_000:
            arrived.wait(max(0.0, deadline - time.monotonic()))
            arrived.clear()
            heard += microphone.frames()
            if microphone.end or time.monotonic() > deadline:
                mute = AudioInputError(
                    f'The microphone "{microphone.device}" opens, but gives no sound.',
                    "Connect it again, or choose another in the settings.",
                )
                return InputProbe(microphone.device, rate_hz=microphone.rate_hz, error=mute)
        samples = np.concatenate([f.samples for f in heard])
        return InputProbe(
            microphone.device, level_db(samples), not np.any(samples), microphone.rate_hz
        )
    finally:
        microphone.close()


def probe_output(device: str | None, portaudio: PortAudio = PORT_AUDIO) -> OutputProbe:
    """Give it a moment of silence. What goes wrong is in the answer."""
    taken = threading.Semaphore(0)

    def silence(_stream: OpenStream) -> Callback:
        def give(outdata: memoryview, _frames: int, _times: object, _status: object) -> None:
            outdata[:] = bytes(len(outdata))
            taken.release()

        return give

    try:
        stream = portaudio.open(
            DeviceKind.OUTPUT,
            device,
            output_shapes,
            silence,
            latency_s=OUTPUT_LATENCY_S,
            on_end=taken.release,
        )
    except StrixError as error:
        return OutputProbe(error=error)
    try:
        # Some drivers take the first blocks only to fill a buffer that never plays.
        plays = all(taken.acquire(timeout=FIRST_SOUND_TIMEOUT_S) for _ in range(5))
        stuck = None
        if not plays or stream.end:
            stuck = AudioOutputError(
                f'The speaker "{stream.device}" opens, but takes no sound.',
                "Connect it again, or choose another in the settings.",
            )
        return OutputProbe(stream.device, stream.shape.rate_hz, stream.latency_s, stuck)
    finally:
        portaudio.close(stream)


def _devices(kind: DeviceKind, portaudio: PortAudio) -> tuple[Device, ...]:
    def job() -> tuple[Device, ...]:
        sounddevice = load_sounddevice(kind)
        try:
            default = find_device(sounddevice, kind, None)["index"]
        except NoSuchDevice:
            return ()
        return tuple(
            Device(
                name=str(found["name"]),
                is_default=found["index"] == default,
                rate_hz=round(found["default_samplerate"]),
                channels=int(found[kind.channels_key]),
            )
            for found in sounddevice.query_devices()
            if found[kind.channels_key] > 0
        )

    try:
        portaudio.rescan()
        return portaudio.call(job, OPEN_TIMEOUT_S)
    except TimeoutError as error:
        wrong = AudioInputError if kind is DeviceKind.INPUT else AudioOutputError
        raise wrong(
            "The sound system did not answer.", "Restart its service, then try again."
        ) from error
