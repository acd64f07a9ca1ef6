"""Python's metadata, of the packages that these tests run with."""

from __future__ import annotations

from importlib.metadata import distributions
from pathlib import Path

from regtui.layers.packages.python import read_metadata


def test_what_is_installed_here_is_what_python_itself_tells() -> None:
    files = {str(file): file for path in {*map(_folder, distributions())} if (file := path / "METADATA").exists()}
    read = {
        (package.name, package.version)
        for name, file in files.items()
        for package in read_metadata(file.read_bytes(), name, 0).packages
    }
    told = {(each.metadata["Name"], each.version) for each in distributions() if (_folder(each) / "METADATA").exists()}
    assert read == told
    assert len(read) > 20


def _folder(distribution: object) -> Path:
    return Path(str(distribution._path))  # type: ignore[attr-defined]


def test_only_the_headers_count() -> None:
    data = b"Metadata-Version: 2.1\r\nname: A.b\r\nVersion: 1.0\r\n\r\nName: description\n"
    [package] = read_metadata(data, "x.dist-info/METADATA", 3).packages
    assert (package.kind, package.name, package.version, package.layer) == ("python", "A.b", "1.0", 3)


def test_without_a_name_it_is_of_no_use() -> None:
    assert read_metadata(b"Version: 1\n", "METADATA", 0) == ([], 1)
    assert read_metadata(b"", "METADATA", 0) == ([], 1)
