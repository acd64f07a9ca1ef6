"""Text laid into terminal cells: cut and padded by what it takes on the screen, not by its characters."""

from __future__ import annotations

from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from regtui.text import shown
from regtui.tui.glyphs import Glyphs


class Cell(NamedTuple):
    """One piece of a row. Its text may come from anywhere: it passes the gate where it is drawn."""

    text: str
    style: str = ""  # "dim", or another that the list has as component class `lines--dim`
    width: int | None = None  # cells; None: as many as the text needs
    right: bool = False  # aligned to the right


Row = tuple[Cell, ...]
"""Its cells in order; together they may be narrower or wider than the line."""


def fit(text: str, width: int, cut: str = "…", *, right: bool = False) -> str:
    """Safe text in exactly `width` cells; what finds no room is replaced by `cut`, one cell."""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + cut if width > 0 else ""
    space = " " * (width - length)
    return space + text if right else text + space


def laid_out(row: Row, width: int, glyphs: Glyphs) -> list[tuple[str, str]]:
    """Texts and styles that fill `width` cells exactly.

    The one place where text from outside enters a line: each cell is made safe, cut and padded here.
    """
    pieces: list[tuple[str, str]] = []
    left = width
    for text, style, wanted, right in row:
        safe = glyphs.text(shown(text, 4 * left + 8))  # no more than this finds room, whatever marks it wears
        room = min(left, cell_len(safe) if wanted is None else wanted)
        left -= room
        pieces.append((fit(safe, room, glyphs.cut, right=right), style))
    pieces.append((" " * left, ""))
    return pieces
