"""The tar walk gives what Python's `tarfile` gives, on every kind of header, however the bytes arrive."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regtui.errors import ContentError, TooLarge
from regtui.layers.limits import Limits
from regtui.layers.tar import Entry, TarWalker
from regtui.layers.tree import FileTree
from regtui.layers.whereabouts import IndexMaker
from tests.layers.archives import archive, member, walk, walk_into

TYPES = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.CONTTYPE: "file",
    tarfile.GNUTYPE_SPARSE: "file",
    tarfile.LNKTYPE: "hardlink",
    tarfile.SYMTYPE: "symlink",
    tarfile.CHRTYPE: "char",
    tarfile.BLKTYPE: "block",
    tarfile.DIRTYPE: "dir",
    tarfile.FIFOTYPE: "fifo",
}


def by_tarfile(data: bytes) -> list[Entry]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return [as_entry(info) for info in tar]


def plain(path: str) -> str:
    path = path.strip("/")
    while path.startswith("./"):
        path = path[2:].lstrip("/")
    return "" if path == "." else path


def as_entry(info: tarfile.TarInfo) -> Entry:
    return Entry(
        path=plain(info.name),
        type=TYPES[info.type],
        size=info.size if info.isreg() else 0,
        mode=info.mode & 0o7777,
        uid=info.uid,
        gid=info.gid,
        mtime=int(info.mtime),
        link=plain(info.linkname) if info.islnk() else info.linkname if info.issym() else "",
    )


names = st.text(st.sampled_from("abcé\u200bz.-_ \x1b\udcff"), min_size=1, max_size=60).map(lambda text: f"n{text}n")
paths = st.lists(names, min_size=1, max_size=6).map("/".join)


@st.composite
def members(draw: st.DrawFn) -> tarfile.TarInfo:
    info = tarfile.TarInfo(draw(st.sampled_from(["", "./", "/"])) + draw(paths))
    info.type = draw(st.sampled_from([t for t in TYPES if t != tarfile.GNUTYPE_SPARSE]))
    if info.isreg():
        info.size = draw(st.sampled_from([0, 1, 511, 512, 513, 5000]))
    if info.type in (tarfile.LNKTYPE, tarfile.SYMTYPE):
        info.linkname = draw(paths)
    info.mode = draw(st.integers(0, 0o7777))
    info.uid = draw(st.sampled_from([0, 1000, 0o7777777, 0o10000000, 2**31]))
    info.gid = draw(st.sampled_from([0, 65534, 2**32]))
    info.mtime = draw(st.sampled_from([0, 1_700_000_000, 2**34, -1]))
    return info


@settings(max_examples=150, deadline=None)
@given(
    st.lists(members(), min_size=1, max_size=8),
    st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
    st.sampled_from([1, 511, 512, 700, 100_000]),
)
def test_reads_what_tarfile_reads(given_members: list[tarfile.TarInfo], format: int, chunk: int) -> None:
    data = archive(given_members, format)
    assert walk(data, chunk) == by_tarfile(data)


def test_ustar_joins_its_prefix() -> None:
    data = archive([member("d" * 120 + "/" + "f" * 90, 3)], tarfile.USTAR_FORMAT)
    assert [entry.path for entry in walk(data)] == ["d" * 120 + "/" + "f" * 90]


def test_the_prefix_of_gnu_tar_s_own_format_holds_times_and_is_no_path() -> None:
    data = bytearray(archive([member("a/b", 3)], tarfile.GNU_FORMAT))
    data[345:357] = b"14524770110\0"
    assert [entry.path for entry in walk(resealed(data))] == ["a/b"]


def test_star_s_prefix_ends_before_its_times() -> None:
    data = bytearray(archive([member("f")], tarfile.USTAR_FORMAT))
    data[345:500] = b"folder".ljust(131, b"\0") + b"14524770110\0" + b"14524770110\0"
    data[508:512] = b"tar\0"
    assert [entry.path for entry in walk(resealed(data))] == ["folder/f"]


def test_an_old_file_whose_name_ends_in_a_slash_is_a_directory() -> None:
    data = bytearray(archive([member("usr")], tarfile.USTAR_FORMAT))
    data[:4], data[156:157] = b"usr/", b"\0"
    assert walk(resealed(data))[0].type == "dir"


def test_a_checksum_of_signed_bytes_is_taken() -> None:
    data = bytearray(archive([member("caf\udce9")], tarfile.GNU_FORMAT))
    signed = 256 + sum(byte - 256 if byte > 127 else byte for byte in data[:148] + data[156:512])
    data[148:156] = b"%06o\0 " % signed
    assert walk(bytes(data))[0].path == "caf\udce9"


def test_a_pax_header_gives_size_time_and_owner_beyond_what_octal_holds() -> None:
    info = member("big")
    info.pax_headers = {"size": "20000000000", "mtime": "1700000000.25", "uid": "3000000000"}
    found: list[Entry] = []
    with pytest.raises(ContentError, match="cut off after big"):
        walk_into(found, archive([info]))
    assert (found[0].size, found[0].mtime, found[0].uid) == (20_000_000_000, 1_700_000_000, 3_000_000_000)


def test_global_pax_records_hold_for_all_entries_that_have_no_other() -> None:
    own = member("b")
    own.pax_headers = {"mtime": "7"}
    data = archive([member("a"), own], pax_headers={"mtime": "1234", "comment": "a global one"})
    assert [entry.mtime for entry in walk(data)] == [1234, 7]


def test_extended_attributes_don_t_get_in_the_way() -> None:
    info = member("bin/ping", 4)
    info.pax_headers = {"SCHILY.xattr.security.capability": "\x01=\n2", "path": "bin/ping"}
    assert [entry.path for entry in walk(archive([info]))] == ["bin/ping"]


@pytest.mark.parametrize("format", ["gnu", "posix --sparse-version=0.0", "posix --sparse-version=0.1", "posix"])
def test_a_sparse_file_has_its_whole_size(tmp_path: Path, format: str) -> None:
    with (tmp_path / "holes").open("wb") as file:
        for position in range(0, 40 * 2**20, 2**20):  # enough pieces for extended headers
            file.seek(position)
            file.write(b"data")
    (tmp_path / "after").write_bytes(b"x")
    command = ["tar", "-C", str(tmp_path), "--sparse", *f"--format={format}".split(), "-cf", "-", "holes", "after"]
    data = subprocess.run(command, check=True, capture_output=True).stdout
    entries = walk(data)
    assert [(entry.path, entry.size) for entry in entries] == [("holes", 39 * 2**20 + 4), ("after", 1)]
    assert entries == by_tarfile(data)


def test_a_tree_packed_by_gnu_tar(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "passwd").write_bytes(b"root")
    os.link(tmp_path / "etc" / "passwd", tmp_path / "etc" / "passwd-")
    (tmp_path / "bin").symlink_to("usr/bin")
    os.mkfifo(tmp_path / "pipe")
    for format in ("oldgnu", "gnu", "ustar", "posix"):
        command = ["tar", "-C", str(tmp_path), "--sort=name", f"--format={format}", "-cf", "-", "."]
        data = subprocess.run(command, check=True, capture_output=True).stdout
        entries = walk(data)
        assert [entry.path for entry in entries] == ["", "bin", "etc", "etc/passwd", "etc/passwd-", "pipe"]
        assert entries == by_tarfile(data)
        assert entries[4].link == "etc/passwd"


def test_a_missing_end_block_is_no_error() -> None:
    assert [entry.path for entry in walk(archive([member("a", 512)])[:1024])] == ["a"]


def test_what_follows_the_end_block_is_not_read() -> None:
    data = archive([member("a")])
    assert [entry.path for entry in walk(data + archive([member("b")]))] == ["a"]


def test_an_empty_layer_has_no_entries() -> None:
    assert walk(bytes(1024)) == []
    assert walk(b"") == []


@pytest.mark.parametrize("cut", [100, 512 + 100])
def test_an_archive_that_is_cut_off_says_so_and_keeps_what_was_read(cut: int) -> None:
    found: list[Entry] = []
    data = archive([member("a", 10), member("b", 2000)])
    with pytest.raises(ContentError, match="cut off after"):
        walk_into(found, data[: 1024 + cut])
    assert [entry.path for entry in found] == ["a", "b"][: 1 + cut // 512]


def test_something_else_is_no_archive() -> None:
    with pytest.raises(ContentError, match="no tar archive"):
        walk(b"<html>" * 1000)


def test_damage_in_the_middle_names_the_last_good_entry() -> None:
    data = bytearray(archive([member("a"), member("b")]))
    data[520] ^= 1
    with pytest.raises(ContentError, match="damaged after a"):
        walk(bytes(data))


@pytest.mark.parametrize("records", [b"99 path=x\n", b"x path=x\n", b"10 path=xx", b"-5 a=b\n", b"0 \n"])
def test_broken_pax_records_are_an_error(records: bytes) -> None:
    extension = bytearray(archive([member("x", len(records), tarfile.XHDTYPE)], tarfile.USTAR_FORMAT)[:512])
    extension[124:136] = b"%011o\0" % len(records)
    data = resealed(extension) + records.ljust(512, b"\0") + archive([member("a")])
    with pytest.raises(ContentError):
        walk(data)


def test_sizes_that_can_t_be_are_an_error() -> None:
    data = bytearray(archive([member("a")], tarfile.GNU_FORMAT))
    data[124:136] = b"\xff" * 11 + b"\xfe"  # -2
    with pytest.raises(ContentError):
        walk(resealed(data))


def test_extensions_entries_and_names_are_bounded() -> None:
    data = bytearray(archive([member("x", 0, tarfile.XHDTYPE)], tarfile.USTAR_FORMAT)[:512])
    data[124:136] = b"77777777777\0"
    with pytest.raises(TooLarge, match="extended header"):
        walk(resealed(data))
    many = archive([member(f"file-{number}") for number in range(10)])
    found: list[Entry] = []
    with pytest.raises(TooLarge, match="more than 5 entries"):
        walk_into(found, many, limits=Limits(entries=5))
    assert len(found) == 5
    with pytest.raises(TooLarge, match="more than 20 bytes"):
        walk(many, limits=Limits(names=20))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_whatever_is_damaged_ends_in_entries_or_in_a_sentence(data: st.DataObject) -> None:
    long = member("long" * 60, 100)
    long.pax_headers = {"mtime": "12.5", "SCHILY.xattr.user.a": "b" * 300}
    format = data.draw(st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]))
    damaged = bytearray(archive([member("a", 5), long, member("l", 0, tarfile.SYMTYPE, "t" * 120)], format))
    blocks = st.integers(0, 9).map(lambda number: number * 512)
    for start in data.draw(st.lists(blocks, min_size=1, max_size=3)):
        at = data.draw(st.integers(0, 511))
        damaged[start + at] = data.draw(st.sampled_from(b"\0\xff\x809 =\n"))
        damaged[start : start + 512] = resealed(damaged[start : start + 512])
    with contextlib.suppress(ContentError):
        FileTree().add(walk(bytes(damaged)))


def resealed(data: bytearray) -> bytes:
    """With the checksum of the first header made right."""
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    return bytes(data)


def test_a_map_of_holes_that_a_global_header_gives_all_files_counts_for_each() -> None:
    sparse = {"GNU.sparse.map": ",".join(["0"] * 200), "GNU.sparse.realsize": "0"}
    common = tarfile.TarInfo.create_pax_global_header(sparse)
    data = common + archive([member(f"file-{number}") for number in range(10)])
    walker, found = TarWalker(Limits(names=2000), IndexMaker()), list[Entry]()
    with pytest.raises(TooLarge, match="more than 2,000 bytes"):
        walker.feed(data, found)
    assert len(found) == 5
