"""What a turn is about, once it is text."""

from __future__ import annotations

from dataclasses import dataclass

from strixdesk.core.conversation import Image, Message


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    images: tuple[Image, ...] = ()
    tier: str | None = None
    """A tier that the user named: it is used exactly."""
    spoken: bool = False
    history_before: str | None = None
    """Asked again: the message id of the former answer, which the tier is not shown."""
    without_pictures: bool = False
    """The user wants it asked without the pictures that belong to it."""
    continues: Message | None = None
    """An answer that is not whole: it goes on from its exact text, in place of a new one."""
