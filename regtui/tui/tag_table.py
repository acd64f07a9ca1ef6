"""The tags of one repository in columns, with their orders, filter and marks: what the tags pane shows of them.

A tag is a row, a number that stays its own while the table lives; nothing here knows of the screen.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from math import inf

from regtui.errors import RegtuiError
from regtui.oci.kinds import companion_of
from regtui.operations.inventory import TagFacts, version_key
from regtui.patterns import Filter
from regtui.tui.digests import NO_DATE, Digests, name_of
from regtui.tui.marks import Marks
from regtui.tui.sorting import Order

_UNREAD = -1
_FAILED = -2


class TagTable:
    """Names come by `add` and are shown after `place`; what they point to comes by `read` and `fail`.

    `arrange` sorts, and `select` after it filters; both are the caller's to call when something changed.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.digests = Digests()
        self.shown: list[int] = []  # rows in order, without those that filter or habit hide
        self.longest = 0  # characters of the longest name
        self.shows_companions = False
        self.marks = Marks()
        self._rows: dict[str, int] = {}
        self._keys: list[bytes] = []
        self._points_to = array("i")  # a number of `digests`, or _UNREAD or _FAILED
        self._errors: dict[int, RegtuiError] = {}
        self._companion = bytearray()
        self._subjects: dict[int, bytes] = {}  # of companions: what they are about, as `Digests` knows it
        self._below: set[int] = set()  # companions that stand under the image that they are about
        self._by_name: list[int] = []
        self._sorted: list[int] = []
        self._unplaced: list[int] = []
        self._counts = [0, 0]  # of tags, and of companions
        self._answered = [0, 0]

    # What is in it

    def __contains__(self, tag: str) -> bool:
        return tag in self._rows

    def __len__(self) -> int:
        """How many tags there are, without companions while they are hidden."""
        return self._counts[0] + self._counts[1] * self.shows_companions

    @property
    def answered(self) -> int:
        """Of how many of these it is known what they point to, or that they can't be read."""
        return self._answered[0] + self._answered[1] * self.shows_companions

    @property
    def hidden(self) -> int:
        """How many companions aren't shown."""
        return 0 if self.shows_companions else self._counts[1]

    @property
    def failed(self) -> tuple[str, ...]:
        """The tags whose facts can't be read."""
        return tuple(self.names[row] for row in self._errors)

    @property
    def tags(self) -> set[str]:
        """All names, shown or not."""
        return set(self._rows)

    @property
    def unplaced(self) -> bool:
        return bool(self._unplaced)

    def row_of(self, tag: str) -> int | None:
        return self._rows.get(tag)

    def facts(self, row: int) -> TagFacts | None:
        number = self._points_to[row]
        return self.digests.facts(number) if number >= 0 else None

    def error(self, row: int) -> RegtuiError | None:
        return self._errors.get(row)

    def digest_number(self, row: int) -> int:
        """A number in `digests`; negative while unknown. Rows of one number are siblings."""
        return self._points_to[row]

    # What comes in

    def add(self, tags: Iterable[str]) -> None:
        """New names; those that are there already stay as they are."""
        for tag in tags:
            if tag in self._rows:
                continue
            row = self._rows[tag] = len(self.names)
            self.names.append(tag)
            self._keys.append(b"")
            self._points_to.append(_UNREAD)
            self.marks.grow()
            subject = companion_of(tag) if tag.startswith("sha") else None
            companion = subject is not None
            if subject:
                self._subjects[row] = name_of(subject)
            self._companion.append(companion)
            self._counts[companion] += 1
            self._unplaced.append(row)
            if not companion:
                self.longest = max(self.longest, len(tag))

    def place(self, limit: int) -> None:
        """Takes at most `limit` new names into the order by name. A key takes some microseconds, so not all at once."""
        batch, self._unplaced = self._unplaced[:limit], self._unplaced[limit:]
        for row in batch:
            self._keys[row] = version_key(self.names[row])
        key = self._keys.__getitem__
        self._by_name += sorted(batch, key=key)
        self._by_name.sort(key=key)  # two sorted runs: a merge

    def read(self, tag: str, facts: TagFacts) -> None:
        row = self._rows.get(tag)
        if row is None:
            return
        number = self.digests.put(facts)
        if self._points_to[row] != number:
            self._point(row, number)
            self.digests.tags[number] += 1

    def fail(self, tag: str, error: RegtuiError) -> None:
        row = self._rows.get(tag)
        if row is not None:
            self._point(row, _FAILED)
            self._errors[row] = error

    def _point(self, row: int, number: int) -> None:
        before = self._points_to[row]
        if before >= 0:
            self.digests.tags[before] -= 1
        self._answered[self._companion[row]] += (number != _UNREAD) - (before != _UNREAD)
        self._errors.pop(row, None)
        self._points_to[row] = number

    def remove(self, tags: Iterable[str]) -> None:
        gone = {row for tag in tags if (row := self._rows.pop(tag, None)) is not None}
        for row in gone:
            self.marks.set(row, False)
            self._point(row, _UNREAD)
            self._counts[self._companion[row]] -= 1
        for rows in (self._by_name, self._sorted, self._unplaced, self.shown):
            rows[:] = [row for row in rows if row not in gone]

    # Orders and filter

    def arrange(self, order: Order, reverse: bool = False) -> None:
        """Sorts all rows. The unknown comes last, whichever way; equals stand by name, newest version first."""
        if order is Order.NAME:
            self._sorted = self._by_name[::-1] if reverse else list(self._by_name)
            return
        values = self.digests.created if order is Order.CREATED else self.digests.size
        sign = 1.0 if reverse else -1.0
        keys = [inf if value == NO_DATE else sign * value for value in values]
        keys += (inf, inf)  # of _FAILED and _UNREAD, which count from the end
        points_to = self._points_to
        self._sorted = sorted(self._by_name, key=lambda row: keys[points_to[row]])

    def select(self, wanted: Filter) -> None:
        """Fills `shown`, in order."""
        rows = self._sorted
        if self.hidden:
            companion = self._companion
            rows = [row for row in rows if not companion[row]]
        elif self._subjects:
            rows = self._grouped(rows)
        self.shown = wanted.keep(self.names, rows)

    def is_below(self, row: int) -> bool:
        """Whether it is a companion, and stands under the image that it is about."""
        return row in self._below

    def _grouped(self, rows: list[int]) -> list[int]:
        """Companions under the first tag of the image that they are about; those of no tag's image at the end."""
        companions: dict[int | bytes, list[int]] = {}
        for row in rows:
            if self._companion[row]:
                subject = self._subjects[row]
                number = self.digests.number(subject)
                companions.setdefault(subject if number is None else number, []).append(row)
        grouped: list[int] = []
        for row in rows:
            if not self._companion[row]:
                grouped += (row, *companions.pop(self._points_to[row], ()))
        self._below = {row for row in grouped if self._companion[row]}
        return grouped + [row for others in companions.values() for row in others]

    def position(self, row: int) -> int | None:
        """Where a row is in `shown`; if it is hidden, where the next in order is. None when the row is gone."""
        if row in self.shown:
            return self.shown.index(row)
        if row not in self._sorted:
            return None
        before = set(self._sorted[: self._sorted.index(row)])
        return sum(other in before for other in self.shown)

    # Marks

    @property
    def marked(self) -> list[int]:
        """Marked rows in order, also those that are hidden."""
        return [row for row in self._sorted if row in self.marks] if self.marks.count else []

    def size_of(self, rows: Iterable[int]) -> int:
        """Bytes of what these rows point to, each digest once."""
        numbers = {self._points_to[row] for row in rows}
        return sum(self.digests.size[number] for number in numbers if number >= 0)
