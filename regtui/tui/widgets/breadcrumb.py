"""The first line: where one is, each part a link, and what must not be forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.app import RenderResult
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from regtui.text import shown
from regtui.tui.cells import fit
from regtui.tui.glyphs import UNICODE, Glyphs


class Breadcrumb(Widget):
    """One line: registry, repository, tag and what was followed from there; marks at the right."""

    DEFAULT_CSS = "Breadcrumb { height: 1; width: 1fr; background: $panel; color: $foreground; }"

    @dataclass
    class Chosen(Message):
        """A part was clicked; 0 is the registry."""

        index: int

    def __init__(self, *, glyphs: Glyphs = UNICODE, id: str | None = None) -> None:
        super().__init__(id=id)
        self.glyphs = glyphs
        self._parts: tuple[str, ...] = ()
        self._marks: tuple[str, ...] = ()
        self._ends: list[tuple[int, int]] = []  # the number of each part that is drawn, and the cell where it ends

    def show(self, parts: Sequence[str], marks: Sequence[str]) -> None:
        """Texts may come from outside. The last parts stay when there is no room for all; marks always do."""
        if (self._parts, self._marks) != (tuple(parts), tuple(marks)):
            self._parts, self._marks = tuple(parts), tuple(marks)
            self.refresh()

    def render(self) -> RenderResult:
        look, cut = self.glyphs.text, self.glyphs.cut
        between = look(" › ")
        parts = [look(shown(part)) for part in self._parts]
        marks = "".join(f" {look(shown(mark))} " for mark in self._marks)
        marks = fit(marks, min(cell_len(marks), max(0, self.size.width - 8)), cut)
        room = max(0, self.size.width - 2 - cell_len(marks))
        first = 0
        while first < len(parts) - 1 and cell_len(between.join([cut] * (first > 0) + parts[first:])) > room:
            first += 1
        pieces = [cut] * (first > 0) + parts[first:]
        lead = "".join(piece + between for piece in pieces[:-1])
        line = fit(lead + "".join(pieces[-1:]), room, cut)
        self._ends = []
        for index in range(first, len(parts)):
            self._ends.append((index, 1 + cell_len(between.join(pieces[: index - first + 1 + (first > 0)]))))
        return Content.assemble(" ", line[: len(lead)], (line[len(lead) :], "bold"), " ", (marks, "bold reverse"))

    def on_click(self, event: events.Click) -> None:
        for index, end in self._ends:
            if event.x < end:
                self.post_message(self.Chosen(index))
                return
