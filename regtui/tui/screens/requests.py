"""The request log: what was asked of whom, and how it went."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, Static

from regtui import words
from regtui.config import Settings
from regtui.operations.session import RequestLog, RequestRecord
from regtui.tui.glyphs import ASCII, UNICODE
from regtui.tui.keys import binding
from regtui.tui.screens.dialog import Dialog, facts
from regtui.tui.widgets.filterbar import FilterBar
from regtui.tui.widgets.keyline import KeyLine
from regtui.tui.widgets.pane import Pane
from regtui.tui.widgets.requests import Requests

_PACE = 0.25  # seconds between two looks into the log


class RequestsScreen(Screen[None], inherit_bindings=False):
    """All requests of this run that are still kept. Esc goes back."""

    AUTO_FOCUS = "Requests"
    BINDINGS: ClassVar[list[BindingType]] = [
        binding("filter", show=True),
        binding("out", show=True),
        replace(binding("quit", "leave"), description="leave the request log"),
    ]

    def __init__(self, log: RequestLog, settings: Settings) -> None:
        super().__init__()
        self.requests = Requests(
            log, glyphs=ASCII if settings.ascii else UNICODE, page_jump=settings.page_jump, id="requests"
        )
        self._filter = FilterBar()
        self._pane = Pane(self.requests, self._filter, number=1, title="Requests", glyphs=self.requests.glyphs)
        self._keyline = KeyLine(glyphs=self.requests.glyphs)

    def compose(self) -> ComposeResult:
        yield self._pane
        yield self._keyline

    def on_mount(self) -> None:
        self._update()
        self.set_interval(_PACE, self._update)

    def _update(self) -> None:
        self.requests.update()
        self._pane.title_text = self.requests.title_text

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While one types, keys are text."""
        return not isinstance(self.focused, Input)

    def action_filter(self) -> None:
        self._filter.open()

    def action_out(self) -> None:
        if self._filter.text:
            self._filter.clear()
        else:
            self.action_leave()

    def action_leave(self) -> None:
        self.dismiss()

    def on_filter_bar_typed(self, message: FilterBar.Typed) -> None:
        self._keyline.show("", self.requests.set_filter(message.text))
        self._update()

    def on_filter_bar_left(self) -> None:
        self.requests.focus()

    def on_requests_opened(self, message: Requests.Opened) -> None:
        self.app.push_screen(RequestDialog(message.record))


class RequestDialog(Dialog[None]):
    """One entry, whole."""

    def __init__(self, record: RequestRecord) -> None:
        super().__init__(f"{record.method} {record.outcome}".strip())
        self._record = record

    def body(self) -> Iterable[Widget]:
        record = self._record
        ended = record.seconds is not None
        rows = [("When", words.exact(record.time)), ("URL", record.url)]
        if record.cached:
            rows.append(("Answer", f"out of the cache, {words.size(record.received)}; nothing was sent"))
        else:
            rows.append(("Answer", record.outcome or "not yet"))
            rows.append(("Took", f"{record.seconds:,.3f} s" if record.seconds is not None else "under way"))
            rows.append(("Received", f"{record.received:,} bytes{'' if ended else ' so far'}"))
            rows.append(("Sent", f"{record.sent:,} bytes"))
        yield Static(facts(rows))
