"""The content of wanted files, as their layer goes by."""

from __future__ import annotations

import gzip
import io
import random
import subprocess
import tarfile
from pathlib import Path

import pytest

from regtui.errors import ContentError, TooLarge
from regtui.layers.contents import ContentReader, Member
from regtui.layers.decompress import PIECE
from regtui.layers.limits import LIMITS, Limits
from tests.layers.archives import gzip_members, zstd_frames
from tests.registry_servers.images import Files, HardLink, Symlink, layer_tar

FILES: Files = {
    "etc/": b"",
    "etc/empty": b"",
    "etc/one": b"1",
    "etc/block": bytes(range(256)) * 2,
    "etc/link": Symlink("one"),
    "etc/again": HardLink("etc/one"),
    "bin/large": random.Random(1).randbytes(3 * PIECE + 5),
    "etc/last": b"the end",
}
PACKED = layer_tar(FILES)


def read(data: bytes, *paths: str, chunk: int = 100_000, limits: Limits = LIMITS) -> dict[str, bytes]:
    """Path → content, as far as these paths are files."""
    reader = ContentReader(lambda entry: entry.path in paths, limits)
    found: dict[str, bytes] = {}
    path = ""
    portions = [data[start : start + chunk] for start in range(0, len(data), chunk)]
    for contents in (*(some for portion in portions for some in reader.feed(portion)), *reader.close()):
        assert sum(len(content) for content in contents if isinstance(content, bytes)) <= 3 * PIECE
        for content in contents:
            if isinstance(content, Member):
                path = content.entry.path
                found[path] = b""
            else:
                found[path] += content
    return found


@pytest.mark.parametrize("chunk", [1, 511, 4096, 10_000_000])
def test_files_come_byte_by_byte_as_they_were_packed(chunk: int) -> None:
    small = layer_tar({path: content for path, content in FILES.items() if path != "bin/large"})
    assert read(small, "etc/empty", "etc/one", "etc/block", "etc/last", chunk=chunk) == {
        "etc/empty": b"",
        "etc/one": b"1",
        "etc/block": bytes(range(256)) * 2,
        "etc/last": b"the end",
    }


@pytest.mark.parametrize("data", [PACKED, gzip.compress(PACKED, 1), gzip_members(PACKED, 3), zstd_frames(PACKED, 2)])
def test_a_large_one_comes_in_pieces_whatever_it_is_compressed_with(data: bytes) -> None:
    assert read(data, "bin/large", chunk=256 * 1024) == {"bin/large": FILES["bin/large"]}


def test_only_files_have_content() -> None:
    assert read(PACKED, "etc", "etc/link", "etc/again", "nowhere") == {}


HOLES = {"holes": [(1_000_000, b"first"), (3_000_000, b"x" * 70_000)], "empty": [], "full": [(0, b"full")]}
FORMATS = ["gnu", "posix --sparse-version=0.0", "posix --sparse-version=0.1", "posix"]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("chunk", [511, 100_000])
def test_sparse_files_have_their_holes_in_every_format_of_gnu_tar(tmp_path: Path, format: str, chunk: int) -> None:
    many = [(number * 50_000, b"%d" % number) for number in range(100)]
    for name, regions in (HOLES | {"many": many}).items():
        with (tmp_path / name).open("wb") as file:
            for offset, data in regions:
                file.seek(offset)
                file.write(data)
            file.truncate(6_000_000)
    (tmp_path / "after").write_bytes(b"what comes after")
    names = ["holes", "empty", "full", "many", "after"]
    command = ["tar", "-C", str(tmp_path), "--sparse", *f"--format={format}".split(), "-cf", "-", *names]
    packed = subprocess.run(command, check=True, capture_output=True).stdout
    assert len(packed) < 1_500_000
    assert read(packed, *names, chunk=chunk) == {name: (tmp_path / name).read_bytes() for name in names}
    assert read(packed, "after", chunk=chunk) == {"after": b"what comes after"}


@pytest.mark.parametrize(
    "told",
    [
        {"GNU.sparse.map": "0,10,5,5"},  # over each other
        {"GNU.sparse.map": "0,9"},  # less than there is
        {"GNU.sparse.map": "999999,10"},  # beyond the end
        {"GNU.sparse.map": "0,-10,0,20"},
        {"GNU.sparse.map": "0,1,2"},
        {"GNU.sparse.map": "nothing"},
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"},  # the map in what is stored is none
    ],
)
def test_a_sparse_file_whose_map_is_wrong(told: dict[str, str]) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        sparse = tarfile.TarInfo("GNUSparseFile.0/holes")
        sparse.size = 10
        sparse.pax_headers = {"GNU.sparse.name": "holes", "GNU.sparse.realsize": "1000000"} | told
        tar.addfile(sparse, io.BytesIO(b"0123456789"))
    with pytest.raises(ContentError, match="map of holes is damaged"):
        read(buffer.getvalue(), "holes")


def test_the_holes_of_sparse_files_count_as_well() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        bomb = tarfile.TarInfo("bomb")
        bomb.pax_headers = {"GNU.sparse.realsize": f"{2**60}", "GNU.sparse.map": "0,0"}
        tar.addfile(bomb)
    with pytest.raises(TooLarge, match="sparse files have more than"):
        read(buffer.getvalue(), "bomb")


def test_what_is_damaged_or_too_much_is_an_error() -> None:
    with pytest.raises(ContentError, match="cut off after bin/large"):
        read(PACKED[:2_000_000], "bin/large")
    with pytest.raises(ContentError, match="cut off"):
        read(gzip.compress(PACKED, 1)[:-9], "bin/large")
    with pytest.raises(TooLarge, match="unpacked"):
        read(PACKED, "bin/large", limits=Limits(unpacked=PIECE))
    with pytest.raises(ContentError, match="no tar archive"):
        read(b"{}" * 1000, "bin/large")
