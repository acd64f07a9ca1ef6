"""How much of an image the files pane shows, and what is kept of what it showed."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from regtui.oci.manifest import Descriptor
from regtui.oci.reference import Reference
from regtui.operations.files import FileTree
from regtui.operations.image_files import MergedTree
from regtui.words import size

Scope = Literal["layer", "below", "image"]
"""One layer alone, the image up to a layer, the whole image."""
NEXT: Final[dict[Scope, Scope]] = {"layer": "below", "below": "image", "image": "layer"}
_KEPT: Final = 4  # trees
_ENTRIES: Final = 400_000  # of all trees that are kept beside the last


@dataclass(frozen=True, slots=True)
class FilesShown:
    """What the pane shows: of which image, and how much of it."""

    reference: Reference  # its repository and digest
    layers: list[Descriptor]  # all of the image's
    number: int  # of the layer in hand
    scope: Scope
    tree: FileTree | MergedTree  # as far as it was read


@dataclass(frozen=True, slots=True)
class Image:
    """The image whose files are offered, and the layer in hand."""

    reference: Reference  # with its digest
    layers: tuple[Descriptor, ...] = ()
    number: int | None = None  # None: an instruction that made no layer
    platform: str = ""
    is_known: bool = True  # False of one in an index: its layers are known when it is read
    diff_ids: tuple[str, ...] = ()  # of the layers' archives, as the config tells


class View(NamedTuple):
    """What is to be shown of an image."""

    image: Image
    scope: Scope

    @property
    def key(self) -> Hashable:
        return (self.image.reference.digest, self.scope, None if self.scope == "image" else self.image.number)

    @property
    def layers(self) -> tuple[Descriptor, ...]:
        """Those that it takes, the lowest first."""
        return self.image.layers[self._taken]

    @property
    def diff_ids(self) -> tuple[str, ...]:
        """Of these layers."""
        return self.image.diff_ids[self._taken]

    @property
    def _taken(self) -> slice:
        number = self.image.number or 0
        if self.scope == "image":
            return slice(None)
        return slice(number + 1) if self.scope == "below" else slice(number, number + 1)

    @property
    def number(self) -> int:
        """Of the layer in hand; of an image none is, so it is the topmost."""
        topmost = max(0, len(self.image.layers) - 1)
        return topmost if self.image.number is None else min(self.image.number, topmost)

    @property
    def title(self) -> str:
        platform = f" · {self.image.platform}" if self.image.platform else ""
        if self.scope == "image":
            return f"whole image{platform}"
        if self.scope == "below":
            return f"layers 0 to {self.number}" if self.number else "layer 0"
        return f"layer {self.number} · {size(self.layers[0].size)}"

    @property
    def invitation(self) -> str:
        """What one can do where nothing was read yet."""
        if not self.image.is_known:
            return f"Press 4 to read the image for {self.image.platform}, or n to go to it."
        what = {"layer": "this layer", "below": self.title, "image": "the whole image"}[self.scope]
        return f"Press 4 to read {what} ({size(sum(layer.size for layer in self.layers))})."

    def begun(self) -> FilesShown:
        """With a tree that has nothing yet."""
        tree = FileTree() if self.scope == "layer" else MergedTree()
        return FilesShown(self.image.reference, list(self.image.layers), self.number, self.scope, tree)


@dataclass(frozen=True, slots=True)
class Kept:
    """A tree that was read to its end."""

    shown: FilesShown
    summary: str


class KeptFiles:
    """The trees that were shown last, so that going to and fro between them costs nothing."""

    def __init__(self) -> None:
        self._trees: dict[Hashable, Kept] = {}

    def get(self, view: View) -> Kept | None:
        return self._trees.get(view.key)

    def below(self, view: View) -> MergedTree | None:
        """For the marks of a layer alone: the image up to it, where that is known."""
        kept = self._trees.get(view._replace(scope="below").key) if view.scope == "layer" else None
        return kept.shown.tree if kept and isinstance(kept.shown.tree, MergedTree) else None

    def keep(self, view: View, kept: Kept) -> None:
        self._trees.pop(view.key, None)
        self._trees[view.key] = kept
        while len(self._trees) > 1 and (len(self._trees) > _KEPT or self._entries > _ENTRIES):
            del self._trees[next(iter(self._trees))]

    def forget(self, view: View) -> None:
        self._trees.pop(view.key, None)

    @property
    def _entries(self) -> int:
        return sum(kept.shown.tree.entries for kept in self._trees.values())
