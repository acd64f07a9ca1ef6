"""Where to go: the start screen, and the same to switch to another registry."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import Input

from regtui.errors import UsageError
from regtui.operations.places import known_places
from regtui.operations.session import DEMO
from regtui.tui.connections import Connections
from regtui.tui.glyphs import ASCII, UNICODE
from regtui.tui.history import Spot, typed_spot
from regtui.tui.keys import binding
from regtui.tui.screens.dialog import Notice, explained
from regtui.tui.widgets.choices import Choice, Choices
from regtui.tui.widgets.keyline import KeyLine
from regtui.tui.widgets.pane import Pane

_HINT = "A registry, HOST/NAMESPACE/, HOST/REPOSITORY or HOST/REPOSITORY:TAG"


class StartScreen(Screen[Spot | None], inherit_bindings=False):
    """Registries that are open, those with a login, places opened before, the demo; anything else is typed."""

    AUTO_FOCUS = "#places"
    BINDINGS: ClassVar[list[BindingType]] = [
        binding("open_reference", "type", show=True),
        binding("next_pane", "app.focus_next"),
        binding("previous_pane", "app.focus_previous"),
        binding("out", "out"),
    ]

    def __init__(self, connections: Connections, stood: Mapping[str, Spot] = {}, here: Spot | None = None) -> None:
        """`here` is the spot that one comes from, and Esc goes back to; `stood` where one left the other registries."""
        super().__init__()
        self._connections = connections
        self._stood = stood
        self._here = here

    def compose(self) -> ComposeResult:
        glyphs = ASCII if self._connections.settings.ascii else UNICODE
        with Vertical(id="start"):
            yield Input(placeholder=glyphs.text(_HINT), id="typed", compact=True)
            yield Notice(id="notice")
            title = "Switch to" if self._here else "Open"
            with Pane(number=1, title=title, glyphs=glyphs):
                yield Choices(glyphs=glyphs, id="places")
        yield KeyLine(glyphs=glyphs)

    def on_mount(self) -> None:
        self.run_worker(self._list(), exit_on_error=False)

    async def _list(self) -> None:
        known = await asyncio.to_thread(known_places, self._connections.settings)
        choices = list(self._open_now())
        choices += [Choice(name, "a login is kept for it", name) for name in known.logged_in]
        choices += [Choice(name, "opened before", name) for name in known.opened]
        choices.append(Choice("demo", "a registry inside regtui: nothing leaves this machine", DEMO))
        seen: dict[str, Choice] = {}
        for choice in choices:
            seen.setdefault(choice.value, choice)
        places = self.query_one(Choices)
        places.show(list(seen.values()))
        if self._stood:
            places.move_to(1)  # the one that was left last, below the one that one comes from

    def _open_now(self) -> Iterator[Choice]:
        """Registries that are open: where one is, then the one that was left last."""
        here = self._here.registry if self._here else ""
        order = [here, *(name for name in reversed(list(self._stood)) if name != here), *self._connections.registries]
        for name in dict.fromkeys(order):
            if name == here and self._here:
                yield Choice(name, _at("you are here", self._here), name)
            elif name in self._stood:
                yield Choice(name, _at("open", self._stood[name]), name)
            elif name:
                yield Choice(name, "open", name)

    def action_type(self) -> None:
        self.set_focus(self.query_one("#typed"))  # at once: text may be waiting that is meant for it

    def action_out(self) -> None:
        if self.query_one("#typed").has_focus:
            self.query_one(Choices).focus()
        elif self._here:
            self.dismiss(None)

    def on_choices_chosen(self, message: Choices.Chosen) -> None:
        if self._here and message.choice.value == self._here.registry:
            self.dismiss(None)
        else:
            self._open(message.choice.value)

    def on_input_submitted(self, message: Input.Submitted) -> None:
        self._open(message.value)

    def _open(self, text: str) -> None:
        try:
            self.dismiss(typed_spot(text))
        except UsageError as error:
            self.query_one(Notice).say(explained(error))


def _at(what: str, spot: Spot) -> str:
    place = str(spot.reference).removeprefix(spot.registry).lstrip("/:")
    return f"{what}, at {place}" if place else what
