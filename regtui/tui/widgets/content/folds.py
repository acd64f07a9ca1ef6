"""A text's rows folded at the width of the screen: which part of which row each line shows."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable
from typing import Final

from rich.cells import cell_len, get_character_cell_size

MOST: Final = 1_000_000
"""Rows of a text that can be folded: each is looked at once."""
_LINES: Final = 4_000_000


class Folds:
    """Lines on the screen, in order. Rows of printable ASCII cost a microsecond each: not for an event loop."""

    def __init__(self, count: int, width: int, text: Callable[[int], str], is_wanted: Callable[[], bool]) -> None:
        """`text` gives a row as it is drawn; `is_wanted` says whether to go on."""
        self.width = width
        self._rows = array("I")
        self._lefts = array("I")
        for row in range(count):
            line = text(row)
            self._rows.append(row)
            self._lefts.append(0)
            if len(line) > width or not line.isascii():
                self._break(row, line, width)
            if len(self._rows) > _LINES or (not row % 1024 and not is_wanted()):
                return

    def __len__(self) -> int:
        return len(self._rows)

    def at(self, line: int) -> tuple[int, int]:
        """The row that a line shows, and how many cells of it come before."""
        return self._rows[line], self._lefts[line]

    def line_of(self, row: int, left: int = 0) -> int:
        """The line that shows a row, `left` cells from its beginning."""
        line = bisect_left(self._rows, row)
        while line + 1 < len(self._rows) and self._rows[line + 1] == row and self._lefts[line + 1] <= left:
            line += 1
        return line

    def _break(self, row: int, line: str, width: int) -> None:
        length = len(line) if line.isascii() else cell_len(line)
        lefts = list(range(width, length, width)) if length == len(line) else _breaks(line, width)
        self._rows.extend([row] * len(lefts))
        self._lefts.extend(lefts)


def _breaks(line: str, width: int) -> list[int]:
    """Where lines begin when no character is cut in two, in cells."""
    breaks: list[int] = []
    at = begin = 0
    for char in line:
        size = get_character_cell_size(char)
        if at + size > begin + width:
            breaks.append(at)
            begin = at
        at += size
    return breaks
