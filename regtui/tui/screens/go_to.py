"""Goes to a line of a text, or to a byte."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget
from textual.widgets import Button, Input

from regtui.tui.screens.dialog import Dialog, Notice, doing_button, safe_button, said


class GoToDialog(Dialog[int]):
    """Answers a number as it was typed: `120`, `1,200`, `0x4b0`."""

    AUTO_FOCUS = "Input"

    def __init__(self, what: str) -> None:
        """`what` is asked for: "Line, 1 to 200,000"."""
        super().__init__("Go to")
        self._what = what

    def body(self) -> Iterable[Widget]:
        yield said(self._what)
        yield Input(compact=True)
        yield Notice()

    def buttons(self) -> Iterable[Button]:
        yield safe_button("Cancel")
        yield doing_button("Go")

    def on_input_submitted(self) -> None:
        self.confirm()

    def confirm(self) -> None:
        text = self.query_one(Input).value.replace(",", "").strip()
        try:
            self.dismiss(int(text[:20], 0 if text[:2].lower() == "0x" else 10))
        except ValueError:
            self.query_one(Notice).say("That is no number.")
