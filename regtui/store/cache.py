"""Content by digest, what was made of it, and names, kept so that nothing need be fetched again.

All may be thrown away at any time.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from regtui.oci.digest import Digest, digest_of, is_digest
from regtui.store import names, sightings
from regtui.store.files import open_private, private_folder
from regtui.store.sightings import Sighting

T = TypeVar("T")

_VERSION = 4
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS content (
    digest TEXT PRIMARY KEY, size INTEGER NOT NULL, used INTEGER NOT NULL, data BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS content_by_use ON content (used, size);
CREATE TABLE IF NOT EXISTS made (
    key TEXT PRIMARY KEY, digest TEXT NOT NULL, size INTEGER NOT NULL, used INTEGER NOT NULL, data BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS made_by_use ON made (used, size);
{names.SCHEMA}
{sightings.SCHEMA}
PRAGMA user_version = {_VERSION};
COMMIT;
"""
_BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_RECENT = 16 * 2**20
"""Bytes of what was made of content that are held in memory."""
_PATIENCE = 2.0
"""Seconds that another process may take for what it writes."""
_SIGHTINGS, _GATHERING = 1000, 2.0
"""Tags that are noted in one go, and seconds that they wait for others at most."""
_HOUR = 3600
"""Seconds; `used` is counted in these, so that reading writes once an hour at most."""


class _OtherVersion(Exception):
    """The database is a newer regtui's."""


class Cache:
    """`cache.db` in the cache folder. Several processes may use it at once; what goes wrong with it is no error.

    Where it can't be written, it keeps nothing. A broken database, or one of a newer version, is set aside as
    `cache.db.broken` and built anew.
    """

    def __init__(self, folder: Path, size_limit: int) -> None:
        """`size_limit` is in bytes of content; beyond it, what was used least lately goes. An eighth more for names."""
        self._file = folder / "cache.db"
        self._limit = size_limit
        self._thread = ThreadPoolExecutor(1, "regtui-cache")
        self._database: sqlite3.Connection | None = None
        self._usable = size_limit > 0
        self._closed = False
        self._recent: dict[str, bytes] = {}  # of `made`, what was used last at the end
        self._seen: list[sightings.Seen] = []  # that wait to be noted
        self._unweighed = size_limit  # bytes put since the content was last added up: at the start, nobody knows

    async def get(self, digest: str) -> bytes | None:
        """The content, checked against its digest, or None."""
        return await self._in_thread(lambda database: self._get(database, digest)) if is_digest(digest) else None

    async def put(self, digest: str, data: bytes) -> None:
        """Keeps content that has this digest."""
        if is_digest(digest) and len(data) <= self._limit // 4:
            await self._in_thread(lambda database: self._put(database, digest, data))

    async def get_made(self, key: str) -> bytes | None:
        """What was kept under this key, byte by byte as it was, or None."""
        if (recent := self._recent.pop(key, None)) is not None:
            self._recent[key] = recent
            return recent
        found = await self._in_thread(lambda database: self._get_made(database, key))
        if found is not None:
            self._remember(key, found)
        return found

    async def keep_made(self, key: str, data: bytes, *, lasting: bool = True) -> None:
        """Keeps what was made of content, in place of what was there. The key says of what, and in which format.

        Some of it is in memory, also where the database can't be used; without `lasting`, it is only there.
        """
        self._remember(key, data)
        if lasting and len(data) <= self._limit // 4:
            await self._in_thread(lambda database: self._keep_made(database, key, data))

    def keep_names(self, registry: str, kind: str, place: str, listed: Sequence[str]) -> None:
        """Keeps a whole listing (`names.keep` has the words), some time before the cache is closed. Returns at once."""
        if self._usable and not self._closed:
            limit = self._limit // 8
            self._thread.submit(
                self._attempt, lambda database: names.keep(database, registry, kind, place, listed, limit)
            )

    def saw(self, registry: str, repository: str, tag: str, digest: Digest) -> None:
        """Notes that a tag is on this digest now, together with others a little later. Called on the loop."""
        if not self._usable or self._closed:
            return
        self._seen.append((registry, repository, tag, digest, int(time.time() * 1000)))
        if len(self._seen) == 1:
            asyncio.get_running_loop().call_later(_GATHERING, self._note_seen)
        elif len(self._seen) >= _SIGHTINGS:
            self._note_seen()

    async def sightings(self, registry: str, repository: str, tag: str) -> list[Sighting]:
        """The digests that a tag was seen on, the newest first."""
        self._note_seen()
        return await self._in_thread(lambda database: sightings.of_tag(database, registry, repository, tag)) or []

    def _note_seen(self) -> None:
        seen, self._seen = self._seen, []
        if seen and not self._closed:
            limit = self._limit // 8 // sightings.ROW
            self._thread.submit(self._attempt, lambda database: sightings.keep(database, seen, limit))

    def _remember(self, key: str, data: bytes) -> None:
        self._recent.pop(key, None)
        self._recent[key] = data
        excess = sum(map(len, self._recent.values())) - _RECENT
        while excess > 0:
            excess -= len(self._recent.pop(next(iter(self._recent))))

    async def close(self) -> None:
        """What is asked of it afterwards is not kept and not found."""
        self._note_seen()
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    def _get(self, database: sqlite3.Connection, digest: str) -> bytes | None:
        row = database.execute("SELECT data, used FROM content WHERE digest = ?", (digest,)).fetchone()
        if row is None:
            return None
        data, used = bytes(row[0]), row[1]
        if digest_of(data, digest.partition(":")[0]) != digest:
            database.execute("DELETE FROM content WHERE digest = ?", (digest,))
            return None
        if used < _this_hour():
            with contextlib.suppress(sqlite3.OperationalError):  # another process writes: another time, then
                database.execute("UPDATE content SET used = ? WHERE digest = ?", (_this_hour(), digest))
        return data

    def _put(self, database: sqlite3.Connection, digest: str, data: bytes) -> None:
        database.execute(
            "INSERT OR IGNORE INTO content (digest, size, used, data) VALUES (?, ?, ?, ?)",
            (digest, len(data), _this_hour(), data),
        )
        self._weigh(database, data)

    def _get_made(self, database: sqlite3.Connection, key: str) -> bytes | None:
        row = database.execute("SELECT data, digest, used FROM made WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        data = bytes(row[0])
        if digest_of(data) != row[1]:
            database.execute("DELETE FROM made WHERE key = ?", (key,))
            return None
        if row[2] < _this_hour():
            with contextlib.suppress(sqlite3.OperationalError):
                database.execute("UPDATE made SET used = ? WHERE key = ?", (_this_hour(), key))
        return data

    def _keep_made(self, database: sqlite3.Connection, key: str, data: bytes) -> None:
        database.execute(
            "INSERT OR REPLACE INTO made (key, digest, size, used, data) VALUES (?, ?, ?, ?, ?)",
            (key, digest_of(data), len(data), _this_hour(), data),
        )
        self._weigh(database, data)

    def _weigh(self, database: sqlite3.Connection, data: bytes) -> None:
        self._unweighed += len(data)
        if self._unweighed > self._limit // 16:
            self._make_room(database)
            self._unweighed = 0

    def _make_room(self, database: sqlite3.Connection) -> None:
        both = "SELECT 0 AS made, rowid AS row, size, used FROM content UNION ALL SELECT 1, rowid, size, used FROM made"
        excess = database.execute(f"SELECT coalesce(sum(size), 0) FROM ({both})").fetchone()[0] - self._limit  # noqa: S608
        if excess <= 0:
            return
        oldest: tuple[list[tuple[int]], list[tuple[int]]] = [], []
        for made, rowid, size in database.execute(f"SELECT made, row, size FROM ({both}) ORDER BY used, row"):  # noqa: S608
            oldest[made].append((rowid,))
            excess -= size
            if excess <= -(self._limit // 8):  # some room to spare, or each put would have to make room
                break
        database.executemany("DELETE FROM content WHERE rowid = ?", oldest[0])
        database.executemany("DELETE FROM made WHERE rowid = ?", oldest[1])

    async def _in_thread(self, action: Callable[[sqlite3.Connection], T]) -> T | None:
        if self._closed or not self._usable:
            return None
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._attempt, action)

    def _attempt(self, action: Callable[[sqlite3.Connection], T]) -> T | None:
        for _ in range(2):
            if not self._usable:
                break
            try:
                return action(self._open())
            except _OtherVersion:
                self._set_aside()
            except sqlite3.DatabaseError as error:
                if error.sqlite_errorcode & 0xFF not in _BROKEN:
                    break
                self._set_aside()
            except OSError:
                self._usable = False  # no folder to write to: a read-only home works without a cache
        return None

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            private_folder(self._file.parent)
            database = open_private(self._file, _PATIENCE)
            try:
                version = database.execute("PRAGMA user_version").fetchone()[0]
                if version > _VERSION:
                    raise _OtherVersion
                database.execute("PRAGMA synchronous = NORMAL")
                if version < _VERSION:  # so far each version only added a table
                    database.executescript(_SCHEMA)
            except BaseException:
                database.close()
                raise
            self._database = database
        return self._database

    def _set_aside(self) -> None:
        self._close()
        try:
            self._file.replace(self._file.with_name("cache.db.broken"))
            for suffix in ("-wal", "-shm"):
                self._file.with_name(self._file.name + suffix).unlink(missing_ok=True)
        except OSError:
            self._usable = False

    def _close(self) -> None:
        if self._database is not None:
            with contextlib.suppress(sqlite3.Error):
                self._database.close()
            self._database = None


def _this_hour() -> int:
    return int(time.time()) // _HOUR
