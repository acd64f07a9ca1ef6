"""Tables of contents: what they say is what a walk over the archive finds, and what can't be is refused."""

from __future__ import annotations

import json
import tarfile
from dataclasses import replace
from typing import Any

import pytest

from regtui.errors import ContentError, TooLarge
from regtui.layers.estargz import FOOTER, NO_FILES, estargz_index, toc_json, toc_offset
from regtui.layers.limits import LIMITS, Limits
from regtui.layers.tar import Entry
from regtui.layers.toc import TOC_LIMIT, read_toc
from regtui.layers.whereabouts import LayerIndex
from regtui.layers.zstd_chunked import POSITION, annotated_position, position_in, zstd_chunked_index
from tests.layers.archives import member, walk
from tests.layers.toc_layers import (
    estargz_footer,
    estargz_layer,
    record,
    table,
    zstd_chunked_layer,
    zstd_footer,
)


def members() -> list[tarfile.TarInfo]:
    """One of every kind, with names that are written in several ways."""
    made = [
        member("./", type=tarfile.DIRTYPE),
        member("./etc/", type=tarfile.DIRTYPE),
        member(".no.prefetch.landmark", 1),
        member("/etc/passwd", 1200),
        member("./etc/empty"),
        member("usr/bin/naïve " + "long" * 40, 5000),
        member("etc/passwd-", type=tarfile.LNKTYPE, link="./etc/passwd"),
        member("lib", type=tarfile.SYMTYPE, link="./usr/lib/"),
        member("etc/.wh.shadow"),
        member("etc/../up", 3),
        member("dev/null", type=tarfile.CHRTYPE),
        member("dev/sda", type=tarfile.BLKTYPE),
        member("run/pipe", type=tarfile.FIFOTYPE),
    ]
    for number, info in enumerate(made):
        info.mode, info.uid, info.gid, info.mtime = 0o4755 - number, number, 2_000_000 + number, 1_700_000_000 + number
    made[-1].mtime = 0
    return made


def listed(index: LayerIndex) -> list[Entry]:
    return [entry for portion in index.listing() for entry in portion]


def entries_of(json: bytes, end: int, limits: Limits = LIMITS) -> list[Entry]:
    return listed(read_toc(json, end, limits))


def from_estargz(layer: bytes) -> list[Entry]:
    offset = toc_offset(layer[-FOOTER:], len(layer))
    assert offset
    return listed(estargz_index(toc_json(layer[offset:-FOOTER]), offset))


def from_zstd_chunked(layer: bytes) -> list[Entry]:
    position = position_in(layer[-100:], len(layer))
    assert position
    return listed(zstd_chunked_index(layer[position.start : position.end], position))


def test_an_estargz_table_says_what_the_archive_does() -> None:
    layer, _ = estargz_layer(members())
    assert from_estargz(layer) == [entry for entry in walk(layer) if entry.path not in NO_FILES]
    assert len(walk(layer)) == len(from_estargz(layer)) + 2  # the table and a landmark are no files of the image


def test_a_zstd_chunked_table_says_what_the_archive_does() -> None:
    layer, annotations = zstd_chunked_layer(members())
    assert from_zstd_chunked(layer) == walk(layer)
    assert annotated_position(annotations[POSITION], len(layer)) == position_in(layer, len(layer))


def test_chunks_of_a_file_are_no_entries_and_times_lose_their_fraction() -> None:
    first = record(member("big", 3000)) | {"offset": 10, "modtime": "2026-01-02T03:04:05.987654321+01:00"}
    chunk = {"type": "chunk", "name": "big", "offset": 20, "chunkOffset": 1500, "chunkSize": 1500}
    [entry] = entries_of(table([first, chunk]), 100)
    assert (entry.path, entry.size, entry.mtime) == ("big", 3000, 1767319445)


def test_a_layer_without_a_footer_has_no_table() -> None:
    for end in (b"", b"short", bytes(64), b"\x1f\x8b\x08\x04" + bytes(47)):
        assert toc_offset(end, 1000) is None
        assert position_in(end, 1000) is None


@pytest.mark.parametrize("offset", [0, 949, 950, 2**63])
def test_an_estargz_footer_that_points_elsewhere(offset: int) -> None:
    with pytest.raises(ContentError, match="outside of the layer"):
        toc_offset(estargz_footer(offset), 1000)


@pytest.mark.parametrize("position", [(0, 10, 10, 1), (990, 11, 10, 1), (2**64 - 1, 1, 1, 1), (10, 0, 10, 1)])
def test_a_zstd_chunked_footer_that_points_elsewhere(position: tuple[int, int, int, int]) -> None:
    with pytest.raises(ContentError, match="outside of the layer"):
        position_in(zstd_footer(*position), 1000)


@pytest.mark.parametrize("text", ["", "1:2:3", "1:2:3:1:", "-1:2:3:1", "1:2:3:1\n", "9" * 5000 + ":2:3:1", "١:2:3:1"])
def test_an_annotation_that_is_no_position(text: str) -> None:
    with pytest.raises(ContentError, match="doesn't tell where"):
        annotated_position(text, 1000)


def test_tables_of_another_kind_or_version_are_not_guessed_at() -> None:
    with pytest.raises(ContentError, match="kind 2"):
        annotated_position("10:20:30:2", 1000)
    with pytest.raises(ContentError, match="version 2"):
        entries_of(b'{"version": 2, "entries": []}', 1000)


def test_where_the_footer_points_there_is_another_file() -> None:
    other, _ = estargz_layer([member("etc/passwd", 100)])
    with pytest.raises(ContentError, match=r"no stargz\.index\.json"):
        toc_json(other[:-FOOTER])


def told(**changes: Any) -> bytes:
    return table([{"type": "reg", "name": "a", "size": 5, "offset": 10} | changes])


@pytest.mark.parametrize(
    "lie",
    [
        told(offset=101),
        told(offset=-1),
        told(offset=50, endOffset=40),
        told(endOffset=101),
        told(size=-1),
        told(size=2**63),
        told(size="5"),
        told(uid=10**30),
        b'{"version": 1%s, "entries": []}' % (b"0" * 9000),
        told(size=LIMITS.unpacked + 1),
        told(name=""),
        told(name="broken \ufffd name"),  # the archive has bytes there that are no UTF-8
        told(name="\udcff"),
        told(type="socket"),
        told(type="symlink"),
        told(type="hardlink", linkName=""),
        told(type="chunk"),
        told(modtime="yesterday"),
        told(modtime="2026-01-02T03:04:05"),
        b'{"version": 1, "entries": [5]}',
        b'{"version": 1, "entries": {}}',
        b'{"version": 1}',
        b"[" * 100_000,
        b"\xff",
        b"",
    ],
)
def test_a_table_that_lies_is_an_error(lie: bytes) -> None:
    with pytest.raises(ContentError):
        entries_of(lie, 100)


def test_a_table_is_bounded() -> None:
    many = table(json.loads(told())["entries"] * 3)
    for limits in (Limits(entries=2), Limits(names=2), Limits(unpacked=14)):
        with pytest.raises(TooLarge):
            entries_of(many, 100, limits)
    with pytest.raises(TooLarge):
        entries_of(b" " * (TOC_LIMIT + 1), 100)
    with pytest.raises(TooLarge):
        annotated_position(f"1:2:{TOC_LIMIT + 1}:1", 1000)
    with pytest.raises(TooLarge):
        toc_offset(estargz_footer(1), 2**40)


def test_a_table_that_unpacks_to_another_length_than_told() -> None:
    layer, _ = zstd_chunked_layer(members())
    position = position_in(layer, len(layer))
    assert position
    packed = layer[position.start : position.end]
    with pytest.raises(ContentError, match="as told"):
        zstd_chunked_index(packed, replace(position, unpacked=position.unpacked + 1))
    with pytest.raises(TooLarge):  # a list of small things takes many times the memory of its text
        read_toc(b'{"version":1,"entries":[0' + b",0" * 4_000_001 + b"]}", 10)
    with pytest.raises(TooLarge):  # nothing beyond it is unpacked
        zstd_chunked_index(packed, replace(position, unpacked=position.unpacked - 1))
