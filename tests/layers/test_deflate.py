"""zlib-ng and the system's zlib, called past Python: that they are there, do the same, and leave nothing behind."""

from __future__ import annotations

import ctypes
import gc
import gzip
import re
import struct
import sys
import zlib
from pathlib import Path

import pytest

from regtui.errors import ContentError
from regtui.layers import deflate
from regtui.layers.decompress import PIECE, Inflater
from regtui.layers.points import PointsMaker
from tests.layers.packed import BY_BLOCK, LIBRARIES, content, library, unpack

FIELDS = [*deflate._NextGenStream._fields_, ("more", ctypes.c_ulong)]
"""As if a newer version had added something."""

TEXT = content("mixed", 2_000_000)
PACKED = gzip.compress(TEXT)


def test_the_version_of_zlib_ng_that_we_ask_for_has_what_we_call() -> None:
    found = deflate.next_gen()
    assert found is not None
    assert found.version.startswith(b"2.")


def test_a_library_that_lacks_something_or_does_something_else_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.util.find_library", lambda name: "libc.so.6")
    assert deflate.system() is None
    monkeypatch.setattr("ctypes.util.find_library", lambda name: "libnothing.so.9")
    assert deflate.system() is None
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    assert deflate.system() is None
    monkeypatch.setattr(deflate, "_NextGenStream", type("Other", (ctypes.Structure,), {"_fields_": FIELDS}))
    assert deflate.next_gen() is None
    monkeypatch.setitem(sys.modules, "zlib_ng.zlib_ng", None)
    assert deflate.next_gen() is None
    assert deflate.next_gen() is None


@pytest.mark.parametrize("name", LIBRARIES)
def test_all_inflate_the_same(name: str) -> None:
    members = PACKED + gzip.compress(b"") + gzip.compress(TEXT[:70_000], 1)
    with library(name):
        for step in (1000, 10_000_000):
            assert unpack(members, step)[0] == TEXT + TEXT[:70_000]
            assert unpack(members + bytes(3000), step)[0] == TEXT + TEXT[:70_000]


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_header_with_all_its_fields_is_read(name: str) -> None:
    head = b"\x1f\x8b\x08\x1e" + bytes(6) + struct.pack("<H", 5) + b"extra" + b"name\0" + b"comment\0"
    head += struct.pack("<H", zlib.crc32(head) & 0xFFFF)
    with library(name):
        for step in (1, 10_000_000) if name in BY_BLOCK else (10_000_000,):  # isal stumbles over a header in parts
            assert unpack(head + gzip.compress(b"abc", mtime=0)[10:], step)[0] == b"abc"


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize(("position", "what"), [(-1, "length"), (-5, "checksum"), (2, "method"), (5000, "data")])
def test_a_wrong_checksum_or_length_is_damage(name: str, position: int, what: str) -> None:
    wrong = bytearray(PACKED)
    wrong[position] ^= 0xE0
    with library(name), pytest.raises(ContentError, match="gzip data is damaged"):
        unpack(bytes(wrong))


@pytest.mark.parametrize("name", BY_BLOCK)
@pytest.mark.parametrize("step", [1000, 10_000_000])
def test_all_before_the_damage_comes_out(name: str, step: int) -> None:
    wrong, out = PACKED[:-8] + bytes(8), bytearray()

    def feed() -> None:
        inflater = Inflater(points=PointsMaker())
        for at in range(0, len(wrong), step):
            for piece in inflater.feed(wrong[at : at + step]):
                out.extend(piece)

    with library(name), pytest.raises(ContentError, match="gzip data is damaged: incorrect data check"):
        feed()
    assert out == TEXT


@pytest.mark.parametrize("name", LIBRARIES)
def test_what_is_cut_off_is_said_to_be(name: str) -> None:
    with library(name):
        for cut in (len(PACKED) - 1, len(PACKED) - 8, len(PACKED) - 9, 5000, 12, 9):
            with pytest.raises(ContentError, match="cut off"):
                unpack(PACKED[:cut])


@pytest.mark.parametrize("name", LIBRARIES)
def test_no_step_gives_more_than_a_piece(name: str) -> None:
    bomb = gzip.compress(bytes(30 * 2**20))
    with library(name):
        pieces = list(Inflater(points=PointsMaker()).feed(bomb))
    assert max(map(len, pieces)) <= PIECE
    assert sum(map(len, pieces)) == 30 * 2**20


@pytest.mark.parametrize("name", BY_BLOCK)
def test_nothing_is_left_behind_by_layers_that_are_damaged_or_given_up(name: str) -> None:
    wrong = bytearray(PACKED[:200_000])
    wrong[150_000:150_400] = bytes(400)

    def give_up() -> None:
        for _ in range(30):
            started = Inflater(points=PointsMaker()).feed(PACKED)
            next(started)
            with pytest.raises(ContentError):
                unpack(bytes(wrong))
        gc.collect()

    with library(name):
        give_up()
        before = _resident()
        for _ in range(4):
            give_up()
        assert _resident() - before < 8 * 2**20  # each holds more than 1 MiB while it lives, and there were 240


def _resident() -> int:
    """Bytes of memory that this process has."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 if found else 0
