"""Asks which image of this machine is to be pushed."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget
from textual.widgets import Button, Input

from regtui.errors import UsageError
from regtui.oci.reference import Reference
from regtui.oci.transports import DOCKER_ARCHIVE, OCI, is_local
from regtui.operations.naming import resolve
from regtui.tui.glyphs import Glyphs
from regtui.tui.screens.dialog import Dialog, Notice, doing_button, explained, safe_button, said


class PushDialog(Dialog[Reference]):
    """Answers a layout or an archive, with a tag of it where one was typed."""

    AUTO_FOCUS = "Input"

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__("Push from this machine")
        self._glyphs = glyphs

    def body(self) -> Iterable[Widget]:
        yield said("From oci:FOLDER[:TAG], or docker-archive:FILE, as docker save writes it:", "question")
        yield Input(compact=True, placeholder="oci:FOLDER or FILE.tar")
        yield Notice()

    def buttons(self) -> Iterable[Button]:
        yield safe_button("Cancel")
        yield doing_button("Look")

    def on_input_submitted(self) -> None:
        self.confirm()

    def confirm(self) -> None:
        text = self.query_one(Input).value.strip()
        try:
            if not text:
                raise UsageError("Nothing is named", "Write a folder or a file.")
            if not is_local(text):
                text = f"{DOCKER_ARCHIVE if text.endswith(('.tar', '.tgz', '.tar.gz')) else OCI}{text}"
            self.dismiss(resolve(text))
        except UsageError as error:
            self.query_one(Notice).say(explained(error))
