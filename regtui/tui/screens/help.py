"""Help for where one is: the keys that are live there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.table import Table
from rich.text import Text
from textual.app import App
from textual.binding import ActiveBinding
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from regtui.tui.glyphs import Glyphs
from regtui.tui.keymap import key_name
from regtui.tui.keys import MOVING, by_use
from regtui.tui.screens.dialog import Dialog, said

_NOTES = (
    "Tags: * marked, = on the digest of the tag under the cursor, ⊘ protected or locked, ~ as far as read, "
    "↑ when it was pushed (not built), … not read yet, ! can't be read, └ about the image above.",
    "Everything is a link: Enter goes in, Esc out, Backspace back to where one was.",
    "y copies through the terminal (OSC 52), over SSH too. In tmux that needs: set -g set-clipboard on",
    "Keys can be changed in the settings file, table [keys]: regtui config --example shows how.",
)


class HelpScreen(Dialog[None]):
    """Every live binding, the nearest to the focus first."""

    def __init__(self, active: Mapping[str, ActiveBinding], glyphs: Glyphs) -> None:
        super().__init__("Help")
        self._active = active
        self._glyphs = glyphs

    def body(self) -> Iterable[Widget]:
        for heading in ("In this pane", "Here", "Everywhere", "Moving"):
            keys = [entry for entry in help_keys(self._active) if entry[0] == heading]
            if keys:
                yield said(heading, "help-heading")
                yield Static(_table(keys))
        for note in _NOTES:
            yield said(self._glyphs.text(note), "help-note")


def help_keys(active: Mapping[str, ActiveBinding]) -> list[tuple[str, str, str]]:
    """The heading that a binding belongs under, its keys, and what it does; each action once."""
    found: dict[str, tuple[str, list[str], str]] = {}
    for key, (node, binding, _, _) in by_use(active):
        if binding.id and binding.description:
            place = "Everywhere" if isinstance(node, App) else "Here" if isinstance(node, Screen) else "In this pane"
            heading = "Moving" if binding.id in MOVING else place
            found.setdefault(binding.id, (heading, [], binding.description))[1].append(key_name(key))
    return [(heading, ", ".join(keys), words) for heading, keys, words in found.values()]


def _table(keys: list[tuple[str, str, str]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, min_width=14)
    table.add_column(overflow="fold")
    for _, names, words in keys:
        table.add_row(Text(names, style="bold"), Text(words))
    return table
