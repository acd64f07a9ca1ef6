"""Confirmed login servers are remembered."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from regtui.errors import StoreError
from regtui.store.realms import Realms


def test_login_servers_are_kept_by_registry(tmp_path: Path) -> None:
    realms = Realms(tmp_path / "state")
    assert realms.of("a.example") == frozenset()
    for realm in ("login.example", "sso.example", "login.example"):
        realms.trust("a.example", realm)
    assert Realms(tmp_path / "state").of("a.example") == {"login.example", "sso.example"}
    assert Realms(tmp_path / "state").of("b.example") == frozenset()
    assert stat.S_IMODE((tmp_path / "state/realms.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


@pytest.mark.parametrize("junk", [b"", b"{", b"[]", b'{"a.example": "x"}', b'{"a.example": [1]}', b"[" * 100_000])
def test_what_cannot_be_read_confirms_nothing(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "realms.json").write_bytes(junk)
    realms = Realms(tmp_path)
    assert realms.of("a.example") == frozenset()
    realms.trust("a.example", "login.example")
    assert realms.of("a.example") == {"login.example"}


def test_what_cannot_be_remembered_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"realms.json can't be written"):
        Realms(tmp_path / "file").trust("a.example", "login.example")
