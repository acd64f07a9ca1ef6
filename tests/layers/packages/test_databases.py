"""Where the databases of an image are."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from regtui.layers.merged import MergedTree
from regtui.layers.packages import databases as databases_module
from regtui.layers.packages.databases import Databases, find_databases
from regtui.layers.packages.npm import read_package_json
from tests.layers.archives import archive, member, walk


def tree_of(*layers: Iterable[str]) -> MergedTree:
    tree = MergedTree()
    for number, paths in enumerate(layers):
        tree.add_layer(number, walk(archive(member(path) for path in paths)))
    return tree


def found_in(*layers: Iterable[str]) -> Databases:
    return find_databases(tree_of(*layers))


def paths(databases: Databases) -> list[str]:
    return [database.node.path for database in databases.found]


def test_the_systems_databases_and_what_says_which_system_it_is() -> None:
    databases = found_in(["var/lib/dpkg/status", "etc/os-release", "lib/apk/db/installed", "var/lib/dpkg/status-old"])
    assert paths(databases) == ["var/lib/dpkg/status", "lib/apk/db/installed"]
    assert databases.release
    assert databases.release.path == "etc/os-release"
    assert not databases.unread


def test_distroless_has_a_file_for_each_package() -> None:
    assert paths(found_in([f"var/lib/dpkg/status.d/{name}" for name in ("base", "base.md5sums", "tzdata")])) == [
        "var/lib/dpkg/status.d/base",
        "var/lib/dpkg/status.d/tzdata",
    ]


def test_links_to_a_database_are_followed_and_it_counts_once() -> None:
    tree = MergedTree()
    tree.add_layer(
        0,
        walk(archive([member("usr/lib/apk/db/installed"), member("lib", type=b"2", link="usr/lib")])),
    )
    assert paths(find_databases(tree)) == ["usr/lib/apk/db/installed"]


def test_what_a_layer_removed_is_not_installed() -> None:
    databases = found_in(["var/lib/dpkg/status", "a/node_modules/b/package.json"], ["a/.wh.node_modules"])
    assert paths(databases) == ["var/lib/dpkg/status"]


@pytest.mark.parametrize(
    "path",
    [
        "usr/lib/python3/dist-packages/six-1.16.0.egg-info",
        "usr/lib/python3/dist-packages/six-1.16.0.egg-info/PKG-INFO",
        "app/.venv/lib/python3.12/site-packages/a-1.dist-info/METADATA",
        "site-packages/a-1.dist-info/METADATA",
        "node_modules/a/package.json",
        "app/node_modules/@s/a/package.json",
        "app/node_modules/a/node_modules/b/node_modules/@s/c/package.json",
        "app/node_modules/.pnpm/a@1.0.0/node_modules/a/package.json",
    ],
)
def test_a_package_of_a_language(path: str) -> None:
    assert paths(found_in([path])) == [path]


@pytest.mark.parametrize(
    "path",
    [
        "src/a-1.dist-info/METADATA",
        "usr/lib/python3/dist-packages/setuptools/_vendor/a-1.dist-info/METADATA",
        "usr/lib/python3/dist-packages/a.dist-info/sub/METADATA",
        "app/package.json",
        "app/node_modules/package.json",
        "app/node_modules/.package.json/package.json",
        "app/node_modules/a/lib/package.json",
        "app/node_modules/a/test/fixtures/node_modules/b/package.json",
        "app/node_modules/@s/package.json",
    ],
)
def test_what_only_looks_like_one(path: str) -> None:
    assert paths(found_in([path])) == []


def test_the_packages_of_this_machine_s_npm_are_what_npm_lists() -> None:
    root = Path(subprocess.run(["npm", "root", "--global"], check=True, capture_output=True, text=True).stdout.strip())
    listed = subprocess.run(["npm", "ls", "--global", "--all", "--parseable"], capture_output=True, text=True).stdout
    files = [str(path.relative_to("/")) for path in root.rglob("package.json")]
    databases = found_in(files)
    assert {f"/{Path(path).parent}" for path in paths(databases)} == set(listed.splitlines()[1:])
    for path in paths(databases):
        assert not read_package_json(Path("/", path).read_bytes(), path, 0).broken


def test_databases_that_are_not_read_are_named() -> None:
    assert found_in(["var/lib/rpm/Packages"]).unread == [("rpm", "var/lib/rpm/Packages")]
    assert found_in(["usr/lib/sysimage/rpm/rpmdb.sqlite", "var/lib/pacman/local/a/desc"]).unread == [
        ("rpm", "usr/lib/sysimage/rpm/rpmdb.sqlite"),
        ("pacman", "var/lib/pacman/local"),
    ]


def test_all_files_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases_module, "BYTES", 25)
    files = [member(f"node_modules/{name}/package.json", 10) for name in "abc"]
    tree = MergedTree()
    tree.add_layer(0, walk(archive(files)))
    databases = find_databases(tree)
    assert paths(databases) == ["node_modules/a/package.json", "node_modules/b/package.json"]
    assert databases.more


def test_so_are_those_of_a_folder_of_dpkg_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases_module, "BYTES", 25)
    tree = MergedTree()
    tree.add_layer(0, walk(archive(member(f"var/lib/dpkg/status.d/{name}", 10) for name in "abc")))
    databases = find_databases(tree)
    assert len(databases.found) == 2
    assert databases.more
