"""Shows panes in an app, and reads the screen as a user sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar
from unittest.mock import patch

from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.message import Message
from textual.pilot import Pilot
from textual.widget import Widget

HOSTILE = ("\x1b[31mred", "a\u202eb", "[bold]x[/]", "tab\there", "大" * 60, "long" * 250_000)
"""What a registry could send as a name."""

M = TypeVar("M", bound=Message)


class Stage(App[None]):
    """Holds the widgets and keeps every message that was sent."""

    def __init__(self, *widgets: Widget) -> None:
        super().__init__()
        self.widgets = widgets
        self.messages: list[Message] = []

    def compose(self) -> ComposeResult:
        yield from self.widgets

    def lines(self) -> list[str]:
        """The screen as it is painted, without the spaces at the ends of lines."""
        return [strip.text.rstrip() for strip in self.screen._compositor.render_strips()]

    def heard(self, kind: type[M]) -> list[M]:
        """The messages of a kind, in order, each once."""
        return list({id(message): message for message in self.messages if isinstance(message, kind)}.values())


@asynccontextmanager
async def on_stage(*widgets: Widget, size: tuple[int, int] = (80, 24)) -> AsyncIterator[tuple[Stage, Pilot[None]]]:
    """The widgets in a running app; the first has the focus."""
    stage = Stage(*widgets)
    async with stage.run_test(size=size, message_hook=stage.messages.append) as pilot:
        widgets[0].focus()
        await pilot.pause()
        yield stage, pilot


@contextmanager
def repaints(widget: Widget) -> Iterator[list[Region]]:
    """The regions that a widget asks to be painted anew; an empty region stands for all of it."""
    asked: list[Region] = []
    refresh = widget.refresh

    def noted(*regions: Region, **how: bool) -> Widget:
        asked.extend(regions or (Region(),))
        return refresh(*regions, **how)

    with patch.object(widget, "refresh", noted):
        yield asked
