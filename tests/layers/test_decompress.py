"""Layers arrive plain, as gzip or as zstd, in one part or many, whole or damaged."""

from __future__ import annotations

import struct

import pytest

from regtui.errors import ContentError, TooLarge
from regtui.layers.decompress import PIECE, Inflater
from regtui.layers.limits import LIMITS, Limits
from tests.layers.archives import archive, gzip_members, member, zstd_frames

PLAIN = archive([member(f"file-{number}", number * 20) for number in range(300)])
SKIPPABLE = b"\x53\x2a\x4d\x18" + struct.pack("<I", 1000) + bytes(1000)
FORMS = {
    "plain": PLAIN,
    "gzip": gzip_members(PLAIN),
    "gzip of many members": gzip_members(PLAIN, 700),
    "gzip with zeros behind it": gzip_members(PLAIN) + bytes(700),
    "zstd": zstd_frames(PLAIN),
    "zstd of many frames": zstd_frames(PLAIN, 40),
    "zstd without content sizes, with checksums": zstd_frames(PLAIN, 3, write_content_size=False, write_checksum=True),
    "zstd behind a skippable frame": SKIPPABLE + zstd_frames(PLAIN, 2) + SKIPPABLE,
}


def inflate(data: bytes, chunk: int = 5000, limits: Limits = LIMITS) -> list[bytes]:
    inflater = Inflater(limits)
    pieces = [piece for start in range(0, len(data), chunk) for piece in inflater.feed(data[start : start + chunk])]
    return pieces + list(inflater.close())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("chunk", [7, 777, 10_000_000])
def test_every_form_gives_the_same_archive(form: str, chunk: int) -> None:
    assert b"".join(inflate(FORMS[form], chunk)) == PLAIN


@pytest.mark.parametrize("form", [form for form in FORMS if form not in ("plain", "gzip with zeros behind it")])
def test_a_cut_is_noticed(form: str) -> None:
    data = FORMS[form].removesuffix(SKIPPABLE)
    for cut in (len(data) - 1, len(data) - 9, 5):
        with pytest.raises(ContentError, match="cut off"):
            inflate(data[:cut])


@pytest.mark.parametrize("form", ["gzip", "zstd without content sizes, with checksums"])
def test_damage_is_noticed(form: str) -> None:
    data = bytearray(FORMS[form])
    data[-6 if form == "gzip" else -2] ^= 0xFF
    with pytest.raises(ContentError, match="damaged"):
        inflate(bytes(data))


def test_something_else_behind_the_last_frame_or_member_is_damage() -> None:
    for form in ("gzip", "zstd"):
        with pytest.raises(ContentError, match="damaged"):
            inflate(FORMS[form] + b"something else")


def test_no_step_gives_more_than_a_piece() -> None:
    bomb = bytes(50 * 2**20)
    frame_of_runs = zstd_frames(bomb)
    assert len(frame_of_runs) < 10_000
    for data in (gzip_members(bomb), frame_of_runs):
        pieces = inflate(data, len(data))
        assert max(map(len, pieces)) <= PIECE
        assert sum(map(len, pieces)) == len(bomb)


@pytest.mark.parametrize(
    ("limits", "words"),
    [(Limits(unpacked=10 * 2**20), "10,485,760 bytes"), (Limits(ratio=100, ratio_from=2**20), "100 times")],
)
def test_a_bomb_is_stopped(limits: Limits, words: str) -> None:
    for data in (gzip_members(bytes(50 * 2**20)), zstd_frames(bytes(50 * 2**20))):
        inflater = Inflater(limits)
        with pytest.raises(TooLarge, match=words):
            list(inflater.feed(data))
        assert inflater.bytes_out <= 11 * 2**20


def test_a_block_or_window_that_can_t_be_is_refused() -> None:
    start = b"\x28\xb5\x2f\xfd\x00\x58"
    for block in (b"\xff\xff\xff", (3 << 1 | 8).to_bytes(3, "little")):
        with pytest.raises(ContentError, match="damaged"):
            inflate(start + block + bytes(300_000))
    huge_window = b"\x28\xb5\x2f\xfd\x00\xf8"
    with pytest.raises(ContentError, match="damaged"):
        inflate(huge_window + b"\x01\x00\x00" + bytes(100))


def test_fewer_than_four_bytes_are_plain() -> None:
    assert b"".join(inflate(b"abc")) == b"abc"
