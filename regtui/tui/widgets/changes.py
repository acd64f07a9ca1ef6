"""The changes that were made from this machine as a list, the newest first."""

from __future__ import annotations

import time
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Unpack

from textual.binding import BindingType
from textual.message import Message

from regtui.errors import UsageError
from regtui.operations.history import KeptChange, State, undone_by
from regtui.patterns import Filter
from regtui.tui.cells import Cell, Row
from regtui.tui.keys import binding
from regtui.tui.widgets.lines import Lines, Options
from regtui.words import ago

_WIDTHS = {"NO": 5, "WHEN": 15, "WHO": 11, "OUTCOME": 15, "WHERE": 25}
"""Cells of each column, with those that keep it from the next."""
_FROM = {"WHEN": 60, "WHO": 110, "WHERE": 100}
"""Widths of the list below which a column finds no room."""


class ChangeList(Lines):
    """Rows stay what they are while others come: the cursor keeps its change."""

    BINDINGS: ClassVar[list[BindingType]] = [
        replace(binding("open", show=True), description="steps"),
        binding("left"),
    ]
    heading_height = 1

    @dataclass
    class Opened(Message):
        """A row was entered."""

        change: KeptChange

    def __init__(self, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        self._changes: Sequence[KeptChange] | None = None
        self._rows: list[KeptChange] = []
        self._undone: Mapping[int, int] = {}
        self._filter = Filter()

    def show(self, changes: Sequence[KeptChange]) -> None:
        """The newest first."""
        if changes != self._changes:
            self._changes, self._undone = changes, undone_by(changes)
            self._take()

    def set_filter(self, text: str) -> str:
        """Shows only what matches. Returns what is wrong with the filter, or an empty string."""
        try:
            self._filter = Filter(text)
        except UsageError as error:
            return str(error)
        self._take()
        return ""

    @property
    def current(self) -> KeptChange | None:
        """The change under the cursor."""
        return self._rows[self.cursor] if self._rows else None

    def outcome(self, change: KeptChange) -> str:
        """How it ended: what undid it says more than that it was done."""
        if change.id in self._undone:
            return f"undone by {self._undone[change.id]}"
        if change.is_cut_off:
            return "cut off"
        if change.lives:
            return "running"
        return "partly" if change.state is State.PARTLY else str(change.state)

    def _take(self) -> None:
        current = self.current
        changes = self._changes or ()
        texts = [f"{each.id} {each.user} {self.outcome(each)} {each.registry} {each.title}" for each in changes]
        self._rows = [changes[index] for index in self._filter.keep(texts, range(len(texts)))]
        if self._filter and changes:
            self.empty_text = "No change matches the filter."
        else:
            self.empty_text = "Nothing was changed from this machine yet. What is changed stands here, with its undo."
        numbers = [change.id for change in self._rows]
        self.refresh_rows(numbers.index(current.id) if current and current.id in numbers else None)

    # Rows

    @property
    def row_count(self) -> int:
        return len(self._rows)

    def row_version(self, index: int) -> Hashable:
        change = self._rows[index]
        return change.id, self.outcome(change), int(time.time() // 60)

    def heading(self, width: int) -> Row:
        return self._laid({name: name for name in _WIDTHS}, "WHAT", width) if self._rows else ()

    def row(self, index: int, width: int) -> Row:
        change = self._rows[index]
        cells = {"NO": str(change.id), "WHEN": ago(change.time), "WHO": change.user, "WHERE": change.registry}
        outcome = self.outcome(change)
        return self._laid(cells | {"OUTCOME": outcome}, change.title, width, "error" * (outcome == "cut off"))

    def _laid(self, cells: Mapping[str, str], what: str, width: int, style: str = "") -> Row:
        named = [(name, cells_) for name, cells_ in _WIDTHS.items() if width >= _FROM.get(name, 0)]
        columns = [Cell(f"{cells[name]}", style, room - 1, right=name == "NO") for name, room in named]
        spaced = [cell for column in columns for cell in (column, Cell(" ", style))]
        return (*spaced, Cell(what, style))

    def action_open(self) -> None:
        if change := self.current:
            self.post_message(self.Opened(change))

    def action_left(self) -> None:
        self.post_message(self.Out(self))
