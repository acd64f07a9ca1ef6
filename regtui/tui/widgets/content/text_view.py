"""A file as text: any number of lines, decoded, made safe and coloured when they come into view."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Hashable, Iterator
from dataclasses import replace
from typing import ClassVar, Unpack

from rich.cells import cell_len
from textual.binding import BindingType

from regtui.patterns import Filter
from regtui.tui.cells import Cell, Row
from regtui.tui.keys import binding
from regtui.tui.widgets.content.folds import MOST, Folds
from regtui.tui.widgets.content.pieces import cut_left, cut_right, marked, safe
from regtui.tui.widgets.content.syntax import BLOCK, Piece, coloured
from regtui.tui.widgets.content.text_rows import TextRows
from regtui.tui.widgets.lines import Lines, Options

_STEP = 20  # cells that the text is scrolled to the side by
_NUMBERS_FROM = 40  # cells; below, the text needs the room
_AT_ONCE = 1024  # rows that are looked through together
_BLOCKS_KEPT = 64


class TextView(Lines):
    """Shows `TextRows`; a line that is too long is scrolled to the side. Colours come a little later than the text."""

    DEFAULT_CSS = """
    TextView > .lines--comment { color: $text-muted; }
    TextView > .lines--keyword { color: $text-primary; }
    TextView > .lines--string { color: $text-success; }
    TextView > .lines--number { color: $text-warning; }
    TextView > .lines--name { text-style: bold; }
    TextView > .lines--escape { color: $text-error; text-style: bold; }
    TextView > .lines--match { text-style: bold reverse; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "lines--comment",
        "lines--keyword",
        "lines--string",
        "lines--number",
        "lines--name",
        "lines--escape",
        "lines--match",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        replace(binding("right"), description="scroll right"),
        replace(binding("left"), description="scroll left"),
        binding("fold", show=True),
    ]

    def __init__(self, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        self._rows = TextRows(b"")
        self._language = ""
        self._left = 0  # cells that are scrolled away
        self._pattern: re.Pattern[str] | None = None
        self._blocks: dict[int, list[list[Piece] | None]] = {}
        self._folds: Folds | None = None
        self._folding = False  # whether long lines are to be folded

    def show(self, rows: TextRows, language: str = "") -> None:
        """Another text, from its beginning; `language` is what `language_of` says, or empty."""
        self._rows, self._language, self._left, self._blocks, self._folds = rows, language, 0, {}, None
        self._drawn.clear()
        self.refresh_rows(0)
        self._fold_anew()

    def mark(self, pattern: re.Pattern[str] | None) -> None:
        """Marks what is looked for, wherever it is in view."""
        self._pattern = pattern
        self.repaint_changed()

    # What others may ask

    @property
    def row_count(self) -> int:
        return len(self._folds or self._rows)

    @property
    def place(self) -> str:
        """Where the cursor is, for the last line."""
        row = self.cursor_row
        while row and not self._rows.number(row):
            row -= 1
        return f"line {self._rows.number(row):,} of {self._rows.lines:,}" if self._rows.lines else ""

    @property
    def lines(self) -> int:
        return self._rows.lines

    @property
    def position(self) -> int:
        """The first byte of the cursor's row."""
        return self._rows.position(self.cursor_row) if self._rows.lines else 0

    @property
    def cursor_row(self) -> int:
        return self._at(self.cursor)[0]

    def go_to_byte(self, position: int) -> None:
        self._in_the_middle(self._rows.row_at(position))

    def go_to(self, number: int) -> None:
        """To a line, counted from 1."""
        self._in_the_middle(self._rows.row_of_line(number))

    def found(self, row: int) -> None:
        """To a row that a search found, where in it that is; it is scrolled to the side as far as is needed."""
        text = "".join(text for _, text in self._safe(row))
        match = self._pattern.search(text) if self._pattern else None
        room = self.row_width - self._gutter
        start = cell_len(text[: match.start()]) if match else 0
        self._in_the_middle(row, start)
        if match and match.group() and not self._folds:
            end = cell_len(text[: match.end()])
            if start < self._left or end > self._left + room:
                self._scroll_to_side(max(0, min(start, end - room // 2)))

    def search(self, wanted: Filter, start: int, by: int) -> Iterator[int | None]:
        """The first row that matches from `start` on, up (`by` -1) or down, round the end; None for every portion.

        Each step looks through few rows: for a thread, or a loop that does other things in between.
        """
        count = len(self._rows)
        for done in range(0, count, _AT_ONCE):
            rows = [(start + by * step) % count for step in range(done, min(done + _AT_ONCE, count))]
            texts = [self._rows.text(row) for row in rows]
            if kept := wanted.keep(texts, range(len(texts))):
                yield rows[kept[0]]
                return
            yield None

    # Moving

    def action_right(self) -> None:
        if self._folds:
            return
        room = self.row_width - self._gutter
        widest = max((sum(cell_len(text) for _, text in self._safe(row)) for row in self.view), default=0)
        self._scroll_to_side(max(self._left, min(self._left + _STEP, widest - room)))

    def action_left(self) -> None:
        self._scroll_to_side(max(0, self._left - _STEP))

    def _scroll_to_side(self, left: int) -> None:
        self._left = left
        self.repaint_changed()

    def _in_the_middle(self, row: int, left: int = 0) -> None:
        line = self._folds.line_of(row, left) if self._folds else row
        if line not in self.view:
            self._scroll_top(line - self.page // 3)
        self.move_to(line)

    # Folding

    def action_fold(self) -> None:
        """Folds what is longer than the screen is wide, or no longer."""
        self._folding = not self._folding
        if self._folding:
            self._left = 0
            self._fold_anew()
        else:
            self._take(None)

    def on_resize(self) -> None:
        super().on_resize()
        self._fold_anew()

    def _fold_anew(self) -> None:
        if self._folding and len(self._rows) > MOST:
            self._folding = False
            self.notify(f"Texts of more than {MOST:,} lines aren't folded.", severity="warning")
        width = self.size.width - 2 - self._gutter  # beside the cursor and the scroll bar, which folds may bring
        if self._folding and width > 0:
            self.run_worker(self._fold(self._rows, width), group="fold", exclusive=True)

    async def _fold(self, rows: TextRows, width: int) -> None:
        wanted = [True]
        try:
            folds = await asyncio.to_thread(Folds, len(rows), width, self._drawn_text, lambda: bool(wanted))
        finally:
            wanted.clear()
        if self._folding and rows is self._rows:
            self._take(folds if len(folds) > len(rows) else None)

    def _drawn_text(self, row: int) -> str:
        return "".join(text for _, text in safe([("", self._rows.text(row))], self.glyphs))

    def _take(self, folds: Folds | None) -> None:
        row, left = self._at(self.cursor) if self._rows.lines else (0, 0)
        self._folds = folds
        self._drawn.clear()
        self.refresh_rows(folds.line_of(row, left) if folds else row)

    def _at(self, line: int) -> tuple[int, int]:
        """The row that a line shows, and the cells of it that come before."""
        return self._folds.at(line) if self._folds else (line, self._left)

    # Rows

    @property
    def _gutter(self) -> int:
        """Cells for the line's number and a space."""
        return len(str(self._rows.lines)) + 1 if self.size.width >= _NUMBERS_FROM else 0

    def row_version(self, index: int) -> Hashable:
        row, left = self._at(index)
        return row, left, row // BLOCK in self._blocks, self._pattern

    def row(self, index: int, width: int) -> Row:
        gutter = self._gutter
        row, left = self._at(index)
        cells = []
        if gutter:
            number = 0 if self._folds and left else self._rows.number(row)
            cells += [Cell(str(number) if number else "", "dim", gutter - 1, right=True), Cell(" ")]
        pieces = cut_left(marked(self._safe(row), self._pattern), left)
        room, cut = (self._folds.width, "") if self._folds else (width - gutter, self.glyphs.cut)
        cells += [Cell(text, style) for style, text in cut_right(pieces, room, cut)]
        return tuple(cells)

    def _safe(self, row: int) -> list[Piece]:
        lines = self._blocks.get(row // BLOCK)
        return safe((lines[row % BLOCK] if lines else None) or [("", self._rows.text(row))], self.glyphs)

    # Colours

    def view_moved(self) -> None:
        if self._language and any(block not in self._blocks for block in self._blocks_in_view):
            self.run_worker(self._colour, group="colours", exclusive=True)  # type: ignore[arg-type]  # no coroutine before it starts

    @property
    def _blocks_in_view(self) -> list[int]:
        view = self.view
        if not view:
            return []
        return list(range(self._at(view.start)[0] // BLOCK, self._at(view.stop - 1)[0] // BLOCK + 1))

    async def _colour(self) -> None:
        rows = self._rows
        for block in self._blocks_in_view:
            if block not in self._blocks:
                lines = await asyncio.to_thread(coloured, rows, block, self._language)
                if len(self._blocks) >= _BLOCKS_KEPT:
                    self._blocks.clear()
                self._blocks[block] = lines
                self.repaint_changed()
