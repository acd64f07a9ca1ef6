"""Two sides in columns: what one image says and what the other does, line by line."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Unpack

from textual.binding import BindingType
from textual.message import Message

from regtui.errors import UsageError
from regtui.patterns import Filter
from regtui.tui.cells import Cell, Row
from regtui.tui.keys import binding
from regtui.tui.widgets.lines import Lines, Options

STYLES = {"+": "sibling", "-": "error", "~": "mark", "=": "dim"}
"""How a row looks by its sign, for those who see colours; the sign alone tells it."""


class SideRow(NamedTuple):
    """A label and what both sides have of it. Without a sign it is a heading."""

    sign: str
    label: str
    before: str = ""
    after: str = ""


class Sides(Lines):
    """Rows with a sign; equal ones are dim. Enter shows a row whole."""

    BINDINGS: ClassVar[list[BindingType]] = [binding("open", show=True), binding("left")]
    heading_height = 1

    @dataclass
    class Opened(Message):
        """A row was entered."""

        row: SideRow

    def __init__(self, label: str, *, narrow: int = 0, **options: Unpack[Options]) -> None:
        """`label` heads the first column; `narrow`: cells of each side at most, as sizes and versions need them."""
        super().__init__(**options)
        self._label = label
        self._narrow = narrow
        self._all: Sequence[SideRow] = ()
        self._rows: Sequence[SideRow] = ()
        self._filter = Filter()
        self._why_empty = self.empty_text

    def show(self, rows: Sequence[SideRow], why_empty: str = "") -> None:
        """Other rows; `why_empty` stands there when there are none."""
        self._all, self._why_empty = rows, why_empty
        self._keep()

    def set_filter(self, text: str) -> str:
        """Shows only what matches. Returns what is wrong with the filter, or an empty string."""
        try:
            self._filter = Filter(text)
        except UsageError as error:
            return str(error)
        self._keep()
        return ""

    def _keep(self) -> None:
        self._rows = self._all
        if self._filter:
            texts = [" ".join(row[1:]) for row in self._all]
            kept = self._filter.keep(texts, [at for at, row in enumerate(self._all) if row.sign])
            self._rows = [self._all[index] for index in kept]
        self.empty_text = "Nothing matches the filter." if self._filter and self._all else self._why_empty
        self.refresh_rows(0)

    @property
    def row_count(self) -> int:
        return len(self._rows)

    def row_version(self, index: int) -> Hashable:
        return self._rows[index]

    def heading(self, width: int) -> Row:
        return self._laid("", self._label, "A", "B", width, "") if self._rows else ()

    def row(self, index: int, width: int) -> Row:
        sign, label, before, after = self._rows[index]
        if not sign:
            return (Cell(label, "heading"),)
        return self._laid(sign, label, before, after, width, STYLES[sign])

    def _laid(self, sign: str, label: str, before: str, after: str, width: int, style: str) -> Row:
        third = max(1, (width - 4) // 3)
        side = min(self._narrow or third, third)
        room = max(1, width - 4 - 2 * side)
        if not self._narrow and len(label) > room:  # of a label's long name, the end tells it from others
            label = self.glyphs.cut + label[1 - room :]
        return (
            Cell(sign, style, 2),
            Cell(label, style, room),
            Cell(" "),
            Cell(before, style, side),
            Cell(" "),
            Cell(after, style, side),
        )

    def action_open(self) -> None:
        if self._rows and self._rows[self.cursor].sign:
            self.post_message(self.Opened(self._rows[self.cursor]))

    def action_left(self) -> None:
        self.post_message(self.Out(self))
