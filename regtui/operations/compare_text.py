"""One file of two images: the lines that differ."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from difflib import unified_diff

from regtui.errors import RegtuiError
from regtui.layers.compare import bytes_of
from regtui.operations.compare_files import Difference, Files, Progress, Source
from regtui.operations.opening import FileOfImage, Opened, file_of, open_file
from regtui.words import size

__all__ = ["LINES_LIMIT", "SIZE_LIMIT", "LinesDiffer", "compare_text", "has_text", "side_of"]

SIZE_LIMIT = 2**20
"""Bytes of a file whose lines are compared."""
LINES_LIMIT = 20_000
"""Its lines: comparing takes longer than in proportion."""


@dataclass(frozen=True, slots=True)
class LinesDiffer:
    """The lines as `diff -u` writes them, without the two of the names; `why` says why there are none."""

    lines: list[str]
    why: str = ""


def side_of(files: Files, sources: tuple[Source, Source], at: Difference, *, after: bool) -> FileOfImage:
    """Where the bytes of a file are that differs, on one side. Raises `RegtuiError` when it isn't a file there."""
    node, tree = (at.after, files.after) if after else (at.before, files.before)
    source = sources[after]
    if node is None:
        raise RegtuiError(f"{source.reference} has no such path")
    return file_of(node, tree, source.reference, source.layers, node.layer)


def has_text(at: Difference) -> bool:
    """Whether both sides have a file, and neither is too large to be compared by lines."""
    nodes = [node for node in (at.before, at.after) if node is not None and not node.is_directory and node.entry]
    return len(nodes) == 2 and all(
        bytes_of(node).type == "file" and bytes_of(node).size <= SIZE_LIMIT for node in nodes
    )


async def compare_text(
    files: Files, sources: tuple[Source, Source], at: Difference
) -> AsyncGenerator[Progress | LinesDiffer, None]:
    """How far reading is, and at the end the lines. Raises what reading a file does."""
    found: list[Opened] = []
    for source, is_after in zip(sources, (False, True), strict=True):
        file = side_of(files, sources, at, after=is_after)
        async with aclosing(open_file(source.session, source.reference.repository, file)) as events:
            async for event in events:
                if isinstance(event, Opened):
                    found.append(event)
                else:
                    yield event
    yield await asyncio.to_thread(_compared, *found)


def _compared(before: Opened, after: Opened) -> LinesDiffer:
    if before.data == after.data:
        return LinesDiffer([], "Their content is the same.")
    if not before.kind.is_text or not after.kind.is_text:
        return LinesDiffer([], f"Their content differs, and is no text: {size(before.size)} and {size(after.size)}.")
    old, new = (one.text.decode("utf-8", "surrogateescape").splitlines() for one in (before, after))
    if max(len(old), len(new)) > LINES_LIMIT:
        return LinesDiffer([], f"They have more than {LINES_LIMIT:,} lines.")
    lines = list(unified_diff(old, new, lineterm=""))[2:]
    return LinesDiffer(lines, "" if lines else "They differ in how lines end alone.")
