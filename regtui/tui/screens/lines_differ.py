"""One file of two images, by lines: what `diff -u` says."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from regtui import words
from regtui.errors import RegtuiError
from regtui.operations.compare import Difference, Files, told
from regtui.operations.compare_files import Source
from regtui.operations.compare_text import LinesDiffer, compare_text, side_of
from regtui.tui.batches import batches
from regtui.tui.cells import Cell, Row
from regtui.tui.glyphs import ASCII, UNICODE
from regtui.tui.keys import binding
from regtui.tui.screens.dialog import explained
from regtui.tui.screens.file import FileScreen
from regtui.tui.widgets.keyline import KeyLine
from regtui.tui.widgets.lines import Lines
from regtui.tui.widgets.pane import Pane

_STYLES = {"+": "sibling", "-": "error", "@": "heading"}


class UnifiedLines(Lines):
    """Lines that begin with what happened to them: + came, - went, @ says where."""

    BINDINGS: ClassVar[list[BindingType]] = [binding("left")]
    _lines: Sequence[str] = ()

    def show(self, lines: Sequence[str]) -> None:
        self._lines = [line.expandtabs(4) for line in lines]
        self.refresh_rows(0)

    @property
    def row_count(self) -> int:
        return len(self._lines)

    def row_version(self, index: int) -> Hashable:
        return self._lines[index]

    def row(self, index: int, width: int) -> Row:
        line = self._lines[index]
        return (Cell(line, _STYLES.get(line[:1], "")),)

    def action_left(self) -> None:
        self.post_message(self.Out(self))


class LinesDifferScreen(Screen[None], inherit_bindings=False):
    """Reads both sides when it opens. Enter shows B's file whole. Esc stops reading, and leaves."""

    AUTO_FOCUS = "UnifiedLines"
    BINDINGS: ClassVar[list[BindingType]] = [
        replace(binding("open", show=True), description="the file of B"),
        binding("out", show=True),
        replace(binding("quit", "out"), description="leave the file"),
    ]

    def __init__(self, sources: tuple[Source, Source], files: Files, at: Difference) -> None:
        super().__init__()
        self._sources, self._files, self._at = sources, files, at
        settings = sources[0].session.settings
        look = ASCII if settings.ascii else UNICODE
        self._lines = UnifiedLines(glyphs=look, page_jump=settings.page_jump, empty_text="Reading …")
        title = f"/{at.path} · {told(at)}" if at.change else f"/{at.path}"
        self._pane = Pane(self._lines, number=1, title=title, glyphs=look)
        self._keyline = KeyLine(glyphs=look)

    def compose(self) -> ComposeResult:
        yield self._pane
        yield self._keyline

    def on_mount(self) -> None:
        self.run_worker(self._read(), group="read", exclusive=True)

    async def _read(self) -> None:
        try:
            async with aclosing(batches(compare_text(self._files, self._sources, self._at))) as arriving:
                async for events in arriving:
                    last = events[-1]
                    if isinstance(last, LinesDiffer):
                        self._lines.empty_text = f"{last.why} {self._changes}".strip()
                        self._lines.show(last.lines)
                        self._keyline.show("", "")
                    else:
                        read = f"reading {words.so_far(last.bytes_read, last.bytes_total)}"
                        self._keyline.show("", read)
        except RegtuiError as error:
            self._lines.empty_text = explained(error)
            self._keyline.show("", f"! {error.what}", failed=True)

    @property
    def _changes(self) -> str:
        return f"Changed: {told(self._at)}." if self._at.change else ""

    def action_open(self) -> None:
        source = self._sources[1]
        file = side_of(self._files, self._sources, self._at, after=True)
        self.app.push_screen(FileScreen(source.session, source.reference, file))

    def action_out(self) -> None:
        self.dismiss()

    def on_lines_out(self) -> None:
        self.dismiss()
