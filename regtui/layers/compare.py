"""The files of two images beside each other: what was added, removed and changed, folded into their directories."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from regtui.layers.merged import MergedNode, MergedTree
from regtui.layers.nodes import NamedNode
from regtui.layers.tar import Entry

Change = Literal["", "added", "removed", "changed"]
Same = Callable[[MergedNode, MergedNode], bool | None]
"""Whether two files of one size have the same content; None: nothing tells."""


class Difference(NamedNode):
    """A path that differs, or a directory with something in it that does. Without `change` it is only the latter."""

    __slots__ = ("after", "before", "change", "count", "reasons", "size_after", "size_before")

    def __init__(self, name: str, parent: Difference | None) -> None:
        super().__init__(name, parent)
        self.before: MergedNode | None = None
        self.after: MergedNode | None = None
        self.change: Change = ""
        self.reasons: tuple[str, ...] = ()  # of "changed": type, size, content, mode, owner, link, time
        self.count = 0  # paths that differ, this one and all below
        self.size_before = 0  # bytes of the files that differ, this one and all below
        self.size_after = 0

    @property
    def is_directory(self) -> bool:
        """Whether it is one now; of what was removed, whether it was one."""
        node = self.after or self.before
        return node is not None and node.is_directory

    def walk(self) -> Iterator[Difference]:
        """All below it by name, a directory before what is in it."""
        waiting = self.listing()[::-1]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += node.listing()[::-1]


class Comparison:
    """What two trees differ in. `root` holds it as a tree, equal paths left out."""

    def __init__(self) -> None:
        self.root = Difference("", None)
        self.root.children = {}
        self.counts: dict[Change, int] = {"added": 0, "removed": 0, "changed": 0}
        self.untold: list[tuple[MergedNode, MergedNode]] = []
        """Files that are alike in all that an archive's headers say, and that nothing shows to hold the same bytes."""

    def __bool__(self) -> bool:
        """Whether anything differs, as far as it was told."""
        return self.root.count > 0

    def folded(self, rows: int = 0) -> list[Difference]:
        """The differences by path, what is below an added or a removed directory left to that directory.

        At most about `rows`, unless that is 0: directories with fewer differences stay folded, and stand for them.
        """
        shown = self.root.listing()
        while True:
            fitting = [at for at in shown if at.children and not _is_whole(at)]
            if rows:
                fitting = [at for at in fitting if len(shown) - 1 + bool(at.change) + len(at.children or ()) <= rows]
            if not fitting:
                return _with_changed_parents(shown)
            opened = {max(fitting, key=lambda at: at.count)} if rows else set(fitting)
            shown = [one for at in shown for one in (at.listing() if at in opened else [at])]


def _is_whole(at: Difference) -> bool:
    return at.change in ("added", "removed")


def _with_changed_parents(shown: list[Difference]) -> list[Difference]:
    """Opened directories that differ themselves have a line of their own before what is in them."""
    rows: dict[Difference, None] = {}
    for at in shown:
        above, parent = [], at.parent
        while parent is not None:
            if parent.change and parent not in rows:
                above.append(parent)
            parent = parent.parent
        rows.update(dict.fromkeys([*reversed(above), at]))
    return list(rows)


def compare_trees(before: MergedTree, after: MergedTree, same: Same, *, times: bool = False) -> Comparison:
    """What differs from one image's files to another's. `times`: another time of change alone is a difference too.

    A hard link is the file whose bytes it shares. The permissions of a symbolic link mean nothing, nor do those of a
    directory that no layer lists. What stands in for a directory, or is replaced by one, is changed in its type.
    """
    comparison = Comparison()
    _Comparer(comparison, same, times).compare(before.root, after.root, comparison.root)
    return comparison


class _Comparer:
    def __init__(self, comparison: Comparison, same: Same, times: bool) -> None:
        self._comparison = comparison
        self._same = same
        self._times = times

    def compare(self, before: MergedNode | None, after: MergedNode | None, at: Difference) -> bool:
        """Fills in `at`; whether anything differs there."""
        at.before, at.after = before, after
        if before is None or after is None:
            at.change = "added" if before is None else "removed"
        elif at.parent is not None:
            at.reasons = self._reasons(before, after)
            at.change = "changed" if at.reasons else ""
        if at.change:
            self._comparison.counts[at.change] += 1
            at.count = 1
            at.size_before = before.size if before is not None and not before.is_directory else 0
            at.size_after = after.size if after is not None and not after.is_directory else 0
        old, new = (before and before.children) or {}, (after and after.children) or {}
        for name in dict.fromkeys((*old, *new)):
            child = Difference(name, at)
            if self.compare(old.get(name), new.get(name), child):
                at.children = at.children or {}
                at.children[name] = child
                at.count += child.count
                at.size_before += child.size_before
                at.size_after += child.size_after
        return at.count > 0

    def _reasons(self, before: MergedNode, after: MergedNode) -> tuple[str, ...]:
        old, new = before.entry, after.entry
        if before.is_directory != after.is_directory:
            return ("type",)
        if old is None or new is None:
            return ()
        old_kind, new_kind = kind_of(before), kind_of(after)
        if old_kind != new_kind:
            return ("type",)
        reasons = [self._content(before, after)] if old_kind == "file" else []
        if old_kind != "symlink" and old.mode != new.mode:
            reasons.append("mode")
        if (old.uid, old.gid) != (new.uid, new.gid):
            reasons.append("owner")
        if old_kind in ("symlink", "hardlink") and old.link != new.link:
            reasons.append("link")
        if self._times and old.mtime != new.mtime:
            reasons.append("time")
        return tuple(filter(None, reasons))

    def _content(self, before: MergedNode, after: MergedNode) -> str:
        old, new = bytes_of(before), bytes_of(after)
        if old.size != new.size:
            return "size"
        same = self._same(before, after) if old.size else True
        if same is None:
            self._comparison.untold.append((before, after))
        return "content" if same is False else ""


def kind_of(node: MergedNode) -> str:
    """The type of an entry, a hard link's that of what it shares its bytes with; one to nothing stays "hardlink"."""
    entry = (node.target or node).entry
    return entry.type if entry else "dir"


def bytes_of(node: MergedNode) -> Entry:
    """The entry that holds a file's bytes: of a hard link, its target's."""
    entry = (node.target or node).entry
    assert entry is not None
    return entry
