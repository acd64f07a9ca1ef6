"""What the trees of one layer and of a whole image share: names in directories."""

from __future__ import annotations

from typing import Final, Self

DEPTH: Final = 128
"""Directories inside of each other; what lies deeper keeps its slashes in one name."""


class NamedNode:
    """A name in a directory; a directory has `children`, if only an empty table of them."""

    __slots__ = ("children", "name", "parent")

    def __init__(self, name: str, parent: Self | None) -> None:
        self.name = name
        self.parent = parent
        self.children: dict[str, Self] | None = None

    @property
    def is_directory(self) -> bool:
        return self.children is not None

    @property
    def path(self) -> str:
        """The path in the image, without a leading slash; empty for the root."""
        names = []
        node = self
        while node.parent is not None:
            names.append(node.name)
            node = node.parent
        return "/".join(reversed(names))

    def listing(self) -> list[Self]:
        """The children by name."""
        return sorted((self.children or {}).values(), key=lambda node: node.name)
