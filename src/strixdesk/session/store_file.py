"""The file of the history: opened, settled after a crash, set aside when it is damaged."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from strixdesk.session.store_schema import migrate

CUT_BY_END = "The program ended while this was being written."
UNHEARD = "The program ended before this was transcribed. The recording is safe."


def open_settled(path: Path, alive: frozenset[str]) -> sqlite3.Connection:
    """`alive`: the writers whose open messages are theirs to finish. Raises sqlite3.Error, OSError
    or StoreError."""
    db = connect(path)
    try:
        _settle(db, alive)
    except BaseException:
        db.close()
        raise
    return db


def connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=10, isolation_level=None)
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


def set_aside(path: Path) -> Path:
    """With everything that belongs to it: the newest words are in its write-ahead log."""
    stem = f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}"
    aside = path.with_name(stem)
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{stem}-{number}")
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside


def _settle(db: sqlite3.Connection, alive: frozenset[str]) -> None:
    """Messages left open by a process that is gone will not be finished by anyone."""
    with transaction(db):
        rows = db.execute(
            "SELECT id, status, writer FROM messages WHERE status IN ('streaming', 'pending')"
        ).fetchall()
        for row in rows:
            if str(row["writer"]) in alive:
                continue
            status, detail = (
                ("incomplete", CUT_BY_END) if row["status"] == "streaming" else ("failed", UNHEARD)
            )
            db.execute(
                "UPDATE messages SET status = ?, detail = ? WHERE id = ?",
                (status, detail, row["id"]),
            )


class transaction:  # noqa: N801 — reads as a verb
    """All of it or nothing."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> sqlite3.Connection:
        self._db.execute("BEGIN IMMEDIATE")
        return self._db

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if not self._db.in_transaction:
            return  # a full disk has rolled it back already
        try:
            if kind is None:
                self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
