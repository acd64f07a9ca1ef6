"""The columns of the tags table: which find room in a width, and what a row has in them."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from regtui import words
from regtui.errors import RegtuiError
from regtui.oci.digest import short
from regtui.oci.kinds import Kind
from regtui.operations.inventory import TagFacts
from regtui.tui.cells import Cell, Row
from regtui.tui.glyphs import BRANCH, FAILED, LOCK, MARK, NONE, PARTIAL, PUSHED, SIBLING, UNKNOWN


class _Column(NamedTuple):
    title: str
    width: int
    right: bool = False
    gap: int = 2


_TAG, _CREATED = "TAG", "CREATED"
_REST = (
    _Column("SIZE", 9, right=True),
    _Column("PLATFORMS", 11),
    _Column("KIND", 11),
    _Column("=", 3, right=True, gap=1),
    _Column("DIGEST", 12),
)
_FIRST_TO_GO = ("DIGEST", "KIND", "PLATFORMS", "=", "SIZE")
_DATE_WIDTH = 14
_TAG_AT_LEAST = 16  # or the longest tag, before another column goes
_TAG_AT_MOST = 60
_PLATFORMS_AT_MOST = 40
_MARKS = 2  # the first cells of a row
_LOCK = 2  # behind a protected tag


@lru_cache(16)
def columns(width: int, longest: int) -> tuple[_Column, ...]:
    """The columns that find room in `width` cells, given the longest tag; tag and created always do."""
    room = max(0, width - _MARKS - 2)
    rest = list(_REST)
    least = min(max(longest, len(_TAG)), _TAG_AT_LEAST)
    date = max(0, min(_DATE_WIDTH, room - min(least, max(8, room // 2))))
    for title in _FIRST_TO_GO:
        if least + date + sum(column.gap + column.width for column in rest) <= room:
            break
        rest = [column for column in rest if column.title != title]
    room -= date + sum(column.gap + column.width for column in rest)
    tag = min(room, max(min(longest, _TAG_AT_MOST), least) + _LOCK)
    spare = room - tag
    rest = [
        column._replace(width=min(column.width + spare, _PLATFORMS_AT_MOST)) if column.title == "PLATFORMS" else column
        for column in rest
    ]
    if not rest:
        tag = room
    return (_Column(_TAG, tag, gap=0), _Column(_CREATED, date), *rest)


def heading(layout: tuple[_Column, ...]) -> Row:
    return (Cell("", width=_MARKS), *(cell for column in layout for cell in _cells(column, column.title)))


def row(
    layout: tuple[_Column, ...],
    tag: str,
    facts: TagFacts | None,
    error: RegtuiError | None = None,
    *,
    shared: int = 1,
    marked: bool = False,
    sibling: bool = False,
    protected: bool = False,
) -> Row:
    """A tag's row. `shared` is how many tags are known to have its digest, itself among them."""
    style = "mark" if marked else "sibling" if sibling else ""
    name = (
        Cell(MARK if marked else SIBLING if sibling else "", style, _MARKS),
        *_name(tag, style, layout[0], protected),
    )
    if error is not None:
        return (*name, Cell("", width=2), Cell(f"{FAILED} {error.what}", "error"))
    texts = _texts(facts, shared) if facts else {_CREATED: UNKNOWN, "SIZE": UNKNOWN}
    dim = "" if facts else "dim"
    return (*name, *(cell for column in layout[1:] for cell in _cells(column, texts.get(column.title, ""), dim)))


def below(companion: str) -> str:
    """What a companion that stands under its image is, for its name is the image's digest: `└ sig`."""
    return f"{BRANCH} {companion.partition('.')[2] or 'refs'}"


def _name(tag: str, style: str, column: _Column, protected: bool) -> Row:
    if not protected:
        return (Cell(tag, style, column.width),)
    if len(tag) + _LOCK <= column.width:
        return (Cell(f"{tag} {LOCK}", style, column.width),)
    return (Cell(tag, style, max(0, column.width - _LOCK)), Cell(f" {LOCK}", style))


def _texts(facts: TagFacts, shared: int) -> dict[str, str]:
    about = PARTIAL if facts.partial else ""
    date = PUSHED if facts.created_source == "pushed" else about
    if facts.kind is Kind.THROW_AWAY:
        return {_CREATED: facts.kind, "KIND": facts.kind, "DIGEST": short(facts.digest)}
    return {
        _CREATED: date + words.ago(facts.created) if facts.created else NONE,
        "SIZE": about + words.size(facts.size),
        "PLATFORMS": " ".join(platform.removeprefix("linux/") for platform in facts.platforms),
        "KIND": facts.kind,
        "=": str(shared) if shared > 1 else "",
        "DIGEST": short(facts.digest),
    }


def _cells(column: _Column, text: str, style: str = "") -> Row:
    cell = Cell(text, style, column.width, column.right)
    return (Cell("", style, column.gap), cell) if column.gap else (cell,)
