"""What all dialogs share: a frame with a title, a body that scrolls, and buttons; the safe one has the focus."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

from rich.table import Table
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import HorizontalScroll, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Static

from regtui.errors import RegtuiError
from regtui.text import shown
from regtui.tui.widgets.lines import Lines

Result = TypeVar("Result")

_LISTED = 8
"""Rows that a list among other things shows at once (class `listed`), or a third of a small screen; it scrolls."""


class Dialog(ModalScreen[Result | None], Generic[Result], inherit_bindings=False):
    """A question on top of a screen. `Esc` answers it with None; subclasses give the body and the buttons."""

    AUTO_FOCUS = ".-safe"
    BINDINGS = [
        Binding("escape", "cancel", "cancel"),
        Binding("tab,right,l", "app.focus_next", "next"),
        Binding("shift+tab,left,h", "app.focus_previous", "previous"),
        Binding("down,j", "scroll(1)", "scroll"),
        Binding("up,k", "scroll(-1)", "scroll back"),
        Binding("pagedown", "scroll(10)", "page"),
        Binding("pageup", "scroll(-10)", "page back"),
    ]

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as frame:
            frame.border_title = Content(shown(self._title))
            with VerticalScroll(classes="dialog-body", can_focus=False):
                yield from self.body()
            with HorizontalScroll(classes="dialog-buttons", can_focus=False):
                yield from self.buttons()

    def body(self) -> Iterable[Widget]:
        """What the dialog says and asks."""
        raise NotImplementedError

    def buttons(self) -> Iterable[Button]:
        """The answers, the safe one first."""
        yield safe_button("Close")

    def on_mount(self) -> None:
        self.fit()  # before the first frame: nothing jumps

    def on_resize(self, event: events.Resize) -> None:
        """The buttons are always on the screen; what the body has beyond that is scrolled."""
        self.query_one(".dialog-body").styles.max_height = max(1, event.size.height - 4)
        self.fit()
        if self.focused:  # the line that is typed in, where the body has one line
            self.call_after_refresh(self.focused.scroll_visible, animate=False)

    def fit(self) -> None:
        """Gives lists the height that their rows want and the screen has."""
        for listing in self.query(".listed").results(Lines):
            listing.styles.height = min(listing.row_count, _LISTED, max(1, self.app.size.height // 3))

    def action_cancel(self) -> None:
        self.dismiss(None)

    def action_scroll(self, lines: int) -> None:
        self.query_one(".dialog-body").scroll_relative(y=lines, animate=False)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.has_class("-safe"):
            self.action_cancel()
        else:
            self.confirm()

    def confirm(self) -> None:
        """The other answer than the safe one was given."""


def safe_button(label: str) -> Button:
    """The answer that changes nothing; it has the focus when the dialog opens."""
    return Button(Content(shown(label)), classes="-safe", compact=True)


def doing_button(label: str, *, disabled: bool = False) -> Button:
    """The answer that does what its label says."""
    return Button(Content(shown(label)), classes="-doing", compact=True, disabled=disabled)


def facts(rows: Sequence[tuple[str, str]]) -> Table:
    """Labels and what they stand for, wrapped beside them; texts may come from a registry."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in rows:
        table.add_row(Text(shown(label), style="dim"), Text(shown(text)))
    return table


def said(text: str, classes: str = "") -> Static:
    """A paragraph; the text may come from a registry."""
    return Static(Content(shown(text)), markup=False, classes=classes)


def explained(error: RegtuiError) -> str:
    """An error as a line of a pane or a dialog says it, safe to draw."""
    return shown(error.sentences)


class Notice(Static):
    """A line that is there only while it says something: what was wrong with what was typed."""

    DEFAULT_CSS = "Notice { height: auto; display: none; color: $text-error; text-style: bold; }"

    def say(self, text: str) -> None:
        """The text may come from a registry; empty hides the line."""
        self.update(Content(shown(text)))
        self.display = bool(text)
