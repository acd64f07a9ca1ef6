"""The cache keeps content by its digest, and is in nobody's way."""

from __future__ import annotations

import multiprocessing
import sqlite3
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regtui.oci.digest import digest_of
from regtui.store.cache import Cache

PLENTY = 1024 * 1024


@pytest.fixture
async def cache(tmp_path: Path) -> AsyncIterator[Cache]:
    cache = Cache(tmp_path / "cache", PLENTY)
    yield cache
    await cache.close()


async def keep(cache: Cache, *contents: bytes) -> list[str]:
    digests: list[str] = [digest_of(content) for content in contents]
    for digest, content in zip(digests, contents, strict=True):
        await cache.put(digest, content)
    return digests


async def test_content_is_found_again_by_its_digest(cache: Cache) -> None:
    await keep(cache, b"one", b"two")
    await cache.put(digest_of(b"long", "sha512"), b"long")
    assert await cache.get(digest_of(b"two")) == b"two"
    assert await cache.get(digest_of(b"long", "sha512")) == b"long"
    assert await cache.get(digest_of(b"three")) is None


async def test_it_outlives_the_process_that_kept_it(tmp_path: Path) -> None:
    first = Cache(tmp_path, PLENTY)
    (digest,) = await keep(first, b"kept")
    await first.close()
    second = Cache(tmp_path, PLENTY)
    assert await second.get(digest) == b"kept"
    await second.close()
    assert await second.get(digest) is None  # closed: not found, no error


@settings(max_examples=30, deadline=None)
@given(st.binary())
async def test_any_bytes_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    cache = Cache(tmp_path_factory.getbasetemp() / "any", PLENTY)
    (digest,) = await keep(cache, data)
    assert await cache.get(digest) == data
    await cache.close()


async def test_what_was_changed_on_the_disk_is_not_content(cache: Cache, tmp_path: Path) -> None:
    (digest,) = await keep(cache, b"true")
    with sqlite3.connect(tmp_path / "cache" / "cache.db") as other:
        other.execute("UPDATE content SET data = ?", (b"false",))
    assert await cache.get(digest) is None
    await cache.put(digest, b"true")
    assert await cache.get(digest) == b"true"


async def test_beyond_its_size_the_least_used_goes(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 10_000)
    contents = [bytes([number]) * 1000 for number in range(15)]
    digests = await keep(cache, *contents[:9])
    with sqlite3.connect(tmp_path / "cache.db") as other:
        other.execute("UPDATE content SET used = used - 1 WHERE digest != ?", (digests[0],))
    digests += await keep(cache, *contents[9:])
    left = [digest for digest in digests if await cache.get(digest)]
    assert digests[0] in left
    assert digests[1] not in left
    assert digests[-1] in left
    assert len(left) * 1000 <= 10_000
    await cache.put(digest_of(b"x" * 9000), b"x" * 9000)  # would push nearly all else out
    assert await cache.get(digest_of(b"x" * 9000)) is None
    await cache.close()


async def test_what_was_made_of_content_is_kept_under_a_key_and_the_newest_counts(tmp_path: Path) -> None:
    first = Cache(tmp_path, PLENTY)
    await first.keep_made("layer-1 sha256:...", b"once")
    await first.keep_made("layer-1 sha256:...", b"again")
    await first.close()
    second = Cache(tmp_path, PLENTY)
    assert await second.get_made("layer-1 sha256:...") == b"again"
    assert await second.get_made("layer-2 sha256:...") is None
    await second.close()


async def test_what_was_made_and_then_changed_on_the_disk_is_gone(cache: Cache, tmp_path: Path) -> None:
    await cache.keep_made("key", b"true")
    with sqlite3.connect(tmp_path / "cache" / "cache.db") as other:
        other.execute("UPDATE made SET data = ?", (b"false",))
    later = Cache(tmp_path / "cache", PLENTY)
    assert await later.get_made("key") is None
    await later.close()


async def test_some_of_it_is_in_memory_too_if_only_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    cache = Cache(tmp_path / "file" / "cache", PLENTY)
    for number in range(20):
        await cache.keep_made(f"{number}", bytes([number]) * 2**20)
    assert [number for number in range(20) if await cache.get_made(f"{number}")] == [*range(4, 20)]
    await cache.close()
    first = Cache(tmp_path, PLENTY)
    await first.keep_made("key", b"data", lasting=False)
    assert await first.get_made("key") == b"data"
    await first.close()
    second = Cache(tmp_path, PLENTY)
    assert await second.get_made("key") is None
    await second.close()


async def test_content_and_what_was_made_of_it_share_the_room(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 10_000)
    digests = await keep(cache, *(bytes([number]) * 1000 for number in range(5)))
    with sqlite3.connect(tmp_path / "cache.db") as other:
        other.execute("UPDATE content SET used = used - 1")
    for number in range(12):
        await cache.keep_made(f"{number}", bytes(1000))
    assert not any([await cache.get(digest) for digest in digests])
    await cache.close()
    cache = Cache(tmp_path, 10_000)
    left = [number for number in range(12) if await cache.get_made(f"{number}")]
    assert left == [*range(left[0], 12)]
    assert len(left) * 1000 <= 10_000
    await cache.close()


async def test_an_older_version_s_database_keeps_what_it_has(tmp_path: Path) -> None:
    cache = Cache(tmp_path, PLENTY)
    (digest,) = await keep(cache, b"kept")
    await cache.close()
    with sqlite3.connect(tmp_path / "cache.db") as other:
        other.executescript("DROP TABLE made; PRAGMA user_version = 2;")
    cache = Cache(tmp_path, PLENTY)
    await cache.keep_made("key", b"made")
    assert (await cache.get(digest), await cache.get_made("key")) == (b"kept", b"made")
    await cache.close()


@pytest.mark.parametrize("damage", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
async def test_a_broken_database_is_set_aside_and_built_anew(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "cache.db").write_bytes(damage)
    cache = Cache(tmp_path, PLENTY)
    (digest,) = await keep(cache, b"after")
    assert await cache.get(digest) == b"after"
    assert (tmp_path / "cache.db.broken").read_bytes() == damage
    await cache.close()


async def test_another_versions_database_is_set_aside(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "cache.db") as other:
        other.execute("PRAGMA user_version = 99")
    cache = Cache(tmp_path, PLENTY)
    (digest,) = await keep(cache, b"after")
    assert await cache.get(digest) == b"after"
    await cache.close()


async def test_where_it_cannot_be_written_it_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    cache = Cache(tmp_path / "file" / "cache", PLENTY)
    (digest,) = await keep(cache, b"lost")
    assert await cache.get(digest) is None
    await cache.close()


async def test_no_room_at_all_means_no_cache(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 0)
    (digest,) = await keep(cache, b"")
    assert await cache.get(digest) is None
    assert not (tmp_path / "cache.db").exists()
    await cache.close()


async def test_what_is_no_digest_is_not_looked_for(cache: Cache) -> None:
    await cache.put("md5:1234", b"x")
    assert await cache.get("md5:1234") is None


async def test_only_its_owner_reads_it(cache: Cache, tmp_path: Path) -> None:
    await keep(cache, b"an image's environment holds secrets")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "cache").iterdir()}
    assert modes["cache.db"] == modes["cache.db-wal"] == 0o600
    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700


def _fill(folder: Path, start: int) -> None:
    import asyncio

    async def fill() -> None:
        cache = Cache(folder, PLENTY)
        await keep(cache, *(b"%d" % number for number in range(start, start + 50)))
        await cache.close()

    asyncio.run(fill())


async def test_several_processes_share_it(tmp_path: Path) -> None:
    processes = [multiprocessing.get_context("spawn").Process(target=_fill, args=(tmp_path, n * 50)) for n in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    cache = Cache(tmp_path, PLENTY)
    assert [await cache.get(digest_of(b"%d" % number)) for number in range(150)] == [b"%d" % n for n in range(150)]
    await cache.close()
