"""The list of questions that wait for a tier to come up, in the history's own file."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass

from strixdesk.session.store import HistoryStore

_FIELDS = "k.message_id, m.conversation_id, k.box, k.tier"


@dataclass(frozen=True, slots=True)
class Kept:
    message_id: str
    """The message in which the answer will stand."""
    conversation_id: str
    box: str
    tier: str | None
    """The one tier that may answer it; None: any on that box."""


class KeptQuestions:
    """Every method raises StoreError."""

    def __init__(self, store: HistoryStore) -> None:
        self._store = store

    async def add(self, message_id: str, box: str, tier: str | None) -> None:
        """The message must be on disk."""

        def write(db: sqlite3.Connection) -> None:
            db.execute(
                "INSERT INTO kept_questions (message_id, box, tier, kept_at) VALUES (?, ?, ?, ?)",
                (message_id, box, tier, time.time()),
            )

        await self._store.within(write)

    async def all(self) -> tuple[Kept, ...]:
        """Oldest first; not those of removed conversations."""

        def read(db: sqlite3.Connection) -> tuple[Kept, ...]:
            rows = db.execute(
                f"SELECT {_FIELDS} FROM kept_questions k "  # noqa: S608 — our own names
                "JOIN messages m ON m.id = k.message_id "
                "JOIN conversations c ON c.id = m.conversation_id "
                "WHERE NOT c.removed ORDER BY k.number"
            )
            return tuple(Kept(*row) for row in rows)

        return await self._store.within(read)

    async def one(self, message_id: str) -> Kept | None:
        return next((kept for kept in await self.all() if kept.message_id == message_id), None)

    async def take(self, message_id: str) -> bool:
        """Off the list. False: somebody else took it, so that each is answered once."""

        def write(db: sqlite3.Connection) -> bool:
            done = db.execute("DELETE FROM kept_questions WHERE message_id = ?", (message_id,))
            return done.rowcount == 1

        return await self._store.within(write)
