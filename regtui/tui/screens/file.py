"""A file of an image: as text or as hex, with what is known of it."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import aclosing
from dataclasses import replace
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from regtui import words
from regtui.errors import RegtuiError, UsageError
from regtui.oci.reference import Reference
from regtui.operations.opening import FileOfImage, Opened, Progress, open_file
from regtui.operations.saving import plan_of_file
from regtui.operations.session import Session
from regtui.patterns import Filter
from regtui.speed import Speed
from regtui.text import for_shell, shown
from regtui.tui.batches import batches
from regtui.tui.glyphs import ASCII, UNICODE
from regtui.tui.keys import binding
from regtui.tui.screens.copy import ChoiceDialog
from regtui.tui.screens.go_to import GoToDialog
from regtui.tui.screens.save import SaveDialog
from regtui.tui.widgets.choices import Choice
from regtui.tui.widgets.content.facts import facts_of_content, facts_of_entry
from regtui.tui.widgets.content.hex_view import HexView
from regtui.tui.widgets.content.syntax import language_of
from regtui.tui.widgets.content.text_rows import TextRows
from regtui.tui.widgets.content.text_view import TextView
from regtui.tui.widgets.filterbar import FilterBar
from regtui.tui.widgets.keyline import KeyLine
from regtui.tui.widgets.pane import Pane

_NO_ROW = -1


class FileScreen(Screen[None], inherit_bindings=False):
    """Reads the file when it opens. Esc ends a search, then leaves: what is still being read is cancelled."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        replace(binding("filter", show=True), description="search"),
        replace(binding("open", "find(1)"), description="next match"),
        binding("find_previous", "find(-1)"),
        binding("go_to_line", show=True),
        binding("hex", show=True),
        binding("save", show=True),
        binding("copy", show=True),
        binding("refresh"),
        binding("out", show=True),
        replace(binding("quit", "leave"), description="leave the file"),
    ]

    def __init__(self, session: Session, image: Reference, file: FileOfImage) -> None:
        """`image` is the repository and digest that the file is in."""
        super().__init__()
        self.session, self.image, self.file = session, image, file
        self.opened: Opened | None = None
        look = ASCII if session.settings.ascii else UNICODE
        options: dict[str, Any] = {"glyphs": look, "page_jump": session.settings.page_jump}
        self.text_view = TextView(**options)
        self.hex_view = HexView(**options)
        self._is_hex = False
        self._turned_at = -1  # the byte that the hex began with when one turned to it
        self._filter = FilterBar()
        self._wanted = Filter()
        self._from = 0  # the row that a search began on
        self._head = Static(markup=False, classes="file-facts")
        views = self._head, self.text_view, self.hex_view, self._filter
        self._pane = Pane(*views, number=1, title=f"/{file.path}", glyphs=look)
        self._keyline = KeyLine(glyphs=look)

    def compose(self) -> ComposeResult:
        yield self._pane
        yield self._keyline

    def on_mount(self) -> None:
        self.hex_view.display = False
        self.set_focus(self.text_view)
        self._tell_facts()
        self._read()

    # Reading

    def _read(self) -> None:
        self.run_worker(self._open(), group="read", exclusive=True)

    async def _open(self) -> None:
        speed = Speed()
        self._reading(f"Reading {words.size(self.file.entry.size)} of layer {self.file.number} …")
        try:
            async with aclosing(batches(open_file(self.session, self.image.repository, self.file))) as arriving:
                async for events in arriving:
                    last = events[-1]
                    if isinstance(last, Progress):
                        speed.note(last.bytes_read, time.monotonic())
                        far = words.so_far(last.bytes_read, last.bytes_total)
                        parts = (f"Reading {far}", speed.text(last.bytes_total), "Esc cancels")
                        self._reading(" · ".join(filter(None, parts)))
                    else:
                        await self._show(last)
        except RegtuiError as error:
            self._reading(f"{error.sentences} Press r to try again.")
            self._keyline.show("", f"! {error.what}", failed=True)

    def _reading(self, what: str) -> None:
        self.text_view.empty_text = self.hex_view.empty_text = what
        self._keyline.show("", "")

    async def _show(self, opened: Opened) -> None:
        rows = await asyncio.to_thread(TextRows, opened.text)
        self.opened = opened
        self._reading("This file is empty.")
        program = opened.kind.name.removeprefix("script for ") if opened.kind.name.startswith("script for ") else ""
        language = "xml" if opened.kind.name == "SVG picture" else language_of(self.file.path, program)
        self.text_view.show(rows, language)
        self.hex_view.show(opened.data)
        self._tell_facts()
        self._turn(not opened.kind.is_text)
        self.refresh_bindings()

    def action_refresh(self) -> None:
        if self.opened is None:
            self._read()

    # What stands above and below

    def _tell_facts(self) -> None:
        look = self._pane.glyphs
        lines = [facts_of_entry(self.file)]
        if self.opened:
            lines.append(facts_of_content(self.opened))
        self._head.update(Content("\n".join(look.text(shown(line)) for line in lines)))

    def _tell(self) -> None:
        if self.opened:
            self._keyline.show("", self._view.place)

    @property
    def _view(self) -> TextView | HexView:
        return self.hex_view if self._is_hex else self.text_view

    def on_lines_cursor_moved(self) -> None:
        self._tell()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While one types, keys are text; a search wants something to look for."""
        if isinstance(self.focused, Input):
            return False
        if action == "find":
            return True if self._wanted else None
        if action in ("hex", "filter", "go_to_line"):
            return True if self.opened and self.opened.data else None
        return True

    # Text or hex

    def action_hex(self) -> None:
        if not self.opened:
            return
        has_same_bytes = self.opened.text == self.opened.data
        if self._is_hex and not self.text_view.row_count:
            return
        if has_same_bytes and self._is_hex:
            if self.hex_view.position != self._turned_at:  # else it is the row that one came from
                self.text_view.go_to_byte(self.hex_view.position)
        elif has_same_bytes:
            self.hex_view.go_to(self.text_view.position)
            self._turned_at = self.hex_view.position
        self._turn(not self._is_hex)

    def _turn(self, to_hex: bool) -> None:
        self._is_hex = to_hex
        self.text_view.display, self.hex_view.display = not to_hex, to_hex
        if not isinstance(self.focused, Input):
            self.set_focus(self._view, scroll_visible=False)
        self._tell()

    def action_go_to_line(self) -> None:
        what = "Byte, 0 to" if self._is_hex else "Line, 1 to"
        last = len(self.opened.data) - 1 if self._is_hex and self.opened else self.text_view.lines
        self.app.push_screen(GoToDialog(f"{what} {last:,}"), self._go_to)

    def _go_to(self, number: int | None) -> None:
        if number is not None:
            self._view.go_to(number)

    # Searching

    def action_filter(self) -> None:
        self._from = self._here
        self._filter.open()

    def on_filter_bar_typed(self, message: FilterBar.Typed) -> None:
        try:
            self._wanted = Filter(message.text)
        except UsageError as error:
            self._keyline.show("", str(error), failed=True)
            return
        self.text_view.mark(_pattern(self._wanted.text))
        self.refresh_bindings()
        if self._wanted:
            self.run_worker(self._find(self._from, 1), group="search", exclusive=True)
        else:
            self.workers.cancel_group(self, "search")
            self._tell()

    def on_filter_bar_left(self) -> None:
        self.set_focus(self._view, scroll_visible=False)

    def action_find(self, by: int) -> None:
        self.run_worker(self._find(self._here + by, by), group="search", exclusive=True)

    @property
    def _here(self) -> int:
        """The row that a search goes on from."""
        return self.hex_view.cursor if self._is_hex else self.text_view.cursor_row

    async def _find(self, start: int, by: int) -> None:
        self._keyline.show("", "searching")
        view = self._view
        steps = view.search(self._wanted, start, by)
        while (row := await asyncio.to_thread(next, steps, _NO_ROW)) is None:
            pass
        if row == _NO_ROW:
            self._keyline.show("", f"nothing matches {self._wanted.text}", failed=True)
        else:
            view.found(row)
            self._tell()

    # Out

    def action_out(self) -> None:
        if self._filter.text:
            self._filter.clear()
        else:
            self.action_leave()

    def action_leave(self) -> None:
        self.dismiss()

    # What one does with it

    def action_save(self) -> None:
        layers = {self.file.number: self.file.layer}
        plan = plan_of_file(self.file)
        dialog = SaveDialog(self.session, self.image.repository, layers, plan, self.file.path)
        self.app.push_screen(dialog, self._saved)

    def _saved(self, said: str | None) -> None:
        if said:
            self.notify(said, markup=False)

    def action_copy(self) -> None:
        image, path = self.image, f"/{self.file.path}"
        path = path if path.isprintable() else for_shell(path)
        choices = [
            Choice("Path", path, path),
            Choice("Image", str(image), str(image)),
            Choice("Command", command := _command(image, self.file), command),
        ]
        self.app.push_screen(ChoiceDialog("Copy", choices, self._pane.glyphs), self._copied)

    def _copied(self, choice: Choice | None) -> None:
        if choice:
            self.app.copy_to_clipboard(choice.value)
            self.notify(f"Copied {choice.value}", markup=False)


def _pattern(text: str) -> re.Pattern[str] | None:
    """What is marked where the filter `text` found a line; None when there is nothing to point at."""
    if text.startswith("re:"):
        return re.compile(text[3:], re.IGNORECASE)
    plain = [re.escape(word) for word in text.split() if "*" not in word and "?" not in word]
    return re.compile("|".join(plain), re.IGNORECASE) if plain else None


def _command(image: Reference, file: FileOfImage) -> str:
    return " ".join(map(for_shell, ("regtui", "cat", str(image), f"/{file.path}")))
