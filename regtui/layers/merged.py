"""The files of an image: its layers laid over each other (OCI image-spec, layer.md), and what that wastes."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from regtui.errors import TooLarge
from regtui.layers.nodes import DEPTH, NamedNode
from regtui.layers.tar import Entry
from regtui.layers.whiteouts import WHITEOUT, Removal, removed_by

_LINKS: Final = 40
"""Links that are followed on the way to one file, as Linux has it."""
_STEPS: Final = 1024
"""Names of one path or link."""
_TEXT: Final = 4096
"""Characters of a link that leads to nothing any more, as Linux has it."""
_LINKED: Final = 10_000_000
"""Names in links that are followed while layers are laid over each other: entries behind links are rare."""


class MergedNode(NamedNode):
    """A path of the image as one layer wrote it. One that another layer wrote over keeps what it was, outside the tree.

    A directory stays the same node when a layer writes it anew.
    """

    __slots__ = ("depth", "emptied", "entry", "layer", "replaced", "size", "target", "touched")

    def __init__(self, name: str, parent: MergedNode | None, layer: int) -> None:
        super().__init__(name, parent)
        self.depth: int = parent.depth + 1 if parent else 0
        self.entry: Entry | None = None  # none of a directory that no layer lists; its path is the one in the layer
        self.layer = layer  # that wrote it last
        self.replaced = False  # whether the layers below that one had something here: changed; otherwise it was added
        self.size = 0  # bytes: of a file, or of all files below a directory; a hard link has none of its own
        self.target: MergedNode | None = None  # what a hard link shares its bytes with, even if it is replaced since
        self.touched = layer  # the last that changed it or anything below it; one that lists it as it was did not
        self.emptied = -1  # the layer that last took away what those below had in this directory

    def walk(self) -> Iterator[MergedNode]:
        """All below it by name, a directory before what is in it."""
        waiting = self.listing()[::-1]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += node.listing()[::-1]


@dataclass(frozen=True, slots=True)
class Waste:
    """A path that costs bytes more than once, or for nothing."""

    path: str
    layers: int  # that bring it or remove it
    size: int  # bytes in all of them
    wasted: int  # bytes beyond the smallest of them: none is needed of what was removed


class MergedTree:
    """Grows layer by layer, the lowest first. Whiteouts take away only what the layers below have, whatever the order.

    Symbolic links on the way to an entry are followed within the image, as `umoci unpack` does it. `add_layer` raises
    `TooLarge` when it would follow endlessly many.
    """

    def __init__(self) -> None:
        self.root = MergedNode("", None, 0)
        self.root.children = {}
        self.entries = 0  # of all layers
        self.removed: dict[int, dict[str, MergedNode]] = {}
        """By layer and path, the topmost of what a layer took away and didn't write anew."""
        self._number = 0
        self._gone: dict[str, MergedNode] = {}  # `removed` of the layer in hand
        self._sizes: dict[str, dict[int, int]] = {}  # of each path that several layers touch: bytes by layer
        self._linked = 0  # names in links that were followed
        self._last_folder: tuple[str, MergedNode] | None = None  # entries of one directory follow each other

    def add_layer(self, number: int, entries: Iterable[Entry]) -> None:
        """Lays entries of a layer, numbered from 0, over the layers below; may be called for each portion of it."""
        self._number, self._gone = number, self.removed.setdefault(number, {})
        for entry in entries:
            self.entries += 1
            if self._linked > _LINKED:
                raise TooLarge("The image's files lie behind too many symbolic links; regtui reads no further")
            path = posixpath.normpath(f"/{entry.path}")[1:] if ".." in entry.path else entry.path
            folder, _, name = path.rpartition("/")
            if name.startswith(WHITEOUT):
                if removal := removed_by(path):
                    self._remove(removal)
            elif name not in ("", "."):
                self._write(self._folder(folder), name, entry)
            elif entry.type == "dir":
                self._describe(self._folder(folder), entry)

    # Looking

    def find(self, path: str, follow: bool = True) -> MergedNode | None:
        """The node at a path of the image, with a leading slash or without; None where there is none, or a loop.

        Links are followed within the image, as in a container. At the path's end, `follow` says whether a symbolic
        link gives what it leads to, and a hard link the file whose bytes it shares.
        """
        return self._look(self.root, path, follow)

    def _look(self, start: MergedNode, path: str, follow: bool, make: bool = False) -> MergedNode | None:
        """As `find`, from a directory on. `make` makes what isn't there a directory."""
        node, names, links = start, path.split("/", _STEPS)[::-1], 0
        while names:
            name = names.pop()
            if name in ("", "."):
                continue
            if name == "..":
                node = node.parent or node
                continue
            child = (node.children or {}).get(name)
            follows = follow or bool(names)
            if child is not None and follows and _is(child, "hardlink"):
                child = child.target
            if child is not None and child.entry is not None and child.entry.type == "symlink" and follows:
                text = child.entry.link
                links += 1
                self._linked += text.count("/") + 1
                if links > _LINKS or len(names) > _STEPS or len(text) >= _TEXT:
                    return None
                if text.startswith("/"):
                    node = self.root
                names += text.split("/", _STEPS)[::-1]
                continue
            if make and (child is None or not child.is_directory) and node.depth < DEPTH:
                child = self._mkdir(node, name)
            if child is None:
                return None
            node = child
        return node

    # Waste

    def waste(self) -> list[Waste]:
        """The paths that waste bytes, the worst first."""
        found = []
        for path, sizes in self._sizes.items():
            size = sum(sizes.values())
            if wasted := size - min(sizes.values()):
                found.append(Waste(path, len(sizes), size, wasted))
        return sorted(found, key=lambda waste: (-waste.wasted, waste.path))

    def efficiency(self) -> float:
        """Needed bytes by all bytes of files in all layers, as `dive` counts them: 1.0 when nothing is wasted.

        Unlike dive's, it counts what is below a removed directory as removed.
        """
        # what the last layer made of a path is in the tree
        before = sum(sum(sizes.values()) - sizes[max(sizes)] for sizes in self._sizes.values())
        discovered = self.root.size + before
        wasted = sum(waste.wasted for waste in self.waste())
        return (discovered - wasted) / discovered if discovered else 1.0

    # Writing

    def _write(self, folder: MergedNode, name: str, entry: Entry) -> None:
        if entry.type == "dir":
            child = (folder.children or {}).get(name)
            self._describe(child if child is not None and child.is_directory else self._mkdir(folder, name), entry)
            return
        target = self.find(entry.link, follow=False) if entry.type == "hardlink" else None
        node = self._renew(folder, name)
        node.entry = entry
        if target is not None and not target.is_directory:
            node.target = target.target if _is(target, "hardlink") else target
        _grow(node, entry.size)
        path = node.path
        if path in self._sizes:
            self._sizes[path][self._number] = entry.size

    def _describe(self, folder: MergedNode, entry: Entry) -> None:
        before = folder.entry
        if before is None or (before.mode, before.uid, before.gid) != (entry.mode, entry.uid, entry.gid):
            self._touch(folder)
        if folder.layer != self._number:
            folder.layer, folder.replaced = self._number, True
        folder.entry = entry

    def _mkdir(self, parent: MergedNode, name: str) -> MergedNode:
        node = self._renew(parent, name)
        node.children = {}
        return node

    def _renew(self, folder: MergedNode, name: str) -> MergedNode:
        """A new node under this name, in place of what was there."""
        assert folder.children is not None
        before, node = folder.children.get(name), MergedNode(name, folder, self._number)
        if before is None:
            gone = self._gone.pop(node.path, None) if self._gone else None  # removed, and now there anew
            node.replaced = gone is not None
            for child in (gone.children or {}).values() if gone else ():
                self._gone[child.path] = child
        else:
            node.replaced = before.replaced or before.layer != self._number
            self._forget(before)
            _grow(folder, -before.size)
            self._last_folder = None
        folder.children[name] = node
        self._touch(folder)
        return node

    def _touch(self, node: MergedNode | None) -> None:
        while node is not None and node.touched != self._number:
            node.touched = self._number
            node = node.parent

    def _forget(self, node: MergedNode) -> None:
        """Notes what goes of the layers below because its place is taken."""
        path = node.path
        if node.children is None:
            self._count_out(node, path)
            if path in self._sizes:
                self._sizes[path][self._number] = 0
            return
        for child in self._old(node, path):
            self._gone[child.path] = child

    def _folder(self, path: str) -> MergedNode:
        if self._last_folder is not None and path == self._last_folder[0]:
            return self._last_folder[1]
        node, names = self.root, path.split("/", DEPTH)
        for position, name in enumerate(names):
            if node.depth == DEPTH:
                node = self._step(node, "/".join(names[position:]))
                break
            if name not in ("", "."):
                node = self._step(node, name)
        self._last_folder = (path, node)
        return node

    def _step(self, node: MergedNode, name: str) -> MergedNode:
        assert node.children is not None
        child = node.children.get(name)
        if child is not None and (_is(child, "symlink") or _is(child, "hardlink")):  # also one to a symbolic link
            child = self._look(node, name, follow=True, make=True)
            child = child if child is not None and child.depth <= DEPTH else None
        return child if child is not None and child.is_directory else self._mkdir(node, name)

    # Removing

    def _remove(self, removal: Removal) -> None:
        node = self.find(removal.path, follow=removal.is_opaque)
        if node is None:
            return
        if not removal.is_opaque:
            self._drop([] if self._stays(node, node.path) else [node])
        elif node.is_directory:
            self._drop(self._old(node, node.path))
            node.emptied = self._number

    def _old(self, folder: MergedNode, path: str) -> list[MergedNode]:
        """The children that the layers below have and this one doesn't."""
        if folder.emptied == self._number:
            return []
        children = (folder.children or {}).values()
        return [child for child in children if not self._stays(child, f"{path}/{child.name}" if path else child.name)]

    def _stays(self, node: MergedNode, path: str) -> bool:
        """Whether this layer has something at or below a node that it removes. Its old parts go at once, if it stays.

        One that goes stays whole: the caller takes it out of the tree.
        """
        if node.children is None:
            self._count_out(node, path)
            return node.layer == self._number
        old = self._old(node, path)
        if node.layer != self._number:
            if len(old) == len(node.children):
                return False
            node.entry, node.layer, node.replaced = None, self._number, True
        self._drop(old)
        node.emptied = self._number
        return True

    def _drop(self, nodes: list[MergedNode]) -> None:
        for node in nodes:
            self._gone[node.path] = node
            assert node.parent is not None
            assert node.parent.children is not None
            del node.parent.children[node.name]
            _grow(node.parent, -node.size)
            self._touch(node.parent)
            self._last_folder = None

    def _count_out(self, node: MergedNode, path: str) -> None:
        """Notes that a file of a layer below has no bytes in this one; a file written in its place corrects that."""
        if node.layer != self._number:
            self._sizes.setdefault(path, {node.layer: node.size})[self._number] = 0


def _is(node: MergedNode, type: str) -> bool:
    return node.entry is not None and node.entry.type == type


def _grow(node: MergedNode | None, size: int) -> None:
    while size and node is not None:
        node.size += size
        node = node.parent
