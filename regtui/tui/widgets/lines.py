"""The one virtual list under every pane: any number of rows, work only for those on the screen.

Over SSH bytes count, so a line is sent only when it looks different from what stands there: a moved cursor sends two
lines, rows that are sorted in above send none.
"""

from __future__ import annotations

import textwrap
from collections.abc import Hashable
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar, TypedDict, Unpack

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from regtui.text import shown
from regtui.tui.cells import Cell, Row, laid_out
from regtui.tui.glyphs import UNICODE, Glyphs
from regtui.tui.keys import binding


class Options(TypedDict, total=False):
    """What every list takes, by name."""

    glyphs: Glyphs
    page_jump: bool  # at its edge the list jumps half a page instead of one line: a scrolled page costs bytes
    empty_text: str  # shown in place of rows: why there are none, and what one can do
    id: str | None
    classes: str | None


class Lines(ScrollView, can_focus=True, inherit_bindings=False):
    """A list with a cursor. Subclasses say how many rows there are and what one looks like.

    They override `row_count` and `row`, and `row_version` so that rows are not laid out anew for every key. After any
    change of the rows they call `refresh_rows`. `row` gets the width without the cursor's column.
    """

    DEFAULT_CSS = """
    Lines {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size: 0 0;
        background: $background;
        color: $foreground;
    }
    Lines > .lines--cursor { text-style: bold; background: $block-cursor-blurred-background; color: $foreground; }
    Lines > .lines--cursor-focused {
        text-style: bold;
        background: $block-cursor-background;
        color: $block-cursor-foreground;
    }
    Lines > .lines--heading { color: $text-muted; text-style: bold; }
    Lines > .lines--dim { color: $text-muted; }
    Lines > .lines--bold { text-style: bold; }
    Lines > .lines--mark { color: $text-accent; text-style: bold; }
    Lines > .lines--sibling { color: $text-success; text-style: bold; }
    Lines > .lines--error { color: $text-error; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "lines--cursor",
        "lines--cursor-focused",
        "lines--heading",
        "lines--dim",
        "lines--bold",
        "lines--mark",
        "lines--sibling",
        "lines--error",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        binding("down"),
        binding("up"),
        binding("page_down"),
        binding("page_up"),
        binding("first"),
        binding("last"),
    ]
    ALLOW_SELECT = False

    heading_height = 0
    """1 where there is a `heading`."""

    cursor: reactive[int] = reactive(0, repaint=False, init=False)
    """The index of the row under the cursor; 0 when there are no rows."""

    @dataclass
    class CursorMoved(Message):
        """The cursor stands on another row."""

        lines: Lines
        index: int

        @property
        def control(self) -> Lines:
            return self.lines

    @dataclass
    class Out(Message):
        """The user wants to go out to the left of this list: the same as Esc."""

        lines: Lines

        @property
        def control(self) -> Lines:
            return self.lines

    def __init__(self, **options: Unpack[Options]) -> None:
        super().__init__(id=options.get("id"), classes=options.get("classes"))
        self.glyphs = options.get("glyphs", UNICODE)
        self.page_jump = options.get("page_jump", False)
        self._empty_text = options.get("empty_text", "")
        self._drawn: LRUCache[Hashable, Strip] = LRUCache(512)
        self._painted: dict[int, Strip] = {}
        self._clicked = -1

    # What subclasses say

    @property
    def row_count(self) -> int:
        return 0

    def row(self, index: int, width: int) -> Row:
        """The cells of a row, laid out for `width` cells."""
        raise NotImplementedError

    def row_version(self, index: int) -> Hashable:
        """What the looks of a row depend on, cheaper than the row itself. Rows of one version look the same."""
        return self.row(index, self.row_width)

    def heading(self, width: int) -> Row:
        """The line above the rows that doesn't scroll, where `heading_height` is 1."""
        return ()

    def heading_line(self, y: int, width: int) -> Row:
        """One of the heading's lines, where it has several."""
        return self.heading(width)

    def action_open(self) -> None:
        """What Enter and a second click do with the row under the cursor."""

    def view_moved(self) -> None:
        """Called when other rows may be in view."""

    # What others may ask

    @property
    def empty_text(self) -> str:
        """Shown in place of rows: why there are none, and what one can do."""
        return self._empty_text

    @empty_text.setter
    def empty_text(self, text: str) -> None:
        self._empty_text = text
        self.repaint_changed()

    @property
    def page(self) -> int:
        """Rows that find room on the screen, at least 1."""
        return max(1, self.size.height - self._above)

    @property
    def view(self) -> range:
        """The indices of the rows on the screen."""
        top = self.scroll_offset.y
        return range(top, min(top + self.page, self.row_count))

    @property
    def row_width(self) -> int:
        """Cells that a row has: without the cursor's column, and the scroll bar's when there is one."""
        return max(0, self.size.width - 1 - (self.row_count > self.page))

    def move_to(self, index: int) -> None:
        """The cursor to a row, or to the nearest there is; it is scrolled into view."""
        self.cursor = index
        self._show_cursor()

    def refresh_rows(self, cursor: int | None = None) -> None:
        """The rows are others now. `cursor` is where the row under the cursor went: it keeps its line on the screen."""
        line = self.cursor - self.scroll_offset.y
        if cursor is not None:
            self.set_reactive(Lines.cursor, cursor)
        self.set_reactive(Lines.cursor, self.validate_cursor(self.cursor))
        self._grow()
        self._scroll_top(self.cursor - line)
        self.repaint_changed()
        self.view_moved()

    # The cursor

    def validate_cursor(self, index: int) -> int:
        return max(0, min(index, self.row_count - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        self._clicked = -1
        self.post_message(self.CursorMoved(self, new))
        self.repaint_changed()

    def action_down(self) -> None:
        self.move_to(self.cursor + 1)

    def action_up(self) -> None:
        self.move_to(self.cursor - 1)

    def action_page_down(self) -> None:
        self._scroll_top(self.scroll_offset.y + self.page)
        self.move_to(self.cursor + self.page)

    def action_page_up(self) -> None:
        self._scroll_top(self.scroll_offset.y - self.page)
        self.move_to(self.cursor - self.page)

    def action_first(self) -> None:
        self.move_to(0)

    def action_last(self) -> None:
        self.move_to(self.row_count - 1)

    def _show_cursor(self) -> None:
        top, page = self.scroll_offset.y, self.page
        spare = page // 2 if self.page_jump else 0
        if self.cursor < top:
            top = self.cursor - spare
        elif self.cursor >= top + page:
            top = self.cursor - page + 1 + spare
        self._scroll_top(top)

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        index = self.scroll_offset.y + offset.y - self._above if offset else -1
        if offset and offset.y >= self._above and index < self.row_count:
            again = index == self._clicked
            self.move_to(index)
            self._clicked = index
            if again:
                self.action_open()

    # Scrolling and painting

    @property
    def _above(self) -> int:
        """Lines of heading: none where hardly a row finds room."""
        return self.heading_height if self.size.height > 2 else 0

    def _grow(self) -> None:
        """Takes over the number of rows, without the layout of the whole screen that Textual would make of it."""
        self.set_reactive(Widget.virtual_size, Size(self.size.width, self.row_count + self._above))
        self._scroll_update(self.virtual_size)

    def _scroll_top(self, top: int) -> None:
        self.scroll_to(y=top, animate=False, force=True)

    def on_resize(self) -> None:
        self._grow()
        self._show_cursor()
        self.view_moved()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        if round(old_value) != round(new_value):
            self.repaint_changed()
            self.view_moved()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._drawn.clear()

    def repaint_changed(self) -> None:
        """Sends those lines anew that look different from what stands on the screen."""
        for y in range(self.size.height):
            if y in self._painted and self._line(y) is not self._painted[y]:
                self.refresh(Region(0, y, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        strip = self._painted[y] = self._line(y)
        return strip

    def _line(self, y: int) -> Strip:
        if y < self._above:
            return self._static(self.heading_line(y, self.row_width), "heading")
        y -= self._above
        index = self.scroll_offset.y + y
        if not self.row_count:
            return self._static(self._explanation(y), "dim")
        if index >= self.row_count:
            return self._static((), "")
        look = ("cursor-focused" if self.has_focus else "cursor") if index == self.cursor else ""
        thumb = self._thumb(y)
        key = (self.row_version(index), self.size.width, self.row_width, look, thumb)
        strip = self._drawn.get(key)
        if strip is None:
            first = Cell(self.glyphs.cursor if look else " ")
            strip = self._drawn[key] = self._draw((first, *self.row(index, self.row_width)), look, thumb)
        return strip

    def _static(self, row: Row, look: str) -> Strip:
        key = (row, self.size.width, look)
        strip = self._drawn.get(key)
        if strip is None:
            strip = self._drawn[key] = self._draw((Cell(" "), *row), look)
        return strip

    def _explanation(self, y: int) -> Row:
        lines = textwrap.wrap(shown(self.empty_text), max(1, self.size.width - 2))
        return (Cell(lines[y]),) if y < len(lines) else ()

    def _thumb(self, y: int) -> str:
        """The piece of the scroll bar in a line, counted from the first row's; empty when all rows are in view."""
        count, page = self.row_count, self.page
        if count <= page:
            return ""
        size = max(1, page * page // count)
        start = self.scroll_offset.y * (page - size) // (count - page)
        return self.glyphs.thumb if start <= y < start + size else " "

    def _draw(self, row: Row, look: str, thumb: str = "") -> Strip:
        """A line; `look` is its style, which the cursor's row has throughout and others where a cell has none."""
        whole = look.startswith("cursor")
        pieces = laid_out(row, max(0, self.size.width - len(thumb)), self.glyphs)
        pieces.append((thumb, ""))
        segments: list[Segment] = []
        for style, group in groupby(pieces, lambda piece: look if whole else piece[1] or look):
            if text := "".join(text for text, _ in group):
                segments.append(Segment(text, self._style(style)))
        return Strip(segments, self.size.width)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"lines--{name}") if name else self.rich_style
