"""A pane: a border with its number and title, heavier while the focus is within."""

from __future__ import annotations

from textual.containers import Container
from textual.content import Content
from textual.geometry import Region
from textual.reactive import reactive
from textual.widget import Widget

from regtui.text import shown
from regtui.tui.cells import fit
from regtui.tui.glyphs import UNICODE, Glyphs


class Pane(Container):
    """Holds one list, or the details."""

    DEFAULT_CSS = """
    Pane {
        border: solid $border-blurred;
        border-title-color: $foreground;
        background: $background;
    }
    Pane:focus-within { border: heavy $border; border-title-style: bold; }
    Pane.-ascii { border: ascii $border-blurred; }
    Pane.-ascii:focus-within { border: ascii $border; border-title-style: bold reverse; }
    """

    title_text: reactive[str] = reactive("", repaint=False, init=False)
    """What follows the number in the border. It may hold names from outside."""

    def __init__(
        self,
        *children: Widget,
        number: int,
        title: str = "",
        glyphs: Glyphs = UNICODE,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(*children, id=id, classes=classes)
        self.number = number
        self.glyphs = glyphs
        self.set_class(glyphs.ascii, "-ascii")
        self.set_reactive(Pane.title_text, title)

    def watch_title_text(self) -> None:
        self._write_title()

    def on_resize(self) -> None:
        self._write_title()

    def _write_title(self) -> None:
        """Sends the border's first line and no more; setting `border_title` would send the whole pane."""
        room = max(0, self.outer_size.width - 6)
        text = self.glyphs.text(shown(f"{self.number} {self.title_text}"))
        title = Content(fit(text, room, self.glyphs.cut).rstrip())
        if title != self._border_title:
            self._border_title = title
            self.refresh(Region(-1, -1, self.outer_size.width, 1))
