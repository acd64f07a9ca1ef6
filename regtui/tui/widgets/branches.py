"""A list that is a tree: folders fold and unfold, and a filter shows what matches with its parents."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import ClassVar, Generic, NamedTuple, Protocol, Self, TypeVar, Unpack

from textual.binding import BindingType

from regtui.errors import UsageError
from regtui.patterns import Filter
from regtui.tui.glyphs import MORE, OPEN
from regtui.tui.keys import binding
from regtui.tui.pacing import Paced
from regtui.tui.widgets.lines import Lines, Options


class Branch(Hashable, Protocol):
    """A name in a tree. One with children is a folder; a leaf's are None or empty."""

    @property
    def name(self) -> str: ...
    @property
    def parent(self) -> Self | None: ...
    @property
    def children(self) -> Mapping[str, Self] | None: ...
    def listing(self) -> list[Self]:
        """The children in order."""
        ...


B = TypeVar("B", bound=Branch)


class _Whole(NamedTuple, Generic[B]):
    """The tree with all of it unfolded, for the filter."""

    branches: list[B]
    depths: list[int]
    paths: list[str]
    parents: list[int]  # indices; -1 at the top


class Branches(Lines, Generic[B]):
    """Shows what hangs on `root`. After it grew, call `grown`. Under a filter all is unfolded and nothing folds."""

    BINDINGS: ClassVar[list[BindingType]] = [
        binding("open", show=True),
        binding("right"),
        binding("left"),
    ]

    def __init__(self, root: B, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        self._paced = Paced(self, self._settle)
        self.plant(root)

    def plant(self, root: B) -> None:
        """Another tree, from its top, without a filter."""
        self._paced.reset()
        self._root = root
        self._filter = Filter()
        self._branches: list[B] = []
        self._depths: list[int] = []
        self._at: B | None = None
        self._folding: dict[B, bool] = {}  # what the user unfolded or folded
        self._whole: _Whole[B] | None = None
        self.set_reactive(Lines.cursor, 0)

    # What subclasses say

    def is_open(self, branch: B) -> bool:
        """Whether a folder is unfolded."""
        return self._folding.get(branch, False)

    def is_found(self, branch: B) -> bool:
        """Whether the filter may find it, not only show it as a parent."""
        return True

    def matching(self, paths: Sequence[str]) -> list[int]:
        """Of the whole tree's paths those that the filter keeps."""
        return self._filter.keep(paths, range(len(paths)))

    def highlighted(self) -> None:
        """Called when another branch is under the cursor."""

    # What others may ask

    @property
    def at(self) -> B | None:
        """The branch under the cursor."""
        return self._at if self._branches else None

    @property
    def row_count(self) -> int:
        return len(self._branches)

    def grown(self) -> None:
        """The tree holds more now; it is shown at most four times a second."""
        self._whole = None
        self._paced.ask()

    def set_filter(self, text: str) -> str:
        """Shows only what matches. Returns what is wrong with the filter, or an empty string."""
        try:
            self._filter = Filter(text)
        except UsageError as error:
            return str(error)
        self._settle()
        return ""

    def reveal(self, branch: B) -> None:
        """The cursor to a branch of the tree; its parents are unfolded."""
        self._unfold_above(branch)
        self._at = branch
        self._settle()
        self._show_cursor()

    # Rows

    def row_version(self, index: int) -> tuple[Hashable, ...]:
        branch = self._branches[index]
        return (branch, self._depths[index], bool(branch.children) and self._unfolded(branch))

    def stem(self, index: int, width: int) -> str:
        """What stands before a row's name: its depth, and whether it folds."""
        branch = self._branches[index]
        sign = (OPEN if self._unfolded(branch) else MORE) if branch.children else " "
        return "  " * min(self._depths[index], width // 4) + sign + " "

    def _unfolded(self, branch: B) -> bool:
        return bool(self._filter) or self.is_open(branch)

    def _settle(self) -> None:
        """Lists what is visible; the cursor stays on its branch, or goes to the nearest parent that is."""
        if self._filter:
            self._branches, self._depths = self._matching()
        else:
            self._branches, self._depths = self._below(self._root, 0)
        self.refresh_rows(self._place_of(self._at))
        self._note_cursor()

    def _place_of(self, branch: B | None) -> int | None:
        places = {other: index for index, other in enumerate(self._branches)} if branch is not None else {}
        while branch is not None:
            if branch in places:
                return places[branch]
            branch = branch.parent
        return None

    def _below(self, folder: B, depth: int) -> tuple[list[B], list[int]]:
        branches: list[B] = []
        depths: list[int] = []
        waiting = [(child, depth) for child in reversed(folder.listing())]
        while waiting:
            branch, depth = waiting.pop()
            branches.append(branch)
            depths.append(depth)
            if branch.children and self.is_open(branch):
                waiting += [(child, depth + 1) for child in reversed(branch.listing())]
        return branches, depths

    def _matching(self) -> tuple[list[B], list[int]]:
        whole = self._whole = self._whole or self._unfold_all()
        seen = bytearray(len(whole.branches))
        for index in self.matching(whole.paths):
            if not self.is_found(whole.branches[index]):
                continue
            while index >= 0 and not seen[index]:
                seen[index] = True
                index = whole.parents[index]
        kept = [index for index, shown in enumerate(seen) if shown]
        return [whole.branches[index] for index in kept], [whole.depths[index] for index in kept]

    def _unfold_all(self) -> _Whole[B]:
        whole: _Whole[B] = _Whole([], [], [], [])
        waiting = [(child, 0, "", -1) for child in reversed(self._root.listing())]
        while waiting:
            branch, depth, above, parent = waiting.pop()
            path = above + branch.name
            if branch.children:
                index = len(whole.paths)
                waiting += [(child, depth + 1, f"{path}/", index) for child in reversed(branch.listing())]
            whole.branches.append(branch)
            whole.depths.append(depth)
            whole.paths.append(path)
            whole.parents.append(parent)
        return whole

    # Cursor

    def watch_cursor(self, old: int, new: int) -> None:
        self._note_cursor()
        super().watch_cursor(old, new)

    def _note_cursor(self) -> None:
        before = self._at
        if self._branches:
            self._at = self._branches[self.cursor]
        if self._at is not before:
            self.highlighted()

    def action_open(self) -> None:
        if self.at is not None and self.at.children and not self._filter:
            (self._fold if self.is_open(self.at) else self._unfold)(self.cursor)

    def action_right(self) -> None:
        """Unfolds; goes into an unfolded folder; opens what doesn't fold."""
        if self.at is None:
            return
        if not self.at.children:
            self.action_open()
        elif self._unfolded(self.at):
            self.action_down()
        else:
            self._unfold(self.cursor)

    def action_left(self) -> None:
        """Folds; goes to the parent; at the top, out."""
        if self.at is not None and self.at.children and self.is_open(self.at) and not self._filter:
            self._fold(self.cursor)
            return
        depth = self._depths[self.cursor] if self._depths else 0
        parent = next((i for i in range(self.cursor - 1, -1, -1) if self._depths[i] < depth), None)
        if parent is None:
            self.post_message(self.Out(self))
        else:
            self.move_to(parent)

    def _unfold_above(self, branch: B) -> None:
        parent = branch.parent
        while parent is not None:
            self._folding[parent] = True
            parent = parent.parent

    def _fold(self, index: int) -> None:
        self._folding[self._branches[index]] = False
        depth, end = self._depths[index], index + 1
        while end < len(self._depths) and self._depths[end] > depth:
            end += 1
        self._splice(slice(index + 1, end), [], [])

    def _unfold(self, index: int) -> None:
        """With it all folders that are alone in theirs, as far as that goes."""
        branch = self._branches[index]
        self._folding[branch] = True
        while branch.children and len(branch.children) == 1:
            (branch,) = branch.listing()
            self._folding[branch] = True
        self._splice(slice(index + 1, index + 1), *self._below(self._branches[index], self._depths[index] + 1))

    def _splice(self, where: slice, branches: list[B], depths: list[int]) -> None:
        self._branches[where], self._depths[where] = branches, depths
        self.refresh_rows()
