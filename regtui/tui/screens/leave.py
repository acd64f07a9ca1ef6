"""Asked before the app ends by ctrl+c, or while a change is running."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget
from textual.widgets import Button

from regtui.tui.screens.dialog import Dialog, doing_button, safe_button, said


class LeaveDialog(Dialog[bool]):
    """True when the user wants to go. A second ctrl+c says so too."""

    def __init__(self, is_changing: bool) -> None:
        super().__init__("Quit regtui")
        self._is_changing = is_changing

    def body(self) -> Iterable[Widget]:
        if self._is_changing:
            yield said("A change is running. The steps in hand are finished first; what is left is not begun.")
        else:
            yield said("Nothing is running that could be lost.")

    def buttons(self) -> Iterable[Button]:
        yield safe_button("Stay")
        yield doing_button("Quit")

    def confirm(self) -> None:
        self.dismiss(True)
