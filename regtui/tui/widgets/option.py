"""One line of a dialog that has a few values: space or Enter takes the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from regtui.text import shown
from regtui.tui.glyphs import Glyphs


class Option(Static, can_focus=True, inherit_bindings=False):
    """`Platforms  < all >`. With one value there is nothing to choose, and it isn't shown."""

    DEFAULT_CSS = """
    Option { height: 1; }
    Option:focus { background: $block-cursor-background; color: $block-cursor-foreground; text-style: bold; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,enter,right,l", "turn(1)", "next value"),
        Binding("left,h", "turn(-1)", "value before"),
    ]

    def __init__(self, label: str, values: Sequence[tuple[str, str]], *, glyphs: Glyphs, id: str) -> None:
        """Each of the `values` is what it stands for, and how it is said; the first is what holds at the start."""
        super().__init__(markup=False, id=id)
        self._label = label
        self._values = values
        self._glyphs = glyphs
        self._at = 0
        self.display = len(values) > 1

    @property
    def value(self) -> str:
        return self._values[self._at][0]

    def on_mount(self) -> None:
        self._say()

    def on_click(self) -> None:
        self.action_turn(1)

    def action_turn(self, by: int) -> None:
        self._at = (self._at + by) % len(self._values)
        self._say()

    def _say(self) -> None:
        self.update(Content(self._glyphs.text(shown(f"{self._label:11} < {self._values[self._at][1]} >"))))
