"""Messages as rows: parts become tagged JSON."""

from __future__ import annotations

import json
import logging
import sqlite3
from dataclasses import asdict
from typing import Any, assert_never

from strixdesk.core.conversation import (
    HandOver,
    Image,
    Message,
    MessageStatus,
    Offer,
    Part,
    Recording,
    Role,
    Text,
    Thinking,
)
from strixdesk.core.figures import Figures

log = logging.getLogger(__name__)


def storable(text: str) -> str:
    """The same text, except that half an emoji (a lone surrogate, which UTF-8 has no bytes for)
    is joined with its other half, or replaced."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def parts_to_json(parts: tuple[Part, ...]) -> str:
    return storable(json.dumps([_part_to_json(part) for part in parts], ensure_ascii=False))


def _part_to_json(part: Part) -> dict[str, Any]:
    match part:
        case Text(text=text):
            return {"kind": "text", "text": text}
        case Thinking(text=text):
            return {"kind": "thinking", "text": text}
        case Image():
            return {
                "kind": "image",
                "attachment_id": part.attachment_id,
                "media_type": part.media_type,
                "width": part.width,
                "height": part.height,
                "name": part.name,
            }
        case Recording(utterance_id=utterance_id, duration_s=duration_s):
            return {"kind": "recording", "utterance_id": utterance_id, "duration_s": duration_s}
        case HandOver():
            return {
                "kind": "hand_over",
                "begun_by": part.begun_by,
                "continued_by": part.continued_by,
                "at_chars": part.at_chars,
                "why": part.why,
            }
        case Offer():
            return {"kind": "offer", **asdict(part)}
        case Figures():
            return {"kind": "figures", **asdict(part)}
        case _:
            assert_never(part)


_KINDS: dict[str, type[Part]] = {
    "text": Text,
    "thinking": Thinking,
    "image": Image,
    "recording": Recording,
    "hand_over": HandOver,
    "offer": Offer,
    "figures": Figures,
}


def parts_from_json(text: str) -> tuple[Part, ...]:
    parts: list[Part] = []
    for fields in json.loads(text):
        kind = _KINDS[fields.pop("kind")]
        if "tiers" in fields:
            fields["tiers"] = tuple(fields["tiers"])
        parts.append(kind(**fields))
    return tuple(parts)


def message_to_row(message: Message) -> tuple[object, ...]:
    """created_at, status, tier, reason, detail, spoken, parts, text."""
    told = (message.tier, message.reason, message.detail)
    return (
        message.created_at,
        message.status.value,
        *(storable(words) if words is not None else None for words in told),
        message.spoken,
        parts_to_json(message.parts),
        storable(message.text),
    )


def message_from_row(row: sqlite3.Row) -> Message:
    """A row whose parts cannot be read still gives its words."""
    try:
        parts = parts_from_json(row["parts"])
    except (ValueError, KeyError, TypeError):
        log.error("history: the parts of message %s cannot be read", row["id"])
        parts = (Text(row["text"]),)
    return Message(
        id=row["id"],
        role=Role(row["role"]),
        parts=parts,
        status=MessageStatus(row["status"]),
        created_at=row["created_at"],
        tier=row["tier"],
        reason=row["reason"],
        detail=row["detail"],
        spoken=bool(row["spoken"]),
    )
