"""Text laid into terminal cells: cut and padded by what it takes on the screen, not by its characters."""

from __future__ import annotations

from typing import NamedTuple

from rich.cells import cell_len, set_cell_size


class Cell(NamedTuple):
    """One piece of a row. Its text may come from anywhere: it passes the gate where it is drawn."""

    text: str
    style: str = ""  # "dim", or another that the list has as component class `lines--dim`
    width: int | None = None  # cells; None: as many as the text needs
    right: bool = False  # aligned to the right


Row = tuple[Cell, ...]


def fit(text: str, width: int, cut: str = "…", *, right: bool = False) -> str:
    """Safe text in exactly `width` cells; what finds no room is replaced by `cut`, one cell."""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + cut if width > 0 else ""
    space = " " * (width - length)
    return space + text if right else text + space
