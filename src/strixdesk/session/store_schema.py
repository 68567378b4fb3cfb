"""The history's tables, as steps from one version to the next."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from strixdesk.core.errors import StoreError

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE conversations (
        id TEXT PRIMARY KEY,
        title TEXT NOT NULL DEFAULT '',
        updated_at REAL NOT NULL,
        removed INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE messages (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
        role TEXT NOT NULL,
        status TEXT NOT NULL,
        created_at REAL NOT NULL,
        tier TEXT,
        reason TEXT,
        detail TEXT,
        spoken INTEGER NOT NULL,
        parts TEXT NOT NULL,
        text TEXT NOT NULL,
        writer TEXT NOT NULL
    );
    CREATE INDEX messages_of ON messages (conversation_id, number);
    CREATE INDEX messages_open ON messages (status) WHERE status IN ('streaming', 'pending');
    CREATE VIRTUAL TABLE messages_found
        USING fts5 (text, content = 'messages', content_rowid = 'number');
    CREATE TRIGGER message_added AFTER INSERT ON messages
        WHEN new.status NOT IN ('streaming', 'pending')
    BEGIN
        INSERT INTO messages_found (rowid, text) VALUES (new.number, new.text);
    END;
    CREATE TRIGGER message_unsettled AFTER UPDATE ON messages
        WHEN old.status NOT IN ('streaming', 'pending')
    BEGIN
        INSERT INTO messages_found (messages_found, rowid, text)
            VALUES ('delete', old.number, old.text);
    END;
    CREATE TRIGGER message_settled AFTER UPDATE ON messages
        WHEN new.status NOT IN ('streaming', 'pending')
    BEGIN
        INSERT INTO messages_found (rowid, text) VALUES (new.number, new.text);
    END;
    CREATE TRIGGER message_removed AFTER DELETE ON messages
        WHEN old.status NOT IN ('streaming', 'pending')
    BEGIN
        INSERT INTO messages_found (messages_found, rowid, text)
            VALUES ('delete', old.number, old.text);
    END;
    """,
    """
    CREATE TABLE forgotten_recordings (utterance_id TEXT PRIMARY KEY);
    """,
    """
    CREATE TABLE summaries (
        conversation_id TEXT PRIMARY KEY REFERENCES conversations (id) ON DELETE CASCADE,
        text TEXT NOT NULL,
        through_id TEXT NOT NULL,
        messages INTEGER NOT NULL,
        before_tokens INTEGER NOT NULL,
        after_tokens INTEGER NOT NULL,
        tier TEXT NOT NULL,
        created_at REAL NOT NULL
    );
    """,
    """
    CREATE TABLE answers (
        number INTEGER PRIMARY KEY,
        tier TEXT NOT NULL,
        began_at REAL NOT NULL,
        outcome TEXT NOT NULL,
        model TEXT,
        prompt_tokens INTEGER NOT NULL,
        completion_tokens INTEGER NOT NULL,
        estimated INTEGER NOT NULL,
        ttft_ms REAL,
        total_ms REAL,
        tokens_per_s REAL,
        cost_nano_usd INTEGER NOT NULL,
        error TEXT NOT NULL
    );
    CREATE INDEX answers_in_time ON answers (began_at);
    CREATE TABLE kept_answers (
        question TEXT PRIMARY KEY,
        kept_at REAL NOT NULL,
        model TEXT,
        text TEXT NOT NULL,
        thinking TEXT NOT NULL
    );
    """,
    """
    CREATE TABLE kept_questions (
        number INTEGER PRIMARY KEY,
        message_id TEXT NOT NULL UNIQUE REFERENCES messages (id) ON DELETE CASCADE,
        box TEXT NOT NULL,
        tier TEXT,
        kept_at REAL NOT NULL
    );
    """,
    """
    ALTER TABLE kept_questions ADD COLUMN taken_by TEXT;
    """,
)
"""A growing answer is not indexed at each checkpoint, only once it is settled."""


def migrate(connection: sqlite3.Connection) -> None:
    """Brings the file to the newest version. Raises StoreError for a file from the future."""
    if _version(connection) == len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")  # two programs may begin with the same old file
    try:
        version = _version(connection)
        if version > len(MIGRATIONS):
            raise StoreError(
                "The history was written by a newer StrixDesk.",
                "Update this one, or start it with another --data-dir.",
            )
        for script in MIGRATIONS[version:]:
            for statement in _statements(script):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
