"""The tags pane: one repository's tags as a table that fills while one looks at it."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Unpack

from textual.binding import BindingType
from textual.message import Message
from textual.timer import Timer

from regtui.errors import RegtuiError, UsageError
from regtui.operations.inventory import Failed, Listed, Read, TagEvent, TagFacts
from regtui.patterns import Filter
from regtui.tui import tag_columns
from regtui.tui.cells import Row
from regtui.tui.keys import binding
from regtui.tui.marks import Marks
from regtui.tui.pacing import Paced
from regtui.tui.sorting import Order, Sorting
from regtui.tui.tag_table import TagTable
from regtui.tui.widgets.lines import Options
from regtui.tui.widgets.marked_lines import MarkedLines
from regtui.words import size

_AT_ONCE = 4000  # names taken in before keys are looked at again
_REST = 0.02  # seconds for keys between two such
_LOOK = 0.05  # seconds that a view has to stand before its rows are asked for


class Tags(MarkedLines):
    """Takes events by `apply` and says by messages what the user looks at, opens and marks.

    The order is UX.md's "Newest first, honestly": by name until the last date is in, then the newest first, unless the
    user chose one. The cursor stays on its tag, and its tag on its line of the screen.
    """

    heading_height = 1
    BINDINGS: ClassVar[list[BindingType]] = [
        binding("open", show=True),
        binding("right", "open"),
        binding("left", "out"),
        binding("sort", show=True),
        binding("reverse"),
        binding("hidden"),
    ]

    @dataclass
    class Opened(Message):
        """The user goes into a tag."""

        tag: str

    @dataclass
    class Highlighted(Message):
        """Another tag is under the cursor, or more is known of it. `error` is why its facts can't be read."""

        tag: str | None
        facts: TagFacts | None
        error: RegtuiError | None

    @dataclass
    class LookingAt(Message):
        """What to fetch first: the rows in view, then a page below, then a page above."""

        tags: tuple[str, ...]

    class Changed(MarkedLines.Changed):
        """The title, the marks or the counts are others now."""

    def __init__(self, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        self.repository = ""
        self._protected: Callable[[str], bool] = lambda tag: False
        self._looking: Timer | None = None
        self._paced = Paced(self, self._settle)
        self._clear()

    def _clear(self) -> None:
        self._table = TagTable()
        self._sorting = Sorting()
        self._filter = Filter()
        self._row: int | None = None  # of the table, under the cursor
        self._wanted = ""  # the tag that the cursor goes to when it comes
        self._complete = False
        self._failure: RegtuiError | None = None
        self._unseen: set[str] = set()  # of a list that is read again: what has not come yet
        self._immutable: set[str] = set()  # locked by the registry
        self._stale = False  # whether something was read since the last sort
        self._looked_at: tuple[str, ...] = ()
        self._highlighted: Hashable = None

    # What comes in

    def start(self, repository: str, protected: Callable[[str], bool]) -> None:
        """A list begins to come. Of the same repository again: cursor, marks, order and filter stay."""
        if repository != self.repository:
            self._clear()
        self._looked_at = ()
        self._unseen = self._table.tags
        self._complete, self._failure = False, None
        self.repository, self._protected = repository, protected
        self._paced.reset()
        self._show()

    def apply(self, events: Sequence[TagEvent]) -> None:
        """What arrived, in order. Sorts at most four times a second, and never all of a long list at once."""
        for event in events:
            match event:
                case Listed(tags, complete, immutable):
                    self._table.add(tags)
                    self._immutable |= immutable
                    self._unseen.difference_update(tags)
                    self._complete = complete
                case Read(tag, facts):
                    self._table.read(tag, facts)
                    self._stale = True
                case Failed(tag, error):
                    self._table.fail(tag, error)
                    self._stale = True
        if self._complete and self._unseen:
            self._table.remove(self._unseen)
            self._unseen = set()
        if not self._paced.ask():
            self.repaint_changed()
            self._highlight()

    def fail(self, error: RegtuiError) -> None:
        """The list itself can't be read, or not to its end."""
        self._failure = error
        self._show()

    def remove_tags(self, tags: Sequence[str]) -> None:
        """They are no longer in the repository."""
        self._table.remove(tags)
        self._show()

    def go_to(self, tag: str) -> None:
        """The cursor to a tag; when it comes, if it isn't here yet."""
        self._wanted = tag
        self._show()

    # What others may ask

    @property
    def marks(self) -> Marks:
        return self._table.marks

    @property
    def rows(self) -> Sequence[int]:
        return self._table.shown

    def place_of(self, row: int) -> int | None:
        return self._table.position(row)

    @property
    def current(self) -> str | None:
        """The tag under the cursor."""
        return self._table.names[self._row] if self._row is not None and self._table.shown else None

    @property
    def listed(self) -> tuple[str, ...]:
        """The tags that are shown, in the table's order."""
        return tuple(self._table.names[row] for row in self._table.shown)

    @property
    def marked(self) -> tuple[str, ...]:
        """Marked tags in the table's order, also those that the filter hides now."""
        return tuple(self._table.names[row] for row in self._table.marked)

    @property
    def marked_size(self) -> int:
        """Bytes of what the marked tags point to, as far as it is known, each digest once."""
        return self._table.size_of(self._table.marked)

    @property
    def marks_text(self) -> str:
        """`32 marked, 12 not shown · 4.3 kB`; empty when nothing is marked."""
        count = self.marks.count
        if not count:
            return ""
        unseen = count - sum(row in self.marks for row in self.rows)
        return f"{count:,} marked{f', {unseen:,} not shown' if unseen else ''} · {size(self.marked_size)}"

    @property
    def progress(self) -> tuple[int, int]:
        """Of how many tags the details are known, and how many there are."""
        return self._table.answered, len(self._table)

    def facts(self, tag: str) -> TagFacts | None:
        row = self._table.row_of(tag)
        return None if row is None else self._table.facts(row)

    def error(self, tag: str) -> RegtuiError | None:
        """Why a tag's facts can't be read."""
        row = self._table.row_of(tag)
        return None if row is None else self._table.error(row)

    @property
    def failure(self) -> RegtuiError | None:
        """Why the list itself could not be read, or not to its end."""
        return self._failure

    @property
    def failed(self) -> tuple[str, ...]:
        """The tags whose facts can't be read."""
        return self._table.failed

    @property
    def title_text(self) -> str:
        """`Tags · 2,000 · by name · dates 312 of 2,000`."""
        answered, total = self.progress
        parts = ["Tags"]
        if self.repository and (total or self._failure is None):
            shown = f"{self.row_count:,} of {total:,}" if self._filter else f"{total:,}"
            parts.append(shown if self._complete else f"{shown} so far")
        if total:
            parts.append(self._sorting.title(answered, total))
        if self._table.failed:
            parts.append(f"{len(self._table.failed):,} failed")
        if self._failure is not None and total:
            parts.append("the list broke off")
        if self._table.hidden:
            parts.append(f"{self._table.hidden:,} hidden")
        return " · ".join(parts)

    def set_filter(self, text: str) -> str:
        """Shows only what matches. Returns what is wrong with the filter, or an empty string."""
        try:
            self._filter = Filter(text)
        except UsageError as error:
            return str(error)
        self._show()
        return ""

    # Rows

    def row_version(self, index: int) -> Hashable:
        table = self._table
        row = table.shown[index]
        number = table.digest_number(row)
        about = (table.digests.version[number], table.digests.tags[number]) if number >= 0 else ()
        minute = int(time.time() // 60)
        return (
            row,
            number,
            about,
            row in table.marks,
            table.is_below(row),
            self._is_sibling(row),
            table.longest,
            minute,
        )

    def row(self, index: int, width: int) -> Row:
        table = self._table
        row = table.shown[index]
        number = table.digest_number(row)
        return tag_columns.row(
            tag_columns.columns(width, table.longest),
            tag_columns.below(table.names[row]) if table.is_below(row) else table.names[row],
            table.facts(row),
            table.error(row),
            shared=table.digests.tags[number] if number >= 0 else 1,
            marked=row in table.marks,
            sibling=self._is_sibling(row),
            protected=table.names[row] in self._immutable or self._protected(table.names[row]),
        )

    def heading(self, width: int) -> Row:
        return tag_columns.heading(tag_columns.columns(width, self._table.longest))

    def _is_sibling(self, row: int) -> bool:
        number = self._table.digest_number(row)
        return number >= 0 and self._row is not None and self._table.digest_number(self._row) == number

    # Order

    def _settle(self) -> None:
        """Brings what arrived into order."""
        table, sorting = self._table, self._sorting
        changed = table.unplaced
        table.place(_AT_ONCE)
        if self._complete and not table.unplaced and table.answered == len(table) > 0:
            changed |= sorting.all_known()
        if changed or (self._stale and sorting.order is not Order.NAME):
            table.arrange(sorting.order, sorting.reverse)
        self._stale = False
        self._show()
        if table.unplaced:
            self._paced.run_in(_REST)

    def _show(self) -> None:
        """Takes over the table's rows; the cursor stays on its tag, or goes to the next that is shown."""
        table = self._table
        table.select(self._filter)
        self._empty_text = self._why_empty()
        if self._wanted:
            row = table.row_of(self._wanted)
            if row is not None and table.position(row) is not None:
                self._row, self._wanted = row, ""
            elif self._complete and not table.unplaced:
                self._wanted = ""
        self.refresh_rows(None if self._row is None else table.position(self._row))
        if table.shown:
            self._row = table.shown[self.cursor]
        self.stretch_range()
        self.repaint_changed()
        self._highlight()
        self.post_message(self.Changed())

    def _why_empty(self) -> str:
        if self._filter and len(self._table):
            return f"No tag of {self.repository} matches {self._filter.text}."
        if self._failure is not None:
            return str(self._failure)
        if not self.repository or not self._complete or self._table.unplaced:
            return f"Reading the tags of {self.repository} …" if self.repository else ""
        if self._table.hidden:
            return f"{self.repository} has no tags but those of signatures and the like, which are hidden."
        return f"{self.repository} has no tags."

    def action_sort(self) -> None:
        self._sorting.choose_next()
        self._rearrange()

    def action_reverse(self) -> None:
        self._sorting.choose_reverse()
        self._rearrange()

    def _rearrange(self) -> None:
        self._table.arrange(self._sorting.order, self._sorting.reverse)
        self._show()

    def action_hidden(self) -> None:
        self._table.shows_companions = not self._table.shows_companions
        self._show()

    # Cursor and view

    def watch_cursor(self, old: int, new: int) -> None:
        self._row = self._table.shown[new] if self._table.shown else None
        self._wanted = ""
        super().watch_cursor(old, new)
        self._highlight()

    def _highlight(self) -> None:
        tag = self.current
        state: Hashable = None
        if tag is not None and self._row is not None:
            number = self._table.digest_number(self._row)
            state = (self._row, number, self._table.digests.version[number] if number >= 0 else 0)
        if state != self._highlighted:
            self._highlighted = state
            self.post_message(
                self.Highlighted(tag, self.facts(tag), self.error(tag)) if tag else self.Highlighted(None, None, None)
            )

    def view_moved(self) -> None:
        if self._looking is None:
            self._looking = self.set_timer(_LOOK, self._look)

    def _look(self) -> None:
        self._looking = None
        view, page, shown = self.view, self.page, self._table.shown
        rows = [
            *view,
            *range(view.stop, min(view.stop + page, len(shown))),
            *range(max(0, view.start - page), view.start),
        ]
        tags = tuple(self._table.names[shown[index]] for index in rows)
        if tags != self._looked_at:
            self._looked_at = tags
            self.post_message(self.LookingAt(tags))

    def action_open(self) -> None:
        if (tag := self.current) is not None:
            self.post_message(self.Opened(tag))

    def action_out(self) -> None:
        self.post_message(self.Out(self))
