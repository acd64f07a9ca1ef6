"""The request log as a list: the newest at the bottom, followed as long as the cursor stands there."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar, Unpack

from textual.binding import BindingType
from textual.message import Message

from regtui import words
from regtui.errors import UsageError
from regtui.operations.session import RequestLog, RequestRecord
from regtui.patterns import Filter
from regtui.tui.cells import Cell, Row
from regtui.tui.keys import binding
from regtui.tui.widgets.lines import Lines, Options

_NOTHING = "Nothing was asked yet. Every request stands here once it is sent: how it ended, its time and its size."
_WIDTHS = {"TIME": 8, "STATUS": 6, "METHOD": 6, "MS": 6, "SIZE": 8}
_RIGHT = ("MS", "SIZE")
_DIGEST = re.compile(r"(sha\d{3}:[0-9a-f]{12})[0-9a-f]{50,}")


class Requests(Lines):
    """Shows what the log holds when `update` is called. `cached` stands for the status of what was not sent."""

    BINDINGS: ClassVar[list[BindingType]] = [binding("open", show=True)]
    heading_height = 1

    @dataclass
    class Opened(Message):
        """A row was entered."""

        record: RequestRecord

    def __init__(self, log: RequestLog, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        self._log = log
        self._version = -1
        self._filter = Filter()
        self._kept = 0  # records that the filter was asked about
        self._rows: list[RequestRecord] = []

    @property
    def title_text(self) -> str:
        shown = f"{len(self._rows):,} of " if self._filter else ""
        return f"Requests · {shown}{self._kept:,}"

    def update(self) -> None:
        """Takes over what happened since; nothing is drawn where nothing did."""
        if self._log.version != self._version:
            self._version = self._log.version
            self._take()

    def set_filter(self, text: str) -> str:
        """Shows only what matches. Returns what is wrong with the filter, or an empty string."""
        try:
            self._filter = Filter(text)
        except UsageError as error:
            return str(error)
        self._take()
        return ""

    def _take(self) -> None:
        follows = self.cursor >= len(self._rows) - 1
        number = self._rows[self.cursor].number if self._rows else 0
        records = self._log.records()
        self._kept = len(records)
        if self._filter:
            texts = [f"{record.method} {_status(record)} {record.outcome} {record.url}" for record in records]
            records = [records[index] for index in self._filter.keep(texts, range(len(records)))]
        self._rows = records
        self.empty_text = "No request matches the filter." if self._filter else _NOTHING
        if follows:
            self.refresh_rows(len(records) - 1)
            self.move_to(len(records) - 1)
        else:
            self.refresh_rows(bisect_left(records, number, key=lambda record: record.number))

    @property
    def row_count(self) -> int:
        return len(self._rows)

    def row_version(self, index: int) -> Hashable:
        record = self._rows[index]
        return record.number, record.status, record.seconds

    def heading(self, width: int) -> Row:
        return _laid({name: name for name in _WIDTHS}, "URL", "")

    def row(self, index: int, width: int) -> Row:
        record = self._rows[index]
        is_bad = record.error or record.status >= 400
        took = "…" if record.seconds is None else "" if record.cached else f"{record.seconds * 1000:,.0f}"
        cells = {"STATUS": _status(record), "METHOD": record.method, "MS": took}
        cells["TIME"] = f"{record.time.astimezone():%H:%M:%S}"
        cells["SIZE"] = words.size(record.received or record.sent) if record.seconds is not None else ""
        room = max(1, width - sum(_WIDTHS.values()) - len(_WIDTHS))
        # where there was no answer, HTTPS or plain HTTP is what one wants to know: both are tried on this machine
        url = record.url if record.error else record.url.partition("://")[2] or record.url
        return _laid(cells, _end(url, room, self.glyphs.cut), "error" if is_bad else "dim" * record.cached)

    def action_open(self) -> None:
        if self._rows:
            self.post_message(self.Opened(self._rows[self.cursor]))


def _laid(cells: dict[str, str], url: str, style: str) -> Row:
    columns = [
        cell
        for name, width in _WIDTHS.items()
        for cell in (Cell(cells[name], style, width, right=name in _RIGHT), Cell(" ", style))
    ]
    return (*columns, Cell(url, style))


def _status(record: RequestRecord) -> str:
    if record.cached:
        return "cached"
    if record.is_stopped:
        return record.error
    return "failed" if record.error else str(record.status or "…")


def _end(url: str, room: int, cut: str) -> str:
    """A URL's end, which tells more than its beginning; of a digest the beginning, where not all finds room."""
    text = url if len(url) <= room else _DIGEST.sub(rf"\1{cut}", url)
    return text if len(text) <= room else cut + text[1 - room :] if room > 1 else cut
