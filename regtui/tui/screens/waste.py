"""What wastes most in an image: the paths that cost bytes more than once, or for nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Unpack

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.screen import Screen

from regtui.config import Settings
from regtui.operations.image_files import MergedTree, Waste
from regtui.tui.cells import Cell, Row
from regtui.tui.glyphs import ASCII, UNICODE
from regtui.tui.keys import binding
from regtui.tui.widgets.keyline import KeyLine
from regtui.tui.widgets.lines import Lines, Options
from regtui.tui.widgets.pane import Pane
from regtui.words import size

_WIDTHS = {"WASTED": 10, "SIZE": 10, "LAYERS": 7}
_SIZE_FROM = 50  # cells


class Wastes(Lines):
    """A line a path, the worst first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        replace(binding("open", show=True), description="go to it in the tree"),
        binding("left"),
    ]
    heading_height = 1

    @dataclass
    class Chosen(Message):
        """A path was entered."""

        path: str

    def __init__(self, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        self._wastes: Sequence[Waste] = ()

    def show(self, wastes: Sequence[Waste]) -> None:
        self._wastes = wastes
        self.empty_text = "Nothing is wasted: no layer writes or removes what another brings."
        self.refresh_rows(0)

    @property
    def row_count(self) -> int:
        return len(self._wastes)

    def heading(self, width: int) -> Row:
        cells = [Cell(name, width=cells, right=True) for name, cells in self._columns(width)]
        return (*cells, Cell("  PATH")) if self._wastes else ()

    def row_version(self, index: int) -> tuple[int, int]:
        return (index, self.row_width)

    def row(self, index: int, width: int) -> Row:
        waste = self._wastes[index]
        texts = {"WASTED": size(waste.wasted), "SIZE": size(waste.size), "LAYERS": str(waste.layers)}
        cells = [Cell(texts[name], width=cells, right=True) for name, cells in self._columns(width)]
        room = max(1, width - 2 - sum(cell.width or 0 for cell in cells))
        path = waste.path
        if len(path) > room:  # its end tells more
            path = f"{self.glyphs.cut}{path[1 - room :]}"
        return (*cells, Cell(f"  {path}"))

    @staticmethod
    def _columns(width: int) -> list[tuple[str, int]]:
        return [(name, cells) for name, cells in _WIDTHS.items() if name != "SIZE" or width >= _SIZE_FROM]

    def action_open(self) -> None:
        if self._wastes:
            self.post_message(self.Chosen(self._wastes[self.cursor].path))

    def action_left(self) -> None:
        self.post_message(self.Out(self))


class WasteScreen(Screen[str | None], inherit_bindings=False):
    """Ends with the path that was chosen; Esc goes back without."""

    AUTO_FOCUS = "Wastes"
    BINDINGS: ClassVar[list[BindingType]] = [
        binding("out", show=True),
        replace(binding("quit", "out"), description="leave the list"),
    ]

    def __init__(self, tree: MergedTree, of: str, settings: Settings) -> None:
        """`of` says whose files they are: "whole image · linux/amd64"."""
        super().__init__()
        glyphs = ASCII if settings.ascii else UNICODE
        self._tree = tree
        self._wastes = Wastes(glyphs=glyphs, page_jump=settings.page_jump, empty_text="Adding up …")
        self._pane = Pane(self._wastes, number=1, title=f"Waste · {of}", glyphs=glyphs)
        self._keyline = KeyLine(glyphs=glyphs)

    def compose(self) -> ComposeResult:
        yield self._pane
        yield self._keyline

    def on_mount(self) -> None:
        self.run_worker(self._add_up(), exclusive=True)

    async def _add_up(self) -> None:
        wastes = await asyncio.to_thread(self._tree.waste)
        efficiency = await asyncio.to_thread(self._tree.efficiency)
        wasted = sum(waste.wasted for waste in wastes)
        self._wastes.show(wastes)
        self._pane.title_text = f"Waste · {size(wasted)} · {efficiency:.1%} efficient · {len(wastes):,} paths"

    def on_wastes_chosen(self, message: Wastes.Chosen) -> None:
        self.dismiss(message.path)

    def on_lines_out(self) -> None:
        self.action_out()

    def action_out(self) -> None:
        self.dismiss(None)
