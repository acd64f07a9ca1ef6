"""The *Manifest* tab: the exact JSON, folded, each descriptor a link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message

from regtui import words
from regtui.errors import ContentError
from regtui.oci.digest import short
from regtui.text import shown_lines
from regtui.tui.cells import Cell, Row
from regtui.tui.glyphs import MORE, OPEN
from regtui.tui.keys import binding
from regtui.tui.widgets.details.folding import Folding, JsonLine, fold
from regtui.tui.widgets.lines import Lines

_FOLD_FROM = 2  # the members of `layers`, `manifests` and `annotations` each take one line at first


class JsonView(Lines):
    """A JSON document as it was sent, with white space of our own. Enter follows the descriptor under the cursor."""

    DEFAULT_CSS = """
    JsonView > .lines--key { color: $text-primary; }
    JsonView > .lines--text { color: $text-success; }
    JsonView > .lines--number { color: $text-warning; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"lines--key", "lines--text", "lines--number"}
    BINDINGS: ClassVar[list[BindingType]] = [binding("open", show=True), binding("right"), binding("left")]

    @dataclass
    class Chosen(Message):
        """A descriptor was entered; these are its fields as the JSON has them."""

        fields: dict[str, str]

    _folding = Folding([])
    _visible: Sequence[int] = ()
    _version = 0

    def show(self, raw: bytes) -> None:
        """Another document; bytes that are no JSON are shown as text."""
        try:
            self._folding = fold(raw, _FOLD_FROM)
        except ContentError:
            lines = shown_lines(raw.decode("utf-8", "surrogateescape"))
            self._folding = Folding([JsonLine(0, [(line, "mark")], at) for at, line in enumerate(lines)])
        self._version += 1
        self._visible = self._folding.visible()
        self.refresh_rows(0)

    @property
    def row_count(self) -> int:
        return len(self._visible)

    def row_version(self, index: int) -> tuple[int, int, bool]:
        line = self._visible[index]
        return (self._version, line, self._folding.lines[line].folded)

    def row(self, index: int, width: int) -> Row:
        at = self._visible[index]
        line = self._folding.lines[at]
        sign = " " if not line.opens or line.end == at else MORE if line.folded else OPEN
        cells = [Cell("  " * line.depth), Cell(f"{sign} ", "dim")]
        cells += [Cell(text, "" if role in ("mark", "word") else role) for text, role in line.pieces]
        if line.folded:
            closing = self._folding.lines[line.end].pieces
            cells.append(Cell(f" {self._preview(line, at)} ", "dim"))
            cells += [Cell(text) for text, _ in closing]
        return tuple(cells)

    def _preview(self, line: JsonLine, at: int) -> str:
        fields = line.fields
        if line.link is not fields:
            return f"… {line.members}"
        count = fields["size"]
        platforms = [part.fields for part in self._folding.lines[at : line.end] if part.pieces[0][0] == '"platform"']
        parts = [
            fields.get("mediaType", ""),
            short(fields["digest"]),
            words.size(int(count)) if count.isdigit() else "",
        ]
        parts += ["/".join(p.get(k, "") for k in ("os", "architecture", "variant")).rstrip("/") for p in platforms]
        return " · ".join(filter(None, parts))

    def action_open(self) -> None:
        """Follows the link under the cursor; elsewhere folds and unfolds."""
        line = self._line_at_cursor()
        if line and line.link:
            self.post_message(self.Chosen(line.link))
        elif line and line.opens:
            self._fold(line, not line.folded)

    def action_right(self) -> None:
        line = self._line_at_cursor()
        if line and line.folded:
            self._fold(line, False)

    def action_left(self) -> None:
        """Folds what holds the cursor; at the outermost it goes out."""
        if not self._visible:
            self.post_message(self.Out(self))
            return
        at = self._visible[self.cursor]
        line = self._folding.lines[at]
        if line.folded or line.end == at:
            at = self._folding.opener(at)
            line = self._folding.lines[at]
        if at == 0:
            self.post_message(self.Out(self))
        else:
            self._fold(line, True)
            self.move_to(self._visible.index(at))

    def _fold(self, line: JsonLine, folded: bool) -> None:
        line.folded = folded
        at = self._visible[self.cursor]
        self._visible = self._folding.visible()
        self.refresh_rows(self._visible.index(at) if at in self._visible else None)

    def _line_at_cursor(self) -> JsonLine | None:
        return self._folding.lines[self._visible[self.cursor]] if self._visible else None
