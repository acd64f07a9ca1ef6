"""Labels and values below each other, some of them links: the *Overview* and *Config* tabs."""

from __future__ import annotations

import textwrap
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, NamedTuple

from rich.cells import cell_len, chop_cells
from textual.binding import BindingType
from textual.message import Message

from regtui.oci.manifest import Descriptor
from regtui.text import shown
from regtui.tui.cells import Cell, Row
from regtui.tui.keys import binding
from regtui.tui.widgets.lines import Lines

_LABEL_WIDTH = 32  # cells at most, and never more than a third of the pane
_VALUE_LINES = 50  # that one value may take


class Entry(NamedTuple):
    """A line of a listing. Without a label it goes on under the one above; without a value it is a heading."""

    label: str
    value: str = ""
    link: Descriptor | None = None
    dim: bool = False


class Listing(Lines):
    """Entries, their values wrapped. Enter follows the link under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [binding("open", show=True), binding("left")]

    @dataclass
    class Chosen(Message):
        """An entry that links to content was entered."""

        link: Descriptor

    _entries: Sequence[Entry] = ()
    _rows: Sequence[tuple[Entry, str, str]] = ()
    _label_widths: Sequence[int] = ()
    _wrapped_for = 0

    def show(self, entries: Sequence[Entry], *, keep_cursor: bool = False) -> None:
        """Other entries; `keep_cursor` when they are the same ones, grown."""
        self._entries = entries
        self._wrap()
        self.refresh_rows(None if keep_cursor else 0)

    def on_resize(self) -> None:
        super().on_resize()
        if self.size.width != self._wrapped_for:
            held = self._rows[self.cursor][0] if self._rows else None
            self._wrap()
            self.refresh_rows(next((at for at, (entry, *_) in enumerate(self._rows) if entry is held), 0))

    @property
    def row_count(self) -> int:
        return len(self._rows)

    def row_version(self, index: int) -> Hashable:
        entry, label, value = self._rows[index]  # a link may hold annotations, which have no hash
        return (label, value, bool(entry.value), entry.dim, entry.link is None, self._label_widths[index])

    def row(self, index: int, width: int) -> Row:
        entry, label, value = self._rows[index]
        if not entry.value:
            return (Cell(label, "heading"),)
        if not value:
            return (Cell(label, "dim"),)
        style = "dim" if entry.dim else "mark" if entry.link else ""
        return (Cell(label, "dim", self._label_widths[index]), Cell("  "), Cell(value, style))

    def action_open(self) -> None:
        if self._rows and (link := self._rows[self.cursor][0].link):
            self.post_message(self.Chosen(link))

    def action_left(self) -> None:
        self.post_message(self.Out(self))

    def _wrap(self) -> None:
        """Lays the values out beside their labels; those below one heading stand in one column."""
        width = self._wrapped_for = self.size.width
        limit = min(_LABEL_WIDTH, width // 3)
        rows: list[tuple[Entry, str, str]] = []
        widths: list[int] = []
        for entries in _sections(self._entries):
            lengths = [cell_len(shown(entry.label)) for entry in entries if entry.value]
            label_width = max((length for length in lengths if length <= limit), default=min([*lengths, 2]))
            room = max(8, width - 5 - label_width)
            for entry in entries:
                pieces = _wrapped(shown(entry.value), room)[:_VALUE_LINES] or [""]
                if entry.value and cell_len(shown(entry.label)) > label_width:
                    pieces.insert(0, "")  # a label too long to stand beside its value stands above it
                rows += [(entry, "" if at else entry.label, piece) for at, piece in enumerate(pieces)]
            widths += [label_width] * (len(rows) - len(widths))
        self._rows, self._label_widths = rows, widths


def _wrapped(text: str, room: int) -> list[str]:
    """Lines of `room` cells: between words, and wherever the room ends for long ones and wide characters."""
    if text.isascii():
        return textwrap.wrap(text, room, replace_whitespace=False, break_on_hyphens=False)
    return chop_cells(text, room)


def _sections(entries: Sequence[Entry]) -> list[Sequence[Entry]]:
    """The entries cut before each heading."""
    cuts = [0, *(at for at, entry in enumerate(entries) if at and not entry.value), len(entries)]
    return [entries[start:end] for start, end in pairwise(cuts)]
