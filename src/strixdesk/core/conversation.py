"""What was said, by whom, and how far it got."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Self

from strixdesk.core.figures import Figures
from strixdesk.core.summary import Summary


class Role(Enum):
    USER = "user"
    ASSISTANT = "assistant"


class MessageStatus(Enum):
    """How far a message got. Only COMPLETE may be shown as whole."""

    PENDING = "pending"
    """A spoken message whose transcript is not there yet."""
    STREAMING = "streaming"
    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    """Cut: by the user, by a broken stream, or by a crash. Its text so far is kept."""
    FAILED = "failed"
    """Nothing usable came."""


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Thinking:
    """A model's reasoning: shown folded, never spoken, never sent back."""

    text: str


@dataclass(frozen=True, slots=True)
class Image:
    """A picture kept as a file that is named by its hash."""

    attachment_id: str
    """sha256 of the file's bytes, in hex."""
    media_type: str
    """`image/png`, `image/jpeg`, …"""
    width: int
    """Pixels."""
    height: int
    """Pixels."""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Recording:
    """A spoken utterance kept on disk, until its transcript is stored."""

    utterance_id: str
    duration_s: float


@dataclass(frozen=True, slots=True)
class HandOver:
    """Where one tier broke off and another went on."""

    begun_by: str
    """Name of the tier that wrote what stands before."""
    continued_by: str
    at_chars: int
    """Length of the text at the joint."""
    why: str = ""
    """A sentence."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What the user could do about an answer that did not come."""

    tiers: tuple[str, ...] = ()
    """Names of tiers that could be asked instead."""
    without_pictures: bool = False
    """It could be asked without its pictures."""
    waits: bool = False
    """It is answered once somebody can; the user may end the wait."""
    dropped: bool = False
    """It waited, and the user wants no answer any more."""


Part = Text | Thinking | Image | Recording | HandOver | Offer | Figures


@dataclass(frozen=True, slots=True)
class Message:
    id: str
    role: Role
    parts: tuple[Part, ...]
    status: MessageStatus
    created_at: float
    """Seconds since the epoch, UTC."""
    tier: str | None = None
    """Name of the tier that answers; assistant messages only."""
    reason: str | None = None
    """Why that tier, as a sentence."""
    detail: str | None = None
    """What went wrong and what to do, as sentences; None when all is well."""
    spoken: bool = False
    """The user said it (user) or it was read out (assistant)."""

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def thinking(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, Thinking))

    @property
    def images(self) -> tuple[Image, ...]:
        return tuple(part for part in self.parts if isinstance(part, Image))

    @property
    def recording(self) -> Recording | None:
        return next((part for part in self.parts if isinstance(part, Recording)), None)

    @property
    def hand_overs(self) -> tuple[HandOver, ...]:
        return tuple(part for part in self.parts if isinstance(part, HandOver))

    @property
    def offer(self) -> Offer | None:
        return next((part for part in self.parts if isinstance(part, Offer)), None)

    @property
    def figures(self) -> Figures | None:
        """What all of it took; None: that is not known."""
        return next((part for part in self.parts if isinstance(part, Figures)), None)

    @property
    def waits(self) -> bool:
        return self.offer is not None and self.offer.waits

    @property
    def dropped(self) -> bool:
        return self.offer is not None and self.offer.dropped

    def without_offer(self) -> Self:
        return replace(self, parts=tuple(p for p in self.parts if not isinstance(p, Offer)))

    def with_text(self, text: str) -> Self:
        """The same message whose Text parts are replaced by one."""
        kept = tuple(part for part in self.parts if not isinstance(part, Text))
        return replace(self, parts=(*kept, Text(text)))

    def with_thinking(self, thinking: str) -> Self:
        """The same message whose Thinking parts are replaced by one, before everything else."""
        kept = tuple(part for part in self.parts if not isinstance(part, Thinking))
        return replace(self, parts=(Thinking(thinking), *kept))


@dataclass(frozen=True, slots=True)
class ConversationSummary:
    """A row of the conversation list."""

    id: str
    title: str
    updated_at: float
    """Seconds since the epoch, UTC."""
    message_count: int = 0


@dataclass(frozen=True, slots=True)
class Conversation:
    id: str
    title: str
    messages: tuple[Message, ...] = ()
    summary: Summary | None = None
    """What tiers are sent in place of the older messages, once these no longer fit."""
