"""Files out of the middle of a layer: what is asked for, and what comes of it."""

from __future__ import annotations

import gzip
import io
import random
import subprocess
import tarfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from regtui.errors import ContentError, TooLarge
from regtui.layers.contents import Member
from regtui.layers.decompress import Inflater
from regtui.layers.limits import LIMITS, Limits
from regtui.layers.parts import GAP, Part, are_verified, parts
from regtui.layers.points import Points, PointsMaker
from regtui.layers.tar import Entry, Place, TarWalker
from regtui.layers.toc import read_toc
from regtui.layers.whereabouts import Chunk, IndexMaker, LayerIndex
from tests.layers.archives import gzip_members, zstd_frames
from tests.layers.toc_layers import (
    Json,
    estargz_entries,
    shared_estargz_entries,
    table,
    zstd_chunked_entries,
)
from tests.registry_servers.images import layer_tar

RANDOM = random.Random(7)
FILES = {f"usr/share/{number}": RANDOM.randbytes(number * 997 % 60_000) for number in range(200)}
ENDS = {"first": b"first", "empty": b"", **FILES, "last": b"last"}
TAR = layer_tar(ENDS)
ZEROS = bytes(20_000)
TEXT = {
    "etc/passwd": b"root:x:0:0\n" * 100,
    "etc/empty": b"",
    "usr/lib/big": b"".join(b"%d " % number for number in range(20_000)),
    "var/log/lastlog": b"now" + bytes(59_997) + b"then",
    "zzz": b"the last one",
}


def known(layer: bytes) -> tuple[LayerIndex, Points]:
    """What a pass over a layer learns."""
    maker, points = IndexMaker(), PointsMaker()
    inflater, walker = Inflater(points=points), TarWalker(payloads=maker)
    for piece in (*inflater.feed(layer), *inflater.close()):
        walker.feed(piece, [])
    walker.close()
    index, made = maker.finish(inflater.bytes_out), points.finish()
    assert index
    assert made
    return index, made


def entries(index: LayerIndex, *paths: str) -> list[Entry]:
    return [entry for portion in index.listing() for entry in portion if entry.path in paths or not paths]


def read(layer: bytes, made: Sequence[Part] | None, step: int = 10_000) -> dict[str, bytes]:
    """Path → content, from nothing but these parts of the layer."""
    found: dict[str, bytes] = {}
    path = ""
    assert made is not None
    for part in made:
        data = layer[part.start : part.end]
        for contents in (
            *(some for at in range(0, len(data), step) for some in part.feed(data[at : at + step])),
            *part.close(),
        ):
            for content in contents:
                if isinstance(content, Member):
                    path = content.entry.path
                    found[path] = b""
                else:
                    found[path] += content
    return found


# By an index of the layer


@pytest.mark.parametrize("layer", [TAR, gzip.compress(TAR, 1), gzip_members(TAR, 40), zstd_frames(TAR, 40)])
@pytest.mark.parametrize("step", [1000, 1_000_000])
def test_one_file_is_read_from_one_part(layer: bytes, step: int) -> None:
    index, points = known(layer)
    for path in ("first", "empty", "usr/share/100", "usr/share/199", "last"):
        made = parts(index.find(entries(index, path)), points)
        assert made is not None
        assert len(made) == 1
        assert read(layer, made, step) == {path: ENDS[path]}
        assert made[0].end - made[0].start < len(layer) / 2


def test_of_a_plain_archive_it_is_the_file_s_own_bytes() -> None:
    index, points = known(TAR)
    for entry in entries(index):
        made = parts(index.find([entry]), points)
        assert [part.end - part.start for part in made or ()] == [entry.size]


@pytest.mark.parametrize("layer", [TAR, gzip.compress(TAR, 1), gzip_members(TAR, 40), zstd_frames(TAR, 40)])
def test_many_files_come_in_few_parts(layer: bytes) -> None:
    index, points = known(layer)
    made = parts(index.find(entries(index)), points)
    assert made is not None
    assert len(made) == 1
    assert read(layer, made) == ENDS
    near, far = entries(index, "usr/share/3", "usr/share/5"), entries(index, "usr/share/180")
    made = parts(index.find([*near, *far]), points)
    assert made is not None
    assert all(later.start > part.end + GAP for part, later in pairwise(made))
    assert read(layer, made) == {path: ENDS[path] for path in ("usr/share/3", "usr/share/5", "usr/share/180")}


def test_the_beginning_of_a_file_costs_no_more_than_that() -> None:
    tar = layer_tar({"large": RANDOM.randbytes(3_000_000), "after": b"after"})
    layer = zstd_frames(tar, 30)
    index, points = known(layer)
    made = parts(index.find(entries(index, "large")), points, 50_000)
    assert made is not None
    assert sum(part.end - part.start for part in made) < 300_000
    assert read(layer, made)["large"][:50_000] == tar[512:50_512]


@pytest.mark.parametrize("format", ["gnu", "posix --sparse-version=0.0", "posix --sparse-version=0.1", "posix"])
def test_sparse_files(tmp_path: Path, format: str) -> None:
    for name in ("before", "holes", "after"):
        with (tmp_path / name).open("wb") as file:
            for number in range(60 if name == "holes" else 0):
                file.seek(number * 50_000)
                file.write(b"region %d" % number)
            file.truncate(4_000_000 if name == "holes" else 0)
    command = ["tar", "-C", str(tmp_path), "--sparse", *f"--format={format}".split(), "-cf", "-"]
    packed = subprocess.run([*command, "before", "holes", "after"], check=True, capture_output=True).stdout
    index, points = known(packed)
    content = (tmp_path / "holes").read_bytes()
    assert read(packed, parts(index.find(entries(index, "holes")), points), 700) == {"holes": content}
    with pytest.raises(TooLarge):
        read(packed, parts(index.find(entries(index)), points, limits=Limits(unpacked=1_000_000)))


def test_without_points_there_are_no_parts() -> None:
    index, _ = known(TAR)
    assert parts(index.find(entries(index)), None) is None
    assert parts({}, None) == []


def test_a_place_outside_of_the_layer_is_an_error() -> None:
    index, points = known(TAR)
    entry = entries(index, "last")[0]
    with pytest.raises(ContentError, match="outside of its layer"):
        parts({entry: Place(len(TAR) - 2, 4)}, points)
    with pytest.raises(ContentError, match="lie over each other"):
        read(TAR, parts({entry: Place(1000, 1000), entries(index, "first")[0]: Place(1010, 5)}, points), 500)


def test_a_part_that_is_cut_off_or_damaged_is_an_error() -> None:
    layer = gzip.compress(TAR, 1)
    index, points = known(layer)
    wanted = index.find(entries(index, "usr/share/150"))
    with pytest.raises(ContentError, match=r"ends before usr/share/150 does"):
        read(layer[: len(layer) // 4], parts(wanted, points))
    start = (parts(wanted, points) or [])[0].start
    with pytest.raises(ContentError, match="damaged"):
        read(layer[:start] + b"\xff" * 20 + layer[start + 20 :], parts(wanted, points))


# By a table of contents


def toc(told: list[Json], layer: bytes) -> LayerIndex:
    return read_toc(table(told), len(layer))


@pytest.mark.parametrize("chunk", [1000, 20_000, 2**30])
def test_estargz_files_cost_no_more_than_up_to_the_next_entry(chunk: int) -> None:
    layer, told = estargz_entries(TEXT, chunk)
    index = toc(told, layer)
    offsets = sorted({each["offset"] for each in told if "offset" in each} | {len(layer)})
    for entry in entries(index):
        made = parts(index.find([entry]), None)
        assert made is not None
        assert read(layer, made) == {entry.path: TEXT[entry.path]}
        own = [each["offset"] for each in told if each["name"] == entry.path and "offset" in each]
        if own:
            after = next(offset for offset in offsets if offset > own[-1])
            assert [(part.start, part.end) for part in made] == [(own[0], after)]


@pytest.mark.parametrize(("chunk", "holes"), [(1000, ()), (20_000, (ZEROS,)), (2**30, ())])
def test_zstd_chunked_files_cost_their_own_bytes(chunk: int, holes: Sequence[bytes]) -> None:
    layer, told = zstd_chunked_entries(TEXT, chunk, holes)
    index = toc(told, layer)
    assert not holes or any(each.get("chunkType") == "zeros" for each in told)
    for entry in entries(index):
        made = parts(index.find([entry]), None)
        assert made is not None
        assert read(layer, made) == {entry.path: TEXT[entry.path]}
        first = next(each for each in told if each["name"] == entry.path)
        if entry.size:
            assert [(part.start, part.end) for part in made] == [(first["offset"], first["endOffset"])]
    assert are_verified(index.find(entries(index)), None)


def test_files_that_share_a_member() -> None:
    layer, told = shared_estargz_entries(TEXT)
    index = toc(told, layer)
    for entry in entries(index):
        assert read(layer, parts(index.find([entry]), None)) == {entry.path: TEXT[entry.path]}
    assert read(layer, parts(index.find(entries(index)), None)) == TEXT
    assert are_verified(index.find(entries(index)), None)


def test_what_many_files_share_is_unpacked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    many = {f"{number}": b"%d" % number * 100 for number in range(300)}
    layer, told = shared_estargz_entries(many)
    index = toc(told, layer)
    made: list[Inflater] = []

    def counted(limits: Limits) -> Inflater:
        made.append(Inflater(limits))
        return made[-1]

    monkeypatch.setattr("regtui.layers.parts.Inflater", counted)
    assert read(layer, parts(index.find(entries(index)), None)) == many
    assert len(made) == 1


def test_all_files_of_a_table_come_in_few_parts() -> None:
    for layer, told in (estargz_entries(TEXT, 5000), zstd_chunked_entries(TEXT, 20_000, [ZEROS])):
        index = toc(told, layer)
        made = parts(index.find(entries(index)), None)
        assert made is not None
        assert len(made) == 1
        assert read(layer, made) == TEXT


def test_only_the_chunks_that_hold_the_beginning_are_asked_for() -> None:
    for layer, told in (estargz_entries(TEXT, 5000), zstd_chunked_entries(TEXT, 5000)):
        index = toc(told, layer)
        big = index.find(entries(index, "usr/lib/big"))
        [part] = parts(big, None, 7000) or []
        [whole] = parts(big, None) or []
        assert part.end - part.start < (whole.end - whole.start) / 5
        assert read(layer, [part])["usr/lib/big"] == TEXT["usr/lib/big"][:7000]


@pytest.mark.parametrize(
    "lie",
    [
        {"digest": "sha256:" + "1" * 64, "chunkDigest": "sha256:" + "1" * 64},
        {"innerOffset": 1},
        {"innerOffset": 2**62},
        {"size": 1101},
        {"size": 1099},
        {"size": 2**30},
        {"offset": 1},
    ],
)
def test_a_table_that_lies_about_a_file_is_found_out_when_it_is_read(lie: Json) -> None:
    layer, told = estargz_entries(TEXT)
    told[0] |= lie
    index = toc(told, layer)
    with pytest.raises(ContentError, match=r"etc/passwd|cut off|damaged") as raised:
        read(layer, parts(index.find(entries(index, "etc/passwd")), None, limits=LIMITS))
    assert "Traceback" not in str(raised.value)


@pytest.mark.parametrize(
    ("number", "lie"),
    [
        (0, {"offset": 10**9}),  # past the layer
        (0, {"chunkOffset": 5}),
        (0, {"chunkSize": 999}),  # one over the next
        (1, {"chunkOffset": 999}),
        (1, {"chunkSize": 2000}),
        (1, {"chunkSize": 2**62, "chunkOffset": 2**62}),
    ],
)
def test_a_table_whose_chunks_make_no_file_is_refused(number: int, lie: Json) -> None:
    layer, told = estargz_entries({"file": bytes(range(250)) * 10}, 1000)
    told[number] |= lie
    with pytest.raises(ContentError, match="wrong about 'file'"):
        toc(told, layer)


def test_what_has_no_digest_is_not_verified() -> None:
    layer, told = estargz_entries(TEXT)
    for each in told:
        del each["digest"], each["chunkDigest"]
    index = toc(told, layer)
    found = index.find(entries(index, "etc/passwd"))
    assert read(layer, parts(found, None)) == {"etc/passwd": TEXT["etc/passwd"]}
    assert not are_verified(found, None)
    index, _ = known(gzip.compress(TAR, 1))
    assert not are_verified(index.find(entries(index)), None)


def test_a_file_that_the_table_has_no_offset_of_has_no_parts() -> None:
    layer, told = estargz_entries(TEXT)
    del told[0]["offset"]
    index = toc(told, layer)
    assert parts(index.find(entries(index, "etc/passwd")), None) is None
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w"):
        pass
    assert parts(known(buffer.getvalue())[0].find([]), None) == []


def test_nothing_is_asked_for_on_account_of_empty_files() -> None:
    layer = gzip.compress(TAR)
    index, points = known(layer)
    made = parts(index.find(entries(index, "empty")), points)
    assert read(layer, made) == {"empty": b""}
    assert [(part.start, part.end) for part in made or ()] == [(0, 0)]
    before, wanted = {"empty": b"", "last": b"last"}, entries(index, "empty", "last")
    assert read(layer, parts(index.find(wanted), points)) == before


def test_chunks_that_have_to_be_unpacked_again_and_again_are_bounded() -> None:
    packed = gzip.compress(bytes(100_000))
    backwards = tuple(Chunk(0, len(packed), 90_000 - number, 1) for number in range(20))
    entry = Entry("f", "file", 20, 0o644, 0, 0, 0)
    made = parts({entry: backwards}, None, limits=Limits(unpacked=500_000))
    assert made
    part = made[0]
    assert not [*part.feed(packed)]
    with pytest.raises(TooLarge):
        [*part.close()]
