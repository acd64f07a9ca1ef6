"""Opens any reference that is typed."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget
from textual.widgets import Button, Input

from regtui.errors import UsageError
from regtui.oci.digest import is_digest
from regtui.oci.reference import DOCKER_HUB, Reference, short_name
from regtui.oci.transports import prefix_of
from regtui.tui.history import Spot, typed_spot
from regtui.tui.screens.dialog import Dialog, Notice, doing_button, explained, safe_button, said


class OpenDialog(Dialog[Spot]):
    """A registry, namespace, repository, tag or digest. What names no registry is of the one that is open."""

    AUTO_FOCUS = "Input"

    def __init__(self, here: Reference, text: str = "") -> None:
        super().__init__("Open")
        self._here = here
        self._text = text

    def body(self) -> Iterable[Widget]:
        yield said(
            "A registry, HOST/REPOSITORY or HOST/REPOSITORY:TAG. Without a HOST it is of the registry that is open: "
            "REPOSITORY, :TAG or a digest. With a slash at its end, NAMESPACE/ lists what is below."
        )
        yield Input(self._text, compact=True, placeholder="HOST/REPOSITORY:TAG", select_on_focus=False)
        yield Notice()

    def buttons(self) -> Iterable[Button]:
        yield safe_button("Cancel")
        yield doing_button("Open")

    def on_input_submitted(self) -> None:
        self.confirm()

    def confirm(self) -> None:
        text = self.query_one(Input).value.strip()
        try:
            self.dismiss(typed_spot(whole(text, self._here)))
        except UsageError as error:
            self.query_one(Notice).say(explained(error))


def whole(text: str, here: Reference) -> str:
    """What is typed, with what it leaves out: the registry that is open, or the repository."""
    repository = prefix_of(here.registry) + here.repository
    if text.startswith("/"):
        return prefix_of(here.registry) + text.lstrip("/")
    if here.repository and is_digest(text):
        return f"{repository}@{text}"
    if here.repository and text.startswith((":", "@")):
        return f"{repository}{text}"
    if here.registry != DOCKER_HUB and short_name(text):
        return prefix_of(here.registry) + text  # Docker Hub is told no name that was meant for this registry
    return text
