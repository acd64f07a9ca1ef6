"""A layer is unpacked once, and from then on one file of it costs one range of its bytes."""

from __future__ import annotations

import gzip
import random
import struct
import zlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regtui.errors import ContentError
from regtui.layers.points import Point, Points
from tests.layers.archives import gzip_members, zstd_frames
from tests.layers.packed import BY_BLOCK, LIBRARIES, STRATEGIES, Packed, Part, content, library, pack, read, unpack

MIXED = content("mixed", 3_000_000)
SPACING = 100_000
"""Close together, so that a small layer has some points."""


def made(packed: bytes, spacing: int = SPACING) -> Points:
    points = unpack(packed, spacing=spacing)[1]
    assert points
    return Points.decode(points.encode())


@pytest.mark.parametrize("name", BY_BLOCK)
def test_from_every_point_the_archive_goes_on_as_it_is(name: str) -> None:
    packed = gzip.compress(MIXED)
    with library(name):
        points = made(packed)
    assert len(points.points) > len(packed) // SPACING // 2
    for point in points.points:
        assert read(points, packed, point.unpacked, len(MIXED)) == MIXED[point.unpacked :]
        assert read(points, packed, point.unpacked, point.unpacked + 1, 777) == MIXED[point.unpacked :][:1]


def test_a_point_is_found_at_every_bit_of_a_byte() -> None:
    bits = set()
    for level in range(2, 10):
        packed = gzip.compress(MIXED, level)
        points = made(packed)
        for point in points.points:
            bits.add(point.bits)
            end = point.unpacked + 5000
            assert read(points, packed, point.unpacked, end) == MIXED[point.unpacked : end]
    assert bits == set(range(8))


def test_any_range_of_the_archive_is_read_by_one_range_of_the_layer() -> None:
    packed = gzip.compress(MIXED)
    points, chance = made(packed), random.Random(1)
    for _ in range(50):
        start = chance.randrange(len(MIXED))
        end = start + chance.randrange(100_000)
        assert read(points, packed, start, end, 5000) == MIXED[start:end]


def test_a_range_ends_at_the_next_point_or_the_layer_s_end() -> None:
    packed = gzip.compress(MIXED)
    points = made(packed)
    third, fourth = points.points[3:5]
    assert points.ranges(third.unpacked, fourth.unpacked) == (third.start, fourth.packed)
    assert points.ranges(third.unpacked + 9, third.unpacked + 10) == (third.start, fourth.packed)
    assert points.ranges(third.unpacked, fourth.unpacked + 1)[1] == points.points[5].packed
    assert points.ranges(len(MIXED) - 1, len(MIXED)) == (points.points[-1].start, len(packed))
    assert points.ranges(len(MIXED) - 1, len(MIXED) + 5000)[1] == len(packed)
    assert read(points, packed, len(MIXED), len(MIXED) + 10) == b""


def test_points_are_1_mib_apart_and_take_1_percent_of_a_layer_at_most() -> None:
    for kind in ("mixed", "noise", "text"):
        packed = gzip.compress(content(kind, 12_000_000), 6)
        points = made(packed, 2**20)
        assert all(after.packed - before.packed < 1.5 * 2**20 for before, after in pairwise(points.points))
        assert len(points.encode()) < len(packed) // 100 + 100


def test_a_bomb_has_points_by_what_comes_out_of_it() -> None:
    packed = gzip.compress(bytes(200 * 2**20))
    points = made(packed)
    assert 4 <= len(points.points) <= 7
    assert len(points.encode()) < 1000
    assert read(points, packed, 199 * 2**20, 199 * 2**20 + 5) == bytes(5)


@pytest.mark.parametrize("name", BY_BLOCK)
def test_each_member_far_enough_from_the_last_is_a_point(name: str) -> None:
    whole = pack([Part(content("mixed", 150_000, seed)) for seed in range(12)])
    with library(name):
        points = made(whole.packed)
    begins = {point.packed for point in points.points if not point.window}
    assert begins <= set(whole.members)
    assert len(begins) > 5
    for point in points.points:
        assert read(points, whole.packed, point.unpacked, len(whole.whole)) == whole.whole[point.unpacked :]


def test_very_many_members_or_empty_blocks_make_few_points() -> None:
    members = gzip.compress(b"") * 150_000
    assert len(made(members).points) < len(members) // 60_000 + 2
    packer = zlib.compressobj(wbits=-15)
    start = packer.compress(MIXED[:200_000]) + packer.flush(zlib.Z_SYNC_FLUSH)
    for empty in (b"\0\0\0\xff\xff", b"\x02\x08\x20\x80\0"):  # stored; four of the fixed codes
        trailer = struct.pack("<LL", zlib.crc32(MIXED[:200_000]), 200_000)
        packed = gzip.compress(b"")[:10] + start + empty * 200_000 + b"\x03\0" + trailer
        points = made(packed)
        assert len(points.points) < len(packed) // 60_000 + 2
        assert read(points, packed, 150_000, 200_000) == MIXED[150_000:200_000]


def test_a_layer_with_too_many_points_keeps_every_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regtui.layers.points._MOST_POINTS", 6)
    packed = gzip.compress(MIXED)
    points = made(packed)
    assert 3 <= len(points.points) <= 6
    gaps = [after.packed - before.packed for before, after in pairwise(points.points)]
    assert min(gaps) >= 2 * SPACING
    assert read(points, packed, 2_000_000, 2_000_100) == MIXED[2_000_000:2_000_100]


parts = st.builds(
    Part,
    data=st.builds(
        content,
        st.sampled_from(["text", "noise", "zeros", "mixed"]),
        st.sampled_from([0, 1, 700, 40_000, 250_000, 600_000]),
        st.integers(0, 50),
    ),
    level=st.integers(0, 9),
    strategy=st.sampled_from(STRATEGIES),
    memory=st.integers(1, 9),
    ends_with=st.sampled_from([zlib.Z_FINISH, zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH, zlib.Z_NO_FLUSH]),
)
layers = st.lists(parts, min_size=1, max_size=6).map(pack)


@settings(deadline=None, max_examples=60)
@given(layers, st.sampled_from(BY_BLOCK), st.sampled_from([997, 65_536, 10_000_000]), st.randoms())
def test_whatever_packed_the_layer(layer: Packed, name: str, step: int, chance: random.Random) -> None:
    with library(name):
        whole, points = unpack(layer.packed, step, SPACING)
    assert whole == layer.whole
    assert points
    assert (points.packed, points.unpacked) == (len(layer.packed), len(whole))
    for point in points.points:
        assert read(points, layer.packed, point.unpacked, len(whole), step) == whole[point.unpacked :]
    start = chance.randrange(len(whole) + 1)
    end = start + chance.randrange(70_000)
    assert read(points, layer.packed, start, end, step) == whole[start:end]


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(list(LIBRARIES)), st.data())
def test_damage_ends_in_a_sentence_or_goes_unseen_and_never_worse(name: str, data: st.DataObject) -> None:
    layer = bytearray(pack([Part(content("mixed", 200_000)), Part(content("text", 300_000))]).packed)
    for _ in range(data.draw(st.integers(1, 4))):
        layer[data.draw(st.integers(0, len(layer) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    cut = data.draw(st.one_of(st.just(len(layer)), st.integers(0, len(layer))))
    with library(name):
        try:
            unpack(bytes(layer[:cut]), spacing=70_000)
        except ContentError as error:
            said = str(error)
        else:
            said = ""
    assert not said or "damaged" in said or "cut off" in said


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_other_bytes_than_those_of_the_index_end_in_a_sentence_or_go_unseen(data: st.DataObject) -> None:
    packed = bytearray(PACKED)
    for _ in range(data.draw(st.integers(1, 4))):
        packed[data.draw(st.integers(0, len(packed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    said: list[str] = []
    for point in POINTS.points:
        try:
            read(POINTS, bytes(packed), point.unpacked, len(MIXED))
        except ContentError as error:
            said.append(str(error))
    assert all("damaged" in sentence for sentence in said)


PACKED = gzip_members(MIXED[:1_000_000], 2)
POINTS = made(PACKED)


def test_where_nothing_can_stop_between_blocks_a_gzip_layer_has_no_index() -> None:
    with library("isal"):
        assert unpack(gzip.compress(MIXED)) == (MIXED, None)


def test_a_layer_that_was_not_read_to_its_end_has_no_index() -> None:
    from regtui.layers.decompress import Inflater
    from regtui.layers.points import PointsMaker

    maker = PointsMaker()
    inflater = Inflater(points=maker)
    assert list(inflater.feed(PACKED[:-1]))
    assert maker.finish() is None
    with pytest.raises(ContentError, match="cut off"):
        list(inflater.close())
    assert maker.finish() is None


def test_of_a_plain_archive_every_byte_is_a_point() -> None:
    whole, points = unpack(MIXED)
    assert whole == MIXED
    assert points == Points("tar", len(MIXED), len(MIXED), ())
    assert points.ranges(1000, 1700) == (1000, 1700)
    assert read(points, MIXED, 1000, 1700) == MIXED[1000:1700]
    assert points.ranges(len(MIXED) - 5, len(MIXED) + 5) == (len(MIXED) - 5, len(MIXED))


def test_of_zstd_every_frame_is_a_point() -> None:
    skippable = b"\x53\x2a\x4d\x18" + struct.pack("<I", 1000) + bytes(1000)
    for packed, count in (
        (zstd_frames(MIXED), 1),
        (zstd_frames(MIXED, 10), 10),
        (skippable + zstd_frames(MIXED, 4) + skippable, 4),
    ):
        points = made(packed)
        assert points.kind == "zstd"
        assert len(points.points) == count
        for start in (0, 1_000_000, 2_999_990):
            assert read(points, packed, start, start + 500) == MIXED[start : start + 500]


def test_an_index_comes_back_as_it_was_kept() -> None:
    for layer in (PACKED, MIXED, zstd_frames(MIXED, 3)):
        points = made(layer)
        assert Points.decode(points.encode()) == points


@given(st.binary(max_size=50))
def test_something_else_is_no_index(raw: bytes) -> None:
    with pytest.raises(ContentError, match="no index"):
        Points.decode(raw)


@pytest.mark.parametrize(
    "points",
    [
        (),
        (Point(5, 5),),
        (Point(0, 0), Point(50, 50), Point(40, 60)),
        (Point(0, 0), Point(500, 50)),
        (Point(0, 0), Point(50, 50, 9, b"x")),
        (Point(0, 0), Point(-50, -50)),
    ],
)
def test_an_index_whose_points_can_t_be_is_refused(points: tuple[Point, ...]) -> None:
    with pytest.raises(ContentError, match="no index"):
        Points.decode(Points("gzip", 100, 1000, points).encode())


def test_an_index_whose_window_can_t_be_says_so_when_it_is_read() -> None:
    for window in (b"something else", zstd_frames(bytes(10_000_000))):
        points = Points("gzip", 100, 1000, (Point(0, 0), Point(50, 50, 1, window)))
        with pytest.raises(ContentError, match="index is damaged"):
            points.reader(60)
