"""The journal's tables, version by version. A migration that was released is never changed: a new one follows it."""

from __future__ import annotations

import sqlite3

from regtui.errors import StoreError

_MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE change (
            id INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, user TEXT NOT NULL, registry TEXT NOT NULL,
            title TEXT NOT NULL, state TEXT NOT NULL
        )""",
        """CREATE TABLE step (
            change INTEGER NOT NULL REFERENCES change (id) ON DELETE CASCADE, number INTEGER NOT NULL,
            intent TEXT NOT NULL, outcome TEXT NOT NULL, detail TEXT NOT NULL DEFAULT '',
            PRIMARY KEY (change, number)
        )""",
        """CREATE TABLE note (
            change INTEGER NOT NULL, step INTEGER NOT NULL, text TEXT NOT NULL,
            FOREIGN KEY (change, step) REFERENCES step (change, number) ON DELETE CASCADE
        )""",
        "CREATE TABLE content (digest TEXT PRIMARY KEY, raw BLOB NOT NULL)",
        """CREATE TABLE saved (
            change INTEGER NOT NULL, step INTEGER NOT NULL, repository TEXT NOT NULL,
            digest TEXT NOT NULL, media_type TEXT NOT NULL, tags TEXT NOT NULL,
            content TEXT NOT NULL REFERENCES content (digest),
            FOREIGN KEY (change, step) REFERENCES step (change, number) ON DELETE CASCADE
        )""",
        "CREATE INDEX note_of_step ON note (change, step)",
        "CREATE INDEX saved_of_step ON saved (change, step)",
        "CREATE INDEX saved_of_content ON saved (content)",
    ),
    (
        "ALTER TABLE change ADD COLUMN request TEXT NOT NULL DEFAULT '{}'",
        "CREATE TABLE forgotten (changes INTEGER NOT NULL, before TEXT NOT NULL)",
        "INSERT INTO forgotten VALUES (0, '')",
    ),
)


def migrate(database: sqlite3.Connection) -> None:
    """Brings the journal up to this regtui's version, once, whoever comes first.

    Raises `StoreError` when a newer regtui has written it: what it means, this one can't know.
    """
    if _version(database) == len(_MIGRATIONS):
        return
    database.execute("BEGIN IMMEDIATE")
    try:
        version = _version(database)
        if version > len(_MIGRATIONS):
            raise StoreError("The journal was written by a newer regtui", "Use that one for changes.")
        for statements in _MIGRATIONS[version:]:
            for statement in statements:
                database.execute(statement)
        database.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")
        database.execute("COMMIT")
    except BaseException:
        database.execute("ROLLBACK")
        raise


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])
