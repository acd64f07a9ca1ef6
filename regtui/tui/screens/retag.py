"""Asks for the new tag."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget
from textual.widgets import Button, Input, Static

from regtui.errors import ReferenceError
from regtui.oci.reference import Reference, check_repository, check_tag
from regtui.tui.screens.dialog import Dialog, Notice, doing_button, explained, facts, safe_button, said


class RetagDialog(Dialog[Reference]):
    """Answers where the tag is to be: in the same repository, or in another one of the registry."""

    AUTO_FOCUS = "Input"

    def __init__(self, source: Reference) -> None:
        super().__init__("Retag")
        self._source = source

    def body(self) -> Iterable[Widget]:
        yield Static(facts([("From", str(self._source))]))
        yield said("A tag, or REPOSITORY:TAG in this registry:")
        yield Input(compact=True, placeholder="1.4 or team/app:1.4")
        yield Notice()

    def buttons(self) -> Iterable[Button]:
        yield safe_button("Cancel")
        yield doing_button("Look")

    def on_input_submitted(self) -> None:
        self.confirm()

    def confirm(self) -> None:
        repository, colon, tag = self.query_one(Input).value.strip().rpartition(":")
        try:
            target = Reference(
                self._source.registry,
                check_repository(repository) if colon else self._source.repository,
                check_tag(tag),
            )
        except ReferenceError as error:
            self.query_one(Notice).say(explained(error))
        else:
            self.dismiss(target)
