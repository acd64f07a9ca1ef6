"""The files pane: what is inside a layer, as a tree with sizes, while it is read."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal, Unpack

from textual.message import Message

from regtui import words
from regtui.errors import RegtuiError
from regtui.oci.manifest import Descriptor
from regtui.oci.reference import Reference
from regtui.operations.files import Entry, FileTree, Node
from regtui.operations.image_files import MergedNode, MergedTree
from regtui.tui.cells import Cell, Row
from regtui.tui.widgets.branches import Branches
from regtui.tui.widgets.lines import Options

_SIZE_WIDTH = 10
_MODE_WIDTH = 12
_MODES_FROM = 60  # cells; below, names need the room


Scope = Literal["layer", "below", "image"]
"""One layer alone, the image up to a layer, the whole image."""


@dataclass(frozen=True, slots=True)
class FilesShown:
    """What the pane shows: of which image, and how much of it."""

    reference: Reference  # its repository and digest
    layers: list[Descriptor]  # all of the image's
    number: int  # of the layer in hand
    scope: Scope
    tree: FileTree | MergedTree  # as far as it was read


class Files(Branches[Node]):
    """Takes entries by `add` as the layer's tar goes by. Its first line says how far that is, or what went wrong."""

    @dataclass
    class Opened(Message):
        """The user opens something that is no folder."""

        node: Node | MergedNode
        layer_number: int  # that brings it
        tree: FileTree | MergedTree

    heading_height = 1

    def __init__(self, **options: Unpack[Options]) -> None:
        self._tree = FileTree()
        super().__init__(self._tree.root, **options)
        self._state = ""
        self._of = ""
        self.shown: FilesShown | None = None
        """What a tree was begun for; None when nothing is read."""

    # What comes in

    def start(self, title: str) -> None:
        """Another layer begins to come: `title` says which, "layer 1 · 14.1 MB"."""
        self._tree = FileTree()
        self.plant(self._tree.root)
        self._of = title
        self._say("reading …")
        self.empty_text = ""
        self.refresh_rows()

    def wait(self, title: str, why: str) -> None:
        """Nothing is read yet: `why` says what one can do. `title` is the layer's, or empty."""
        self.start(title)
        self._say("")
        self.empty_text = why

    def add(self, entries: Sequence[Entry]) -> None:
        self._tree.add(entries)
        self.grown()

    def progress(self, bytes_read: int, bytes_total: int) -> None:
        """Compressed bytes."""
        self._say(f"reading {words.size(bytes_read)} of {words.size(bytes_total)} · {_counted(self._tree.entries)}")

    def finish(self) -> None:
        """The whole layer was read."""
        self._say(f"{_counted(self._tree.entries)} · {words.size(self._tree.size)} unpacked")
        self.empty_text = "This layer holds no files."
        self.grown()

    def fail(self, error: RegtuiError) -> None:
        """The layer can't be read, or not to its end; what was read stays."""
        self._say(f"! {error.what}")
        self.empty_text = error.advice
        self.grown()

    def _say(self, state: str) -> None:
        self._state = state
        self.repaint_changed()

    # What others may ask

    @property
    def title_text(self) -> str:
        return f"Files · {self._of}" if self._of else "Files"

    @property
    def content(self) -> FileTree | MergedTree:
        """What is shown, as far as it was read."""
        return self._tree

    def action_open(self) -> None:
        """Folds and unfolds a folder; opens what is none."""
        node = self.at
        if node is None or node.is_directory or node.entry is None:
            super().action_open()
        elif self.shown:
            self.post_message(self.Opened(node, self.shown.number, self._tree))

    # Rows

    def heading(self, width: int) -> Row:
        return (Cell(self._state),)

    def row_version(self, index: int) -> tuple[Hashable, ...]:
        node = self._branches[index]
        return (*super().row_version(index), node.size, node.entry, node.whiteout, node.opaque)

    def row(self, index: int, width: int) -> Row:
        node = self._branches[index]
        style = "dim" if node.whiteout and node.entry is None and not node.children else ""
        modes = width >= _MODES_FROM
        room = max(0, width - _SIZE_WIDTH - _MODE_WIDTH * modes)
        return (
            Cell(self.stem(index, width) + _name(node), style, room),
            *((Cell(_mode(node.entry), style, _MODE_WIDTH, right=True),) if modes else ()),
            Cell(_size(node), style, _SIZE_WIDTH - 1, right=True),
            Cell(" ", style),
        )


def _name(node: Node) -> str:
    entry = node.entry
    if node.is_directory:
        return f"{node.name}/{' · replaces the one below' if node.opaque or node.whiteout else ''}"
    if entry is None:
        return node.name
    sign = {"symlink": " → ", "hardlink": " ⇒ "}.get(entry.type)
    return f"{node.name}{sign}{entry.link}" if sign else node.name


def _size(node: Node) -> str:
    if node.is_directory or (node.entry is not None and node.entry.type == "file"):
        return words.size(node.size)
    if node.entry is None:
        return "removed"
    return node.entry.type if node.entry.type in ("char", "block", "fifo") else ""


def _mode(entry: Entry | None) -> str:
    return entry.mode_text if entry is not None else ""


def _counted(entries: int) -> str:
    return f"{entries:,} {'entry' if entries == 1 else 'entries'}"
