"""The files that two images differ in, as a tree: what came, what went, what changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Unpack

from textual.message import Message

from regtui.operations.compare import Comparison, Difference, Files, told
from regtui.tui.cells import Cell, Row
from regtui.tui.widgets.branches import Branches
from regtui.tui.widgets.comparison.sides import STYLES
from regtui.tui.widgets.lines import Options

SIGNS = {"added": "+", "removed": "-", "changed": "~", "": " "}
_ROWS = 40
"""Rows up to which directories begin unfolded, those with the most differences first."""


class Differences(Branches[Difference]):
    """Its first line says how far reading is, or what was found."""

    heading_height = 1

    @dataclass
    class Opened(Message):
        """Enter was pressed on something that isn't a folder."""

        difference: Difference

    def __init__(self, **options: Unpack[Options]) -> None:
        super().__init__(Comparison().root, **options)
        self._says = ""
        self._open_first: set[Difference] = set()

    def clear(self, why: str, says: str = "") -> None:
        """Nothing is shown; `why` says why."""
        self.plant(Comparison().root)
        self._says, self.empty_text = says, why
        self.refresh_rows()

    def show(self, files: Files) -> None:
        self.plant(files.comparison.root)
        self._open_first = {parent for at in files.comparison.folded(_ROWS) for parent in _above(at)}
        count = len(files.comparison.untold)
        found = files.summary if files.comparison else "no difference told"
        self._says = f"{found} · {count:,} may differ in content" if count else files.summary
        hint = f" {files.untold}. Press C to compare their content." if count else ""
        self.empty_text = f"There is {files.summary}.{hint}"
        self.refresh_rows()
        self.grown()

    def opens(self, branch: Difference) -> bool:
        return branch in self._open_first

    def heading(self, width: int) -> Row:
        return (Cell(self._says),)

    def row(self, index: int, width: int) -> Row:
        at = self._branches[index]
        sign = SIGNS[at.change]
        style = STYLES.get(sign, "")
        room = width // 2
        name = f"{at.name}/" if at.is_directory else at.name
        return (
            Cell(f"{sign} ", style),
            Cell(self.stem(index, room) + name, style, max(1, width - room - 3)),
            Cell(" "),
            Cell(told(at), style, room, right=True),
        )

    def action_open(self) -> None:
        if self.at is not None and not self.at.is_directory and not self.at.children:
            self.post_message(self.Opened(self.at))
        else:
            super().action_open()


def _above(at: Difference) -> Iterator[Difference]:
    parent = at.parent
    while parent is not None:
        yield parent
        parent = parent.parent
