"""Answers that were given before, for questions that are the same to the last sign. Opt-in."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from strixdesk.core.chat import ChatMessage
from strixdesk.session.store import HistoryStore
from strixdesk.session.store_codec import storable
from strixdesk.settings import UsageSettings


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    kept_at: float
    """Seconds since the epoch."""
    model: str | None
    text: str
    thinking: str


class AnswerCache:
    """Raises StoreError where the file cannot be read or written."""

    def __init__(
        self,
        store: HistoryStore,
        settings: UsageSettings,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._settings = settings
        self._now = now

    def question(
        self,
        tier: str,
        model: str | None,
        messages: Sequence[ChatMessage],
        *,
        temperature: float | None,
        max_tokens: int,
    ) -> str | None:
        """What an answer is kept under; None: it is not kept, and none is looked for."""
        if not self._settings.cache or any(message.images for message in messages):
            return None
        said = [(message.role, message.text) for message in messages]
        whole = json.dumps([tier, model, said, temperature, max_tokens])
        return hashlib.sha256(whole.encode()).hexdigest()

    async def find(self, question: str) -> KeptAnswer | None:
        def read(db: sqlite3.Connection) -> KeptAnswer | None:
            row = db.execute(
                "SELECT kept_at, model, text, thinking FROM kept_answers "
                "WHERE question = ? AND kept_at > ?",
                (question, self._oldest()),
            ).fetchone()
            return KeptAnswer(*row) if row else None

        return await self._store.within(read)

    async def keep(self, question: str, model: str | None, text: str, thinking: str) -> None:
        """In the place of a former one; those that are too old go."""
        values = (question, self._now(), model, storable(text), storable(thinking))

        def write(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM kept_answers WHERE kept_at <= ?", (self._oldest(),))
            db.execute("REPLACE INTO kept_answers VALUES (?, ?, ?, ?, ?)", values)

        await self._store.within(write)

    def _oldest(self) -> float:
        return self._now() - self._settings.cache_days * 86_400
