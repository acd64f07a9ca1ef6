"""The files inside of a layer: from its table of contents, or while it streams by."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass

from regtui.errors import ContentError, RegtuiError, TooLarge
from regtui.layers.decompress import Inflater
from regtui.layers.estargz import NO_FILES
from regtui.layers.limits import LIMITS, Limits
from regtui.layers.tar import Entry, TarWalker
from regtui.layers.tree import FileTree, Node
from regtui.layers.whereabouts import IndexMaker, LayerIndex
from regtui.oci.digest import Digest, Verifier, is_digest
from regtui.oci.manifest import Descriptor
from regtui.operations import toc
from regtui.operations.known_layers import keep, known_index
from regtui.operations.layer_stream import layer_stream
from regtui.operations.session import Session

__all__ = ["Done", "Entries", "Entry", "FileTree", "FilesEvent", "Node", "Progress", "layer_files"]

_TURN = 4 * 2**20
"""Bytes of an archive that are walked through at once: 8,000 entries at most, 0.1 s."""


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
    unpacked: int  # bytes of the archive; where only the table was read, of the files that it tells of


FilesEvent = Progress | Entries | Done


async def layer_files(
    session: Session, repository: str, layer: Descriptor, limits: Limits = LIMITS, *, diff_id: str = ""
) -> AsyncGenerator[FilesEvent, None]:
    """Lists a layer: as it is known from an earlier time, else by its table of contents, if it has one that is right.

    `toc.listed` says what that rests on. Else the layer is read once, and what was learned of it is kept when its
    digest is right, and the archive's is `diff_id`, if that is given. Entries come as they are found; close it to stop
    early. What was found before an error comes before it is raised: `ContentError` for a layer that is no tar archive,
    is damaged, cut off or another archive than `diff_id`, `DigestMismatch`, `TooLarge` beyond the limits, and what the
    client raises.
    """
    index = await known_index(session, layer)
    is_estargz = False
    if index:
        url = f"{session.client.endpoint.base}/v2/{repository}/blobs/{layer.digest}"
        session.log.note_cached("GET", url, index.size)
    else:
        table = await toc.listed(session, repository, layer, limits)
        index, is_estargz = table.index, table.is_estargz
    if index:
        portions = index.listing()
        while (portion := await asyncio.to_thread(next, portions, None)) is not None:
            yield Entries(portion)
        _check(index, limits, diff_id)
        yield Done(index.entries, index.unpacked)
        return
    reader = _LayerReader(limits, diff_id, is_estargz)
    async with layer_stream(session, repository, layer) as steps:
        async for step in steps:
            portions = reader.feed(step)
            while (found := await asyncio.to_thread(next, portions, None)) is not None:
                if found:
                    yield Entries(found)
            yield Progress(reader.bytes_read, layer.size, reader.entries)
            if reader.error:
                raise reader.error
    portions = reader.close()
    while (found := await asyncio.to_thread(next, portions, None)) is not None:
        if found:
            yield Entries(found)
    if reader.error:
        raise reader.error
    if made := reader.index():
        await keep(session, layer, made, reader.points.finish())
    yield Done(reader.entries, reader.bytes_out)


def _check(index: LayerIndex, limits: Limits, diff_id: str) -> None:
    if index.entries > limits.entries:
        raise TooLarge(f"The layer has more than {limits.entries:,} entries; regtui reads no further")
    if index.unpacked > limits.unpacked:
        raise TooLarge(f"The layer holds more than {limits.unpacked:,} bytes unpacked; regtui reads no further")
    if diff_id and index.diff_id:
        _compare(index.diff_id, diff_id)


def _compare(found: str, told: str) -> None:
    """Raises `ContentError`."""
    if found != told:
        raise ContentError(
            f"The layer's archive is another one than the image's config tells: its digest is {found}, not {told}",
            "Whoever made the image made a mistake, or changed it afterwards.",
        )


class _LayerReader:
    """Decompression and tar walk together, for a thread. After what it finds, `error` has what went wrong."""

    def __init__(self, limits: Limits, diff_id: str, is_estargz: bool) -> None:
        from regtui.layers.points import PointsMaker

        self.points = PointsMaker()
        self.error: RegtuiError | None = None
        self._maker = IndexMaker(NO_FILES if is_estargz else ())
        self._inflater = Inflater(limits, self.points)
        self._walker = TarWalker(limits, self._maker)
        self._leave_out = NO_FILES if is_estargz else frozenset[str]()
        self._verifier = Verifier(Digest(diff_id)) if is_digest(diff_id) else None

    @property
    def bytes_read(self) -> int:
        return self._inflater.bytes_in

    @property
    def bytes_out(self) -> int:
        return self._inflater.bytes_out

    @property
    def entries(self) -> int:
        return self._maker.entries

    def feed(self, chunk: bytes) -> Iterator[list[Entry]]:
        """What the chunk has, some entries at a time: it may have half a million, and nobody should wait for all."""
        return self._walk(self._inflater.feed(chunk))

    def close(self) -> Iterator[list[Entry]]:
        yield from self._walk(self._inflater.close())
        if self.error is None:
            try:
                self._walker.close()
                if self._verifier:
                    _compare(self._verifier.found, self._verifier.digest)
            except RegtuiError as wrong:
                self.error = wrong

    def index(self) -> LayerIndex | None:
        """What was learned of a layer that was read to its end."""
        return self._maker.finish(self.bytes_out, self._verifier.digest if self._verifier else "")

    def _walk(self, pieces: Iterator[bytes]) -> Iterator[list[Entry]]:
        found: list[Entry] = []
        done = 0
        try:
            for piece in pieces:
                if self._verifier:
                    self._verifier.update(piece)
                self._walker.feed(piece, found)
                done += len(piece)
                if done >= _TURN:
                    yield self._files(found)
                    found, done = [], 0
        except RegtuiError as error:
            self.error = error
        yield self._files(found)

    def _files(self, found: list[Entry]) -> list[Entry]:
        return [entry for entry in found if entry.path not in self._leave_out] if self._leave_out else found
