"""dpkg's database against `dpkg-query` itself."""

from __future__ import annotations

import subprocess
import tracemalloc
from pathlib import Path

import pytest

from regtui.layers.packages.dpkg import read_dpkg

_ASKED = r"${Package}\t${Version}\t${Architecture}\t${source:Package}\t${Installed-Size}\t${db:Status-Status}\n"

STATES = """\
Package: same
Status: install ok installed
Version: 1:1-1
Architecture: amd64
Multi-Arch: same
Description: twice
 Package: not-this
 .

Package: same
Status: install ok installed
Version: 1:1-1
Architecture: i386
Multi-Arch: same

package: small-letters
status: install ok installed
version: 3
architecture: all


Package: removed
Status: deinstall ok config-files
Version: 2
Architecture: amd64
Config-Version: 2

Package: never
Status: unknown ok not-installed
Architecture: amd64

Package: half
Status: install reinstreq half-installed
Version: 2
Architecture: amd64

Package: waiting
Status: install ok triggers-pending
Version: 2
Architecture: amd64
Triggers-Pending: /x

Package: built-of
Status: install ok unpacked
Version: 2+b1
Architecture: amd64
Source: another (2)
Installed-Size: 12
"""


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A root whose packages are in all sorts of states."""
    folder = tmp_path / "var/lib/dpkg"
    for name in ("updates", "info"):
        (folder / name).mkdir(parents=True)
    (folder / "status").write_text(STATES)
    return tmp_path


def as_dpkg_tells(root: Path) -> list[str]:
    command = ["dpkg-query", "--root", str(root), "--show", "--showformat", _ASKED]
    return sorted(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines())


def as_read(root: Path) -> list[str]:
    read = read_dpkg((root / "var/lib/dpkg/status").read_bytes(), "var/lib/dpkg/status", 0)
    assert not read.broken
    return sorted(
        "\t".join(
            (
                package.name,
                package.version,
                package.architecture,
                package.source,
                "" if package.size is None else str(package.size // 1024),
                package.state or "installed",
            )
        )
        for package in read.packages
    )


def test_this_machine_s_packages_are_what_dpkg_query_lists() -> None:
    assert as_read(Path("/")) == as_dpkg_tells(Path("/"))


def test_all_states_but_not_installed_are_listed_as_dpkg_query_does(made: Path) -> None:
    assert as_read(made) == as_dpkg_tells(made)


def test_only_what_is_more_than_configuration_is_there(made: Path) -> None:
    packages = read_dpkg(STATES.encode(), "status", 0).packages
    assert [package.name for package in packages if not package.is_there] == ["removed"]


def test_a_file_of_distroless_says_nothing_of_a_status() -> None:
    data = b"Package: base-files\nVersion: 12.4\nArchitecture: amd64\nDescription: base\n"
    [package] = read_dpkg(data, "var/lib/dpkg/status.d/base", 2).packages
    assert (package.name, package.version, package.state) == ("base-files", "12.4", "")
    assert (package.path, package.layer) == ("var/lib/dpkg/status.d/base", 2)


def test_records_of_no_use_are_counted() -> None:
    data = b"\n\n".join(
        (
            b"Status: install ok installed\nVersion: 1",
            b"Package: a\nStatus: install ok installed",
            b"Package: b\x1b[31m\nVersion: 1",
            b"Package: " + b"c" * 1000 + b"\nVersion: 1",
            b"no colon at all",
            b"Package: caf\xc3\xa9\nVersion: 1\nInstalled-Size: much\nSource:",
        )
    )
    read = read_dpkg(data, "status", 0)
    assert read.broken == 5
    assert [(package.name, package.size, package.source) for package in read.packages] == [("café", None, "café")]


def test_what_is_no_database_has_no_packages() -> None:
    assert read_dpkg(b"", "status", 0) == ([], 0)
    assert read_dpkg(bytes(range(256)) * 1000, "status", 0).packages == []


def test_millions_of_empty_lines_take_no_memory() -> None:
    tracemalloc.start()
    try:
        assert read_dpkg(bytes(b"\n" * 2_000_000), "status", 0).packages == []
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
