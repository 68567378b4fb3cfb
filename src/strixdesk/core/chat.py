"""A question and its streamed answer, as they cross the wire to a tier."""

from __future__ import annotations

from dataclasses import dataclass

from strixdesk.core.tool_calls import AnyToolCall
from strixdesk.core.turn import Usage


@dataclass(frozen=True, slots=True)
class ChatImage:
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message as it goes over the wire."""

    role: str
    """`system`, `user` or `assistant`."""
    text: str
    images: tuple[ChatImage, ...] = ()
    goes_on: str = ""
    """Of the beginning of an answer: what the server has to write first, where it can be told."""


@dataclass(frozen=True, slots=True)
class ChatDelta:
    """A piece of an answer: visible text, thinking, or both; neither while a tool call is being
    written, which shows that the tier is at work."""

    text: str = ""
    thinking: str = ""


@dataclass(frozen=True, slots=True)
class ChatEnd:
    """The answer ended properly. A stream that ends without one of these is broken."""

    finish_reason: str
    """`stop`, `length`, …; `length` means that the answer was capped."""
    usage: Usage | None = None
    model: str | None = None
    tool_calls: tuple[AnyToolCall, ...] = ()
    """Tools that the model wants to be used; nothing has used them."""
    kept_at: float | None = None
    """It was given before and comes from the cache: when, in seconds since the epoch."""
