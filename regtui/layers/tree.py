"""The files of one layer as a tree, with what every directory holds."""

from __future__ import annotations

from collections.abc import Iterable

from regtui.layers.nodes import DEPTH, NamedNode
from regtui.layers.tar import Entry
from regtui.layers.whiteouts import OPAQUE, WHITEOUT


class Node(NamedNode):
    """A name in one layer. A directory that the archive doesn't list, but has entries in, has no `entry`."""

    __slots__ = ("entry", "opaque", "size", "whiteout")

    def __init__(self, name: str, parent: Node | None) -> None:
        super().__init__(name, parent)
        self.entry: Entry | None = None
        self.size = 0  # bytes: of a file, or of all files below a directory
        self.whiteout = False  # removes what the layers below have under this name
        self.opaque = False  # a directory that hides all that the layers below have in it


class FileTree:
    """Grows as entries come, in any order. The later of two entries with one path counts, as when it is unpacked.

    A whiteout (image-spec, layer.md) is a node of the name that it removes. It stays marked when the same layer brings
    something new under that name.
    """

    def __init__(self) -> None:
        self.root = Node("", None)
        self.root.children = {}
        self.entries = 0
        self._last_folder = ("", self.root)  # entries of one directory follow each other as a rule

    @property
    def size(self) -> int:
        """Bytes of all files, unpacked."""
        return self.root.size

    def add(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self.entries += 1
            folder_path, _, name = entry.path.rpartition("/")
            if name.startswith(WHITEOUT):
                self._add_whiteout(self._folder(folder_path), name)
            elif name in ("", "."):
                self._folder(folder_path).entry = entry
            else:
                self._place(self._folder(folder_path), name, entry)

    def _add_whiteout(self, folder: Node, name: str) -> None:
        if name == OPAQUE:
            folder.opaque = True
        elif not name.startswith(WHITEOUT * 2):  # what aufs keeps for itself is no file of the image
            self._child(folder, name.removeprefix(WHITEOUT)).whiteout = True

    def _place(self, folder: Node, name: str, entry: Entry) -> None:
        node = self._child(folder, name)
        node.entry = entry
        if entry.type == "dir":
            self._make_folder(node)
            return
        if node.children is not None:
            node.children = None
            self._last_folder = ("", self.root)
        _grow(node, entry.size - node.size)

    def _folder(self, path: str) -> Node:
        if path == self._last_folder[0]:
            return self._last_folder[1]
        node = self.root
        for name in path.split("/", DEPTH):
            if name not in ("", "."):
                node = self._child(node, name)
                self._make_folder(node)
        self._last_folder = (path, node)
        return node

    @staticmethod
    def _make_folder(node: Node) -> None:
        if node.children is None:
            _grow(node, -node.size)
            node.children = {}

    @staticmethod
    def _child(folder: Node, name: str) -> Node:
        assert folder.children is not None
        node = folder.children.get(name)
        if node is None:
            node = folder.children[name] = Node(name, folder)
        return node


def _grow(node: Node | None, size: int) -> None:
    while size and node is not None:
        node.size += size
        node = node.parent
