"""The files inside of a layer: from its table of contents, or while it streams by."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from regtui.errors import RegtuiError
from regtui.layers.decompress import Inflater
from regtui.layers.limits import LIMITS, Limits
from regtui.layers.tar import Entry, TarWalker
from regtui.layers.tree import FileTree, Node
from regtui.oci.manifest import Descriptor
from regtui.operations import toc
from regtui.operations.layer_stream import layer_stream
from regtui.operations.session import Session

__all__ = ["Done", "Entries", "Entry", "FileTree", "FilesEvent", "Node", "Progress", "layer_files"]

_PORTION = 1000
"""Entries of a table of contents that are handed on at a time."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the layer is read."""

    bytes_read: int  # compressed, as it comes over the wire
    bytes_total: int
    entries: int


@dataclass(frozen=True, slots=True)
class Entries:
    """More entries, in the archive's order."""

    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class Done:
    """The layer was read to its end, and its digest is right; or its table of contents was."""

    entries: int
    unpacked: int | None  # bytes of the archive; None: only the table was read


FilesEvent = Progress | Entries | Done


async def layer_files(
    session: Session, repository: str, layer: Descriptor, limits: Limits = LIMITS
) -> AsyncGenerator[FilesEvent, None]:
    """Lists a layer by its table of contents, if it has one that is right; `toc.listed` says what that rests on.

    Else reads it once, without keeping it. Entries come as they are found; close it to stop early.
    What was found before an error comes before it is raised: `ContentError` for a layer that is no tar archive, is
    damaged or cut off, `DigestMismatch`, `TooLarge` beyond the limits, and what the client raises.
    """
    listed = await toc.listed(session, repository, layer, limits)
    if listed is not None:
        for start in range(0, len(listed), _PORTION):
            yield Entries(listed[start : start + _PORTION])
        yield Done(len(listed), None)
        return
    reader = _LayerReader(limits)
    async with layer_stream(session, repository, layer) as steps:
        async for step in steps:
            found, error = await asyncio.to_thread(reader.feed, step)
            if found:
                yield Entries(found)
            yield Progress(reader.bytes_read, layer.size, reader.entries)
            if error:
                raise error
    found, error = reader.close()
    if found:
        yield Entries(found)
    if error:
        raise error
    yield Done(reader.entries, reader.bytes_out)


class _LayerReader:
    """Decompression and tar walk together, for a thread. What it finds and what goes wrong come back side by side."""

    def __init__(self, limits: Limits) -> None:
        self._inflater = Inflater(limits)
        self._walker = TarWalker(limits)

    @property
    def bytes_read(self) -> int:
        return self._inflater.bytes_in

    @property
    def bytes_out(self) -> int:
        return self._inflater.bytes_out

    @property
    def entries(self) -> int:
        return self._walker.entries

    def feed(self, chunk: bytes) -> tuple[list[Entry], RegtuiError | None]:
        found: list[Entry] = []
        try:
            for piece in self._inflater.feed(chunk):
                self._walker.feed(piece, found)
        except RegtuiError as error:
            return found, error
        return found, None

    def close(self) -> tuple[list[Entry], RegtuiError | None]:
        found: list[Entry] = []
        try:
            for piece in self._inflater.close():
                self._walker.feed(piece, found)
            self._walker.close()
        except RegtuiError as error:
            return found, error
        return found, None
