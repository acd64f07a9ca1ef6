"""What the layer in hand did to the files of those below it: added, changed, removed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from regtui.operations.files import FileTree, Node
from regtui.operations.image_files import MergedNode, MergedTree

AnyNode = Node | MergedNode
ADDED, CHANGED, REMOVED = "+", "~", "-"
STYLES: Final = {ADDED: "added", CHANGED: "changed", REMOVED: "removed", "": ""}


def node_at(root: AnyNode, path: str) -> AnyNode | None:
    """What has a path in a tree, or stands where a path leads that goes on below it; no link is followed."""
    node: AnyNode | None = root
    for name in path.split("/") if path else ():
        node = (node.children or {}).get(name) if node is not None else None
    return node


class Marks:
    """The marks of a tree's nodes, and what was removed, which a merged tree keeps beside itself.

    `below` are the layers up to the one in hand, where the `tree` is that one's alone. The lowest layer has no marks:
    all of it is new.
    """

    def __init__(self, tree: FileTree | MergedTree, number: int, below: MergedTree | None, *, wanted: bool) -> None:
        self._tree = tree
        self._number = number
        self._below = below
        self.known = wanted and number > 0 and (isinstance(tree, MergedTree) or below is not None)
        """Whether marks can be told at all; what a layer's own whiteouts remove is told in any case."""
        self._entries = -1
        self._removed: dict[AnyNode, list[AnyNode]] = {}
        self._above: dict[AnyNode, AnyNode] = {}

    def gather(self) -> Iterator[None]:
        """Takes over what was removed so far, in steps."""
        tree = self._tree
        if not self.known or not isinstance(tree, MergedTree) or tree.entries == self._entries:
            return
        self._entries = tree.entries
        removed: dict[AnyNode, list[AnyNode]] = {}
        above: dict[AnyNode, AnyNode] = {}
        for count, (path, gone) in enumerate(list(tree.removed.get(self._number, {}).items())):
            parent = node_at(tree.root, path.rpartition("/")[0])
            if parent is not None:
                removed.setdefault(parent, []).append(gone)
                above[gone] = parent
            if not count % 256:
                yield
        self._removed, self._above = removed, above

    def removed_in(self, folder: AnyNode) -> list[AnyNode]:
        """What stood directly in a folder, or in the folder that a file took the place of."""
        return self._removed.get(folder, [])

    def removed_at(self, path: str) -> AnyNode | None:
        """What was removed at a path, by itself or with a folder above it."""
        removed = self._tree.removed.get(self._number, {}) if isinstance(self._tree, MergedTree) else {}
        names = path.split("/")
        for end in range(len(names), 0, -1):
            gone = removed.get("/".join(names[:end]))
            if gone is not None and gone in self._above:
                return node_at(gone, "/".join(names[end:]))
        return None

    def parent_of(self, node: AnyNode) -> AnyNode | None:
        return self._above.get(node) or node.parent

    def of(self, node: AnyNode) -> str:
        """`ADDED`, `CHANGED`, `REMOVED` or empty."""
        if isinstance(node, Node):
            if is_whiteout(node):
                return REMOVED
            twin = self._below.find(node.path, follow=False) if self.known and self._below is not None else None
            return self._change(twin) if twin is not None else ""
        return (REMOVED if self._is_removed(node) else self._change(node)) if self.known else ""

    def _change(self, node: MergedNode) -> str:
        if node.layer == self._number and not node.replaced:
            return ADDED
        return CHANGED if (node.touched if node.is_directory else node.layer) == self._number else ""

    def _is_removed(self, node: AnyNode | None) -> bool:
        while node is not None and node not in self._above:
            node = node.parent
        return node is not None


def is_whiteout(node: AnyNode) -> bool:
    """Whether all that a layer has of a name is that it removes it."""
    return isinstance(node, Node) and node.whiteout and node.entry is None and not node.children
