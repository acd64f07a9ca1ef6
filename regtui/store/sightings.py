"""Which digests a tag was seen on, and when. A table of `cache.db`; what it holds may be thrown away at any time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from regtui.oci.digest import Digest, is_digest
from regtui.oci.reference import is_tag

SCHEMA = """
CREATE TABLE IF NOT EXISTS sighting (
    registry TEXT NOT NULL, repository TEXT NOT NULL, tag TEXT NOT NULL, first INTEGER NOT NULL,
    last INTEGER NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (registry, repository, tag, first)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sighting_by_time ON sighting (last);
"""
ROW = 256
"""Bytes that a sighting takes, about, with its place in the index."""
_OFTEN = 3_600_000
"""Milliseconds between two notes that a tag is still on the digest that it was on."""

Seen = tuple[str, str, str, Digest, int]
"""Registry, repository, tag, digest, and when, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A tag on a digest, from when it was first seen there to when it was last, UTC, and on no other in between."""

    digest: Digest
    first: datetime
    last: datetime


def keep(database: sqlite3.Connection, seen: Iterable[Seen], limit: int) -> None:
    """Notes them in one transaction. Beyond `limit` of them in all, those go that were seen least lately."""
    database.execute("BEGIN IMMEDIATE")
    try:
        for registry, repository, tag, digest, now in seen:
            if is_tag(tag) and is_digest(digest):
                _keep_one(database, registry, repository, tag, digest, now)
        excess = database.execute("SELECT count(*) FROM sighting").fetchone()[0] - limit
        if excess > 0:
            database.execute(
                "DELETE FROM sighting WHERE (registry, repository, tag, first) IN"
                " (SELECT registry, repository, tag, first FROM sighting ORDER BY last LIMIT ?)",
                (excess + limit // 16,),
            )
        database.execute("COMMIT")
    except BaseException:
        database.execute("ROLLBACK")
        raise


def of_tag(database: sqlite3.Connection, registry: str, repository: str, tag: str) -> list[Sighting]:
    """The newest first."""
    rows = database.execute(
        "SELECT digest, first, last FROM sighting WHERE registry = ? AND repository = ? AND tag = ?"
        " ORDER BY first DESC",
        (registry, repository, tag),
    ).fetchall()
    return [Sighting(Digest(digest), _time(first), _time(last)) for digest, first, last in rows]


def _keep_one(database: sqlite3.Connection, registry: str, repository: str, tag: str, digest: str, now: int) -> None:
    place = (registry, repository, tag)
    latest = database.execute(
        "SELECT digest, first, last FROM sighting WHERE registry = ? AND repository = ? AND tag = ?"
        " ORDER BY first DESC LIMIT 1",
        place,
    ).fetchone()
    if latest and latest[0] == digest:
        if now - latest[2] >= _OFTEN:
            database.execute(
                "UPDATE sighting SET last = ? WHERE registry = ? AND repository = ? AND tag = ? AND first = ?",
                (now, *place, latest[1]),
            )
        return
    first = max(now, latest[1] + 1) if latest else now
    database.execute("INSERT INTO sighting VALUES (?, ?, ?, ?, ?, ?)", (*place, first, first, digest))


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
