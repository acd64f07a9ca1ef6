"""The repositories pane: the registry's repositories as a tree by path."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Unpack

from textual.message import Message

from regtui.errors import RegtuiError
from regtui.tui.cells import Cell, Row
from regtui.tui.widgets.branches import Branches
from regtui.tui.widgets.lines import Options

_FEW = 100
"""Repositories up to which all namespaces are unfolded at first."""
_DEPTH = 32
"""Slashes of a path that make the tree deeper; the rest of it is one name."""
_DIGITS = re.compile(r"\d+")


class PathPart:
    """A part of a repository's path; it may be a repository itself, a namespace of others, or both."""

    __slots__ = ("children", "count", "is_repository", "name", "order", "parent")

    def __init__(self, name: str, parent: PathPart | None) -> None:
        self.name = name
        self.parent = parent
        self.children: dict[str, PathPart] = {}
        self.is_repository = False
        self.count: int | None = None  # tags, when known
        self.order = _DIGITS.sub(lambda digits: f"{len(digits[0].lstrip('0')):02}{digits[0].lstrip('0')}", name), name

    @property
    def path(self) -> str:
        above = self.parent.path if self.parent is not None else ""
        return f"{above}/{self.name}" if above else self.name

    def listing(self) -> list[PathPart]:
        """By name, numbers in it by their value."""
        return sorted(self.children.values(), key=lambda part: part.order)


class Repositories(Branches[PathPart]):
    """Takes names by `add` as pages come; the cursor stays on its repository."""

    @dataclass
    class Opened(Message):
        """The user goes into a repository."""

        repository: str

    @dataclass
    class Highlighted(Message):
        """What is under the cursor: a repository, or None when it is none."""

        repository: str | None

    class Wanted(Message):
        """The user pressed Enter where there is nothing: to name a repository."""

    class Changed(Message):
        """The title is another now."""

    def __init__(self, **options: Unpack[Options]) -> None:
        super().__init__(PathPart("", None), **options)
        self._known: dict[str, PathPart] = {}
        self._unseen: set[str] = set()  # of a list that is read again: what has not come yet
        self._by_name: set[str] = set()  # shown because they were opened, listed or not
        self._found: set[str] = set()  # of those, what a search or a namespace's list brought
        self._hits: tuple[str, set[str]] = ("", set())  # the words that were searched for last, and what was found
        self._complete = False
        self._failed = False

    # What comes in

    def start(self) -> None:
        """A list begins to come. What is there stays until the new list is whole and doesn't have it."""
        self._unseen = set(self._known) - self._by_name
        self._complete = self._failed = False
        self.empty_text = "Reading the list of repositories …"
        self.post_message(self.Changed())

    def add(self, names: Sequence[str]) -> None:
        """More repositories. Those that are there already stay as they are."""
        few = len(self._known) <= _FEW
        for name in names:
            self._ensure(name)
        self._unseen.difference_update(names)
        self._found.difference_update(names)
        if few and len(self._known) > _FEW and self._at is not None and self._at.parent is not None:
            self._unfold_above(self._at)
        self.grown()
        self.post_message(self.Changed())

    def finish(self) -> None:
        """That was the whole list."""
        for name in self._unseen:
            self._forget(self._known.pop(name))
        self._unseen = set()
        self._complete = True
        self.empty_text = "This registry has no repositories."
        self.grown()
        self.post_message(self.Changed())

    def fail(self, error: RegtuiError) -> None:
        """The list can't be read, or not to its end."""
        self._failed = True
        self.empty_text = str(error)
        self.post_message(self.Changed())

    def keep(self, names: Sequence[str]) -> None:
        """Repositories that are shown whether they are listed or not: they were opened before."""
        if names:
            self._by_name.update(names)
            self.add(names)

    def find(self, names: Sequence[str], words: str = "") -> None:
        """What the registry found for `words`: it joins the list, and a filter of these words shows all of it."""
        self._found.update(name for name in names if name not in self._known)
        self._by_name.update(names)
        if words:
            self._hits = words, (self._hits[1] if words == self._hits[0] else set()) | set(names)
        for name in names:
            self._ensure(name)
        self.grown()
        self.post_message(self.Changed())

    def show(self, name: str) -> None:
        """The cursor to a repository, which needn't be in the registry's list."""
        self._by_name.add(name)
        self.reveal(self._ensure(name))

    def go_to(self, path: str) -> None:
        """The cursor to a namespace or a repository, where it is in the list."""
        part: PathPart | None = self._root
        for piece in path.split("/"):
            part = part.children.get(piece) if part else None
        if part:
            self.reveal(part)

    def set_count(self, repository: str, count: int) -> None:
        """How many tags it has."""
        if repository in self._known:
            self._known[repository].count = count
            self.repaint_changed()

    def _ensure(self, name: str) -> PathPart:
        part = self._known.get(name)
        if part is None:
            part = self._root
            for piece in name.split("/", _DEPTH):
                part = part.children.get(piece) or part.children.setdefault(piece, PathPart(piece, part))
            part.is_repository = True
            self._known[name] = part
        return part

    def _forget(self, part: PathPart) -> None:
        part.is_repository = False
        while part.parent is not None and not part.children and not part.is_repository:
            del part.parent.children[part.name]
            part = part.parent

    # What others may ask

    @property
    def current(self) -> str | None:
        """The repository under the cursor."""
        return self.at.path if self.at is not None and self.at.is_repository else None

    @property
    def title_text(self) -> str:
        """What the number means comes first where it is not all of them: a narrow pane cuts the end."""
        total = len(self._known)
        if self._filter:
            return f"{sum(part.is_repository for part in self._branches):,} of {total:,} repositories"
        if self.unlisted:
            return f"{self.unlisted}, not listed"
        return f"Repositories · {total:,}{'' if self._complete else ' so far'}" if total else "Repositories"

    @property
    def unlisted(self) -> str:
        """What stands here in place of a list that can't be read, or empty."""
        total = len(self._known)
        if not self._failed or not total or total > len(self._by_name):
            return ""
        return f"{total:,} {'found' if self._found else 'opened before'}"

    # Rows

    def settled(self) -> None:
        self.post_message(self.Changed())

    def opens(self, branch: PathPart) -> bool:
        return len(self._known) <= _FEW

    def matching(self, paths: Sequence[str], indices: range) -> list[int]:
        words, hits = self._hits
        found = super().matching(paths, indices)
        return found + [i for i in indices if paths[i] in hits] if words == self._filter.text else found

    def is_found(self, branch: PathPart) -> bool:
        return branch.is_repository

    def row_version(self, index: int) -> tuple[Hashable, ...]:
        branch = self._branches[index]
        is_found = bool(self._found) and branch.path in self._found
        return (*super().row_version(index), branch.is_repository, branch.count, is_found)

    def row(self, index: int, width: int) -> Row:
        branch = self._branches[index]
        count = "" if branch.count is None else f"{branch.count} "
        if branch.count is None and branch.is_repository and branch.path in self._found:
            count = "found "
        room = max(0, width - len(count))
        style = "" if branch.is_repository else "dim"
        return (
            Cell(self.stem(index, width) + branch.name, style, room),
            Cell(count, "dim" if count == "found " else ""),
        )

    def highlighted(self) -> None:
        self.post_message(self.Highlighted(self.current))

    def action_open(self) -> None:
        """Opens a repository; folds or unfolds what is none."""
        if self.at is None:
            self.post_message(self.Wanted())
        elif self.current is not None:
            self.post_message(self.Opened(self.current))
        else:
            super().action_open()
