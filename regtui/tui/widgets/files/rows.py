"""A file's row: its name and where a link leads, the layer that it is from, its mode, its size, its mark."""

from __future__ import annotations

from typing import Final

from regtui import words
from regtui.operations.files import Node
from regtui.operations.image_files import MergedNode
from regtui.tui.cells import Cell, Row
from regtui.tui.widgets.files.marks import REMOVED, STYLES, AnyNode

_SIZE_WIDTH: Final = 10
_MODE_WIDTH: Final = 12
_LAYER_WIDTH: Final = 10
_WIDE: Final = 60  # cells; below, names need the room
_SIGNS: Final = {"symlink": " → ", "hardlink": " ⇒ "}


def file_row(node: AnyNode, stem: str, mark: str, width: int, *, marks: bool, layers: bool) -> Row:
    """`stem` stands before the name; `marks` and `layers` say whether there are such columns."""
    style = STYLES[mark]
    columns = [Cell(_size(node, mark), style, _SIZE_WIDTH - 1, right=True)]
    if width >= _WIDE:
        columns.insert(0, Cell(node.entry.mode_text if node.entry else "", style, _MODE_WIDTH, right=True))
        if layers and isinstance(node, MergedNode):
            columns.insert(0, Cell(f"layer {node.layer}", style or "dim", _LAYER_WIDTH, right=True))
    columns.append(Cell(f" {mark}" if marks else " ", style, 2 if marks else 1))
    room = max(0, width - sum(cell.width or 0 for cell in columns))
    return (Cell(stem + _name(node), style, room), *columns)


def _name(node: AnyNode) -> str:
    entry = node.entry
    if node.is_directory:
        replaces = isinstance(node, Node) and (node.opaque or node.whiteout)
        return f"{node.name}/{' · replaces the one below' if replaces else ''}"
    if entry is None:
        return node.name
    sign = _SIGNS.get(entry.type)
    return f"{node.name}{sign}{entry.link}" if sign else node.name


def _size(node: AnyNode, mark: str) -> str:
    if node.is_directory or (node.entry is not None and node.entry.type == "file"):
        return words.size(node.size)
    if node.entry is None:
        return "removed" if mark == REMOVED else ""
    return node.entry.type if node.entry.type in ("char", "block", "fifo") else ""
