"""Messages as rows: parts become tagged JSON."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, assert_never

from strixdesk.core.conversation import (
    Image,
    Message,
    MessageStatus,
    Part,
    Recording,
    Role,
    Text,
    Thinking,
)


def parts_to_json(parts: tuple[Part, ...]) -> str:
    return json.dumps([_part_to_json(part) for part in parts], ensure_ascii=False)


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
        case _:
            assert_never(part)


_KINDS: dict[str, type[Part]] = {
    "text": Text,
    "thinking": Thinking,
    "image": Image,
    "recording": Recording,
}


def parts_from_json(text: str) -> tuple[Part, ...]:
    parts: list[Part] = []
    for fields in json.loads(text):
        kind = _KINDS[fields.pop("kind")]
        parts.append(kind(**fields))
    return tuple(parts)


def message_from_row(row: sqlite3.Row) -> Message:
    return Message(
        id=row["id"],
        role=Role(row["role"]),
        parts=parts_from_json(row["parts"]),
        status=MessageStatus(row["status"]),
        created_at=row["created_at"],
        tier=row["tier"],
        reason=row["reason"],
        detail=row["detail"],
        spoken=bool(row["spoken"]),
    )
