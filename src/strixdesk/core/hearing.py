"""What the microphone and the recogniser report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from strixdesk.core.events import MicrophoneState

if TYPE_CHECKING:  # the window is loaded before numpy is
    from strixdesk.core.audio import AudioFrame


@dataclass(frozen=True, slots=True)
class Transcript:
    text: str
    """Empty when nothing was said."""
    decode_ms: float
    """From asking for the final text to having it."""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """An utterance begins (key down, or voice heard); pre-roll frames follow as SpeechFrame."""

    utterance_id: str
    hands_free: bool


@dataclass(frozen=True, slots=True, eq=False)
class SpeechFrame:
    utterance_id: str
    frame: AudioFrame


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """A short pause inside the utterance, before it is known whether it is the end."""

    utterance_id: str


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The utterance is over; every frame of it was delivered before this."""

    utterance_id: str
    heard_speech: bool
    """False: nothing but noise or silence; there is nothing to transcribe."""


@dataclass(frozen=True, slots=True)
class LevelHeard:
    level_db: float
    speech: bool


@dataclass(frozen=True, slots=True)
class MicrophoneMoved:
    state: MicrophoneState
    detail: str = ""
    """A problem and its mend, as sentences (device lost, only zeros, none there)."""


ListenerEvent = (
    SpeechStarted | SpeechFrame | SpeechPaused | SpeechEnded | LevelHeard | MicrophoneMoved
)
