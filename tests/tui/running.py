"""The whole app on the demo, driven by the pilot, read as text."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from regtui.config import load_settings
from regtui.tui.app import RegtuiApp
from regtui.tui.connections import Connections
from regtui.tui.history import typed_spot
from regtui.tui.screens.browser import BrowserScreen
from regtui.tui.screens.confirm import ConfirmDialog

DEMO = "demo.localhost/"
APP = "demo.localhost/team/app"  # 406 tags
FEW = "demo.localhost/nginx"  # 9 tags
NARROW, WIDE = (80, 24), (160, 45)
PATIENCE = 15.0  # seconds that a test waits for something at most


class Running:
    """An app under test."""

    def __init__(self, app: RegtuiApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        """Into the input that has the focus, at once: the pilot takes a tenth of a second for each key."""
        await self.until(lambda: isinstance(self.app.focused, Input))
        assert isinstance(self.app.focused, Input)
        self.app.focused.insert_text_at_cursor(text)
        await self.pilot.pause()

    @property
    def text(self) -> str:
        """What is on the screen, line by line."""
        return "\n".join(strip.text.rstrip() for strip in self.app.screen._compositor.render_strips())

    @property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    @property
    def browser(self) -> BrowserScreen:
        """The main screen, below any dialog."""
        return next(screen for screen in self.app.screen_stack if isinstance(screen, BrowserScreen))

    async def until(self, what: str | Callable[[], Any]) -> None:
        """Waits until a text is on the screen, or a condition holds."""
        holds: Callable[[], Any] = (lambda: what in self.text) if isinstance(what, str) else what
        try:
            async with asyncio.timeout(PATIENCE):
                while not holds():
                    await self.pilot.pause(0.02)
        except TimeoutError:
            raise AssertionError(f"{what!r} did not come. On the screen:\n{self.text}") from None


async def confirmed(at: Running) -> None:
    """Waits for the plan's dialog, and gives the answer that isn't the safe one."""
    await at.until(lambda: isinstance(at.app.screen, ConfirmDialog))
    await at.press("tab", "enter")
    await at.until(lambda: at.app.screen is at.browser)


@asynccontextmanager
async def running(target: str = "", size: tuple[int, int] = NARROW, **flags: Any) -> AsyncIterator[Running]:
    """`target` as on the command line, empty for the start screen; flags as `load_settings` takes them."""
    app = RegtuiApp(Connections(load_settings(flags)), typed_spot(target) if target else None)
    async with app.run_test(size=size, notifications=True) as pilot:
        yield Running(app, pilot)
