"""Who changed what, when and where, from this machine, and how it ended; from here any change is undone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from regtui.config import Settings
from regtui.errors import StoreError
from regtui.oci.digest import short
from regtui.operations import history
from regtui.operations.history import KeptChange, KeptStep, Outcome
from regtui.text import shown
from regtui.tui.changes import Changes
from regtui.tui.glyphs import ASCII, UNICODE, Glyphs
from regtui.tui.keys import binding
from regtui.tui.screens.dialog import Dialog, doing_button, facts, safe_button
from regtui.tui.screens.resume import steps_done
from regtui.tui.widgets.changes import ChangeList
from regtui.tui.widgets.choices import Choice, Choices
from regtui.tui.widgets.filterbar import FilterBar
from regtui.tui.widgets.keyline import KeyLine
from regtui.tui.widgets.pane import Pane
from regtui.words import ago, count, exact

_LATEST = 1000
_PACE = 1.0  # seconds between two looks into the journal


class HistoryScreen(Screen[set[str]], inherit_bindings=False):
    """Esc goes back, with the registries in which something was changed from here."""

    AUTO_FOCUS = "ChangeList"
    BINDINGS: ClassVar[list[BindingType]] = [
        replace(binding("undo", show=True), description="undo this change"),
        binding("filter", show=True),
        binding("out", show=True),
        replace(binding("quit", "leave"), description="leave the history"),
    ]

    def __init__(self, settings: Settings, changes_in: Callable[[str], Awaitable[Changes | None]]) -> None:
        """`settings` say where the journal is; `changes_in` makes what changes a registry."""
        super().__init__()
        self._settings = settings
        self._changes_in = changes_in
        self._glyphs = ASCII if settings.ascii else UNICODE
        self._changed: set[str] = set()
        self.list = ChangeList(glyphs=self._glyphs, page_jump=settings.page_jump, empty_text="Reading the journal …")
        self._filter = FilterBar()
        self._pane = Pane(self.list, self._filter, number=1, title="History", glyphs=self._glyphs)
        self._keyline = KeyLine(glyphs=self._glyphs)

    def compose(self) -> ComposeResult:
        yield self._pane
        yield self._keyline

    def on_mount(self) -> None:
        self._update()

    def _update(self) -> None:
        self.run_worker(self._read(), group="read", exclusive=True)

    async def _read(self) -> None:
        """Reads the journal, and again as long as it is being written."""
        try:
            is_changing = await self._read_once()
        except StoreError as error:
            self.list.empty_text = str(error)
        else:
            if is_changing:
                self.set_timer(_PACE, self._update)

    async def _read_once(self) -> bool:
        """Whether a process is changing something now."""
        changes = await asyncio.to_thread(history.changes, self._settings, _LATEST)
        forgotten = await asyncio.to_thread(history.forgotten, self._settings)
        self.list.show(changes)
        title = ["History", f"the latest {_LATEST:,}" if len(changes) == _LATEST else count(len(changes), "change")]
        if forgotten:
            number, before = forgotten
            title.append(f"{number:,} from before {before.astimezone():%Y-%m-%d} forgotten for their age")
        self._pane.title_text = " · ".join(title)
        return any(change.lives for change in changes)

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While one types, keys are text."""
        if isinstance(self.focused, Input):
            return False
        return None if action == "undo" and not self.list.current else True

    def action_filter(self) -> None:
        self._filter.open()

    def action_out(self) -> None:
        if self._filter.text:
            self._filter.clear()
        else:
            self.action_leave()

    def action_leave(self) -> None:
        self.dismiss(self._changed)

    def action_undo(self) -> None:
        if change := self.list.current:
            self._change(change, lambda changes: changes.undo(change))

    def on_lines_out(self) -> None:
        self.action_out()

    def on_filter_bar_typed(self, message: FilterBar.Typed) -> None:
        self._keyline.show("", self.list.set_filter(message.text))

    def on_filter_bar_left(self) -> None:
        self.list.focus()

    def on_change_list_opened(self, message: ChangeList.Opened) -> None:
        self.run_worker(self._open(message.change), group="open", exclusive=True)

    async def _open(self, change: KeptChange) -> None:
        try:
            steps = await asyncio.to_thread(history.steps, self._settings, change.id)
        except StoreError as error:
            self.notify(str(error), severity="warning", markup=False)
            return
        dialog = ChangeDialog(change, self.list.outcome(change), steps, self._glyphs)
        if await self.app.push_screen_wait(dialog):
            self._change(change, lambda changes: changes.resume(change) if change.is_cut_off else changes.undo(change))

    def _change(self, change: KeptChange, what: Callable[[Changes], Awaitable[bool]]) -> None:
        self.run_worker(self._change_and_look(change.registry, what), group="change", exclusive=True)

    async def _change_and_look(self, registry: str, what: Callable[[Changes], Awaitable[bool]]) -> None:
        self._keyline.show("", f"connecting to {registry}")
        changes = await self._changes_in(registry)
        self._keyline.show("", "")
        if changes and await what(changes):
            self._changed.add(registry)
            self._update()


class ChangeDialog(Dialog[bool]):
    """A change with its steps, and how each ended. True when it is to be undone, or taken up if it was cut off."""

    AUTO_FOCUS = "Choices"
    BINDINGS: ClassVar[list[BindingType]] = [binding("undo", "confirm")]

    def __init__(self, change: KeptChange, outcome: str, steps: Sequence[KeptStep], glyphs: Glyphs) -> None:
        super().__init__(f"Change {change.id} · {outcome}")
        self._change = change
        self._steps = steps
        self._glyphs = glyphs

    def body(self) -> Iterable[Widget]:
        change = self._change
        rows = [
            ("What", change.title),
            ("Where", change.registry),
            ("When", f"{ago(change.time)} ({exact(change.time)})"),
            ("Who", change.user),
            ("Done", steps_done(self._steps)),
        ]
        yield Static(facts([(label, self._glyphs.text(text)) for label, text in rows]))
        if self._steps:
            yield Choices([_row(step) for step in self._steps], glyphs=self._glyphs, classes="listed")
            yield Static(markup=False, classes="step-detail")

    def buttons(self) -> Iterable[Button]:
        yield safe_button("Close")
        if not self._change.lives:
            yield doing_button("Finish or put back" if self._change.is_cut_off else "Undo")

    def on_mount(self) -> None:
        self._tell(0)

    def on_lines_cursor_moved(self, message: Choices.CursorMoved) -> None:
        self._tell(message.index)

    def _tell(self, index: int) -> None:
        """What went wrong in the step under the cursor, or what it did on the way."""
        if self._steps:
            step = self._steps[index]
            text = self._glyphs.text(shown(step.detail or "; ".join(history.notes_of(step))))
            self.query_one(".step-detail", Static).update(Content(text))

    def action_confirm(self) -> None:
        if not self._change.lives:
            self.confirm()

    def confirm(self) -> None:
        self.dismiss(True)


def _row(step: KeptStep) -> Choice:
    digest = step.intent.get("digest", "")
    text = history.step_text(step)
    return Choice(_ENDED[step.outcome], text.replace(digest, short(digest)) if digest else text, str(step.number))


_ENDED = {
    Outcome.PLANNED: "not begun",
    Outcome.STARTED: "may be done",
    Outcome.DONE: "done",
    Outcome.FAILED: "failed",
    Outcome.LEFT: "not begun",
    Outcome.RESUMED: "taken up below",
    Outcome.REPLANNED: "taken up below",
}
