"""The tar walk beside Python's `tarfile`, in every format; and what it makes of archives damaged at random."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from regtui.errors import RegtuiError
from regtui.layers.limits import Limits
from regtui.layers.merged import MergedTree
from regtui.layers.tar import Entry
from regtui.layers.tree import FileTree
from tests.layers.archives import archive, member, walk, walk_into, zstd_frames
from tests.layers.test_tar import by_tarfile, resealed

HOSTILE = ("\x1b[31m", "a\nb", "..", "\u202e", "\udcff", ".wh.x", ".wh..wh..opq", "-rf", "%s", " ", "é", "大")

names = st.one_of(st.sampled_from(HOSTILE), st.text("ab.-_", min_size=1, max_size=40), st.just("n" * 90))
paths = st.lists(names, min_size=1, max_size=8).map("/".join).filter(lambda path: path.strip("./"))
owners = st.sampled_from([0, 1000, 0o7777777, 0o10000000, 2**31, 2**32])
FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
LINKS = (tarfile.LNKTYPE, tarfile.SYMTYPE)
KINDS = (
    tarfile.REGTYPE,
    tarfile.AREGTYPE,
    tarfile.CONTTYPE,
    tarfile.DIRTYPE,
    *LINKS,
    tarfile.FIFOTYPE,
    tarfile.CHRTYPE,
)


@st.composite
def members(draw: st.DrawFn) -> tarfile.TarInfo:
    info = tarfile.TarInfo(draw(st.sampled_from(["", "./", "/", "//", "././"])) + draw(paths))
    info.type = draw(st.sampled_from(KINDS))
    if info.type == tarfile.AREGTYPE and len(info.name) > 90:  # tarfile errs when its end is cut off at a "/"
        info.type = tarfile.REGTYPE
    if info.isreg():
        info.size = draw(st.sampled_from([0, 1, 511, 512, 513, 3000]))
    if info.type in LINKS:
        info.linkname = draw(paths)
    info.mode = draw(st.integers(0, 0o7777))
    info.uid, info.gid, info.mtime = draw(owners), draw(owners), draw(st.sampled_from([0, 1, 2**31, 2**33, 2**34]))
    if draw(st.booleans()):
        info.uname, info.gname = "root", "大"
        info.pax_headers = {"comment": "x" * 600, "SCHILY.xattr.user.a": "=\n1 2"}
    return info


@settings(max_examples=300, deadline=None)
@given(st.lists(members(), min_size=1, max_size=6), st.sampled_from(FORMATS), st.sampled_from([1, 511, 100_000]))
def test_reads_what_tarfile_reads(given_members: list[tarfile.TarInfo], format: int, chunk: int) -> None:
    written = [info for info in given_members if fits(info, format)]
    data = archive(written, format)
    entries = walk(data, chunk)
    assert len(entries) == len(written)
    assert entries == by_tarfile(data)


def fits(info: tarfile.TarInfo, format: int) -> bool:
    """Whether a format can hold this member at all."""
    try:
        info.tobuf(format)  # type: ignore[arg-type]
    except (ValueError, UnicodeError):
        return False
    return True


# Damage

FIELDS = [(0, 100), (100, 108), (108, 116), (116, 124), (124, 136), (136, 148), (156, 157), (157, 257), (257, 265)]
OTHERS = [(345, 500), (386, 512), (0, 512)]
COMPRESSIONS: list[Callable[[bytes], bytes]] = [bytes, gzip.compress, zstd_frames]
SPITEFUL = b"\0\xff\x80\x819 =-\n/.x5LKSg71"


def mutated(draw: st.DrawFn, data: bytearray) -> None:
    """One thing done to an archive: bytes of a header changed and its checksum mended, blocks moved, cut, doubled."""
    block = draw(st.integers(0, len(data) // 512 - 1)) * 512
    what = draw(st.sampled_from(["change", "change", "change", "cut", "double", "drop", "noise", "sparse"]))
    if what in ("change", "sparse"):
        field = draw(st.sampled_from(FIELDS + OTHERS))
        for _ in range(draw(st.integers(1, 4))):
            data[block + draw(st.integers(field[0], field[1] - 1))] = draw(st.sampled_from(SPITEFUL))
        if what == "sparse":
            data[block + 156] = ord("S")
        data[block : block + 512] = resealed(data[block : block + 512])
    elif what == "cut":
        del data[draw(st.integers(512, len(data))) :]
    elif what == "double":
        data[block:block] = data[block : block + 512]
    elif what == "drop" and len(data) >= 1024:
        del data[block : block + 512]
    else:
        data[block + draw(st.integers(0, 511))] ^= draw(st.integers(1, 255))


@st.composite
def damaged_layers(draw: st.DrawFn) -> bytes:
    """What was an archive, compressed or not, after a few such things were done to it."""
    format = draw(st.sampled_from(FORMATS))
    written = [info for info in draw(st.lists(members(), max_size=4)) if fits(info, format)]
    data = bytearray(archive([*written, member("d/a", 600)], format))
    for _ in range(draw(st.integers(0, 5))):
        mutated(draw, data)
    packed: bytes = draw(st.sampled_from(COMPRESSIONS))(bytes(data))
    if packed != data and draw(st.booleans()):
        at = draw(st.integers(0, len(packed) - 1))
        packed = packed[:at] + draw(st.binary(max_size=3)) + packed[at + draw(st.integers(0, 3)) :]
    return packed


@settings(max_examples=500, deadline=None)
@given(damaged_layers(), st.sampled_from([1, 100, 100_000]))
def test_damage_ends_in_entries_or_a_sentence_and_never_in_another_error(layer: bytes, chunk: int) -> None:
    found: list[Entry] = []
    said = RegtuiError("The layer is right")
    try:
        walk_into(found, layer, chunk, Limits(unpacked=2**20, entries=100, names=10_000))
    except RegtuiError as error:
        said = error
    assert said.what.startswith("The layer")
    assert str(said).isprintable()
    assert len(found) <= 100
    tree, merged = FileTree(), MergedTree()
    tree.add(found)
    merged.add_layer(0, found)
    merged.add_layer(1, found)
    for node in merged.root.walk():
        assert merged.find(node.path, follow=False) is node or node.depth > 100
    assert tree.size >= 0
    assert 0 <= merged.efficiency() <= 1
    assert all(len(entry.mode_text) == 10 and entry.size >= 0 for entry in found)
