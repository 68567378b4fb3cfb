"""The history on disk: SQLite, one thread, written often enough that a crash costs a blink."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from strixdesk.core.conversation import Conversation, ConversationSummary, Message, Role
from strixdesk.core.errors import StoreError
from strixdesk.session.store_codec import message_from_row, parts_to_json
from strixdesk.session.store_schema import migrate

_T = TypeVar("_T")

CUT_BY_END = "The program ended while this was being written."
UNHEARD = "The program ended before this was transcribed. The recording is safe."
_TITLE_CHARS = 48
_SUMMARY = """
    SELECT c.id, c.title, c.updated_at,
        (SELECT count(*) FROM messages m WHERE m.conversation_id = c.id) AS message_count
    FROM conversations c
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A message that matches a search."""

    conversation_id: str
    title: str
    message_id: str
    text: str


class HistoryStore:
    """Every method runs on the store's own thread. Raises StoreError, and only that."""

    def __init__(self, path: Path) -> None:
        """`Path(":memory:")` keeps nothing beyond the process."""
        self._path = path
        self._thread = ThreadPoolExecutor(1, "history")
        self._connection: sqlite3.Connection | None = None
        self.problem: StoreError | None = None
        """What the user must know of the opening: a damaged history that was set aside."""

    async def open(self) -> None:
        """Opens or makes the file, and settles what a crash left open."""
        await self._run(self._open)

    async def close(self) -> None:
        """Removed conversations are gone for good now. Idempotent."""
        if self._connection is not None:
            await self._run(self._close)
        self._thread.shutdown(wait=False)

    # -- reading -------------------------------------------------------------------------------

    async def conversations(self) -> tuple[ConversationSummary, ...]:
        """Newest first."""

        def read(db: sqlite3.Connection) -> tuple[ConversationSummary, ...]:
            rows = db.execute(f"{_SUMMARY} WHERE NOT c.removed ORDER BY c.updated_at DESC")
            return tuple(ConversationSummary(*row) for row in rows)

        return await self._with(read)

    async def conversation(self, conversation_id: str) -> Conversation:
        def read(db: sqlite3.Connection) -> Conversation:
            known = db.execute(
                "SELECT title FROM conversations WHERE id = ?", (conversation_id,)
            ).fetchone()
            if known is None:
                raise StoreError("This conversation is not in the history any more.")
            rows = db.execute(
                "SELECT * FROM messages WHERE conversation_id = ? ORDER BY number",
                (conversation_id,),
            )
            return Conversation(conversation_id, known["title"], tuple(map(message_from_row, rows)))

        return await self._with(read)

    async def search(self, words: str, limit: int = 50) -> tuple[Found, ...]:
        """Messages that hold all the words, newest first; the last word may be unfinished."""
        terms = [f'"{word.replace(chr(34), "")}"' for word in words.split() if word.strip('"')]
        if not terms:
            return ()
        query = " ".join(terms) + "*"

        def read(db: sqlite3.Connection) -> tuple[Found, ...]:
            rows = db.execute(
                """
                SELECT m.conversation_id, c.title, m.id, m.text FROM messages_found f
                JOIN messages m ON m.number = f.rowid
                JOIN conversations c ON c.id = m.conversation_id
                WHERE messages_found MATCH ? AND NOT c.removed ORDER BY m.number DESC LIMIT ?
                """,
                (query, limit),
            )
            return tuple(Found(*row) for row in rows)

        return await self._with(read)

    async def recording_ids(self) -> frozenset[str]:
        """Utterances that a message still refers to."""

        def read(db: sqlite3.Connection) -> frozenset[str]:
            rows = db.execute(
                """
                SELECT json_extract(part.value, '$.utterance_id')
                FROM messages m, json_each(m.parts) part
                WHERE json_extract(part.value, '$.kind') = 'recording'
                """
            )
            return frozenset(row[0] for row in rows)

        return await self._with(read)

    # -- writing -------------------------------------------------------------------------------

    async def save(self, conversation_id: str, message: Message) -> ConversationSummary:
        """Add the message, or bring it up to date; a first message makes its conversation."""

        def write(db: sqlite3.Connection) -> ConversationSummary:
            db.execute(
                """
                INSERT INTO conversations (id, updated_at) VALUES (?1, ?2)
                ON CONFLICT (id) DO UPDATE SET updated_at = max(updated_at, ?2)
                """,
                (conversation_id, message.created_at),
            )
            db.execute(
                """
                INSERT INTO messages (id, conversation_id, role, status, created_at, tier, reason,
                    detail, spoken, parts, text, writer) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET status = excluded.status, tier = excluded.tier,
                    reason = excluded.reason, detail = excluded.detail, spoken = excluded.spoken,
                    parts = excluded.parts, text = excluded.text, writer = excluded.writer
                """,
                (
                    message.id,
                    conversation_id,
                    message.role.value,
                    message.status.value,
                    message.created_at,
                    message.tier,
                    message.reason,
                    message.detail,
                    message.spoken,
                    parts_to_json(message.parts),
                    message.text,
                    os.getpid(),
                ),
            )
            if message.role is Role.USER and (title := _title(message)):
                db.execute(
                    "UPDATE conversations SET title = ? WHERE id = ? AND title = ''",
                    (title, conversation_id),
                )
            return self._summary(db, conversation_id)

        return await self._with(write)

    async def rename(self, conversation_id: str, title: str) -> ConversationSummary:
        return await self._set(conversation_id, "title", " ".join(title.split()) or "Untitled")

    async def remove(self, conversation_id: str) -> None:
        """Hidden until `restore` or `close`."""
        await self._set(conversation_id, "removed", 1)

    async def restore(self, conversation_id: str) -> ConversationSummary:
        return await self._set(conversation_id, "removed", 0)

    async def _set(
        self, conversation_id: str, column: str, value: str | int
    ) -> ConversationSummary:
        def write(db: sqlite3.Connection) -> ConversationSummary:
            db.execute(
                f"UPDATE conversations SET {column} = ? WHERE id = ?",  # noqa: S608 — our own names
                (value, conversation_id),
            )
            return self._summary(db, conversation_id)

        return await self._with(write)

    # -- on the store's thread -----------------------------------------------------------------

    def _summary(self, db: sqlite3.Connection, conversation_id: str) -> ConversationSummary:
        row = db.execute(f"{_SUMMARY} WHERE c.id = ?", (conversation_id,)).fetchone()
        return ConversationSummary(*row) if row else ConversationSummary(conversation_id, "", 0.0)

    def _open(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = self._connect()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            aside = self._set_aside()
            self.problem = StoreError(
                f"The history was damaged and could not be read. It was kept as {aside}.",
                "A new history was begun.",
            )
            self._connection = self._connect()
        self._settle(self._connection)

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=10, isolation_level=None)
        try:
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("PRAGMA foreign_keys = ON")
            migrate(db)
        except BaseException:
            db.close()
            raise
        return db

    def _set_aside(self) -> Path:
        aside = self._path.with_name(f"{self._path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
        self._path.rename(aside)
        for suffix in ("-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        return aside

    def _settle(self, db: sqlite3.Connection) -> None:
        """Messages left open by a process that is gone will not be finished by anyone."""
        rows = db.execute(
            "SELECT id, status, writer FROM messages WHERE status IN ('streaming', 'pending')"
        ).fetchall()
        for row in rows:
            if _alive(row["writer"]):
                continue
            status, detail = (
                ("incomplete", CUT_BY_END) if row["status"] == "streaming" else ("failed", UNHEARD)
            )
            db.execute(
                "UPDATE messages SET status = ?, detail = ? WHERE id = ?",
                (status, detail, row["id"]),
            )

    def _close(self) -> None:
        db, self._connection = self._connection, None
        if db:
            try:
                db.execute("DELETE FROM conversations WHERE removed")
                db.execute("PRAGMA optimize")
            finally:
                db.close()

    async def _with(self, use: Callable[[sqlite3.Connection], _T]) -> _T:
        def run() -> _T:
            if self._connection is None:
                raise StoreError("The history is not open.")
            with _transaction(self._connection) as db:
                return use(db)

        return await self._run(run)

    async def _run(self, work: Callable[[], _T]) -> _T:
        """A write that was begun is not abandoned when its caller is cancelled."""
        try:
            future = asyncio.get_running_loop().run_in_executor(self._thread, work)
            return await asyncio.shield(future)
        except (sqlite3.Error, OSError) as error:
            raise _told(error, self._path) from error


class _transaction:  # noqa: N801 — reads as a verb
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> sqlite3.Connection:
        self._db.execute("BEGIN IMMEDIATE")
        return self._db

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._db.in_transaction:  # a full disk has rolled it back already
            self._db.execute("ROLLBACK" if kind else "COMMIT")


def _title(message: Message) -> str:
    words = " ".join(message.text.split())
    if len(words) <= _TITLE_CHARS:
        return words or (message.images[0].name if message.images else "")
    return words[:_TITLE_CHARS].rsplit(" ", 1)[0].rstrip(",.;:") + "…"


def _alive(pid: int) -> bool:
    if pid == os.getpid():
        return False  # this very process has only just opened the history
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _told(error: sqlite3.Error | OSError, path: Path) -> StoreError:
    what = str(error)
    if "disk is full" in what or "No space left" in what:
        return StoreError(
            f"The disk with {path.parent} is full: the history could not be written.",
            "Free some space. The conversation is kept in memory and written when there is room.",
        )
    if "readonly" in what or "unable to open" in what or isinstance(error, PermissionError):
        return StoreError(
            f"The history in {path.parent} cannot be written.",
            "Check the permissions of that folder, or choose another with --data-dir.",
        )
    if "locked" in what:
        return StoreError("The history is busy.", "Is another program holding its file open?")
    return StoreError(f"The history could not be used ({what}).", f"Its file is {path}.")
