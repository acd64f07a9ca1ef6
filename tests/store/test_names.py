"""Names that were listed are kept for the shells' completion, whole listings at a time."""

from __future__ import annotations

import multiprocessing
import sqlite3
from pathlib import Path

import pytest

from regtui.oci.digest import digest_of
from regtui.store import names
from regtui.store.cache import Cache
from regtui.store.names import NAMES_LIMIT, REPOSITORIES, TAGS

PLENTY = 64 * 1024 * 1024
HOST = "localhost:5000"


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """Each test closes it: what was asked for before is kept then."""
    return Cache(tmp_path, PLENTY)


async def test_a_listing_is_found_again_and_the_newest_counts(cache: Cache, tmp_path: Path) -> None:
    cache.keep_names(HOST, TAGS, "team/app", ["1.0", "1.1"])
    cache.keep_names(HOST, TAGS, "team/app", ["1.1", "2.0"])
    cache.keep_names(HOST, TAGS, "team/other", ["3.0"])
    cache.keep_names(HOST, REPOSITORIES, "", ["team/app", "lone"])
    cache.keep_names("quay.io", REPOSITORIES, "team", ["team/x"])
    await cache.close()
    assert names.tags(tmp_path, HOST, "team/app") == ["1.1", "2.0"]
    assert names.repositories(tmp_path, HOST) == {"team/app", "lone", "team/other"}
    assert sorted(names.registries(tmp_path)) == [HOST, "quay.io"]


async def test_an_empty_listing_is_one(cache: Cache, tmp_path: Path) -> None:
    cache.keep_names(HOST, TAGS, "team/app", ["1.0"])
    cache.keep_names(HOST, TAGS, "team/app", [])
    await cache.close()
    assert names.tags(tmp_path, HOST, "team/app") == []


async def test_what_no_reference_could_name_is_left_out(cache: Cache, tmp_path: Path) -> None:
    cache.keep_names(HOST, TAGS, "a", ["1.0\n2.0", "$(reboot)", "\x1b[31m", "-x", "`id`", "ok"])
    cache.keep_names(HOST, REPOSITORIES, "", ["../..", "a b", "A", "$(x)/y", "good/one"])
    await cache.close()
    assert names.tags(tmp_path, HOST, "a") == ["ok"]
    assert names.repositories(tmp_path, HOST) == {"a", "good/one"}


async def test_nor_what_somebody_wrote_into_the_file(cache: Cache, tmp_path: Path) -> None:
    cache.keep_names(HOST, TAGS, "a", ["ok"])
    await cache.close()
    with sqlite3.connect(tmp_path / "cache.db") as other:
        other.execute("UPDATE listing SET names = '$(reboot)' || char(10) || 'ok'")
    assert names.tags(tmp_path, HOST, "a") == ["ok"]


async def test_listings_are_bounded_each_and_together(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 8 * 1000)  # 1,000 bytes of names
    for number in range(30):
        cache.keep_names(HOST, TAGS, f"r{number}", ["x" * 100])
    cache.keep_names(HOST, TAGS, "huge", ["x" * 100] * 11)
    await cache.close()
    assert names.repositories(tmp_path, HOST) == {f"r{number}" for number in range(20, 30)}
    cache = Cache(tmp_path, PLENTY)
    cache.keep_names(HOST, TAGS, "many", [str(number) for number in range(NAMES_LIMIT + 10)])
    await cache.close()
    assert len(names.tags(tmp_path, HOST, "many")) == NAMES_LIMIT


async def test_a_cache_of_the_version_before_keeps_its_content(tmp_path: Path) -> None:
    cache = Cache(tmp_path, PLENTY)
    digest = digest_of(b"kept")
    await cache.put(digest, b"kept")
    await cache.close()
    with sqlite3.connect(tmp_path / "cache.db") as other:
        other.executescript("DROP TABLE listing; PRAGMA user_version = 1;")
    assert names.repositories(tmp_path, HOST) == set()
    cache = Cache(tmp_path, PLENTY)
    cache.keep_names(HOST, TAGS, "a", ["ok"])
    assert await cache.get(digest) == b"kept"
    await cache.close()
    assert names.tags(tmp_path, HOST, "a") == ["ok"]


@pytest.mark.parametrize("damage", [b"", b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_broken_cache_has_no_names_and_stays_as_it_is(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "cache.db").write_bytes(damage)
    assert names.registries(tmp_path) == []
    assert names.tags(tmp_path, HOST, "a") == []
    assert (tmp_path / "cache.db").read_bytes() == damage


def test_looking_makes_no_cache(tmp_path: Path) -> None:
    assert names.registries(tmp_path / "none") == []
    assert names.registries(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


async def test_who_writes_hinders_nobody_who_reads(cache: Cache, tmp_path: Path) -> None:
    cache.keep_names(HOST, TAGS, "a", ["ok"])
    await cache.get(digest_of(b""))
    with sqlite3.connect(tmp_path / "cache.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        assert names.tags(tmp_path, HOST, "a") == ["ok"]
        other.execute("ROLLBACK")
    await cache.close()


def _fill(folder: Path, number: int) -> None:
    import asyncio

    cache = Cache(folder, PLENTY)
    for each in range(20):
        cache.keep_names(HOST, TAGS, "shared", [str(each)])
        cache.keep_names(HOST, TAGS, f"own{number}", [str(each)])
    asyncio.run(cache.close())


def test_several_processes_share_it(tmp_path: Path) -> None:
    processes = [multiprocessing.get_context("spawn").Process(target=_fill, args=(tmp_path, n)) for n in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert names.tags(tmp_path, HOST, "shared") == ["19"]
    assert [names.tags(tmp_path, HOST, f"own{number}") for number in range(3)] == [["19"]] * 3
