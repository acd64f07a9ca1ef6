"""What can be copied of a reference: a small menu."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.widget import Widget
from textual.widgets import Button

from regtui.oci.digest import Digest
from regtui.oci.reference import Reference
from regtui.oci.transports import is_local
from regtui.tui.glyphs import Glyphs
from regtui.tui.screens.dialog import Dialog, safe_button
from regtui.tui.widgets.choices import Choice, Choices


class ChoiceDialog(Dialog[Choice]):
    """Answers what was chosen."""

    AUTO_FOCUS = "Choices"

    def __init__(self, title: str, choices: Sequence[Choice], glyphs: Glyphs) -> None:
        super().__init__(title)
        self._choices = choices
        self._glyphs = glyphs

    def body(self) -> Iterable[Widget]:
        yield Choices(self._choices, glyphs=self._glyphs, classes="listed")

    def buttons(self) -> Iterable[Button]:
        yield safe_button("Cancel")

    def on_choices_chosen(self, message: Choices.Chosen) -> None:
        self.dismiss(message.choice)


def what_to_copy(reference: Reference, digest: Digest | None) -> list[Choice]:
    """The reference, its digest and the commands that pull it. `digest` is what the reference points to, if known."""
    choices = [Choice("Reference", str(reference), str(reference))]
    if digest:
        pinned = str(reference.at(digest=digest))
        choices.append(Choice("Digest", digest, digest))
        if pinned != str(reference):
            choices.append(Choice("Reference by digest", pinned, pinned))
    if reference.version and is_local(reference.registry):
        choices.append(Choice("skopeo inspect", command := f"skopeo inspect {reference}", command))
    elif reference.version:
        choices += [
            Choice(f"{tool} pull", command := f"{tool} pull {reference}", command) for tool in ("docker", "podman")
        ]
    return choices
