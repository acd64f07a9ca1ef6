"""Parts of a layer that hold files whose whereabouts are known: what to ask for, and what to make of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from regtui.errors import ContentError, TooLarge
from regtui.layers.contents import Content, Member
from regtui.layers.decompress import PIECE, Inflater
from regtui.layers.limits import LIMITS, Limits
from regtui.layers.sparse import Unsparse
from regtui.layers.tar import Entry, Place
from regtui.layers.whereabouts import Chunk, Whereabouts
from regtui.oci.digest import Digest, Verifier
from regtui.text import shown

if TYPE_CHECKING:
    from regtui.layers.points import Points

GAP = 64 * 1024
"""Bytes of a layer that are rather read in vain than asked around."""

_STEP = 256 * 1024
_IN_MEMORY = 16 * 2**20
_VERIFIED = 4 * 2**20
"""Bytes of a chunk that is read to its end for its digest's sake, even where only its beginning is wanted."""


class Part(Protocol):
    """One stretch of a layer, and a reader of the files in it, which takes its bytes in pieces of any length."""

    start: int
    end: int  # bytes of the layer, the last one not among them

    def feed(self, data: bytes) -> Iterator[list[Content]]:
        """Files as far as this data goes: each a `Member` and its bytes. Consume them before the next call.

        Raises `ContentError` when it isn't what it should be, `TooLarge` beyond the limits.
        """

    def close(self) -> Iterator[list[Content]]:
        """What is left once all bytes were fed. Raises `ContentError` when files are missing, as `feed` does else."""


def parts(
    found: Mapping[Entry, Whereabouts], points: Points | None, limit: int | None = None, limits: Limits = LIMITS
) -> list[Part] | None:
    """The parts to ask for, in the layer's order, those near to each other as one.

    None: it isn't known how to get at one of the files, `points` are missing perhaps. With `limit`, no more than the
    first so many bytes of each file are read. Raises `ContentError` for places that can't be.
    """
    stored: list[tuple[Place, Entry]] = []
    chunked: list[tuple[tuple[Chunk, ...], Entry]] = []
    for entry, whereabouts in found.items():
        if isinstance(whereabouts, Place):
            stored.append((whereabouts, entry))
        else:
            if entry.size and not whereabouts:
                return None
            chunked.append((whereabouts, entry))
    if stored and points is None:
        return None
    made: list[Part] = []
    if points is not None:
        made += _archive_parts(sorted(stored, key=lambda each: each[0].position), points, limit, limits)
    return [*made, *_chunk_parts(sorted(chunked, key=_first_chunk), limit, limits)]


def are_verified(found: Mapping[Entry, Whereabouts], limit: int | None) -> bool:
    """Whether digests tell of every byte that will be read whether it is right."""
    return all(
        not isinstance(whereabouts, Place)
        and all(chunk.digest or chunk.start == chunk.end for chunk in whereabouts)
        and (limit is None or limit >= entry.size or all(chunk.size <= _VERIFIED for chunk in whereabouts))
        for entry, whereabouts in found.items()
    )


# Files in an archive


def _archive_parts(
    stored: Sequence[tuple[Place, Entry]], points: Points, limit: int | None, limits: Limits
) -> Iterator[Part]:
    part: ArchivePart | None = None
    empty: list[tuple[Entry, Place, int]] = []  # nothing is asked for on their account
    for place, entry in stored:
        wanted = place.stored if limit is None or place.is_sparse else min(place.stored, limit)
        if place.position + place.stored > points.unpacked:
            raise ContentError(f"{shown(entry.path, 300)} would lie outside of its layer")
        if not wanted:
            empty.append((entry, place, 0))
            continue
        start, end = points.ranges(place.position, place.position + wanted)
        if part is None or start > part.end + GAP:
            if part is not None:
                yield part
            part = ArchivePart(points, start, limits)
        part.end = max(part.end, end)
        part.files.append((entry, place, wanted))
    if empty:
        part = part or ArchivePart(points, 0, limits)
        part.files += empty
    if part is not None:
        yield part


class ArchivePart:
    """From a point of the layer on: files by their places in the archive."""

    def __init__(self, points: Points, start: int, limits: Limits) -> None:
        self.start = self.end = start
        self.files: list[tuple[Entry, Place, int]] = []  # by position; the last is how many bytes are wanted
        self._points = points
        self._limits = limits
        self._contents: Iterator[list[Content]] | None = None
        self._number = -1  # of the file in hand
        self._left = 0  # bytes of it that are still to come
        self._sparse: Unsparse | None = None

    def feed(self, data: bytes) -> Iterator[list[Content]]:
        if self._number < 0:
            position = self.files[0][1].position
            self._reader, self._position = self._points.reader(position), position
            yield from self._next()
        if self._number == len(self.files):
            return
        for piece in self._reader.feed(data):
            yield from self._cut(piece)
            if self._number == len(self.files):
                return

    def close(self) -> Iterator[list[Content]]:
        if self._number < 0:
            yield from self.feed(b"")
        if self._number < len(self.files):
            raise ContentError(f"The layer ends before {shown(self.files[self._number][0].path, 300)} does")

    def _cut(self, piece: bytes) -> Iterator[list[Content]]:
        """What a piece of the archive, which begins at `_position`, has of the files."""
        start, end = self._position, self._position + len(piece)
        self._position = end
        while self._number < len(self.files):
            place = self.files[self._number][1]
            done = self.files[self._number][2] - self._left
            begin = place.position + done - start
            if begin >= len(piece) or begin < 0:
                if begin < 0:
                    raise ContentError("Files lie over each other in the layer")
                return
            data = piece[begin : begin + self._left]
            self._left -= len(data)
            if self._sparse:
                for some in self._sparse.feed(data):
                    yield [some]
            elif data:
                yield [data]
            if self._left:
                return
            yield from self._next()

    def _next(self) -> Iterator[list[Content]]:
        """Ends the file in hand, and begins the next one that has any bytes stored."""
        while True:
            if self._sparse:
                for some in self._sparse.close():
                    yield [some]
            self._number += 1
            if self._number == len(self.files):
                return
            entry, place, self._left = self.files[self._number]
            self._sparse = _unsparse(entry, place, self._limits) if place.is_sparse else None
            yield [Member(entry)]
            if self._left:
                return


def _unsparse(entry: Entry, place: Place, limits: Limits) -> Unsparse:
    if entry.size > limits.unpacked:
        raise TooLarge(f"{shown(entry.path, 300)} has more than {limits.unpacked:,} bytes with its holes")
    return Unsparse(entry, place)


# Files by a table of contents


def _first_chunk(each: tuple[tuple[Chunk, ...], Entry]) -> tuple[int, int]:
    return (each[0][0].start, each[0][0].inner) if each[0] else (0, 0)


def _chunk_parts(
    chunked: Sequence[tuple[tuple[Chunk, ...], Entry]], limit: int | None, limits: Limits
) -> Iterator[Part]:
    part: ChunkPart | None = None
    for chunks, entry in chunked:
        wanted = [*_wanted(chunks, entry.size if limit is None else limit)]
        spans = [(chunk.start, chunk.end) for chunk, _ in wanted if chunk.end > chunk.start]
        start, end = (min(start for start, _ in spans), max(end for _, end in spans)) if spans else (0, 0)
        if part is None or (spans and not part.start - GAP <= start <= part.end + GAP):
            if part is not None:
                yield part
            part = ChunkPart(start, end, limits)
        if spans:
            part.start, part.end = (min(start, part.start), max(end, part.end)) if part.end else (start, end)
        part.files.append((entry, wanted))
    if part is not None:
        yield part


def _wanted(chunks: Sequence[Chunk], limit: int) -> Iterator[tuple[Chunk, int]]:
    """The chunks that hold the first `limit` bytes, and how many of each."""
    for chunk in chunks:
        if limit <= 0:
            return
        yield chunk, min(chunk.size, limit)
        limit -= chunk.size


@dataclass(slots=True)
class ChunkPart:
    """Files by their chunks. All is fetched first, as chunks may lie in any order."""

    start: int
    end: int
    limits: Limits
    files: list[tuple[Entry, list[tuple[Chunk, int]]]] = field(default_factory=list)
    _layer: tempfile.SpooledTemporaryFile[bytes] = field(
        default_factory=lambda: tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  # `close` closes it
    )
    _member: _Unpacking | None = None
    _unpacked_bytes: int = 0  # so far, in all

    def feed(self, data: bytes) -> Iterator[list[Content]]:
        self._layer.write(data)
        return iter(())

    def close(self) -> Iterator[list[Content]]:
        with self._layer:
            for entry, chunks in self.files:
                yield [Member(entry)]
                for chunk, wanted in chunks:
                    for piece in self._content(entry, chunk, wanted):
                        yield [piece]

    def _content(self, entry: Entry, chunk: Chunk, wanted: int) -> Iterator[bytes]:
        """The first bytes of a chunk. Raises `ContentError` when they aren't what its digest says."""
        if chunk.start == chunk.end:
            for had in range(0, wanted, PIECE):
                yield bytes(min(PIECE, wanted - had))
            return
        is_checked = chunk.digest and (wanted == chunk.size or chunk.size <= _VERIFIED)
        verifier = Verifier(Digest(chunk.digest)) if is_checked else None
        left = chunk.size if is_checked else wanted
        span = chunk.start, chunk.end
        if self._member is None or self._member.span != span or self._member.position > chunk.inner:
            self._member = _Unpacking(span, self._unpacked(chunk))
        for piece in self._member.take(chunk.inner, left):
            left -= len(piece)
            if verifier:
                verifier.update(piece)
            if wanted > 0:
                yield piece[:wanted]
            wanted -= len(piece)
        if left:
            raise ContentError(f"{shown(entry.path, 300)} is not where the layer's table of contents says")
        if verifier:
            try:
                verifier.check(f"a chunk of {shown(entry.path, 300)}")
            except ContentError as error:
                what = f"What is there of {shown(entry.path, 300)} is not what the layer's table of contents says"
                raise ContentError(what, "Its writer, or the registry, changed one of the two.") from error

    def _unpacked(self, chunk: Chunk) -> Iterator[bytes]:
        inflater = Inflater(self.limits)
        position = chunk.start
        while position < chunk.end:
            self._layer.seek(position - self.start)
            data = self._layer.read(min(chunk.end - position, _STEP))
            if not data:
                return
            position += len(data)
            for piece in inflater.feed(data):
                self._unpacked_bytes += len(piece)
                if self._unpacked_bytes > self.limits.unpacked:  # chunks in a bad order are unpacked again and again
                    raise TooLarge(f"Files of the layer take more than {self.limits.unpacked:,} bytes to unpack")
                yield piece
        yield from inflater.close()


class _Unpacking:
    """What lies in a span of the layer, unpacked as far as it was wanted: files that share it follow each other."""

    def __init__(self, span: tuple[int, int], pieces: Iterator[bytes]) -> None:
        self.span = span
        self.position = 0  # unpacked bytes that were taken or passed over
        self._pieces = pieces
        self._rest = b""

    def take(self, start: int, size: int) -> Iterator[bytes]:
        """The unpacked bytes from `start` on, which isn't before `position`; fewer than `size` where it ends."""
        while size and (piece := self._rest or next(self._pieces, b"")):
            skip = min(start - self.position, len(piece))
            part = piece[skip : skip + size]
            self._rest = piece[skip + len(part) :]
            self.position += skip + len(part)
            if part:
                start += len(part)
                size -= len(part)
                yield part
