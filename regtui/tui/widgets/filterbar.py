"""The filter of a pane: an input in its last line, there while one types or something is filtered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static


class FilterBar(Horizontal):
    """Says each change at once. Enter goes back to the list, Esc ends the filter."""

    DEFAULT_CSS = """
    FilterBar { dock: bottom; height: 1; display: none; background: $surface; }
    FilterBar Static { width: 2; color: $text-accent; text-style: bold; }
    FilterBar Input { width: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "end", "end the filter"),
    ]

    @dataclass
    class Typed(Message):
        """Another filter; empty shows everything."""

        bar: FilterBar
        text: str

        @property
        def control(self) -> FilterBar:
            return self.bar

    @dataclass
    class Left(Message):
        """The list is to have the focus again."""

        bar: FilterBar

    @dataclass
    class Entered(Message):
        """Enter was pressed on a filter."""

        bar: FilterBar
        text: str

    def compose(self) -> ComposeResult:
        yield Static("/", markup=False)
        yield Input(compact=True, placeholder="words, glob*, re:...")

    def open(self) -> None:
        self.display = True
        self.screen.set_focus(self.query_one(Input), scroll_visible=False)

    @property
    def text(self) -> str:
        return self.query_one(Input).value

    def action_end(self) -> None:
        self.clear()
        self.post_message(self.Left(self))

    def clear(self) -> None:
        """Nothing is filtered any more."""
        self.query_one(Input).value = ""
        self.display = False

    def on_input_changed(self, message: Input.Changed) -> None:
        message.stop()
        self.post_message(self.Typed(self, message.value))

    def on_input_submitted(self, message: Input.Submitted) -> None:
        message.stop()
        self.display = bool(self.text)
        if self.text.strip():
            self.post_message(self.Entered(self, self.text.strip()))
        self.post_message(self.Left(self))
