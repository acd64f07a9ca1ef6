"""A text of any length as rows: found by counting newlines page by page, decoded only when they are shown."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

PAGE: Final = 4096
"""Bytes. A line that fills a whole page goes on in another row after it: no row has more than twice as many."""
_TAB: Final = 8
_PAGES_KEPT: Final = 64


class TextRows:
    """The rows of UTF-8 text; what isn't UTF-8 stays as `surrogateescape` has it. One pass of 30 ms for 64 MiB."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._rows = array("Q", [1 if data else 0])  # rows that begin before each page's own; the first is nobody's
        self._newlines = array("Q", [0])
        self._starts: dict[int, list[int]] = {}
        breaks = False
        for start in range(0, len(data), PAGE):
            count = data.count(b"\n", start, start + PAGE)
            self._rows.append(self._rows[-1] + count + breaks)
            self._newlines.append(self._newlines[-1] + count)
            breaks = count == 0
        ends_a_line = data.endswith(b"\n")
        self.lines: int = self._newlines[-1] + (bool(data) and not ends_a_line)
        """How many lines the text has; a newline at its end begins none."""
        self._count = self._rows[-1] - ends_a_line
        if self._count and self.position(self._count - 1) >= len(data):
            self._count -= 1  # a break that fell on the text's end

    def __len__(self) -> int:
        return self._count

    def text(self, row: int) -> str:
        """A row without its line's end, tabs as spaces."""
        raw = self.data[self.position(row) : self._end(row)]
        text = raw.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "surrogateescape")
        return text.expandtabs(_TAB) if "\t" in text else text

    def texts(self, rows: range) -> Iterator[str]:
        return map(self.text, rows)

    def number(self, row: int) -> int:
        """The line's number, from 1; 0 of a row that goes on with the line before."""
        if row == 0:
            return 1
        start = self.position(row)
        if self.data[start - 1 : start] != b"\n":
            return 0
        page = (start - 1) // PAGE
        return self._newlines[page] + self.data.count(b"\n", page * PAGE, start) + 1

    def row_of_line(self, number: int) -> int:
        """The row in which a line begins; the last line's for those beyond."""
        number = max(1, min(number, self.lines))
        if number == 1:
            return 0
        page = bisect_right(self._newlines, number - 2) - 1
        position = page * PAGE - 1
        for _ in range(number - 1 - self._newlines[page]):
            position = self.data.find(b"\n", position + 1)
        return self.row_at(position + 1)

    def row_at(self, position: int) -> int:
        """The row that has a byte."""
        page = position // PAGE
        starts = self._starts_in(page) if page < len(self._rows) - 1 else []
        return max(0, min(self._rows[page] + bisect_right(starts, position) - 1, self._count - 1))

    def span(self, rows: range) -> bytes:
        """The bytes of rows that follow each other, with their ends."""
        return self.data[self.position(rows.start) : self._end(rows.stop - 1)]

    def position(self, row: int) -> int:
        """A row's first byte."""
        if row == 0:
            return 0
        page = bisect_right(self._rows, row) - 1
        return self._starts_in(page)[row - self._rows[page]]

    def _end(self, row: int) -> int:
        return self.position(row + 1) if row + 1 < self._count else len(self.data)

    def _starts_in(self, page: int) -> list[int]:
        """Where the rows begin that a page's newlines, or its own beginning, make."""
        starts = self._starts.get(page)
        if starts is None:
            if len(self._starts) >= _PAGES_KEPT:
                self._starts.clear()
            starts = self._starts[page] = self._found_in(page)
        return starts

    def _found_in(self, page: int) -> list[int]:
        begin, starts = page * PAGE, []
        if self._rows[page + 1] - self._rows[page] > self._newlines[page + 1] - self._newlines[page]:
            start = begin
            while start < begin + 3 and 0x80 <= int.from_bytes(self.data[start : start + 1], "big") < 0xC0:
                start += 1  # not in the middle of a character
            starts.append(start)
        position = self.data.find(b"\n", begin, begin + PAGE)
        while position >= 0:
            starts.append(position + 1)
            position = self.data.find(b"\n", position + 1, begin + PAGE)
        return starts
