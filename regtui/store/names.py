"""Names that were listed, a registry's repositories and a repository's tags: what shells complete.

They are a table of `cache.db`. Reading it is apart from the cache, for it must be quick and change nothing.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from urllib.parse import quote

from regtui.oci.reference import is_repository, is_tag

NAMES_LIMIT = 20_000
"""Names of one listing that are kept, its first ones."""
TAGS, REPOSITORIES = "tags", "repositories"

SCHEMA = """
CREATE TABLE IF NOT EXISTS listing (
    registry TEXT NOT NULL, kind TEXT NOT NULL, place TEXT NOT NULL, time INTEGER NOT NULL, size INTEGER NOT NULL,
    names TEXT NOT NULL, PRIMARY KEY (registry, kind, place)
);
"""
_PATIENCE = 0.1
"""Seconds that somebody who pressed Tab waits for another process's writing."""


def keep(database: sqlite3.Connection, registry: str, kind: str, place: str, names: Iterable[str], limit: int) -> None:
    """Puts a whole listing in the place of the one before. Beyond `limit` bytes the oldest listings go.

    `kind` is `TAGS`, and `place` their repository; or `REPOSITORIES`, and `place` the namespace they are below, empty
    for all. What no reference could name is left out.
    """
    is_name = is_tag if kind == TAGS else is_repository
    text = "\n".join(islice(filter(is_name, names), NAMES_LIMIT))
    if len(text) > limit:
        return
    database.execute(
        "INSERT OR REPLACE INTO listing (registry, kind, place, time, size, names) VALUES (?, ?, ?, ?, ?, ?)",
        (registry, kind, place, int(time.time()), len(text), text),
    )
    database.execute(
        "DELETE FROM listing WHERE rowid IN (SELECT rowid FROM (SELECT rowid, sum(size) OVER"
        " (ORDER BY time DESC, rowid DESC) AS kept FROM listing) WHERE kept > ?)",
        (limit,),
    )


def tags(folder: Path, registry: str, repository: str) -> list[str]:
    """A repository's tags as they were last listed. Here and below: empty for whatever goes wrong."""
    rows = _rows(
        folder, "SELECT names FROM listing WHERE registry = ? AND kind = ? AND place = ?", registry, TAGS, repository
    )
    return [name for (names,) in rows for name in names.split("\n") if is_tag(name)]


def repositories(folder: Path, registry: str) -> set[str]:
    """A registry's repositories: those listed, and those whose tags were."""
    found: set[str] = set()
    for kind, place, names in _rows(
        folder,
        "SELECT kind, place, CASE kind WHEN ? THEN names ELSE '' END FROM listing WHERE registry = ?",
        REPOSITORIES,
        registry,
    ):
        found.update(names.split("\n") if kind == REPOSITORIES else [place])
    return {name for name in found if is_repository(name)}


def registries(folder: Path) -> list[str]:
    """Registries of which anything was listed."""
    return [registry for (registry,) in _rows(folder, "SELECT DISTINCT registry FROM listing")]


def _rows(folder: Path, statement: str, *values: str) -> Iterator[tuple[str, ...]]:
    try:
        address = f"file:{quote(str(folder / 'cache.db'))}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=_PATIENCE)) as database:
            yield from database.execute(statement, values).fetchall()
    except (sqlite3.Error, OSError):
        return
