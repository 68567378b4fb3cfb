"""What the session tells everyone else: a closed union, for `match` and `assert_never`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from strixdesk.core.box import Box, BoxStatus
from strixdesk.core.conversation import ConversationSummary, Message
from strixdesk.core.tier import Tier, TierStatus
from strixdesk.core.turn import Turn


class MicrophoneState(Enum):
    CLOSED = "closed"
    """The device is not open; nothing can be heard."""
    STANDBY = "standby"
    """Open so that the first word is not lost; only the last fraction of a second is held."""
    LISTENING = "listening"
    """Hands-free: waiting for speech."""
    RECORDING = "recording"
    """Keeping what is said, by key or hands-free."""
    PAUSED = "paused"
    """Hands-free is on, but the assistant is speaking: nothing is listened to."""


@dataclass(frozen=True, slots=True)
class TurnChanged:
    turn: Turn


@dataclass(frozen=True, slots=True)
class MessageAdded:
    conversation_id: str
    message: Message


@dataclass(frozen=True, slots=True)
class MessageChanged:
    """Anything but appended text: status, transcript, tier, detail."""

    conversation_id: str
    message: Message


@dataclass(frozen=True, slots=True)
class TextDelta:
    conversation_id: str
    message_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ThinkingDelta:
    conversation_id: str
    message_id: str
    text: str


@dataclass(frozen=True, slots=True)
class PartialTranscript:
    turn_id: str
    text: str


@dataclass(frozen=True, slots=True)
class SpeechProgress:
    """How far an answer has been read out."""

    turn_id: str
    message_id: str
    spoken_chars: int
    """Length of the prefix of the message's text whose audio was played."""


@dataclass(frozen=True, slots=True)
class LevelChanged:
    """Microphone level, at most 30 times a second."""

    level_db: float
    """Relative to full scale, -120 to 0."""
    speech: bool
    """The voice-activity detector hears speech."""


@dataclass(frozen=True, slots=True)
class MicrophoneChanged:
    state: MicrophoneState
    detail: str = ""
    """What is wrong and what to do, as sentences; empty when all is well."""


@dataclass(frozen=True, slots=True)
class TierChanged:
    tier: Tier
    status: TierStatus


@dataclass(frozen=True, slots=True)
class TiersChanged:
    """The list itself: a tier was added or removed, or the order changed."""

    tiers: tuple[Tier, ...]


@dataclass(frozen=True, slots=True)
class ServersFound:
    """Model servers that run on this computer and are not tiers yet."""

    tiers: tuple[Tier, ...]


@dataclass(frozen=True, slots=True)
class ConversationChanged:
    """Created, renamed or written to."""

    summary: ConversationSummary


@dataclass(frozen=True, slots=True)
class ConversationRemoved:
    conversation_id: str


@dataclass(frozen=True, slots=True)
class SpeechSwitched:
    """Answers are read out, or not."""

    on: bool


@dataclass(frozen=True, slots=True)
class HandsFreeSwitched:
    on: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """Something the user must know that belongs to no message."""

    message: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something worth a passing line: a worker restarted, a server found."""

    message: str


@dataclass(frozen=True, slots=True)
class BoxChanged:
    """Anything about a box but its tiers: hops, containers, memory, an operation's progress."""

    box: Box
    status: BoxStatus


@dataclass(frozen=True, slots=True)
class BoxesChanged:
    """The list itself, or a box's stack was read."""

    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class ConfirmationAsked:
    """Something is about to be done and waits for a yes, spoken or clicked."""

    id: str
    sentence: str
    """The plan and the question, as it is read out."""


@dataclass(frozen=True, slots=True)
class ConfirmationEnded:
    id: str
    confirmed: bool


@dataclass(frozen=True, slots=True)
class UsageChanged:
    """An answer was accounted for."""


Event = (
    TurnChanged
    | MessageAdded
    | MessageChanged
    | TextDelta
    | ThinkingDelta
    | PartialTranscript
    | SpeechProgress
    | LevelChanged
    | MicrophoneChanged
    | TierChanged
    | TiersChanged
    | ServersFound
    | ConversationChanged
    | ConversationRemoved
    | SpeechSwitched
    | HandsFreeSwitched
    | BoxChanged
    | BoxesChanged
    | ConfirmationAsked
    | ConfirmationEnded
    | UsageChanged
    | Failed
    | Noticed
)
