"""Asks whether a login may be sent to a host that is not known to belong to the registry."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget
from textual.widgets import Button

from regtui.config import Settings
from regtui.errors import RealmNotTrusted, RegtuiError
from regtui.tui.screens.dialog import Dialog, Notice, doing_button, explained, safe_button, said


class RealmDialog(Dialog[bool]):
    """True when the user trusts the login server; that is remembered then."""

    def __init__(self, settings: Settings, registry: str, error: RealmNotTrusted) -> None:
        super().__init__("Send the login to another host?")
        self._settings = settings
        self._registry = registry
        self._realm = error.realm

    def body(self) -> Iterable[Widget]:
        yield said(
            f"{self._registry} asks for the login at {self._realm}, which is not known to belong to it. "
            "Who has that host can read what is sent there."
        )
        yield said("Send the user name and the password there, now and later?", "question")
        yield Notice()

    def buttons(self) -> Iterable[Button]:
        yield safe_button("No")
        yield doing_button("Send them there")

    def confirm(self) -> None:
        from regtui.operations.login import trust_realm
        from regtui.operations.naming import server_of

        try:
            trust_realm(self._settings, server_of(self._registry), self._realm)
        except RegtuiError as error:
            self.query_one(Notice).say(explained(error))
        else:
            self.dismiss(True)
