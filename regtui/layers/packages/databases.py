"""Where an image keeps what is installed in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final, NamedTuple

from regtui.layers.merged import MergedNode, MergedTree
from regtui.layers.packages.apk import read_apk
from regtui.layers.packages.dpkg import read_dpkg
from regtui.layers.packages.npm import read_package_json
from regtui.layers.packages.package import Read
from regtui.layers.packages.python import read_metadata
from regtui.layers.packages.release import PATHS

LARGE: Final = 32 * 2**20
"""Bytes of a database of many packages."""
SMALL: Final = 4 * 2**20
"""Bytes of a file that describes one package."""
FILES: Final = 50_000
"""Files that describe one package each, and are read."""
BYTES: Final = 128 * 2**20
"""Of all that is read."""

_DPKG: Final = "var/lib/dpkg/status"
_DISTROLESS: Final = "var/lib/dpkg/status.d"
_APK: Final = ("lib/apk/db/installed", "usr/lib/apk/db/installed")
_RPM: Final = tuple(
    f"{folder}/{name}"
    for folder in ("var/lib/rpm", "usr/lib/sysimage/rpm")
    for name in ("rpmdb.sqlite", "Packages.db", "Packages")
)
_UNREAD: Final = {"rpm": _RPM, "pacman": ("var/lib/pacman/local",), "conda": ("conda-meta", "opt/conda/conda-meta")}
_PYTHON: Final = re.compile(
    r"(?:^|/)(?:site|dist)-packages/(?:[^/]+\.dist-info/METADATA|[^/]+\.egg-info(?:/PKG-INFO)?)$"
)
_NPM: Final = re.compile(  # in a node_modules that is itself no part of another package, such as its tests
    r"^(?:(?!node_modules/)[^/]+/)*"
    r"node_modules/(?:(?:@[^/]+/)?[^./@][^/]*/(?:node_modules/)|\.pnpm/[^/]+/node_modules/)*(?:@[^/]+/)?[^./@][^/]*/package\.json$"
)

Reader = Callable[[bytes, str, int], Read]


class Database(NamedTuple):
    """A file, and what reads it from its bytes, its path and its layer's number."""

    node: MergedNode
    read: Reader
    limit: int  # bytes; a larger file isn't read

    @property
    def size(self) -> int:
        """Bytes."""
        entry = (self.node.target or self.node).entry
        return entry.size if entry else 0


@dataclass(frozen=True, slots=True)
class Databases:
    """What an image has."""

    release: MergedNode | None
    found: list[Database]
    unread: list[tuple[str, str]]  # kind and path of databases that regtui can't read
    more: bool  # whether there are more files than `FILES`, or more bytes in them than `BYTES`


def find_databases(tree: MergedTree) -> Databases:
    """Looks through the whole tree: for a thread."""
    release = next((node for path in PATHS if (node := tree.find(path)) and not node.is_directory), None)
    found: dict[int, Database] = {}
    left, more = BYTES, False
    others = (Database(node, reader, SMALL) for node in tree.root.walk() if (reader := _reader(node)))
    for database in chain(_system(tree), others):
        left -= min(database.size, database.limit)
        if len(found) >= FILES or left < 0:
            more = True
            break
        found[id(database.node)] = database
    unread = [(kind, path) for kind, paths in _UNREAD.items() if (path := _first(tree, paths))]
    return Databases(release, list(found.values()), unread, more)


def _system(tree: MergedTree) -> Iterator[Database]:
    for path, reader in ((_DPKG, read_dpkg), *((path, read_apk) for path in _APK)):
        node = tree.find(path)
        if node is not None and not node.is_directory:
            yield Database(node, reader, LARGE)
    folder = tree.find(_DISTROLESS)
    for node in folder.listing() if folder is not None else ():
        if not node.is_directory and not node.name.endswith(".md5sums"):
            yield Database(node, read_dpkg, SMALL)


def _reader(node: MergedNode) -> Reader | None:
    if node.is_directory:
        return None
    if node.name == "package.json":
        return read_package_json if _NPM.match(node.path) else None
    if node.name in ("METADATA", "PKG-INFO") or node.name.endswith(".egg-info"):
        return read_metadata if _PYTHON.search(node.path) else None
    return None


def _first(tree: MergedTree, paths: tuple[str, ...]) -> str:
    return next((path for path in paths if tree.find(path) is not None), "")
