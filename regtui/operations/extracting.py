"""Files and folders of an image, written to a folder on this machine."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import chain, takewhile
from pathlib import Path

from regtui.layers.limits import LIMITS, Limits
from regtui.layers.merged import MergedNode, MergedTree
from regtui.layers.tar import Entry
from regtui.oci.manifest import Descriptor
from regtui.oci.reference import Reference
from regtui.operations.contents import Content, Progress, file_contents, missing, source_of, what_it_is
from regtui.operations.session import Session
from regtui.operations.target_folder import Names, TargetFolder, is_name
from regtui.text import shown

__all__ = ["Extracted", "LeftOut", "Progress", "extract"]

_LINKS = 40  # links to links that are taken with what they lead to
_FOLDER_MODE = 0o755  # of one that no layer lists, but has entries in


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What isn't written, and why: the rest of a sentence that begins with the path."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Extracted:
    """All that was wanted is in its place, except what was left out."""

    files: int  # links among them
    folders: int  # that weren't there before
    size: int  # bytes of the files


async def extract(
    session: Session,
    image: Reference,
    layers: Sequence[Descriptor],
    tree: MergedTree,
    paths: Sequence[str],
    target: Path,
    *,
    force: bool = False,
    limits: Limits = LIMITS,
) -> AsyncGenerator[Progress | LeftOut | Extracted, None]:
    """Writes files and whole folders below `target`, under their paths in the image.

    Either all of it is written, or nothing: on an error, and when it is closed early, what was written goes again.
    Modes and times are kept, owners, setuid and setgid aren't. Nothing that was there is overwritten without `force`.
    When all was left out, nothing is written, and no `Extracted` comes. Raises `RegtuiError` for a path that isn't in
    the image and for what can't be written, and what `file_contents` does.
    """
    plan = _plan(tree, image, paths)
    folder = TargetFolder(target, force=force)
    try:
        plan.prepare(folder)
        for left in plan.left_out:
            yield left
        if not (plan.folders or plan.symlinks or plan.files):
            return
        size = 0
        for number, files in sorted(plan.files.items()):
            writer = _LayerWriter(folder, files)
            try:
                async with aclosing(file_contents(session, image.repository, layers[number], files, limits)) as events:
                    async for event in events:
                        if isinstance(event, Progress):
                            yield event
                        else:
                            writer.take(event)
                writer.end()
            finally:
                writer.close()
            size += sum(entry.size for entry in writer.written)
            for left in writer.left_out(number):
                yield left
        done = Extracted(folder.files, folder.folders, size)
        folder.commit()
        yield done
    finally:
        folder.roll_back()
        folder.close()


@dataclass(slots=True)
class _Plan:
    folders: dict[Names, int] = field(default_factory=dict)  # with their modes, parents first
    symlinks: dict[Names, bytes] = field(default_factory=dict)
    files: dict[int, dict[Entry, dict[Names, None]]] = field(default_factory=dict)
    """By layer and entry, the paths that get its content: several, of hard links."""
    left_out: list[LeftOut] = field(default_factory=list)

    def prepare(self, folder: TargetFolder) -> None:
        """Makes folders and links, once it is clear that everything finds its place."""
        for names in self.folders:
            folder.check(names, is_folder=True)
        for names in self.symlinks:
            folder.check(names)
        for files in self.files.values():
            for names in chain.from_iterable(files.values()):
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
            if why := self._add_one(node, _names(node)):
                self.left_out.append(LeftOut(node.path, why))
            else:
                waiting += node.listing()[::-1]

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
        elif _stays_inside(entry.link, len(names) - 1):
            self._add_folders(node.parent)
            self.symlinks[names] = _raw(entry.link)
        else:
            return f"is a link to {shown(entry.link, 300)}, which could lead outside of the folder"
        return ""

    def _add_folders(self, folder: MergedNode | None) -> None:
        way = []
        while folder is not None and folder.parent is not None and _names(folder) not in self.folders:
            way.append(folder)
            folder = folder.parent
        for each in reversed(way):
            self.folders[_names(each)] = _mode(each)


def _plan(tree: MergedTree, image: Reference, paths: Sequence[str]) -> _Plan:
    plan = _Plan()
    for path in paths:
        wanted = path
        for _ in range(_LINKS):  # a link that is named comes with what it leads to
            node = tree.find(wanted, follow=False)
            if node is None:
                break
            plan.add(node)
            if node.entry is None or node.entry.type != "symlink" or node.parent is None:
                break
            text = node.entry.link
            wanted = text if text.startswith("/") else f"{node.parent.path}/{text}"
        if wanted == path and node is None:
            raise missing(image, path)
    return plan


class _LayerWriter:
    """Writes what a layer has to files that it is wanted as."""

    def __init__(self, folder: TargetFolder, wanted: Mapping[Entry, Mapping[Names, None]]) -> None:
        self.written: set[Entry] = set()
        self._folder = folder
        self._wanted = wanted
        self._entry: Entry | None = None  # whose content comes, for `_names`
        self._names: Names = ()
        self._descriptor = -1

    def take(self, contents: Sequence[Content]) -> None:
        for content in contents:
            if isinstance(content, bytes):
                self._folder.write(self._names, self._descriptor, content)
                continue
            self.end()
            self._entry = content.entry
            self._names = next(iter(self._wanted[content.entry]))
            self._descriptor = self._folder.create(self._names)

    def end(self) -> None:
        """The file in hand is whole."""
        entry, self._entry = self._entry, None
        if entry is None:
            return
        self._folder.finish(self._names, self._descriptor, entry.mode, entry.mtime)
        self.close()
        self.written.add(entry)
        for names in self._wanted[entry]:
            if names != self._names:
                self._folder.link(names, self._names)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def left_out(self, number: int) -> list[LeftOut]:
        return [
            LeftOut(
                os.fsdecode(b"/".join(names)),
                f"is listed in layer {number}, which doesn't hold it",
            )
            for entry, each in self._wanted.items()
            if entry not in self.written
            for names in each
        ]


def _stays_inside(text: str, depth: int) -> bool:
    """Whether a link's text can't lead out of the target folder, `depth` folders below which the link itself is.

    `..` may only stand at its beginning: behind a name, which may be a link too, it leads elsewhere than it reads. As
    every link is in a folder that is none, what such links lead to is inside, over however many of them.
    """
    names = [name for name in text.split("/") if name not in ("", ".")]
    up = len(list(takewhile(lambda name: name == "..", names)))
    return bool(text) and text[0] != "/" and "\0" not in text and up <= depth and ".." not in names[up:]


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
