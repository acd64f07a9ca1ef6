"""A list that is a tree: folders fold and unfold, and a filter shows what matches with its parents."""

from __future__ import annotations

from collections.abc import Generator, Hashable, Iterator, Mapping, Sequence
from typing import ClassVar, Generic, NamedTuple, Protocol, Self, TypeVar, Unpack

from textual.binding import BindingType

from regtui.errors import UsageError
from regtui.patterns import Filter
from regtui.tui.glyphs import MORE, OPEN
from regtui.tui.keys import binding
from regtui.tui.pacing import Paced
from regtui.tui.portions import Portions, done
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


_STEP = 256
"""Branches that are listed in one step."""
_MATCHED = 4096
"""Paths that the filter is asked about in one step."""


class _Listed(NamedTuple, Generic[B]):
    """Branches in the order of their rows. `paths` and `parents` are for the filter alone."""

    branches: list[B]
    depths: list[int]
    paths: list[str]
    parents: list[int]  # indices; -1 at the top


class Branches(Lines, Generic[B]):
    """Shows what hangs on `root`. After it grew, call `grown`. Under a filter all is unfolded and nothing folds.

    A long list is made in portions, and what is there stays until it is whole.
    """

    pattern: ClassVar[type[Filter]] = Filter
    """What the filter's text means."""
    BINDINGS: ClassVar[list[BindingType]] = [
        binding("open", show=True),
        binding("right"),
        binding("left"),
    ]

    def __init__(self, root: B, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        self._paced = Paced(self, self._regrow)
        self._portions = Portions(self)
        self.plant(root)

    def plant(self, root: B) -> None:
        """Another tree, from its top, without a filter."""
        self._paced.reset()
        self._portions.drop()
        self._root = root
        self._filter = Filter()
        self._branches: list[B] = []
        self._depths: list[int] = []
        self._at: B | None = None
        self._folding: dict[B, bool] = {}  # what the user unfolded or folded
        self._all_open: bool | None = None  # all were unfolded, or folded, at once
        self._whole: _Listed[B] | None = None  # all of it unfolded, for the filter
        self._outdated = False  # it grew while it was listed
        self.set_reactive(Lines.cursor, 0)

    # What subclasses say

    def opens(self, branch: B) -> bool:
        """Whether a folder is unfolded as long as nobody folded or unfolded it."""
        return False

    def is_folder(self, branch: B) -> bool:
        """Whether something is shown below a branch."""
        return bool(branch.children)

    def parent_of(self, branch: B) -> B | None:
        """The branch that it is shown below."""
        return branch.parent

    def ordered(self, folder: B) -> Generator[None, None, list[B]]:
        """What is shown below a folder, in its order; in steps where that takes long."""
        yield
        return folder.listing()

    def prepared(self) -> Iterator[None]:
        """Goes before each listing, in steps."""
        return iter(())

    def is_found(self, branch: B) -> bool:
        """Whether the filter may find it, not only show it as a parent."""
        return True

    def matching(self, paths: Sequence[str], indices: range) -> list[int]:
        """Of these of the whole tree's paths those that the filter keeps."""
        return self._filter.keep(paths, indices)

    def settled(self) -> None:
        """Called when other rows are shown."""

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
            self._filter = self.pattern(text)
        except UsageError as error:
            return str(error)
        if not self._filter:
            self._whole = None
        self._settle()
        return ""

    def reveal(self, branch: B) -> None:
        """The cursor to a branch of the tree; its parents are unfolded."""
        self._unfold_above(branch)
        self._at = branch
        self._settle(follow=True)

    def is_open(self, branch: B) -> bool:
        """Whether a folder is unfolded."""
        opens = self.opens(branch) if self._all_open is None else self._all_open
        return self._folding.get(branch, opens)

    def fold_all(self, *, unfold: bool = False) -> None:
        """Folds all folders, or unfolds them; the cursor goes to what is left of its path."""
        self._folding, self._all_open = {}, unfold
        self._settle(follow=True)

    # Rows

    def row_version(self, index: int) -> tuple[Hashable, ...]:
        branch = self._branches[index]
        return (branch, self._depths[index], self.is_folder(branch) and self._unfolded(branch))

    def stem(self, index: int, width: int) -> str:
        """What stands before a row's name: its depth, and whether it folds."""
        branch = self._branches[index]
        sign = (OPEN if self._unfolded(branch) else MORE) if self.is_folder(branch) else " "
        return "  " * min(self._depths[index], width // 4) + sign + " "

    def _unfolded(self, branch: B) -> bool:
        return bool(self._filter) or self.is_open(branch)

    def _regrow(self) -> None:
        if self._portions.busy:
            self._outdated = True  # it is listed once more when it is there
        else:
            self._settle()

    def _settle(self, *, follow: bool = False) -> None:
        """Lists what is visible; the cursor stays on its branch, or goes to the nearest parent that is.

        `follow` scrolls it into view.
        """
        listed: _Listed[B] = _Listed([], [], [], [])
        place: dict[B | None, int | None] = {}
        self._outdated = False

        def steps() -> Iterator[None]:
            yield from self._visible(listed)
            at = self._at
            place[at] = yield from self._place_of(at, listed.branches)

        def shown() -> None:
            self._branches, self._depths = listed.branches, listed.depths
            if self._at not in place:  # the cursor went on meanwhile
                place[self._at] = done(self._place_of(self._at, listed.branches))
            self.refresh_rows(place[self._at])
            self._note_cursor()
            if follow:
                self._show_cursor()
            self.settled()
            if self._outdated:
                self.grown()

        self._portions.run(steps(), shown)

    def _visible(self, into: _Listed[B]) -> Iterator[None]:
        yield from self.prepared()
        if self._filter:
            yield from self._matching(into)
        else:
            yield from self._below(self._root, 0, into)

    def _place_of(self, branch: B | None, branches: Sequence[B]) -> Generator[None, None, int | None]:
        """The row of a branch, or of the nearest parent that has one; in steps."""
        ranks: dict[B, int] = {}
        while branch is not None and branch not in ranks:
            ranks[branch] = len(ranks)
            branch = self.parent_of(branch)
        found: list[tuple[int, int]] = []
        for start in range(0, len(branches) if ranks else 0, _MATCHED):
            portion = enumerate(branches[start : start + _MATCHED], start)
            found += [(ranks[other], index) for index, other in portion if other in ranks]
            yield
        return min(found)[1] if found else None

    def _below(self, folder: B, depth: int, into: _Listed[B], *, whole: bool = False) -> Iterator[None]:
        """Lists what is below a folder: what is unfolded, or the `whole` with paths."""
        levels = [(iter((yield from self.ordered(folder))), "", -1)]
        while levels:
            children, above, parent = levels[-1]
            branch = next(children, None)
            if branch is None:
                levels.pop()
                continue
            index = len(into.branches)
            into.branches.append(branch)
            into.depths.append(depth + len(levels) - 1)
            path = above + branch.name if whole else ""
            if whole:
                into.paths.append(path)
                into.parents.append(parent)
            if self.is_folder(branch) and (whole or self.is_open(branch)):
                levels.append((iter((yield from self.ordered(branch))), f"{path}/", index))
            if not index % _STEP:
                yield

    def _matching(self, into: _Listed[B]) -> Iterator[None]:
        whole = self._whole
        if whole is None:
            whole = _Listed([], [], [], [])
            yield from self._below(self._root, 0, whole, whole=True)
            self._whole = whole
        seen = bytearray(len(whole.branches))
        portions = [range(at, min(at + _MATCHED, len(seen))) for at in range(0, len(seen), _MATCHED)]
        for portion in portions:
            for index in self.matching(whole.paths, portion):
                if not self.is_found(whole.branches[index]):
                    continue
                while index >= 0 and not seen[index]:
                    seen[index] = True
                    index = whole.parents[index]
            yield
        for portion in portions:
            kept = [index for index in portion if seen[index]]
            into.branches.extend(whole.branches[index] for index in kept)
            into.depths.extend(whole.depths[index] for index in kept)
            yield

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
        if self.at is not None and self.is_folder(self.at) and not self._filter:
            (self._fold if self.is_open(self.at) else self._unfold)(self.cursor)

    def action_right(self) -> None:
        """Unfolds; goes into an unfolded folder; opens what doesn't fold."""
        if self.at is None:
            return
        if not self.is_folder(self.at):
            self.action_open()
        elif self._unfolded(self.at):
            self.action_down()
        else:
            self._unfold(self.cursor)

    def action_left(self) -> None:
        """Folds; goes to the parent; at the top, out."""
        if self.at is not None and self.is_folder(self.at) and self.is_open(self.at) and not self._filter:
            self._fold(self.cursor)
            return
        depth = self._depths[self.cursor] if self._depths else 0
        parent = next((i for i in range(self.cursor - 1, -1, -1) if self._depths[i] < depth), None)
        if parent is None:
            self.post_message(self.Out(self))
        else:
            self.move_to(parent)

    def _unfold_above(self, branch: B) -> None:
        parent = self.parent_of(branch)
        while parent is not None:
            self._folding[parent] = True
            parent = self.parent_of(parent)

    def _fold(self, index: int) -> None:
        self._folding[self._branches[index]] = False
        depth, end = self._depths[index], index + 1
        while end < len(self._depths) and self._depths[end] > depth:
            end += 1
        self._splice(slice(index + 1, end), _Listed([], [], [], []))

    def _unfold(self, index: int) -> None:
        """With it all folders that are alone in theirs, as far as that goes."""
        branch = self._branches[index]
        self._folding[branch] = True
        while branch.children and len(alone := list(branch.children.values())) == 1:
            (branch,) = alone
            self._folding[branch] = True
        listed: _Listed[B] = _Listed([], [], [], [])
        steps = self._below(self._branches[index], self._depths[index] + 1, listed)
        if self._portions.busy:
            self._settle()
        else:
            self._portions.run(steps, lambda: self._splice(slice(index + 1, index + 1), listed))

    def _splice(self, where: slice, listed: _Listed[B]) -> None:
        if self._portions.busy:  # what is on its way was listed with other folders open
            self._settle()
            return
        self._branches[where], self._depths[where] = listed.branches, listed.depths
        self.refresh_rows()
        if self._outdated:
            self.grown()
