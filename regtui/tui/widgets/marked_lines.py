"""A list whose rows can be marked: one by one, as a range that follows the cursor, or all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message

from regtui.tui.keys import binding
from regtui.tui.marks import Marks
from regtui.tui.widgets.lines import Lines


class MarkedLines(Lines):
    """Subclasses say which row of their data stands in each line; marks belong to the data's rows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        binding("mark", show=True),
        binding("mark_range"),
        binding("mark_shown"),
        binding("invert_marks"),
    ]

    class Changed(Message):
        """The title, the marks or the counts are others now."""

    # What subclasses say

    @property
    def marks(self) -> Marks:
        raise NotImplementedError

    @property
    def rows(self) -> Sequence[int]:
        """The data's rows that are shown, in order."""
        raise NotImplementedError

    def place_of(self, row: int) -> int | None:
        """The line where a row of the data stands."""
        raise NotImplementedError

    # Marks

    @property
    def row_count(self) -> int:
        return len(self.rows)

    def watch_cursor(self, old: int, new: int) -> None:
        self.stretch_range()
        super().watch_cursor(old, new)

    def stretch_range(self) -> None:
        """The open range goes to the cursor now."""
        start = self.marks.range_from
        if start is not None and (at := self.place_of(start)) is not None:
            low, high = sorted((at, self.cursor))
            self.marks.stretch(self.rows[low : high + 1])
            self._marks_changed()

    def action_mark(self) -> None:
        """Marks or unmarks, and goes on to the next; an open range ends."""
        if not self.rows:
            return
        row, marks = self.rows[self.cursor], self.marks
        if marks.range_from is None:
            marks.set(row, row not in marks)
        marks.end_range()
        self.action_down()
        self._marks_changed()

    def action_mark_range(self) -> None:
        """Begins a range of marks that follows the cursor, or ends it."""
        if self.marks.range_from is not None:
            self.marks.end_range()
        elif self.rows:
            self.marks.begin_range(self.rows[self.cursor])
        self._marks_changed()

    def action_mark_shown(self) -> None:
        """Marks all that is shown; when all of it is marked, none."""
        self.marks.end_range()
        marked = not all(row in self.marks for row in self.rows)
        for row in self.rows:
            self.marks.set(row, marked)
        self._marks_changed()

    def action_invert_marks(self) -> None:
        self.marks.end_range()
        for row in self.rows:
            self.marks.set(row, row not in self.marks)
        self._marks_changed()

    def _marks_changed(self) -> None:
        self.repaint_changed()
        self.post_message(self.Changed())
