"""The list of questions that wait for a tier to come up, in the history's own file.

A question stays on it until its answer has ended: who answers it takes it, and what was taken by a
program that is gone shows that.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass

from strixdesk.session.store import HistoryStore

_SELECT = """
    SELECT k.message_id, m.conversation_id, k.box, k.tier, m.tier AS wanted, k.taken_by
    FROM kept_questions k
    JOIN messages m ON m.id = k.message_id
    JOIN conversations c ON c.id = m.conversation_id
    WHERE NOT c.removed ORDER BY k.number
"""


@dataclass(frozen=True, slots=True)
class Kept:
    message_id: str
    """The message in which the answer will stand."""
    conversation_id: str
    box: str
    tier: str | None
    """The one tier that may answer it; None: any on that box."""
    wanted: str | None
    """The tier that would have been asked."""
    taken_by: str | None
    """The writer (`HistoryStore.writer`) that answers it; None: it waits."""


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
        """Those that wait, oldest first; not those of removed conversations."""
        return tuple(kept for kept in await self._listed() if kept.taken_by is None)

    async def left_behind(self) -> tuple[Kept, ...]:
        """Those that nobody answers now, oldest first: what waits, and what was taken by programs
        that have ended."""
        writers = await self._store.writers()
        return tuple(kept for kept in await self._listed() if kept.taken_by not in writers)

    async def one(self, message_id: str) -> Kept | None:
        """Waiting or taken."""
        return next((one for one in await self._listed() if one.message_id == message_id), None)

    async def take(self, message_id: str) -> bool:
        """False: somebody else took it, so that each is answered once."""
        return await self._changed(
            "UPDATE kept_questions SET taken_by = ? WHERE message_id = ? AND taken_by IS NULL",
            self._store.writer,
            message_id,
        )

    async def put_back(self, message_id: str) -> bool:
        """In its former place. False: it was removed meanwhile."""
        return await self._changed(
            "UPDATE kept_questions SET taken_by = NULL WHERE message_id = ?", message_id
        )

    async def remove(self, message_id: str, *, taken: bool = True) -> bool:
        """Off the list. False: it was not on it. `taken`: also one that is being answered."""
        which = "" if taken else " AND taken_by IS NULL"
        return await self._changed(
            f"DELETE FROM kept_questions WHERE message_id = ?{which}",  # noqa: S608 — our own words
            message_id,
        )

    async def _listed(self) -> tuple[Kept, ...]:
        def read(db: sqlite3.Connection) -> tuple[Kept, ...]:
            return tuple(Kept(*row) for row in db.execute(_SELECT))

        return await self._store.within(read)

    async def _changed(self, statement: str, *values: str) -> bool:
        def write(db: sqlite3.Connection) -> bool:
            return db.execute(statement, values).rowcount == 1

        return await self._store.within(write)
