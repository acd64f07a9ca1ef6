"""Two images beside each other: in short, their config, history and layers, files, packages."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, Static

from regtui import words
from regtui.errors import RegtuiError
from regtui.oci.reference import Reference
from regtui.operations import compare
from regtui.operations.compare import Facts, Files, Packages, Pair
from regtui.operations.compare_text import has_text, side_of
from regtui.tui.batches import batches
from regtui.tui.connections import Connections
from regtui.tui.glyphs import ASCII, UNICODE
from regtui.tui.keys import binding
from regtui.tui.screens.dialog import Dialog, explained, facts
from regtui.tui.screens.file import FileScreen
from regtui.tui.screens.lines_differ import LinesDifferScreen
from regtui.tui.widgets.breadcrumb import Breadcrumb
from regtui.tui.widgets.comparison.comparison import ComparisonPane
from regtui.tui.widgets.comparison.differences import Differences
from regtui.tui.widgets.comparison.rows import summary
from regtui.tui.widgets.comparison.sides import SideRow, Sides
from regtui.tui.widgets.filterbar import FilterBar
from regtui.tui.widgets.keyline import KeyLine

_OF_LAYERS = ("files", "packages")
"""Tabs that need the layers: these are read when one goes there."""


class CompareScreen(Screen[None], inherit_bindings=False):
    """A and B, the first and the second. Esc ends a filter, stops reading layers, then leaves."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        binding("next_tab", "turn(1)", show=True),
        binding("previous_tab", "turn(-1)"),
        binding("filter", show=True),
        binding("compare_content", show=True),
        replace(binding("reverse", "swap", show=True), description="swap A and B"),
        binding("refresh"),
        binding("out", show=True),
        replace(binding("quit", "leave"), description="leave the comparison"),
    ]

    def __init__(self, connections: Connections, before: Reference, after: Reference) -> None:
        super().__init__()
        self._connections = connections
        self._references = before, after
        settings = connections.settings
        self._platform = settings.named_platform
        look = ASCII if settings.ascii else UNICODE
        self.pane = ComparisonPane(glyphs=look, page_jump=settings.page_jump)
        self._breadcrumb = Breadcrumb(glyphs=look)
        self._keyline = KeyLine(glyphs=look)
        self.pair: Pair | None = None
        self.facts: Facts | None = None
        self.files: Files | None = None
        self.packages: Packages | None = None
        self._cost = 0  # bytes that reading the layers takes
        self._is_reading = False

    def compose(self) -> ComposeResult:
        yield self._breadcrumb
        yield self.pane
        yield self._keyline

    def on_mount(self) -> None:
        self._begin()

    # Reading

    def _begin(self) -> None:
        self.pair = self.facts = self.files = self.packages = None
        self._is_reading = False
        self.pane.show_no_facts("Reading …")
        self._head("")
        self._say("reading the manifests")
        self.run_worker(self._read(), group="compare", exclusive=True)

    def _head(self, platform: str) -> None:
        before, after = self._references
        self._breadcrumb.show(
            ("Compare", f"A {before}", f"B {_short(after, before)}", *([platform] if platform else ())), ()
        )

    async def _read(self) -> None:
        try:
            sides = [(await self._connections.session(one.registry), one) for one in self._references]
            pair = self.pair = await compare.find_pair(sides[0], sides[1], self._platform)
            self._cost = await compare.to_read(*pair.sources) if pair.are_images else 0
        except RegtuiError as error:
            told = f"{explained(error)} Press r to try again."
            self.pane.summary.show(())
            self.pane.summary.empty_text = told
            self.pane.show_no_facts(told)
            self._say(f"! {error.what}", failed=True)
            return
        self._head(pair.platform)
        if pair.is_same:
            self.pane.show_no_facts(f"The same {pair.before.kind}: one digest.")
        else:
            self.facts = compare.compare_facts(pair)
            self.pane.show_facts(self.facts)
            self.pane.show_no_files("" if pair.are_images else "Only images have files and packages.")
        self._say("")
        self._tell()
        self._want_layers()

    def _want_layers(self) -> None:
        if self.pane.tab in _OF_LAYERS and not self._is_reading and self.packages is None:
            self._read_layers()

    def _read_layers(self, *, content: bool = False) -> None:
        pair = self.pair
        if pair is not None and pair.are_images and not pair.is_same:
            self._is_reading = True
            self.files = self.packages = None
            self.pane.show_no_files("")
            self.run_worker(self._compare_layers(pair, content), group="layers", exclusive=True)

    async def _compare_layers(self, pair: Pair, content: bool) -> None:
        self._reading("reading the layers")
        try:
            async with aclosing(batches(compare.compare_layers(pair, content=content))) as arriving:
                async for parts in arriving:
                    for part in parts:
                        self._take(part)
        except RegtuiError as error:
            told = f"{explained(error)} Press r to try again."
            if self.files is None:
                self.pane.files.clear(told, f"! {error.what}")
            self.pane.packages.show((), told)
            self._say(f"! {error.what}", failed=True)
        else:
            self._say("")
        finally:
            self._is_reading = False
        self._tell()

    def _take(self, part: compare.Progress | Files | Packages) -> None:
        if isinstance(part, Files):
            self.files = part
            self.pane.files.show(part)
        elif isinstance(part, Packages):
            self.packages = part
            self.pane.show_packages(part)
        else:
            self._reading(f"reading {words.so_far(part.bytes_read, part.bytes_total)}")
            return
        self._tell()

    def _reading(self, text: str) -> None:
        self._say(text)
        for listing, part in ((self.pane.files, self.files), (self.pane.packages, self.packages)):
            if part is None:
                listing.empty_text = f"{text[0].upper()}{text[1:]} … Esc stops."

    def _stop(self) -> None:
        self.workers.cancel_group(self, "layers")
        self._is_reading = False
        self._say("stopped")
        stopped = "Reading was stopped. Press r to read again."
        if self.files is None:
            self.pane.show_no_files(stopped)
        else:
            self.pane.packages.show((), stopped)

    # The first tab, and the last line

    def _tell(self) -> None:
        if self.pair:
            entries = summary(self.pair, self.facts, self.files, self.packages, self._cost)
            self.pane.summary.show(entries, keep_cursor=True)
        self.refresh_bindings()

    def _say(self, text: str, *, failed: bool = False) -> None:
        self._keyline.show("", text, failed=failed)

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While one types, keys are text."""
        if isinstance(self.focused, Input):
            return False
        if action == "filter":
            return None if self.pane.tab == "summary" else True
        if action == "compare_content":
            return True if self.files and self.files.comparison.untold and not self._is_reading else None
        return True

    def action_turn(self, by: int) -> None:
        self.pane.turn(by)
        self._want_layers()
        self.refresh_bindings()

    def action_filter(self) -> None:
        self.pane.filter.open()

    def on_filter_bar_typed(self, message: FilterBar.Typed) -> None:
        wrong = self.pane.set_filter(message.text)
        self._say(wrong, failed=bool(wrong))

    def on_filter_bar_left(self) -> None:
        self.pane.focus_list()

    def action_compare_content(self) -> None:
        self._read_layers(content=True)

    def action_swap(self) -> None:
        self._references = self._references[1], self._references[0]
        self.workers.cancel_group(self, "layers")
        self._begin()

    def action_refresh(self) -> None:
        if self.pair is not None and self.pane.tab in _OF_LAYERS and not self._is_reading and self.packages is None:
            self._read_layers()
            return
        self.workers.cancel_group(self, "layers")
        self._begin()

    def action_out(self) -> None:
        if self.pane.filter.text:
            self.pane.filter.clear()
        elif self._is_reading:
            self._stop()
        else:
            self.action_leave()

    def action_leave(self) -> None:
        self.dismiss()

    def on_lines_out(self) -> None:
        self.action_out()

    # What Enter opens

    def on_sides_opened(self, message: Sides.Opened) -> None:
        self.app.push_screen(RowDialog(message.row))

    def on_differences_opened(self, message: Differences.Opened) -> None:
        pair, files, at = self.pair, self.files, message.difference
        if pair is None or files is None:
            return
        if has_text(at):
            self.app.push_screen(LinesDifferScreen(pair.sources, files, at))
            return
        is_after = at.after is not None
        source = pair.sources[is_after]
        try:
            file = side_of(files, pair.sources, at, after=is_after)
        except RegtuiError as error:
            self.notify(explained(error), severity="warning", markup=False)
        else:
            self.app.push_screen(FileScreen(source.session, source.reference, file))


class RowDialog(Dialog[None]):
    """One row of two sides, whole."""

    def __init__(self, row: SideRow) -> None:
        super().__init__(row.label)
        self._row = row

    def body(self) -> Iterable[Widget]:
        yield Static(facts([("A", self._row.before or "–"), ("B", self._row.after or "–")]))


def _short(reference: Reference, beside: Reference) -> str:
    """Without what it has in common with the other."""
    if reference.at() != beside.at():
        return str(reference)
    return reference.tag or reference.version
