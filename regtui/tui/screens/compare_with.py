"""Asks what to compare with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from regtui.errors import UsageError
from regtui.oci.reference import Reference, check_tag
from regtui.operations.naming import resolve
from regtui.patterns import Filter
from regtui.tui.glyphs import Glyphs
from regtui.tui.screens.dialog import Dialog, Notice, doing_button, explained, facts, safe_button, said
from regtui.tui.screens.open import whole
from regtui.tui.widgets.choices import Choice, Choices

_SHOWN = 8
"""Tags that are listed at a time."""
_MARKS = ":/@"
"""What no tag has, but a reference."""


class CompareDialog(Dialog[Reference]):
    """Answers the other reference: a tag of the same repository, chosen or typed, or any other one, typed."""

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", "next tag"),
        Binding("up", "move(-1)", "tag before"),
    ]

    def __init__(self, one: Reference, tags: Sequence[Choice], glyphs: Glyphs) -> None:
        """`tags` are those of the repository; each one's text is the tag."""
        super().__init__("Compare")
        self._one = one
        self._tags = tags
        self._glyphs = glyphs
        self._choices = Choices(tags, glyphs=glyphs)

    def body(self) -> Iterable[Widget]:
        yield Static(facts([("This", str(self._one))]))
        yield said("With a tag of this repository, or any HOST/REPOSITORY:TAG:", "question")
        yield Input(compact=True, placeholder="TAG or HOST/REPOSITORY:TAG")
        yield Notice()
        self._choices.can_focus = False
        self._choices.styles.height = max(1, min(_SHOWN, len(self._tags)))
        yield self._choices

    def buttons(self) -> Iterable[Button]:
        yield safe_button("Cancel")
        yield doing_button("Compare")

    def on_input_changed(self, message: Input.Changed) -> None:
        self.query_one(Notice).say("")
        words = message.value.strip()
        names = [choice.text for choice in self._tags]
        try:
            kept = Filter(words).keep(names, range(len(names)))
        except UsageError:
            kept = []
        self._choices.show([self._tags[index] for index in sorted(kept, key=lambda index: names[index] != words)])
        self._choices.move_to(0)

    def action_move(self, by: int) -> None:
        self._choices.move_to(self._choices.cursor + by)

    def on_input_submitted(self) -> None:
        self.confirm()

    def on_choices_chosen(self, message: Choices.Chosen) -> None:
        self.dismiss(self._one.at(message.choice.text))

    def confirm(self) -> None:
        text = self.query_one(Input).value.strip()
        if self._choices.row_count and not any(mark in text for mark in _MARKS):
            self._choices.action_open()
            return
        try:
            self.dismiss(self._typed(text))
        except UsageError as error:
            self.query_one(Notice).say(explained(error))

    def _typed(self, text: str) -> Reference:
        """Raises `UsageError`, `ReferenceError`."""
        if not any(mark in text for mark in _MARKS):
            return self._one.at(check_tag(text))
        other = resolve(whole(text, self._one))
        if not other.version:
            raise UsageError(f"{other} names no tag and no digest", f"Write {other}:TAG")
        return other
