"""A row of a file as pieces of one style each: made safe, cut at the left, what is looked for marked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby

from rich.cells import cell_len, get_character_cell_size, set_cell_size

from regtui.text import shown
from regtui.tui.glyphs import Glyphs
from regtui.tui.widgets.content.syntax import Piece


def safe(pieces: Iterable[Piece], glyphs: Glyphs) -> list[Piece]:
    """What the terminal is told to draw. What no terminal draws as it is gets the style `escape`, written out."""
    made: list[Piece] = []
    for style, text in pieces:
        if text.isprintable():
            made.append((style, glyphs.text(shown(text, len(text) + 1))))
            continue
        for plain, chars in groupby(text, str.isprintable):
            part = "".join(chars)
            made.append((style if plain else "escape", glyphs.text(shown(part, len(part) + 1))))
    return made


def cut_left(pieces: Iterable[Piece], cells: int) -> list[Piece]:
    """What is left when the first `cells` are scrolled away; of a wide character that is cut, a space."""
    kept: list[Piece] = []
    for style, text in pieces:
        if cells > 0:
            width = cell_len(text)
            if width <= cells:
                cells -= width
                continue
            place = 0
            while cells > 0:
                cells -= get_character_cell_size(text[place])
                place += 1
            text = " " * -cells + text[place:]
            cells = 0
        kept.append((style, text))
    return kept


def cut_right(pieces: Iterable[Piece], cells: int, cut: str) -> list[Piece]:
    """What finds room in `cells`; where it isn't all, `cut` stands in the last of them."""
    kept: list[Piece] = []
    room = cells
    for style, text in pieces:
        width = cell_len(text)
        if width <= room:
            kept.append((style, text))
            room -= width
            continue
        kept.append((style, set_cell_size(text, room)))
        return [*cut_right(kept, cells - 1, ""), ("comment", cut)] if cut and cells > 0 else kept
    return kept


def marked(pieces: Iterable[Piece], pattern: re.Pattern[str] | None) -> list[Piece]:
    """What the pattern finds gets the style `match`, whatever pieces it lies in."""
    pieces = list(pieces)
    text = "".join(part for _, part in pieces)
    spans = [match.span() for match in pattern.finditer(text) if match.group()] if pattern else []
    if not spans:
        return pieces
    made: list[Piece] = []
    at = 0
    for style, part in pieces:
        end = at + len(part)
        while at < end:
            start, stop = next((span for span in spans if span[1] > at), (end, end))
            inside = start <= at
            step = min(end, stop if inside else start)
            made.append(("match" if inside else style, text[at:step]))
            at = step
    return made
