"""What was found, row by row as it comes: a path, its layer, and what became of it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Unpack

from textual.binding import BindingType
from textual.message import Message

from regtui import words
from regtui.oci.digest import short
from regtui.operations.find import Failed, Found
from regtui.text import shown
from regtui.tui.cells import Cell, Row
from regtui.tui.keys import binding
from regtui.tui.widgets.lines import Lines, Options

_NARROW = {"SIZE": 9, "LAYER": 6, "STATE": 19, "IMAGES": 16}
_WIDE = {"MODE": 12, "SIZE": 10, "LAYER": 7, "STATE": 21, "IMAGES": 30}
"""Cells of each column, with those that keep it from the one before."""
_RIGHT = ("MODE", "SIZE", "LAYER")
_WIDE_FROM = 100


class Hits(Lines):
    """Shows what `add` brought. The lines above the rows say how far the search is, and name the columns."""

    BINDINGS: ClassVar[list[BindingType]] = [binding("open", show=True), binding("left")]
    heading_height = 2

    @dataclass
    class Opened(Message):
        """A row was entered."""

        row: Found | Failed

    def __init__(self, *, in_repository: bool, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        self._in_repository = in_repository
        self._state = ""
        self.rows: list[Found | Failed] = []

    def start(self) -> None:
        """Another search begins."""
        self.rows = []
        self.empty_text = ""
        self.refresh_rows(0)

    def add(self, rows: Sequence[Found | Failed]) -> None:
        self.rows += rows
        self.refresh_rows()

    def say(self, state: str) -> None:
        """How far it is, or what went wrong."""
        self._state = state
        self.repaint_changed()

    @property
    def row_count(self) -> int:
        return len(self.rows)

    def row_version(self, index: int) -> Hashable:
        return (id(self.rows), index)

    def heading_line(self, y: int, width: int) -> Row:
        if y == 0 or not self.rows:
            return (Cell(self._state if y == 0 else ""),)
        room, columns = self._columns(width)
        return _laid("PATH", room, {name: name for name in columns}, columns, "")

    def row(self, index: int, width: int) -> Row:
        found = self.rows[index]
        if isinstance(found, Failed):
            return (Cell(f"! {found.text}", "error"),)
        room, columns = self._columns(width)
        entry = found.entry
        cells = {
            "MODE": entry.mode_text,
            "SIZE": words.size(entry.size) if entry.type == "file" else "",
            "LAYER": str(found.number),
            "STATE": found.state_text,
            "IMAGES": _images(found),
        }
        return _laid(self._path(found, room), room, cells, columns, "" if found.state == "present" else "dim")

    def _columns(self, width: int) -> tuple[int, dict[str, int]]:
        """The room for a path, and the columns behind it."""
        widths = _WIDE if width >= _WIDE_FROM else _NARROW
        columns = {name: cells for name, cells in widths.items() if self._in_repository or name != "IMAGES"}
        return max(0, width - sum(columns.values())), columns

    def _path(self, found: Found, room: int) -> str:
        """Its end, which tells more than its beginning; what it links to where that finds room."""
        path = shown(f"{found.path}/" if found.entry.type == "dir" else found.path, 4096)
        if len(path) > room > 1:
            return self.glyphs.cut + path[1 - room :]
        sign = {"symlink": " → ", "hardlink": " ⇒ "}.get(found.entry.type)
        return f"{path}{sign}{found.entry.link}" if sign else path

    def action_open(self) -> None:
        if self.rows:
            self.post_message(self.Opened(self.rows[self.cursor]))

    def action_left(self) -> None:
        self.post_message(self.Out(self))


def _laid(path: str, room: int, cells: dict[str, str], columns: dict[str, int], style: str) -> Row:
    row = [Cell(path, style, room)]
    for name, width in columns.items():
        is_right = name in _RIGHT
        row.append(Cell(cells[name] if is_right else f"  {cells[name]}", style, width, right=is_right))
    return tuple(row)


def _images(found: Found) -> str:
    first, others = found.images[0], len(found.images) - 1
    name = first.tags[0] if first.tags else short(first.reference.digest or "")
    return f"{name} +{others:,}" if others else name
