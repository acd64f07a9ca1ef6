"""Which digests a tag was seen on: kept beside the cache, and gone with it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from regtui.oci.digest import digest_of
from regtui.store.cache import Cache

ONE, TWO = digest_of(b"1"), digest_of(b"2")
TAG = ("localhost:5000", "team/app", "latest")


@pytest.fixture
async def cache(tmp_path: Path) -> AsyncIterator[Cache]:
    cache = Cache(tmp_path, 64 * 2**20)
    yield cache
    await cache.close()


async def test_a_tag_that_went_there_and_back_has_three_entries(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    start = time.time()
    for hours, digest in enumerate([ONE, ONE, TWO, TWO, ONE]):
        monkeypatch.setattr("time.time", lambda now=start + 3600 * hours: now)
        cache.saw(*TAG, digest)
        cache.saw("localhost:5000", "team/app", "other", TWO)
    seen = await cache.sightings(*TAG)
    assert [sighting.digest for sighting in seen] == [ONE, TWO, ONE]
    assert [(sighting.last - sighting.first).total_seconds() for sighting in seen] == [0, 3600, 3600]
    assert await cache.sightings("localhost:5000", "team/app", "none") == []


async def test_what_was_seen_is_there_in_the_next_run(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 64 * 2**20)
    cache.saw(*TAG, ONE)
    await cache.close()
    again = Cache(tmp_path, 64 * 2**20)
    assert [sighting.digest for sighting in await again.sightings(*TAG)] == [ONE]
    await again.close()


async def test_what_was_seen_least_lately_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = Cache(tmp_path, 8 * 256 * 100)  # room for a hundred
    start = time.time()
    for number in range(150):
        monkeypatch.setattr("time.time", lambda now=start + number: now)
        small.saw("localhost:5000", "team/app", f"1.{number}", ONE)
    assert await small.sightings("localhost:5000", "team/app", "1.0") == []
    assert await small.sightings("localhost:5000", "team/app", "1.149")
    await small.close()


async def test_without_a_cache_nothing_is_kept_and_nothing_fails(tmp_path: Path) -> None:
    none = Cache(tmp_path, 0)
    none.saw(*TAG, ONE)
    assert await none.sightings(*TAG) == []
    await none.close()
