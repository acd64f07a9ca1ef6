"""How far something is that takes long: a bar for all of it, its rate, and a bar for each part that is under way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from regtui.text import shown
from regtui.tui.cells import Cell, Row, laid_out
from regtui.tui.glyphs import UNICODE, Glyphs
from regtui.words import so_far

if TYPE_CHECKING:
    from regtui.operations.running import Running

_BAR = 40
_PART_BAR = 16
_SAID = 22  # cells of `123.4 MB of 123.4 MB`
_BARS_FROM = 60  # cells; below, parts say how far they are by a number only


class Part(NamedTuple):
    """Something under way. `key` is its own: it keeps its line as long as it is told. `size` 0: nothing to measure."""

    key: int
    text: str
    done: int = 0
    size: int = 0


class Steps(Widget):
    """As many lines from its first to its last moment, of which only those are sent that changed.

    Its owner calls `show`, or `follow` with the state of a change, a few times a second at most.
    """

    DEFAULT_CSS = "Steps { width: 1fr; color: $foreground; }"

    def __init__(self, *, glyphs: Glyphs = UNICODE, rows: int = 1) -> None:
        """`rows` are the lines for parts; when there are more, the last one counts the others."""
        super().__init__()
        self.glyphs = glyphs
        self.styles.height = 2 + rows
        self._share, self._line = 0.0, ""
        self._slots: list[Part | None] = [None] * rows
        self._more = 0
        self._painted: dict[int, Row] = {}

    def follow(self, running: Running) -> None:
        """A change, by the steps that the runner has under way."""
        parts = [
            Part(event.number, event.text, getattr(event, "done", 0), getattr(event, "size", 0))
            for event in running.under_way.values()
        ]
        self.show(running.share, running.line(), parts)

    def show(self, share: float, line: str, parts: Sequence[Part]) -> None:
        """`share` is what is done of all, 0 to 1; `line` says it with rate and time left. Texts pass the gate here."""
        self._share, self._line = share, line
        self._place(parts)
        for y in range(self.size.height):
            if y in self._painted and self._row(y) != self._painted[y]:
                self.refresh(Region(0, y, self.size.width, 1))

    def _place(self, parts: Sequence[Part]) -> None:
        """A part stays where it is; who comes new takes the place of one that went."""
        told = {part.key: part for part in parts}
        self._slots = [told.pop(slot.key, None) if slot else None for slot in self._slots]
        coming = list(told.values())
        self._slots = [slot or (coming.pop(0) if coming else None) for slot in self._slots]
        self._more = len(coming)

    def render_line(self, y: int) -> Strip:
        row = self._painted[y] = self._row(y)
        text = "".join(text for text, _ in laid_out(row, self.size.width, self.glyphs))
        return Strip([Segment(text, self.rich_style)], self.size.width)

    def _row(self, y: int) -> Row:
        if y == 0:
            return Cell(self.glyphs.bar(self._share, min(_BAR, self.size.width - 5))), Cell(f" {self._share:4.0%}")
        if y == 1:
            return (Cell(self._line),)
        part = self._slots[y - 2] if y - 2 < len(self._slots) else None
        if part is None:
            return ()
        others = f" and {self._more:,} more" if self._more and y - 1 == len(self._slots) else ""
        return self._part(part, others)

    def _part(self, part: Part, others: str) -> Row:
        width = self.size.width
        if not part.size:
            text = self.glyphs.text(shown(part.text, 4 * width))
            return Cell(text, width=max(1, min(cell_len(text), width - len(others)))), Cell(others)
        share = part.done / part.size
        said = f" {share:4.0%}{others}"
        if width >= _BARS_FROM:
            said = f" {self.glyphs.bar(share, _PART_BAR)} {so_far(part.done, part.size):>{_SAID}}{others}"
        return Cell(part.text, width=max(1, width - len(said))), Cell(said)
