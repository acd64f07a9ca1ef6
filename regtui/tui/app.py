"""The terminal UI: its frame first, then what it shows."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from textual import events
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.command import CommandPalette
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.widgets import Input
from textual.worker import WorkerFailed

from regtui.config import Settings
from regtui.oci.reference import Reference
from regtui.operations.session import Credentials
from regtui.text import shown
from regtui.tui.commands import Commands
from regtui.tui.connections import Connections
from regtui.tui.glyphs import ASCII, UNICODE
from regtui.tui.history import Spot, spot_of
from regtui.tui.keymap import keymap
from regtui.tui.keys import binding
from regtui.tui.screens.browser import BrowserScreen
from regtui.tui.screens.start import StartScreen
from regtui.tui.terminal import Ending, why_no_screen
from regtui.tui.themes import NO_COLOR, THEMES, theme_named

_OPENING = 1.0  # seconds that keys wait for a screen to open

_log = logging.getLogger(__name__)


def run(
    target: Reference | None, settings: Settings, credentials: Credentials | None = None, namespace: str = ""
) -> int:
    """Shows the start screen, or the target, until the user quits. Returns the exit code; 2 when there is no terminal.

    `namespace` is one of the target's, whose repositories are listed; `credentials` are the command line's, for the
    target's registry. Raises `ConfigError` for keys and themes.
    """
    if why := why_no_screen(os.environ):
        print(why, file=sys.stderr)
        return 2
    connections = Connections(settings, credentials, target.registry if target else "")
    app = RegtuiApp(connections, spot_of(target, namespace) if target else None)
    with Ending(connections.finish, app.leave) as ending:
        app.run()
    return ending.code or app.return_code or 0


class PlainScrollBar(ScrollBarRender):
    """A scroll bar of whole cells: nothing but spaces."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "]
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "]


class RegtuiApp(App[None], inherit_bindings=False):
    """Holds the screens, the keys and the look; knows no widget."""

    CSS_PATH = "regtui.tcss"
    TITLE = "regtui"
    COMMANDS = {Commands}
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        binding("help", "app.help", show=True),
        binding("palette", "command_palette"),
        binding("quit", "quit"),
        replace(binding("ask_to_quit"), priority=True),
    ]

    def __init__(self, connections: Connections, target: Spot | None = None) -> None:
        """Raises `ConfigError` when the settings' keys or theme can't be used."""
        self.settings = connections.settings
        theme = theme_named(self.settings.theme)
        colourless = "NO_COLOR" in os.environ
        super().__init__(ansi_color=True if colourless else None)
        for known in THEMES.values():
            self.register_theme(known)
        self.theme = NO_COLOR if colourless else theme.name
        self.animation_level = "none"  # nothing moves that says anything, and over SSH each frame is kilobytes
        self.set_keymap(keymap(self.settings.keys))
        self.glyphs = ASCII if self.settings.ascii else UNICODE
        self.set_class(self.settings.ascii, "-ascii")
        ScrollBar.renderer = PlainScrollBar if self.settings.ascii else ScrollBarRender
        self.connections = connections
        self._target = target

    def on_mount(self) -> None:
        if self._target:
            self.push_screen(BrowserScreen(self.connections, self._target))
        else:
            self.push_screen(StartScreen(self.connections), self._start)

    async def on_unmount(self) -> None:
        await self.connections.close()

    def _start(self, spot: Spot | None) -> None:
        if spot:
            self.push_screen(BrowserScreen(self.connections, spot))
        else:
            self.exit()

    async def _on_key(self, event: events.Key) -> None:
        """Text that came in one burst with the key that opened an input (slow links do that) goes into the input.

        A dialog has its input only when it is mounted: until then what follows its key waits here.
        """
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.screen._mounted_event.wait(), _OPENING)
        if event.character and event.is_printable and isinstance(self.focused, Input):
            self.focused.insert_text_at_cursor(event.character)
            event.prevent_default()

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """As Textual's, with the message through the gate and never read as markup: it may quote a registry."""
        text = self.glyphs.text(shown(message))
        super().notify(text, title=title, severity=severity, timeout=timeout, markup=False)

    def action_command_palette(self) -> None:
        """As Textual's, with words that every terminal can show."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder="Type a command", id="--command-palette"))

    # Leaving

    def leave(self, code: int) -> None:
        """Ends the app in its own time; called from any thread."""
        if self._loop is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(lambda: self.exit(return_code=code))

    async def action_quit(self) -> None:
        if self.connections.is_changing:
            self.action_ask_to_quit()
        else:
            self.exit()

    def action_ask_to_quit(self) -> None:
        from regtui.tui.screens.leave import LeaveDialog

        if isinstance(self.screen, LeaveDialog):
            self.screen.confirm()
        else:
            self.push_screen(LeaveDialog(self.connections.is_changing), self._leave_or_stay)

    def _leave_or_stay(self, leaving: bool | None) -> None:
        if leaving:
            self.run_worker(self._finish_and_exit(), group="leave", exclusive=True)

    async def _finish_and_exit(self) -> None:
        await asyncio.to_thread(self.connections.finish)
        self.exit()

    async def _close_all(self) -> None:
        """What is still being fetched ends before the panes are gone that it would be shown in."""
        self.workers.cancel_all()
        await super()._close_all()

    def action_help(self) -> None:
        from regtui.tui.screens.help import HelpScreen

        self.push_screen(HelpScreen(self.screen.active_bindings, self.glyphs))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        return ()

    # What must never happen

    def _handle_exception(self, error: Exception) -> None:
        """A traceback goes to the log file; the user gets a sentence."""
        if self.is_headless:
            super()._handle_exception(error)
            return
        cause = error.error if isinstance(error, WorkerFailed) else error  # a worker's failure has no traceback
        _log.critical("The app stopped", exc_info=cause)
        log = shown(str(self.settings.state_dir / "regtui.log"))
        self._return_code = 1
        self._exit_renderables[:] = [f"regtui stopped on a mistake of its own. Its makers can read of it in {log}."]
        self._close_messages_no_wait()
