"""The files pane: what is inside a layer or an image, as a tree with sizes and marks, while it is read."""

from __future__ import annotations

import textwrap
from collections.abc import Generator, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Unpack

from textual.binding import BindingType
from textual.message import Message

from regtui.errors import RegtuiError
from regtui.oci.reference import Reference
from regtui.operations.files import Entry, FileTree, Node
from regtui.operations.image_files import MergedNode, MergedTree
from regtui.patterns import PathFilter
from regtui.text import shown
from regtui.tui.cells import Cell, Row
from regtui.tui.file_scopes import FilesShown
from regtui.tui.keys import binding
from regtui.tui.portions import Portions
from regtui.tui.widgets.branches import Branches
from regtui.tui.widgets.files.marks import AnyNode, Marks, is_whiteout, node_at
from regtui.tui.widgets.files.order import Order, everything, largest
from regtui.tui.widgets.files.rows import file_row
from regtui.tui.widgets.files.stay import Stay
from regtui.tui.widgets.lines import Options


class Files(Branches[AnyNode]):
    """Shows a tree while it grows. Its first line says how far it is read, or what went wrong."""

    DEFAULT_CSS = """
    Files > .lines--added { color: $text-success; }
    Files > .lines--changed { color: $text-warning; }
    Files > .lines--removed { color: $text-error; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"lines--added", "lines--changed", "lines--removed"}
    BINDINGS: ClassVar[list[BindingType]] = [
        replace(binding("out", "stop", show=True), description="stop"),
        binding("scope", show=True),
        binding("largest", show=True),
        binding("waste", show=True),
        binding("sort", show=True),
        binding("reverse"),
        binding("hidden"),
        binding("unfold_all"),
        binding("fold_all"),
    ]
    pattern = PathFilter
    heading_height = 1

    @dataclass
    class Opened(Message):
        """The user opens something that is no folder."""

        node: Node | MergedNode
        layer_number: int  # that brings it
        tree: FileTree | MergedTree

    class ScopeWanted(Message):
        """More of the image is to be shown, or less: the next scope."""

    class WasteWanted(Message):
        """What wastes most is to be shown."""

    class Stopped(Message):
        """What is being read is not to be read any further."""

    class Changed(Message):
        """The title is another now."""

    def __init__(self, **options: Unpack[Options]) -> None:
        self.shown: FilesShown | None = None
        """What a tree was begun for; None when nothing is read."""
        self._tree: FileTree | MergedTree = FileTree()
        self._marks = Marks(self._tree, 0, None, wanted=False)
        self._order = Order()
        self._shows_removed = True
        self._state = ""
        self._of = ""
        self._reading = False
        self._image: Reference | None = None  # that was shown last
        self._stay = Stay()
        self._moved = False  # whether the user went anywhere in this tree
        self._largest: list[AnyNode] = []
        self._jumped = 0
        super().__init__(self._tree.root, **options)
        self._search = Portions(self)

    # What comes in

    def start(self, title: str, shown: FilesShown | None = None, below: MergedTree | None = None) -> None:
        """Another tree begins to come: `title` says of what, "layer 1 · 14.1 MB".

        `below` are the layers up to the one in hand, where they are known, for the marks of a layer alone. Of the same
        image, what was unfolded will be again.
        """
        same = shown is None or shown.reference == self._image
        if same:
            self._stay.note(self._folding, self.at)
        else:
            self._stay, self._image = Stay(), shown.reference if shown else None
        all_open = self._all_open if same else None
        self.shown = shown
        self._tree = shown.tree if shown else FileTree()
        wanted = shown is not None and shown.scope != "image"
        self._marks = Marks(self._tree, shown.number if shown else 0, below, wanted=wanted)
        self._largest = []
        self._moved = False
        self._search.drop()
        self.plant(self._tree.root)
        self._all_open = all_open
        self._of = title
        self.empty_text = ""
        self.say("reading …", reading=True)
        self.refresh_rows()

    def wait(self, title: str, why: str) -> None:
        """Nothing is read yet: `why` says what one can do. `title` says of what, or is empty."""
        self.start(title)
        self.say("")
        self.empty_text = why

    def add(self, entries: Sequence[Entry]) -> None:
        """More of the layer that is shown alone."""
        if isinstance(self._tree, FileTree):
            self._tree.add(entries)
        self.grown()

    def say(self, state: str, *, reading: bool = False) -> None:
        """The first line; `reading` when there is something to stop."""
        self._state = state
        if reading != self._reading:
            self._reading = reading
            self.refresh_bindings()
        if self._size.height:
            self._grow()
        self.repaint_changed()

    def finish(self, state: str) -> None:
        """All of it was read."""
        self.say(state)
        self.empty_text = "This layer holds no files." if isinstance(self._tree, FileTree) else "There are no files."
        self._take_up()

    def fail(self, error: RegtuiError) -> None:
        """It can't be read, or not to its end; what was read stays."""
        self.empty_text = error.advice
        self.say(f"! {error}" if self._tree.entries else f"! {error.what}")
        self._take_up()

    def set_below(self, below: MergedTree) -> None:
        """The layers up to the one that is shown are known now: its marks can be told."""
        if self.shown and self.shown.scope == "layer":
            self._marks = Marks(self._tree, self.shown.number, below, wanted=True)
            self.refresh_rows()

    # What others may ask

    @property
    def title_text(self) -> str:
        return " · ".join(part for part in ("Files", self._of, self._order.title) if part)

    @property
    def of(self) -> str:
        """Of what, as the title says it."""
        return self._of

    def go_to(self, path: str) -> bool:
        """The cursor to a path, or to the nearest folder that there is; whether it is there itself."""
        found = node_at(self._root, path)
        if found is None and self._shows_removed:
            found = self._marks.removed_at(path)
        is_there = found is not None
        while found is None:
            path = path.rpartition("/")[0]
            found = node_at(self._root, path)
        if found is not self._root:
            self.reveal(found)
        return is_there

    def _take_up(self) -> None:
        """As the user stood in the tree before, unless he went elsewhere in this one."""
        self._stay.take_up(self._root, self._folding)
        if self._stay.at and not self._moved:
            self.go_to(self._stay.at)
            self._stay.landed(self._at)
        else:
            self.grown()

    def move_to(self, index: int) -> None:
        self._moved = True
        super().move_to(index)

    def reveal(self, branch: AnyNode) -> None:
        self._moved = True
        super().reveal(branch)

    def _settle(self, *, follow: bool = False) -> None:
        if not self._moved:
            self._at = None  # the cursor stays at the top while rows come in above, until one moves it
        super()._settle(follow=follow)

    def _fold(self, index: int) -> None:
        self._moved = True
        super()._fold(index)

    def _unfold(self, index: int) -> None:
        self._moved = True
        super()._unfold(index)

    # Rows

    def heading(self, width: int) -> Row:
        return (Cell(self._state),)

    def heading_line(self, y: int, width: int) -> Row:
        lines = self._heading_lines()
        return (Cell(lines[y]),) if y < len(lines) else ()

    @property
    def _above(self) -> int:
        return len(self._heading_lines()) if self.size.height > 2 else 0

    def _heading_lines(self) -> list[str]:
        """In full, as far as a third of the pane goes; in one line while it is read, so that rows stay in place."""
        if self._reading:
            return [self._state]
        lines = textwrap.wrap(shown(self._state), max(1, self.size.width - 2)) or [""]
        room = max(1, self.size.height // 3)
        return lines if len(lines) <= room else [*lines[: room - 1], " ".join(lines[room - 1 :])]

    def prepared(self) -> Iterator[None]:
        return self._marks.gather()

    def is_folder(self, branch: AnyNode) -> bool:
        return bool(branch.children) or (self._shows_removed and bool(self._marks.removed_in(branch)))

    def parent_of(self, branch: AnyNode) -> AnyNode | None:
        return self._marks.parent_of(branch)

    def ordered(self, folder: AnyNode) -> Generator[None, None, list[AnyNode]]:
        children: list[AnyNode] = list((folder.children or {}).values())
        if self._shows_removed:
            children += self._marks.removed_in(folder)
        elif isinstance(self._tree, FileTree):
            children = [child for child in children if not is_whiteout(child)]
        return (yield from self._order.sorted(children))

    def row_version(self, index: int) -> tuple[Hashable, ...]:
        node = self._branches[index]
        kind = (node.whiteout, node.opaque) if isinstance(node, Node) else (node.layer,)
        return (*super().row_version(index), node.size, node.entry, *kind, self._marks.of(node), self._marks.known)

    def row(self, index: int, width: int) -> Row:
        node = self._branches[index]
        return file_row(
            node,
            self.stem(index, width),
            self._marks.of(node),
            width,
            marks=self._marks.known,
            layers=self.shown is not None and self.shown.scope == "image",
        )

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self._reading if action == "stop" else True

    def action_open(self) -> None:
        """Folds and unfolds a folder; opens what is none."""
        node = self.at
        if node is None or node.is_directory or node.entry is None:
            super().action_open()
        elif self.shown:
            number = node.layer if isinstance(node, MergedNode) else self.shown.number
            self.post_message(self.Opened(node, number, self._tree))

    def action_stop(self) -> None:
        self.post_message(self.Stopped())

    def action_scope(self) -> None:
        self.post_message(self.ScopeWanted())

    def action_waste(self) -> None:
        self.post_message(self.WasteWanted())

    def action_sort(self) -> None:
        self._reorder(self._order.next)

    def action_reverse(self) -> None:
        self._reorder(self._order._replace(reverse=not self._order.reverse))

    def _reorder(self, order: Order) -> None:
        self._order = order
        self._relist()
        self.post_message(self.Changed())

    def action_hidden(self) -> None:
        """Shows what was removed, or hides it."""
        self._shows_removed = not self._shows_removed
        self._relist()

    def _relist(self) -> None:
        self._whole = None
        self._settle()

    def action_unfold_all(self) -> None:
        self.fold_all(unfold=True)

    def action_fold_all(self) -> None:
        self.fold_all()

    def action_largest(self) -> None:
        """To the largest file of those that are shown or folded; from there to the next largest."""
        if self._largest and self.at is self._largest[self._jumped]:
            self._jumped = (self._jumped + 1) % len(self._largest)
            self.reveal(self._largest[self._jumped])
            return
        found: list[AnyNode] = []

        def jump() -> None:
            self._largest, self._jumped = found, 0
            if found:
                self.reveal(found[0])

        self._search.run(largest(list(self._branches) if self._filter else everything(self._root), found), jump)
