"""What one layer has of what is looked for, and what it takes away from the layers below, without keeping its tree."""

from __future__ import annotations

import posixpath
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal

from regtui.layers.nodes import DEPTH
from regtui.layers.tar import Entry
from regtui.layers.whiteouts import WHITEOUT, removed_by

Loss = Literal["removed", "overwritten"]
Keep = Callable[[Sequence[str], Iterable[int]], list[int]]
"""Which of these paths are looked for, by their indices."""


class Findings:
    """Takes a layer's entries by `add`. Of all that isn't looked for it keeps eight bytes a path: a hash."""

    def __init__(self, keep: Keep) -> None:
        self.found: dict[str, Entry] = {}
        """By path; of two entries with one path the later, as when it is unpacked."""
        self._keep = keep
        self._removed = array("q")  # by a whiteout
        self._emptied = array("q")  # directories of which all is hidden that the layers below have in them
        self._folders = array("q")
        self._others = array("q")  # what is no directory
        self._parents = array("q")  # directories that something is in, listed or not

    def add(self, entries: Sequence[Entry]) -> None:
        paths: list[str] = []
        those: list[Entry] = []
        parents: set[str] = set()
        for entry in entries:
            path = _plain(entry.path)
            if path.rpartition("/")[2].startswith(WHITEOUT):
                if removal := removed_by(path):
                    (self._emptied if removal.is_opaque else self._removed).append(hash(removal.path))
            elif path:
                paths.append(path)
                those.append(entry)
                (self._folders if entry.type == "dir" else self._others).append(hash(path))
                parents.add(path.rpartition("/")[0])
        self._parents.extend({hash(each) for parent in parents for each in _way(parent)})
        for index in self._keep(paths, range(len(paths))):
            self.found[paths[index]] = those[index]

    def losses(self, below: Findings) -> dict[str, Loss]:
        """What becomes of what was found in a layer below: by path, as far as this layer takes it away."""
        near = {hash(part) for path in below.found for part in _way(path)}
        removed, emptied = near.intersection(self._removed), near.intersection(self._emptied)
        folders, others = near.intersection(self._folders), near.intersection(self._others)
        parents = near.intersection(self._parents) if below.found else set()
        lost: dict[str, Loss] = {}
        for path, entry in below.found.items():
            own, *above = map(hash, _way(path))
            becomes_folder = own in parents and entry.type not in ("dir", "symlink")  # what is in a link is in its goal
            if own in folders or own in others or becomes_folder:
                lost[path] = "overwritten"
            elif own in removed or any(each in removed or each in emptied or each in others for each in above):
                lost[path] = "removed"
        return lost


def _plain(path: str) -> str:
    """As the whole image's tree names it."""
    if "//" in path or "./" in path or path.endswith("."):
        return posixpath.normpath(f"/{path}")[1:]
    return path


def _way(path: str) -> Iterator[str]:
    """The path itself, then directories that it is in, from the root on; `DEPTH` of them at most."""
    yield path
    yield ""
    end = -1
    for _ in range(DEPTH):
        end = path.find("/", end + 1)
        if end < 0:
            return
        yield path[:end]
