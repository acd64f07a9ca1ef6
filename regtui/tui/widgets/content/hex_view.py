"""A file as bytes: their place, their value in hex, and as characters."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import suppress
from typing import ClassVar, Unpack

from textual.binding import BindingType

from regtui.patterns import Filter
from regtui.tui.cells import Cell, Row
from regtui.tui.widgets.lines import Lines, Options

_PRINTABLE = bytes(byte if 32 <= byte < 127 else ord(".") for byte in range(256)).decode("ascii")


class HexView(Lines):
    """16 bytes a row at 80 columns, 32 where there is room, fewer where there isn't."""

    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        self._data = b""
        self._per_row = 16

    def show(self, data: bytes) -> None:
        """Other bytes, from their beginning."""
        self._data = data
        self._drawn.clear()
        self.refresh_rows(0)

    @property
    def row_count(self) -> int:
        return -(-len(self._data) // self._per_row)

    @property
    def place(self) -> str:
        """Where the cursor is, for the last line."""
        return f"byte {self.cursor * self._per_row:,} of {len(self._data):,}" if self._data else ""

    @property
    def position(self) -> int:
        """The first byte of the cursor's row."""
        return self.cursor * self._per_row

    def go_to(self, position: int) -> None:
        """To a byte, counted from 0."""
        row = min(max(0, position), len(self._data)) // self._per_row
        if row not in self.view:
            self._scroll_top(row - self.page // 3)
        self.move_to(row)

    def search(self, wanted: Filter, start: int, by: int) -> Iterator[int | None]:
        """The first row on or after `start` (before, if `by` is -1) in which what is looked for begins, round the end.

        What is looked for is taken as it is, letter by letter; after `0x` it is bytes in hex.
        """
        needle = _needle(wanted.text)
        place = start * self._per_row
        if by > 0:
            found = self._data.find(needle, place)
            found = found if found >= 0 else self._data.find(needle)
        else:
            found = self._data.rfind(needle, 0, place + self._per_row + len(needle) - 1)
            found = found if found >= 0 else self._data.rfind(needle)
        if found >= 0:
            yield found // self._per_row

    def found(self, row: int) -> None:
        """To a row that a search found."""
        self.go_to(row * self._per_row)

    def on_resize(self) -> None:
        position = self.cursor * self._per_row
        self._per_row = next((count for count in (32, 16, 8) if _width(count) + 2 <= self.size.width), 4)
        self.refresh_rows(position // self._per_row)
        self.move_to(self.cursor)

    def row_version(self, index: int) -> Hashable:
        return index, self._per_row

    def row(self, index: int, width: int) -> Row:
        start = index * self._per_row
        data = self._data[start : start + self._per_row]
        groups = [data[place : place + 8].hex(" ").ljust(23) for place in range(0, self._per_row, 8)]
        chars = data.decode("latin-1").translate(_PRINTABLE)
        return (
            Cell(f"{start:08x}", "dim"),
            Cell("  "),
            Cell("  ".join(groups)[: self._per_row * 3 + (self._per_row - 1) // 8 - 1]),
            Cell("  "),
            Cell(chars),
        )


def _needle(text: str) -> bytes:
    if text[:2].lower() == "0x":
        with suppress(ValueError):
            return bytes.fromhex(text[2:])
    return text.encode("utf-8", "surrogateescape")


def _width(per_row: int) -> int:
    """Cells of a row: place, two spaces, bytes in groups of eight, two spaces, characters."""
    return 8 + 2 + per_row * 3 - 1 + (per_row - 1) // 8 + 2 + per_row
