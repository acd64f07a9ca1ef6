"""A list to choose from: registries on the start screen, what to copy."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Unpack

from textual.binding import BindingType
from textual.message import Message

from regtui.tui.cells import Cell, Row
from regtui.tui.keys import binding
from regtui.tui.widgets.lines import Lines, Options


class Choice(NamedTuple):
    """A row: what is chosen, and in dimmer letters what it is."""

    text: str
    note: str
    value: str


class Choices(Lines):
    """Rows of text and note; Enter chooses."""

    BINDINGS: ClassVar[list[BindingType]] = [binding("open", show=True)]

    @dataclass
    class Chosen(Message):
        """A row was entered."""

        choice: Choice

    def __init__(self, choices: Sequence[Choice] = (), **options: Unpack[Options]) -> None:
        super().__init__(**options)
        self._choices = tuple(choices)

    @property
    def row_count(self) -> int:
        return len(self._choices)

    def show(self, choices: Sequence[Choice]) -> None:
        """Other rows."""
        self._choices = tuple(choices)
        self.refresh_rows()

    def row_version(self, index: int) -> Hashable:
        return self._choices[index], self._text_width

    def row(self, index: int, width: int) -> Row:
        text, note, _ = self._choices[index]
        return Cell(text, width=min(self._text_width, width)), Cell("  "), Cell(note, "dim")

    def action_open(self) -> None:
        if self._choices:
            self.post_message(self.Chosen(self._choices[self.cursor]))

    @property
    def _text_width(self) -> int:
        return min(max((len(choice.text) for choice in self._choices), default=0), 60)
