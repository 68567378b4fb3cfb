"""The history on disk: SQLite, one thread, written often enough that a crash costs a blink."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import TypeVar

from strixdesk.core.conversation import Conversation, ConversationSummary, Message, Role
from strixdesk.core.errors import StoreError
from strixdesk.core.summary import Summary
from strixdesk.session.store_codec import message_from_row, message_to_row, storable
from strixdesk.session.store_errors import is_damage, told
from strixdesk.session.store_file import connect, open_settled, set_aside, transaction
from strixdesk.session.writer_lock import WriterLock

_T = TypeVar("_T")
log = logging.getLogger(__name__)

_TITLE_CHARS = 48
_SUMMARY = """
    SELECT c.id, c.title, c.updated_at,
        (SELECT count(*) FROM messages m WHERE m.conversation_id = c.id) AS message_count
    FROM conversations c
"""
_SUMMARY_FIELDS = ", ".join(field.name for field in fields(Summary))
_BY_WORDS = """
    SELECT m.conversation_id, c.title, m.id, m.text FROM messages_found f
    JOIN messages m ON m.number = f.rowid
    JOIN conversations c ON c.id = m.conversation_id
    WHERE messages_found MATCH ? AND NOT c.removed ORDER BY m.number DESC LIMIT ?
"""
_BY_SIGNS = """
    SELECT m.conversation_id, c.title, m.id, m.text FROM messages m
    JOIN conversations c ON c.id = m.conversation_id
    WHERE instr(m.text, ?) AND NOT c.removed ORDER BY m.number DESC LIMIT ?
"""
_RECORDINGS = """
    SELECT json_extract(part.value, '$.utterance_id')
    FROM messages m, json_each(iif(json_valid(m.parts), m.parts, '[]')) part
    WHERE json_extract(part.value, '$.kind') = 'recording'
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
        self._lock: WriterLock | None = None
        self._removed: set[str] = set()
        self._waiting: dict[str, tuple[str, Message]] = {}
        """Messages by id that the disk has not taken yet, with their conversation's id."""
        self.problem: StoreError | None = None
        """What the user must know of the opening: a damaged history that was set aside."""

    async def open(self) -> None:
        """Opens or makes the file, and settles what a crash left open."""
        await self._run(self._open)

    async def close(self) -> None:
        """Removed conversations are gone for good now. Idempotent."""
        try:
            if self._connection is not None:
                await self._run(self._close)
        finally:
            self._thread.shutdown(wait=False)

    # -- reading -------------------------------------------------------------------------------

    async def conversations(self) -> tuple[ConversationSummary, ...]:
        """Newest first."""

        def read(db: sqlite3.Connection) -> tuple[ConversationSummary, ...]:
            rows = db.execute(f"{_SUMMARY} WHERE NOT c.removed ORDER BY c.updated_at DESC")
            return tuple(ConversationSummary(*row) for row in rows)

        return await self._with(read)

    async def conversation(self, conversation_id: str) -> Conversation:
        """With what the disk has not taken yet. Raises StoreError when there is none."""
        unwritten = {
            message.id: message for of, message in self._waiting.values() if of == conversation_id
        }

        def read(db: sqlite3.Connection) -> Conversation:
            known = db.execute(
                "SELECT title FROM conversations WHERE id = ?", (conversation_id,)
            ).fetchone()
            if known is None and not unwritten:
                raise StoreError("This conversation is not in the history any more.")
            rows = db.execute(
                "SELECT * FROM messages WHERE conversation_id = ? ORDER BY number",
                (conversation_id,),
            )
            messages = {row["id"]: message_from_row(row) for row in rows} | unwritten
            title = known["title"] if known else ""
            (*summary,) = db.execute(
                f"SELECT {_SUMMARY_FIELDS} FROM summaries WHERE conversation_id = ?",  # noqa: S608 — our own names
                (conversation_id,),
            )
            return Conversation(
                conversation_id,
                title,
                tuple(messages.values()),
                Summary(*summary[0]) if summary else None,
            )

        return await self._with(read)

    async def search(self, words: str, limit: int = 50) -> tuple[Found, ...]:
        """Messages that hold all the words, newest first; the last word may be unfinished."""
        words = words.replace("\0", " ")
        spoken = [word.replace('"', " ") for word in words.split() if any(map(str.isalnum, word))]
        if spoken:
            found, wanted = _BY_WORDS, " ".join(f'"{word}"' for word in spoken) + "*"
        elif signs := words.strip():
            # The index knows words only; emoji and signs are looked for one message at a time.
            found, wanted = _BY_SIGNS, storable(signs)
        else:
            return ()

        def read(db: sqlite3.Connection) -> tuple[Found, ...]:
            return tuple(Found(*row) for row in db.execute(found, (storable(wanted), limit)))

        return await self._with(read)

    async def recording_ids(self) -> frozenset[str]:
        """Utterances that a message still refers to."""

        def read(db: sqlite3.Connection) -> frozenset[str]:
            return frozenset(row[0] for row in db.execute(_RECORDINGS))

        return await self._with(read)

    async def forgotten_recordings(self) -> frozenset[str]:
        """Utterances of conversations that were removed for good; told once."""

        def take(db: sqlite3.Connection) -> frozenset[str]:
            ids = frozenset(row[0] for row in db.execute("SELECT * FROM forgotten_recordings"))
            db.execute("DELETE FROM forgotten_recordings")
            return ids

        return await self._with(take)

    # -- writing -------------------------------------------------------------------------------

    async def save(self, conversation_id: str, message: Message) -> ConversationSummary:
        """Add the message, or bring it up to date; a first message makes its conversation. One
        that the disk does not take is kept, and goes along with the next, or on the way out."""
        self._waiting[message.id] = (conversation_id, message)
        return await self._write(lambda db: self._summary(db, conversation_id))

    async def save_summary(self, conversation_id: str, summary: Summary) -> None:
        """In the place of the one before it."""
        values = (storable(summary.text), *astuple(summary)[1:-2], storable(summary.tier))

        def write(db: sqlite3.Connection) -> None:
            db.execute(
                f"INSERT OR REPLACE INTO summaries (conversation_id, {_SUMMARY_FIELDS}) "  # noqa: S608 — our own names
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (conversation_id, *values, summary.created_at),
            )

        await self._write(write)

    async def _write(self, use: Callable[[sqlite3.Connection], _T]) -> _T:
        """Also whatever waits to be written."""
        waiting = dict(self._waiting)

        def write(db: sqlite3.Connection) -> _T:
            for conversation_id, message in waiting.values():
                self._put(db, conversation_id, message)
            return use(db)

        result = await self._with(write)
        for message_id, written in waiting.items():
            if self._waiting.get(message_id) is written:
                del self._waiting[message_id]
        return result

    async def rename(self, conversation_id: str, title: str) -> ConversationSummary:
        words = storable(" ".join(title.split()))
        return await self._set(conversation_id, "title", words or "Untitled")

    async def remove(self, conversation_id: str) -> None:
        """Hidden until `restore` or `close`."""
        await self._set(conversation_id, "removed", 1)
        self._removed.add(conversation_id)

    async def restore(self, conversation_id: str) -> ConversationSummary:
        self._removed.discard(conversation_id)
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

        return await self._write(write)

    # -- on the store's thread -----------------------------------------------------------------

    def _put(self, db: sqlite3.Connection, conversation_id: str, message: Message) -> None:
        db.execute(
            """
            INSERT INTO conversations (id, updated_at) VALUES (?1, ?2)
            ON CONFLICT (id) DO UPDATE SET updated_at = max(updated_at, ?2)
            """,
            (conversation_id, message.created_at),
        )
        db.execute(
            """
            INSERT INTO messages (id, conversation_id, role, created_at, status, tier, reason,
                detail, spoken, parts, text, writer) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET status = excluded.status, tier = excluded.tier,
                reason = excluded.reason, detail = excluded.detail, spoken = excluded.spoken,
                parts = excluded.parts, text = excluded.text, writer = excluded.writer
            """,
            (
                message.id,
                conversation_id,
                message.role.value,
                *message_to_row(message),
                self.writer,
            ),
        )
        if message.role is Role.USER and (title := _title(message)):
            db.execute(
                "UPDATE conversations SET title = ? WHERE id = ? AND title = ''",
                (title, conversation_id),
            )

    def _summary(self, db: sqlite3.Connection, conversation_id: str) -> ConversationSummary:
        row = db.execute(f"{_SUMMARY} WHERE c.id = ?", (conversation_id,)).fetchone()
        return ConversationSummary(*row) if row else ConversationSummary(conversation_id, "", 0.0)

    def _open(self) -> None:
        if self._in_memory:
            self._connection = connect(self._path)
            return
        self._lock = WriterLock(self._path.with_name(f"{self._path.name}-writers"))
        try:
            try:
                self._connection = open_settled(self._path, self._lock.others())
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
                aside = set_aside(self._path)
                self.problem = StoreError(
                    f"The history was damaged and could not be read. It was kept as {aside}.",
                    "A new history was begun.",
                )
                self._connection = open_settled(self._path, self._lock.others())
        except BaseException:
            self._lock.release()
            raise

    @property
    def _in_memory(self) -> bool:
        return str(self._path) == ":memory:"

    def _close(self) -> None:
        db, self._connection = self._connection, None
        if db is None:
            return
        try:
            with transaction(db):
                for conversation_id, message in self._waiting.values():
                    self._put(db, conversation_id, message)
            self._purge(db)
            db.execute("PRAGMA optimize")
        except sqlite3.Error as error:
            log.error("history: closed with %d messages unwritten: %s", len(self._waiting), error)
        finally:
            db.close()
            if self._lock:
                self._lock.release()

    def _purge(self, db: sqlite3.Connection) -> None:
        """What another process removed it may still restore; the last one leaves nothing."""
        if self._lock and self._lock.others():
            gone = sorted(self._removed)
        else:
            gone = [row[0] for row in db.execute("SELECT id FROM conversations WHERE removed")]
        if not gone:
            return
        with transaction(db):
            for conversation_id in gone:
                db.execute(
                    f"INSERT OR IGNORE INTO forgotten_recordings {_RECORDINGS} "
                    "AND m.conversation_id = ?",
                    (conversation_id,),
                )
                db.execute("DELETE FROM conversations WHERE id = ? AND removed", (conversation_id,))

    async def within(self, use: Callable[[sqlite3.Connection], _T]) -> _T:
        """For the other books in the same file: all of `use` or nothing, on the store's thread."""
        return await self._with(use)

    @property
    def writer(self) -> str:
        """This program among those that write here; another one each time it is opened."""
        return self._lock.token if self._lock else ""

    async def writers(self) -> frozenset[str]:
        """Those that live, this one among them."""
        lock = self._lock
        others = await self._run(lock.others) if lock else frozenset()
        return others | {self.writer}

    @property
    def lasts(self) -> bool:
        """What is written stays beyond the process."""
        return not self._in_memory

    async def _with(self, use: Callable[[sqlite3.Connection], _T]) -> _T:
        def run() -> _T:
            if self._connection is None:
                raise StoreError("The history is not open.")
            with transaction(self._connection) as db:
                return use(db)

        return await self._run(run)

    async def _run(self, work: Callable[[], _T]) -> _T:
        """A write that was begun is not abandoned when its caller is cancelled."""
        try:
            future = asyncio.get_running_loop().run_in_executor(self._thread, work)
        except RuntimeError as error:  # the thread has ended
            raise StoreError("The history is closed.") from error
        try:
            return await asyncio.shield(future)
        except (sqlite3.Error, OSError) as error:
            raise told(error, self._path) from error


def _title(message: Message) -> str:
    words = storable(" ".join(message.text.split()))
    if len(words) <= _TITLE_CHARS:
        return words or (storable(message.images[0].name) if message.images else "")
    return words[:_TITLE_CHARS].rsplit(" ", 1)[0].rstrip(",.;:") + "…"
