"""JSON as lines that fold: every literal stands as it was sent, only the white space between is ours."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from regtui.errors import ContentError

Role = Literal["key", "text", "number", "word", "mark"]
"""What a piece of a line is, for its colour: an object's key, a string, a number, true/false/null, punctuation."""

Piece = tuple[str, Role]

_TOKEN = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|(-?\d[\d.eE+-]*)|(true|false|null)|([\[\]{},:]))', re.DOTALL)


@dataclass(slots=True)
class JsonLine:
    """One line. `end` is the index of the line that closes what this one opens, or its own index."""

    depth: int
    pieces: list[Piece]
    end: int
    opens: str = ""  # "{" or "[", or empty
    members: int = 0
    folded: bool = False
    fields: dict[str, str] = field(default_factory=dict)  # of an object: its strings, decoded; numbers as written
    link: dict[str, str] | None = None  # the fields of the innermost descriptor that this line belongs to


@dataclass(slots=True)
class Folding:
    """The lines of one JSON document, and which of them are to be seen."""

    lines: list[JsonLine]

    def visible(self) -> list[int]:
        """The indexes of the lines that no fold hides."""
        seen: list[int] = []
        index = 0
        while index < len(self.lines):
            seen.append(index)
            line = self.lines[index]
            index = line.end + 1 if line.folded else index + 1
        return seen

    def opener(self, index: int) -> int:
        """The line that opens the innermost container which holds this line; the first line's is itself."""
        depth = self.lines[index].depth
        while index > 0 and not (self.lines[index].depth < depth and self.lines[index].end > index):
            index -= 1
        return index


def fold(raw: bytes, from_depth: int) -> Folding:
    """The lines of a JSON document, containers folded from this depth on. Raises `ContentError` when it is no JSON."""
    try:
        text = raw.decode("utf-8")
        json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ContentError("This can't be shown as JSON") from error
    lines: list[JsonLine] = []
    open_lines: list[int] = []
    before: list[Piece] = []  # a key and its colon, waiting for the value
    key = ""
    for token, role in _tokens(text):
        depth = len(open_lines)
        parent = lines[open_lines[-1]] if open_lines else None
        if token == ",":
            lines[-1].pieces.append((",", "mark"))
        elif token == ":":
            before.append((": ", "mark"))
        elif role == "text" and parent and parent.opens == "{" and not before:
            key = token
            before = [(token, "key")]
        elif token in ("}", "]"):
            _close(lines, open_lines.pop(), token)
        else:
            if parent:
                parent.members += 1
                if parent.opens == "{":
                    parent.fields[json.loads(key)] = json.loads(token) if role == "text" else token
            opens = token if role == "mark" else ""
            folded = bool(opens) and depth >= from_depth
            lines.append(JsonLine(depth, [*before, (token, role)], len(lines), opens=opens, folded=folded))
            before = []
            if opens:
                open_lines.append(len(lines) - 1)
    return Folding(lines)


def _close(lines: list[JsonLine], start: int, token: str) -> None:
    opener = lines[start]
    if not opener.members:
        opener.pieces[-1] = (opener.opens + token, "mark")
        opener.folded = False
        return
    opener.end = len(lines)
    lines.append(JsonLine(opener.depth, [(token, "mark")], opener.end))
    if "digest" in opener.fields and "size" in opener.fields:  # a descriptor: image-spec, descriptor.md
        for line in lines[start:]:
            line.link = line.link or opener.fields


def _tokens(text: str) -> Iterator[Piece]:
    roles: tuple[Role, ...] = ("text", "number", "word", "mark")
    for match in _TOKEN.finditer(text):
        yield match[match.lastindex or 0], roles[(match.lastindex or 1) - 1]
