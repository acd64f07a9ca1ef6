"""Where one has been is remembered, newest first."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from regtui.store.places import LIMIT, Places


def test_the_newest_place_comes_first_and_none_twice(tmp_path: Path) -> None:
    places = Places(tmp_path / "state")
    assert places.recent() == []
    for place in ("localhost:5000", "docker.io", "localhost:5000"):
        places.remember(place)
    assert Places(tmp_path / "state").recent() == ["localhost:5000", "docker.io"]
    assert stat.S_IMODE((tmp_path / "state" / "places.json").stat().st_mode) == 0o600


def test_the_list_is_bounded(tmp_path: Path) -> None:
    places = Places(tmp_path)
    for number in range(LIMIT + 5):
        places.remember(f"registry-{number}.example")
    assert len(places.recent()) == LIMIT
    assert places.recent()[0] == f"registry-{LIMIT + 4}.example"


@pytest.mark.parametrize("junk", [b"", b"{", b"{}", b'[1, null, "docker.io"]', b"[" * 100_000, b"\xff"])
def test_a_broken_list_stops_nobody(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "places.json").write_bytes(junk)
    places = Places(tmp_path)
    assert places.recent() in ([], ["docker.io"])
    places.remember("ghcr.io")
    assert places.recent()[0] == "ghcr.io"


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    places = Places(tmp_path / "file")
    places.remember("ghcr.io")
    assert places.recent() == []
