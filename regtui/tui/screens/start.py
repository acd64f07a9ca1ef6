"""Where to go: the start screen, and the same to switch to another registry."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import Input

from regtui.errors import ReferenceError
from regtui.oci.reference import Reference, parse_reference
from regtui.operations.places import known_places
from regtui.operations.session import DEMO
from regtui.tui.connections import Connections
from regtui.tui.glyphs import ASCII, UNICODE
from regtui.tui.keys import binding
from regtui.tui.screens.dialog import Notice, explained
from regtui.tui.widgets.choices import Choice, Choices
from regtui.tui.widgets.keyline import KeyLine
from regtui.tui.widgets.pane import Pane

_HINT = "A registry, HOST/REPOSITORY or HOST/REPOSITORY:TAG"


class StartScreen(Screen[Reference | None], inherit_bindings=False):
    """Registries that a login is kept for, places opened before, the demo; anything else is typed."""

    AUTO_FOCUS = "#places"
    BINDINGS: ClassVar[list[BindingType]] = [
        binding("open_reference", "type", show=True),
        binding("next_pane", "app.focus_next"),
        binding("previous_pane", "app.focus_previous"),
        binding("out", "out"),
    ]

    def __init__(self, connections: Connections, *, switching: bool = False) -> None:
        """`switching`: there is a screen below, and Esc goes back to it."""
        super().__init__()
        self._connections = connections
        self._switching = switching

    def compose(self) -> ComposeResult:
        glyphs = ASCII if self._connections.settings.ascii else UNICODE
        with Vertical(id="start"):
            yield Input(placeholder=glyphs.text(_HINT), id="typed", compact=True)
            yield Notice(id="notice")
            title = "Switch to" if self._switching else "Open"
            with Pane(number=1, title=title, glyphs=glyphs):
                yield Choices(glyphs=glyphs, id="places")
        yield KeyLine(glyphs=glyphs)

    def on_mount(self) -> None:
        self.run_worker(self._list(), exit_on_error=False)

    async def _list(self) -> None:
        known = await asyncio.to_thread(known_places, self._connections.settings)
        choices = [Choice(name, "open", name) for name in self._connections.registries]
        choices += [Choice(name, "a login is kept for it", name) for name in known.logged_in]
        choices += [Choice(name, "opened before", name) for name in known.opened]
        choices.append(Choice("demo", "a registry inside regtui: nothing leaves this machine", DEMO))
        seen: dict[str, Choice] = {}
        for choice in choices:
            seen.setdefault(choice.value, choice)
        self.query_one(Choices).show(list(seen.values()))

    def action_type(self) -> None:
        self.query_one("#typed").focus()

    def action_out(self) -> None:
        if self.query_one("#typed").has_focus:
            self.query_one(Choices).focus()
        elif self._switching:
            self.dismiss(None)

    def on_choices_chosen(self, message: Choices.Chosen) -> None:
        self._open(message.choice.value)

    def on_input_submitted(self, message: Input.Submitted) -> None:
        self._open(message.value)

    def _open(self, text: str) -> None:
        try:
            self.dismiss(parse_reference(text))
        except ReferenceError as error:
            self.query_one(Notice).say(explained(error))
