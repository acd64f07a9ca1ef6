"""The *Layers* tab: the history joined with the layers that it made; of an index, its platforms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message

from regtui import words
from regtui.oci.config import Step
from regtui.oci.digest import short
from regtui.oci.manifest import Descriptor
from regtui.oci.media_types import FOREIGN
from regtui.tui.cells import Cell, Row
from regtui.tui.keys import binding
from regtui.tui.widgets.lines import Lines

_BAR = 10
_ELSEWHERE = "not in the registry"  # a foreign layer
_WIDE = 56  # cells from which on the digest and a bar of full length find room


class Layers(Lines):
    """Instructions from the lowest layer up: number, size, a bar of its share of the image, instruction, digest."""

    BINDINGS: ClassVar[list[BindingType]] = [binding("open", show=True), binding("left")]

    @dataclass
    class Highlighted(Message):
        """The cursor stands on a layer, or on an instruction that made none."""

        layer: Descriptor | None
        number: int | None

    @dataclass
    class Chosen(Message):
        """A layer was entered."""

        layer: Descriptor
        number: int

    heading_height = 1
    _steps: Sequence[Step] = ()
    _total = 0
    _version = 0

    def show(self, steps: Sequence[Step]) -> None:
        """Another image's; the cursor goes to its first layer that has a size to speak of."""
        self._steps = steps
        self._total = sum(step.layer.size for step in steps if step.layer)
        self._version += 1
        first = next((at for at, step in enumerate(steps) if step.layer), 0)
        self.refresh_rows(first)
        self._tell()

    def find(self, digest: str) -> bool:
        """Moves the cursor to the layer with this digest."""
        for at, step in enumerate(self._steps):
            if step.layer and step.layer.digest == digest:
                self.move_to(at)
                return True
        return False

    @property
    def current(self) -> Step | None:
        return self._steps[self.cursor] if self._steps else None

    @property
    def row_count(self) -> int:
        return len(self._steps)

    def heading(self, width: int) -> Row:
        bar = _BAR if width >= _WIDE else 4
        return (Cell("  # "), Cell("SIZE", width=10, right=True), Cell(" " * (bar + 2)), Cell("INSTRUCTION"))

    def row_version(self, index: int) -> tuple[int, int]:
        return (self._version, index)

    def row(self, index: int, width: int) -> Row:
        step = self._steps[index]
        bar = _BAR if width >= _WIDE else 4
        if step.layer is None:
            return (
                Cell("  · ", "dim"),
                Cell("", width=10 + bar + 2),
                Cell(step.instruction or "no instruction", "dim"),
            )
        share = step.layer.size / self._total if self._total else 0
        digest = short(step.layer.digest) if width >= _WIDE else ""
        left = width - 16 - bar - (len(digest) + 1 if digest else 0)
        return (
            Cell(f"{step.layer_number:>3} "),
            Cell(words.size(step.layer.size), width=10, right=True),
            Cell(f" {self.glyphs.bar(share, bar)} ", "sibling"),
            Cell(_what(step), "dim" if _is_elsewhere(step.layer) else "", left),
            Cell(f" {digest}", "dim"),
        )

    def action_open(self) -> None:
        step = self.current
        if step and step.layer and step.layer_number is not None:
            self.post_message(self.Chosen(step.layer, step.layer_number))

    def action_left(self) -> None:
        self.post_message(self.Out(self))

    def on_lines_cursor_moved(self) -> None:
        self._tell()

    def _tell(self) -> None:
        step = self.current
        self.post_message(self.Highlighted(step.layer if step else None, step.layer_number if step else None))


def _what(step: Step) -> str:
    what = step.instruction or (step.layer.media_type if step.layer else "")
    return f"{_ELSEWHERE} · {what}" if step.layer and _is_elsewhere(step.layer) else what


def _is_elsewhere(layer: Descriptor) -> bool:
    return layer.media_type.startswith(FOREIGN)


class Platforms(Lines):
    """What an index holds: a line a child, its platform first. Enter goes into it."""

    BINDINGS: ClassVar[list[BindingType]] = [binding("open", show=True), binding("left")]

    @dataclass
    class Chosen(Message):
        """A child was entered."""

        link: Descriptor

    heading_height = 1
    _children: Sequence[Descriptor] = ()
    _version = 0

    def show(self, children: Sequence[Descriptor]) -> None:
        self._children = children
        self._version += 1
        self.refresh_rows(0)

    @property
    def row_count(self) -> int:
        return len(self._children)

    def heading(self, width: int) -> Row:
        return (Cell("PLATFORM", width=22), Cell("MANIFEST", width=10, right=True), Cell("  DIGEST"))

    def row_version(self, index: int) -> tuple[int, int]:
        return (self._version, index)

    def row(self, index: int, width: int) -> Row:
        child = self._children[index]
        name = (
            "attestation" if child.is_attestation else str(child.platform or "") or child.artifact_type or "no platform"
        )
        style = "dim" if child.is_attestation else ""
        size = words.size(child.size)
        return (Cell(name, style, 22), Cell(size, style, 10, True), Cell(f"  {short(child.digest)}", "dim"))

    def action_open(self) -> None:
        if self._children:
            self.post_message(self.Chosen(self._children[self.cursor]))

    def action_left(self) -> None:
        self.post_message(self.Out(self))
