"""The dialog made from a plan: what goes, what stays, how, and what undoes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.widget import Widget
from textual.widgets import Button, Input, Static

from regtui.operations.plan import Plan
from regtui.text import shown
from regtui.tui.glyphs import Glyphs
from regtui.tui.screens.dialog import Dialog, Notice, doing_button, facts, safe_button, said
from regtui.tui.widgets.choices import Choice, Choices
from regtui.words import count

_WARNED = 10


class ConfirmDialog(Dialog[bool]):
    """True when the user wants it done. The safe answer has the focus; `typed` has to be typed for the other one."""

    def __init__(
        self, plan: Plan, goes: Sequence[Choice], rows: Sequence[tuple[str, str]], glyphs: Glyphs, *, typed: str = ""
    ) -> None:
        """`goes` is a row for each thing that the plan removes, `rows` what else there is to say, with its label."""
        super().__init__(plan.title)
        self._plan = plan
        self._goes = goes
        self._rows = rows
        self._glyphs = glyphs
        self._typed = typed

    def body(self) -> Iterable[Widget]:
        if self._goes:
            yield Choices(self._goes, glyphs=self._glyphs, classes="listed")
        yield Static(facts(self._rows))
        for warning in self._plan.warnings[:_WARNED]:
            yield said(warning, "warning")
        if (more := len(self._plan.warnings) - _WARNED) > 0:
            yield said(f"and {count(more, 'other warning')}", "warning")
        if self._typed:
            yield said(f"Type {self._typed} to go on:", "question")
            yield Input(compact=True, placeholder=shown(self._typed))
            yield Notice()

    def buttons(self) -> Iterable[Button]:
        yield safe_button("Cancel")
        yield doing_button(self._plan.action, disabled=bool(self._typed))

    def action_scroll(self, lines: int) -> None:
        """Where all of the body is seen, these keys are the list's."""
        if self._goes and self.query_one(".dialog-body").max_scroll_y == 0:
            goes = self.query_one(Choices)
            goes.move_to(goes.cursor + lines)
        else:
            super().action_scroll(lines)

    def on_input_changed(self, message: Input.Changed) -> None:
        self.query_one(".-doing", Button).disabled = message.value.strip() != self._typed
        self.query_one(Notice).say("")

    def on_input_submitted(self, message: Input.Submitted) -> None:
        if message.value.strip() == self._typed:
            self.query_one(".-doing").focus()
        else:
            self.query_one(Notice).say(f"That is not {self._typed}.")

    def confirm(self) -> None:
        self.dismiss(True)
