"""Marked rows, and the range of marks that follows the cursor."""

from __future__ import annotations

from collections.abc import Iterable


class Marks:
    """One mark a row. While a range is open, `stretch` replaces what it marked so far."""

    def __init__(self) -> None:
        self.count = 0
        self.range_from: int | None = None  # the row where the open range began
        self._marked = bytearray()
        self._before = b""  # the marks without the open range

    def __contains__(self, row: int) -> bool:
        return bool(self._marked[row])

    def grow(self) -> None:
        """For one more row, without a mark."""
        self._marked.append(False)

    def set(self, row: int, marked: bool) -> None:
        self.count += marked - self._marked[row]
        self._marked[row] = marked

    def begin_range(self, row: int) -> None:
        self.range_from = row
        self._before = bytes(self._marked)
        self.set(row, True)

    def stretch(self, rows: Iterable[int]) -> None:
        """The open range is these rows now."""
        self._marked[: len(self._before)] = self._before
        for row in rows:
            self._marked[row] = True
        self.count = self._marked.count(True)

    def end_range(self) -> None:
        self.range_from = None
