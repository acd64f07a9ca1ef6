"""The *Packages* tab: what is installed in an image, read when one asks for it."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar, Unpack

from textual.binding import BindingType
from textual.message import Message

from regtui.errors import RegtuiError, UsageError
from regtui.oci.manifest import Descriptor
from regtui.oci.reference import Reference
from regtui.operations.packages import KINDS, Done, Package
from regtui.patterns import Filter
from regtui.text import shown
from regtui.tui.cells import Cell, Row
from regtui.tui.keys import binding
from regtui.tui.widgets.lines import Lines, Options
from regtui.words import size

_WIDE = 60  # cells from which on the size finds room
_NONE = f"No packages of the kinds that regtui reads: {', '.join(KINDS)}."


class Order(StrEnum):
    """What the rows are sorted by."""

    KIND = "by kind"
    NAME = "by name"
    SIZE = "largest first"


_NEXT = {Order.KIND: Order.NAME, Order.NAME: Order.SIZE, Order.SIZE: Order.KIND}
_RANK = {kind: rank for rank, kind in enumerate(KINDS)}


@dataclass(frozen=True, slots=True)
class ImageLayers:
    """Whose packages these are."""

    reference: Reference  # its repository and digest
    layers: Sequence[Descriptor]  # the lowest first
    diff_ids: tuple[str, ...] = ()  # of the layers' archives, where the config tells them


class Packages(Lines):
    """A table; its first line says how far it is read, and what there is. What can't be read stands below the rows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        replace(binding("out", "stop", show=True), description="stop"),
        binding("left"),
        binding("sort", show=True),
        binding("reverse"),
    ]
    heading_height = 2

    class Looked(Message):
        """The tab is on the screen, and nothing of this image is read yet."""

    class Stopped(Message):
        """What is being read is not to be read any further."""

    def __init__(self, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        self.image: ImageLayers | None = None
        """Whose packages are shown or offered."""
        self._order, self._reverse = Order.KIND, False
        self._filter = Filter()
        self._clear("")

    def _clear(self, state: str) -> None:
        self._packages: list[Package] = []
        self._names: list[str] = []  # of the packages: what the filter looks at
        self._shown: list[int] = []
        self._done: Done | None = None
        self._notes: list[str] = []  # as they are wrapped
        self._state = state
        self._reading = False
        self._version = 0

    @property
    def is_idle(self) -> bool:
        """Whether an image's packages are neither there nor on their way."""
        return self.image is not None and not self._reading and self._done is None

    # What comes in

    def offer(self, image: ImageLayers) -> None:
        """Another image is there: its packages are read when one asks for them."""
        self.image = image
        self._clear("")
        self.empty_text = ""
        self.refresh_rows(0)

    def look(self) -> None:
        """The tab is on the screen now."""
        if self.is_idle and not self.empty_text:
            self.post_message(self.Looked())

    def invite(self, why: str) -> None:
        """Reading costs something: `why` says what, and which key does it."""
        self.empty_text = why
        self.refresh_rows(0)

    def start(self) -> None:
        """The packages begin to come."""
        self._clear("reading …")
        self._reading = True
        self.empty_text = ""
        self.refresh_bindings()
        self.refresh_rows(0)

    def add(self, packages: Sequence[Package]) -> None:
        self._packages += packages
        self._names += [f"{package.name} {package.version} {package.kind}" for package in packages]

    def progress(self, state: str) -> None:
        """How far the layers are read."""
        self._state = state
        self.repaint_changed()

    def finish(self, done: Done) -> None:
        """All of it was read."""
        self._done = done
        self.empty_text = _NONE if not done.notes else ""
        self._end("")

    def stopped(self, why: str) -> None:
        """It isn't read any further; `why` says that, and what one can do."""
        self.empty_text = why
        self._end("")

    def fail(self, error: RegtuiError) -> None:
        """It can't be read, or not to its end; what was read stays."""
        self.empty_text = f"{error.sentences}"
        self._end(f"! {error.what}" if self._packages else "")

    def _end(self, state: str) -> None:
        self._state, self._reading = state, False
        self.refresh_bindings()
        self._settle()

    @property
    def _summary(self) -> str:
        """What all was read, and how it stands here."""
        if not self._packages or self._done is None:
            return self._done.release.name if self._done else ""
        counts = Counter(package.kind for package in self._packages)
        parts = [f"{len(self._shown):,} of {len(self._packages):,}"] if self._filter else []
        parts += [f"{counts[kind]:,} {kind}" for kind in KINDS if counts[kind]]
        order = f"{self._order}{', reversed' * self._reverse}"
        return " · ".join(part for part in (*parts, order, self._done.release.name) if part)

    # Order and filter

    def set_filter(self, text: str) -> str:
        """Shows only what matches. Returns what is wrong with the filter, or an empty string."""
        try:
            self._filter = Filter(text)
        except UsageError as error:
            return str(error)
        self._settle()
        return ""

    def action_sort(self) -> None:
        self._order, self._reverse = _NEXT[self._order], False
        self._settle()

    def action_reverse(self) -> None:
        self._reverse = not self._reverse
        self._settle()

    def _settle(self) -> None:
        """Lays the rows out anew; the cursor stays on its package."""
        held = self._shown[self.cursor] if self.cursor < len(self._shown) else -1
        kept = self._filter.keep(self._names, range(len(self._packages)))
        self._shown = sorted(kept, key=self._place, reverse=self._reverse)
        width = max(8, self.size.width - 3)
        notes = self._done.notes if self._done else ()
        self._notes = [line for note in notes for line in textwrap.wrap(f"{shown(note)}.", width)]
        self._version += 1
        self.refresh_rows(self._shown.index(held) if held in self._shown else 0)

    def _place(self, index: int) -> tuple[int, str, str]:
        package = self._packages[index]
        first = {Order.KIND: _RANK[package.kind], Order.NAME: 0, Order.SIZE: -(package.size or 0)}[self._order]
        return first, package.name.lower(), package.path

    def on_resize(self) -> None:
        super().on_resize()
        if self._done:
            self._settle()

    # Rows

    @property
    def row_count(self) -> int:
        return len(self._shown) + len(self._notes)

    def heading_line(self, y: int, width: int) -> Row:
        if y == 0:
            return (Cell(self._state or self._summary),)
        if not self._shown:
            return ()
        name, version, bytes_, kind = self._widths(width)
        return (
            Cell("NAME", width=name),
            Cell(" VERSION", width=version),
            Cell("SIZE", width=bytes_, right=True),
            Cell(" KIND", width=kind),
        )

    def _widths(self, width: int) -> tuple[int, int, int, int]:
        """Of name, version, size and kind."""
        bytes_ = 9 if width >= _WIDE or self._order is Order.SIZE else 0
        version = min(34, max(12, (width - bytes_ - 7) * 2 // 5))
        return max(8, width - version - bytes_ - 7), version, bytes_, 7

    def row_version(self, index: int) -> Hashable:
        return self._version, index

    def row(self, index: int, width: int) -> Row:
        if index >= len(self._shown):
            return (Cell(self._notes[index - len(self._shown)], "dim"),)
        package = self._packages[self._shown[index]]
        name, version, bytes_, kind = self._widths(width)
        state = f" ({package.state})" if package.state else ""
        return (
            Cell(package.name, "dim" if package.state else "", name),
            Cell(f" {package.version}{state}", "dim" if package.state else "", version),
            Cell("" if package.size is None else size(package.size), "", bytes_, True),
            Cell(f" {package.kind}", "dim", kind),
        )

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self._reading if action == "stop" else True

    def action_stop(self) -> None:
        self.post_message(self.Stopped())

    def action_left(self) -> None:
        self.post_message(self.Out(self))
