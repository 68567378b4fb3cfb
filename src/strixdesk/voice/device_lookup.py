"""Finds the microphone or speaker that the settings name."""

from __future__ import annotations

import sys
from enum import Enum
from types import ModuleType
from typing import Any

from strixdesk.core.errors import AudioInputError, AudioOutputError


class DeviceKind(Enum):
    INPUT = "microphone"
    OUTPUT = "speaker"

    @property
    def channels_key(self) -> str:
        return "max_input_channels" if self is DeviceKind.INPUT else "max_output_channels"


class NoSuchDevice(Exception):
    """Nothing of that kind, or not of that name."""

    def __init__(self, message: str, advice: str) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


def load_sounddevice(kind: DeviceKind) -> ModuleType:
    """Raises AudioInputError or AudioOutputError where the PortAudio library is missing."""
    try:
        import sounddevice  # starts PortAudio, so not before it is needed
    except OSError as error:
        wrong = AudioInputError if kind is DeviceKind.INPUT else AudioOutputError
        raise wrong(
            "The PortAudio library, which reaches microphones and speakers, is not installed.",
            "Install it with `brew install portaudio`."
            if sys.platform == "darwin"
            else "Install it with `sudo apt install libportaudio2`, or your system's equivalent.",
        ) from error
    return sounddevice  # type: ignore[no-any-return]


def find_device(sounddevice: ModuleType, kind: DeviceKind, name: str | None) -> dict[str, Any]:
    """PortAudio's description. The whole name wins over a part of it. Raises NoSuchDevice."""
    devices = [d for d in sounddevice.query_devices() if d[kind.channels_key] > 0]
    if not devices:
        raise NoSuchDevice(f"No {kind.value} was found.", _none_advice(kind))
    if name is None:
        try:
            return dict(sounddevice.query_devices(kind=_pa_kind(kind)))
        except (sounddevice.PortAudioError, ValueError):
            return dict(devices[0])
    wanted = name.casefold()
    for same in (
        lambda known: known == name,
        lambda known: known.casefold() == wanted,
        lambda known: wanted in known.casefold(),
    ):
        for device in devices:
            if same(device["name"]):
                return dict(device)
    there = ", ".join(dict.fromkeys(str(d["name"]) for d in devices))
    raise NoSuchDevice(
        f'The {kind.value} "{name}" is not connected.',
        f"Connect it, or choose another in the settings: {there}.",
    )


def _pa_kind(kind: DeviceKind) -> str:
    return "input" if kind is DeviceKind.INPUT else "output"


def _none_advice(kind: DeviceKind) -> str:
    if sys.platform == "darwin":
        if kind is DeviceKind.INPUT:
            return (
                "Connect one, and allow StrixDesk in System Settings, Privacy & Security, "
                "Microphone."
            )
        return "Connect one and choose it in System Settings, Sound."
    return (
        f"Connect one, and see that the sound service runs (PipeWire or PulseAudio: "
        f"`pactl info`) and shows it: `pactl list short "
        f"{'sources' if kind is DeviceKind.INPUT else 'sinks'}`."
    )


def zeros_advice() -> str:
    """What to do about a microphone that gives nothing but exact zeros."""
    if sys.platform == "darwin":
        return (
            "Allow StrixDesk in System Settings, Privacy & Security, Microphone, and see that "
            "its input level is not zero."
        )
    return "It may be muted: check its switch, and the input level in the sound settings."
