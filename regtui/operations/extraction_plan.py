"""What of an image's files is written to a folder, under which names, and what isn't and why."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, takewhile
from pathlib import Path

from regtui.layers.merged import MergedNode, MergedTree
from regtui.layers.tar import Entry
from regtui.oci.reference import Reference
from regtui.operations.contents import missing, source_of, what_it_is
from regtui.operations.target_folder import Names, TargetFolder, is_name
from regtui.text import shown

_LINKS = 40  # links to links that are taken with what they lead to
_FOLDER_MODE = 0o755  # of one that no layer lists, but has entries in


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What isn't written, and why: the rest of a sentence that begins with the path."""

    path: str
    why: str


@dataclass(slots=True)
class ExtractionPlan:
    """Paths are those below the folder that `root`, a file or folder of the image, is in; of all of it, whole ones."""

    root: Names = ()
    folders: dict[Names, int] = field(default_factory=dict)  # with their modes, parents first
    symlinks: dict[Names, bytes] = field(default_factory=dict)
    files: dict[int, dict[Entry, dict[Names, None]]] = field(default_factory=dict)
    """By layer and entry, the paths that get its content: several, of hard links."""
    left_out: list[LeftOut] = field(default_factory=list)
    turned: int = 0
    """Absolute links that are written as relative ones, and so lead to the same inside of the folder."""

    @property
    def count(self) -> int:
        """Files, with links."""
        return len(self.symlinks) + sum(len(names) for files in self.files.values() for names in files.values())

    @property
    def size(self) -> int:
        """Bytes of the files, of hard links once."""
        return sum(entry.size for files in self.files.values() for entry in files)

    def __bool__(self) -> bool:
        return bool(self.folders or self.symlinks or self.files)

    def paths(self) -> Iterator[Names]:
        """Of all but the folders."""
        yield from self.symlinks
        for files in self.files.values():
            yield from chain.from_iterable(files.values())

    def in_the_way(self, target: Path) -> int:
        """How many files are in the folder already that would be written. Reads the disk: not for an event loop."""
        place = os.fsencode(target)
        return sum(os.path.lexists(b"/".join((place, *names))) for names in self.paths())

    def prepare(self, folder: TargetFolder) -> None:
        """Makes folders and links, once it is clear that everything finds its place."""
        for names in self.folders:
            folder.check(names, is_folder=True)
        for names in self.paths():
            folder.check(names)
        for names, mode in self.folders.items():
            folder.make_folder(names, mode)
        for names, text in self.symlinks.items():
            folder.symlink(names, text)

    def add(self, node: MergedNode) -> None:
        """A node and all below it."""
        waiting = [node]
        while waiting:
            node = waiting.pop()
            if why := self._add_one(node, _names(node)[self._skipped :]):
                self.left_out.append(LeftOut(node.path, why))
            else:
                waiting += node.listing()[::-1]

    @property
    def _skipped(self) -> int:
        return max(0, len(self.root) - 1)

    def _add_one(self, node: MergedNode, names: Names) -> str:
        """Why it is left out, or nothing."""
        if not all(map(is_name, names)):
            return "has a name that no file can have"
        number, entry = source_of(node)
        if node.is_directory:
            self._add_folders(node)
        elif entry is None or entry.type not in ("file", "symlink"):
            return f"is {what_it_is(node)}"
        elif entry.type == "file":
            self._add_folders(node.parent)
            self.files.setdefault(number, {}).setdefault(entry, {})[names] = None
        elif (text := self._inside(entry.link, len(names) - 1)) is not None:
            self._add_folders(node.parent)
            self.symlinks[names] = text
        else:
            return f"is a link to {shown(entry.link, 300)}, which could lead outside of the folder"
        return ""

    def _add_folders(self, folder: MergedNode | None) -> None:
        way = []
        while folder is not None and folder.parent is not None:
            names = _names(folder)[self._skipped :]
            if not names or names in self.folders:
                break
            way.append((names, _mode(folder)))
            folder = folder.parent
        self.folders.update(reversed(way))

    def _inside(self, link: str, depth: int) -> bytes | None:
        """What a link's text is written as, `depth` folders below the target; None where it could lead out of that.

        An absolute one that leads to something in `root` becomes a relative one: as many times `..` as it lies deep
        lead to where that is.
        """
        text = _raw(link)
        if not link.startswith("/"):
            return text if _stays_inside(text, depth) else None
        names = tuple(name for name in text.split(b"/") if name not in (b"", b"."))
        if names[: len(self.root)] != self.root:
            return None
        turned = b"/".join((*[b".."] * depth, *names[self._skipped :])) or b"."
        if not _stays_inside(turned, depth):
            return None
        self.turned += 1
        return turned


def plan_of_paths(tree: MergedTree, image: Reference, paths: Sequence[str], layer: int | None = None) -> ExtractionPlan:
    """Files and folders under their whole paths in the image; a link that is named comes with what it leads to.

    Raises `RegtuiError` for a path that isn't in the image, or in the one `layer` that the tree has.
    """
    plan = ExtractionPlan()
    for path in paths:
        wanted = path
        for _ in range(_LINKS):
            node = tree.find(wanted, follow=False)
            if node is None:
                break
            plan.add(node)
            if node.entry is None or node.entry.type != "symlink" or node.parent is None:
                break
            text = node.entry.link
            wanted = text if text.startswith("/") else f"{node.parent.path}/{text}"
        if wanted == path and node is None:
            raise missing(image, path, layer)
    return plan


def plan_of_node(node: MergedNode) -> ExtractionPlan:
    """A file, or a folder with all that is in it, under its own name; the whole tree under theirs."""
    plan = ExtractionPlan(_names(node))
    plan.add(node)
    return plan


def _stays_inside(text: bytes, depth: int) -> bool:
    """Whether a link's text can't lead out of the target folder, `depth` folders below which the link itself is.

    `..` may only stand at its beginning: behind a name, which may be a link too, it leads elsewhere than it reads. As
    every link is in a folder that is none, what such links lead to is inside, over however many of them.
    """
    names = [name for name in text.split(b"/") if name not in (b"", b".")]
    up = len(list(takewhile(lambda name: name == b"..", names)))
    return bool(text) and text[:1] != b"/" and b"\0" not in text and up <= depth and b".." not in names[up:]


def _names(node: MergedNode) -> Names:
    names = []
    above: MergedNode | None = node
    while above is not None and above.parent is not None:
        names.append(_raw(above.name))
        above = above.parent
    return tuple(reversed(names))


def _mode(folder: MergedNode) -> int:
    return folder.entry.mode if folder.entry and folder.entry.type == "dir" else _FOLDER_MODE


def _raw(text: str) -> bytes:
    """The bytes that the archive had."""
    return text.encode("utf-8", "surrogateescape")
