"""Finding a path in an image, or in all images of a repository."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from regtui.config import Settings
from regtui.errors import RegtuiError, TooLarge, UsageError
from regtui.oci.digest import short
from regtui.oci.reference import Reference
from regtui.operations.find import Event, Failed, Found, PathFilter, Plan, Progress, Reading, find
from regtui.operations.session import Session
from regtui.speed import Speed
from regtui.tui.batches import batches
from regtui.tui.glyphs import ASCII, UNICODE
from regtui.tui.keys import binding
from regtui.tui.screens.dialog import Dialog, doing_button, explained, facts, safe_button, said
from regtui.tui.widgets.filterbar import FilterBar
from regtui.tui.widgets.hits import Hits
from regtui.tui.widgets.keyline import KeyLine
from regtui.tui.widgets.pane import Pane
from regtui.words import count, size, so_far

MUCH = 50_000_000
"""Bytes of a repository's layers that are not read without asking."""
_MOST = 100_000
"""Rows; who wants more names more of the path."""
_PACE = 0.25  # seconds between two lines that say how far it is
_ASK = "Type what to look for: words, glob* (with a / of whole paths), re:… Then Enter."


@dataclass(slots=True)
class Search:
    """What was looked for and found, to come back to."""

    where: Reference  # a repository, or a tag or digest in it
    text: str = ""
    rows: list[Found | Failed] = field(default_factory=list)
    state: str = ""
    cursor: int = 0


class FindScreen(Screen[Found | None], inherit_bindings=False):
    """Gives what was chosen. Esc stops a search that runs, then leaves."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        replace(binding("filter", "pattern", show=True), description="look for something else"),
        replace(binding("refresh"), description="look again"),
        binding("out", show=True),
        replace(binding("quit", "leave"), description="leave the search"),
    ]

    def __init__(self, session: Session, search: Search, settings: Settings) -> None:
        super().__init__()
        self.search = search
        self._session = session
        self._is_image = bool(search.where.version)
        look = ASCII if settings.ascii else UNICODE
        self.hits = Hits(
            in_repository=not self._is_image, glyphs=look, page_jump=settings.page_jump, empty_text=_ASK, id="hits"
        )
        self._bar = FilterBar()
        where = search.where
        version = f":{where.tag}" if where.tag else f"@{short(where.digest)}" if where.digest else ""
        self._pane = Pane(self.hits, self._bar, number=1, title=f"Find in {where.repository}{version}", glyphs=look)
        self._keyline = KeyLine(glyphs=look)
        self._title = self._pane.title_text
        self._failures: list[Failed] = []
        self._plan: Plan | None = None
        self._known_only = False
        self._said = 0.0
        self._far = ""
        self._runs = False

    def compose(self) -> ComposeResult:
        yield self._pane
        yield self._keyline

    def on_mount(self) -> None:
        if not self.search.text:
            self._bar.open()
            return
        self.hits.rows = self.search.rows
        self.hits.say(self.search.state)
        self.hits.refresh_rows(self.search.cursor)
        self.hits.move_to(self.search.cursor)
        self._retitle()
        self.hits.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While one types, keys are text."""
        return not isinstance(self.focused, Input)

    # The pattern

    def action_pattern(self) -> None:
        self._bar.open()

    def on_filter_bar_typed(self, message: FilterBar.Typed) -> None:
        try:
            PathFilter(message.text)
        except UsageError as error:
            self._keyline.show("", str(error), failed=True)
        else:
            self._keyline.show("", "")

    def on_filter_bar_entered(self, message: FilterBar.Entered) -> None:
        try:
            wanted = PathFilter(message.text)
        except UsageError:
            return  # that was said while it was typed
        self.search = Search(self.search.where, wanted.text)
        self._bar.clear()
        self._begin()

    def on_filter_bar_left(self) -> None:
        """Enter, or Esc: before anything was looked for, that leaves."""
        if self._bar.text:  # of what was typed nothing can be looked for
            self._bar.open()
        elif self.search.text:
            self.hits.focus()
        else:
            self.dismiss(None)

    # The search

    def _begin(self) -> None:
        if self.search.text:
            self.run_worker(self._run(PathFilter(self.search.text)), group="find", exclusive=True)

    async def _run(self, wanted: PathFilter) -> None:
        self._runs = True
        try:
            if not await self._read(wanted, known_only=False):
                await self._read(wanted, known_only=True)
        except RegtuiError as error:
            self._end(f"! {explained(error)}")
        else:
            self._end(self._summary)

    def action_refresh(self) -> None:
        self._begin()

    async def _read(self, wanted: PathFilter, *, known_only: bool) -> bool:
        """False when it is more than the user wants to be read."""
        self._failures, self._far, self._plan, self._known_only = [], "", None, known_only
        self.hits.start()
        self.hits.say("looking for layers" if self._is_image else "looking for images")
        self._retitle()
        speed = Speed()
        events = find(self._session, self.search.where, wanted, known_only=known_only)
        async with aclosing(events):
            async for event in events:
                self._take([event], speed)
                if isinstance(event, Plan):
                    self._plan = event
                    asks = not known_only and not self._is_image and event.to_read > MUCH
                    if asks and not await self.app.push_screen_wait(ReadDialog(self.search.where, event)):
                        return False
                    break
            async with aclosing(batches(events)) as arriving:
                async for some in arriving:
                    self._take(some, speed)
                    if self.hits.row_count > _MOST:
                        raise TooLarge(f"More than {_MOST:,} were found, and no more is read", "Name more of the path.")
        return True

    def _take(self, events: Sequence[Event], speed: Speed) -> None:
        now = time.monotonic()
        if rows := [event for event in events if isinstance(event, Found)]:
            self.hits.add(rows)
            self._retitle()
        self._failures += [event for event in events if isinstance(event, Failed)]
        how_far = next((event for event in reversed(events) if isinstance(event, Progress | Reading)), None)
        if how_far is None or now - self._said < _PACE:
            return
        self._said = now
        if isinstance(how_far, Reading):
            self.hits.say(f"reading tags: {how_far.tags:,} of {how_far.total:,}")
            return
        speed.note(how_far.bytes_read, now)
        self._far = f"{how_far.layers:,} of {count(how_far.layers_total, 'layer')}"
        read = so_far(how_far.bytes_read, how_far.bytes_total) if how_far.bytes_total else ""
        parts = ("reading", self._far, read, speed.text(how_far.bytes_total))
        self.hits.say(" · ".join(part for part in parts if part))

    @property
    def _summary(self) -> str:
        plan = self._plan
        assert plan is not None
        layers = count(plan.layers, "layer")
        where = f"{plan.known:,} of {layers}: the rest isn't known here, r asks for it" if self._known_only else layers
        where += "" if self._is_image or self._known_only else f" of {count(plan.images, 'image')}"
        text = f"{self._found:,} found in {where}" if self._found else f"Nothing was found in {where}"
        return f"{text} · ! {len(self._failures):,} not read" if self._failures else text

    @property
    def _found(self) -> int:
        return sum(isinstance(row, Found) for row in self.hits.rows)

    def _end(self, state: str) -> None:
        self._runs = False
        self.hits.add(self._failures)
        self._failures = []
        self.hits.say(state)
        self.search.state, self.search.rows = state, self.hits.rows

    def _retitle(self) -> None:
        found = f" · {self.hits.row_count:,} found" if self.hits.row_count else ""
        self._pane.title_text = f"{self._title} · {self.search.text}{found}"

    # Out

    def on_hits_opened(self, message: Hits.Opened) -> None:
        if isinstance(message.row, Failed):
            self.app.push_screen(FailureDialog(message.row))
        else:
            self._leave(message.row)

    def on_lines_out(self) -> None:
        self.action_out()

    def action_out(self) -> None:
        if self._runs:
            self._stop()
        else:
            self._leave(None)

    def action_leave(self) -> None:
        self._leave(None)

    def _stop(self) -> None:
        if self._runs:
            self.workers.cancel_group(self, "find")
            self._end(f"stopped at {self._far}" if self._far else "stopped")

    def _leave(self, found: Found | None) -> None:
        self._stop()
        self.search.cursor = self.hits.cursor
        self.dismiss(found)


class FailureDialog(Dialog[None]):
    """What a row has no room for."""

    def __init__(self, failed: Failed) -> None:
        super().__init__("Not read")
        self._failed = failed

    def body(self) -> Iterable[Widget]:
        yield said(self._failed.text)


class ReadDialog(Dialog[bool]):
    """True when all of it is to be read, else only what is known on this machine."""

    def __init__(self, where: Reference, plan: Plan) -> None:
        super().__init__(f"Search {count(plan.images, 'image')} of {where.repository}")
        self._plan = plan

    def body(self) -> Iterable[Widget]:
        plan = self._plan
        known = f"{plan.known:,} of them known on this machine" if plan.known else "none of them known on this machine"
        yield Static(facts([("Layers", f"{plan.layers:,}, {known}"), ("To read", size(plan.to_read))]))

    def buttons(self) -> Iterable[Button]:
        yield safe_button("Only what is known" if self._plan.known else "Read nothing")
        yield doing_button(f"Read {size(self._plan.to_read)}")

    def confirm(self) -> None:
        self.dismiss(True)
