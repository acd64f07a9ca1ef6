"""What was learned of a layer: its entries, and where the bytes of its files are. Small enough to be kept.

Entries lie in packed portions, so that neither their listing nor the search for one holds all of them, or holds the
interpreter for long.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache

import msgspec

from regtui.errors import ContentError
from regtui.layers.tar import Entry, Place

FORMAT = 1
"""Of what `LayerIndex.encode` gives."""

_PORTION = 1000  # entries
_PORTION_NAMES = 2**20  # bytes of their names and maps of holes
_PORTION_LIMIT = 2**28  # bytes of one, unpacked
_FEW = 32  # files that are searched for by their paths alone


class Chunk(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A part of a file, as a layer's table of contents tells of it."""

    start: int  # bytes of the layer before it
    end: int  # where, without, what holds it ends; `start`: it is zeros, which the layer doesn't hold
    inner: int  # unpacked bytes, from `start` on, before it
    size: int  # bytes of the file
    digest: str = ""  # of these bytes; empty: none is told


Whereabouts = Place | tuple[Chunk, ...]
"""Where a file's bytes are: in the layer's archive, or in the layer itself."""


class Row(msgspec.Struct, array_like=True, gc=False):
    """An entry, as bytes where it may not be UTF-8, and where its bytes are."""

    path: bytes
    type: str
    size: int
    mode: int
    uid: int
    gid: int
    mtime: int
    link: bytes
    place: Place | None = None
    chunks: tuple[Chunk, ...] = ()

    @property
    def entry(self) -> Entry:
        path, link = _text(self.path), _text(self.link)
        return Entry(path, self.type, self.size, self.mode, self.uid, self.gid, self.mtime, link)


class LayerIndex(msgspec.Struct, array_like=True, frozen=True):
    """All that a layer lists, in its archive's order."""

    entries: int
    unpacked: int  # bytes of its archive; `has_chunks`: of its files
    has_chunks: bool  # it is from a table of contents
    diff_id: str  # the archive's digest, if it was looked at
    portions: tuple[bytes, ...]

    def listing(self) -> Iterator[list[Entry]]:
        """The entries, some at a time. Raises `ContentError` for an index that is damaged."""
        for portion in self.portions:
            yield [row.entry for row in _rows(_unpacked(portion))]

    def find(self, wanted: Collection[Entry]) -> dict[Entry, Whereabouts]:
        """Where the bytes of those of these files are that it lists. Of two that are equal, it is the last.

        Raises `ContentError` for an index that is damaged.
        """
        paths = {_raw(entry.path) for entry in wanted}
        found: dict[Entry, Whereabouts] = {}
        for portion in self.portions:
            data = _unpacked(portion)
            if len(paths) <= _FEW and not any(path in data for path in paths):
                continue
            for row in _rows(data):
                if row.path in paths and row.type == "file" and (entry := row.entry) in wanted:
                    found[entry] = row.place or row.chunks
        return found

    def encode(self) -> bytes:
        return msgspec.msgpack.encode(self)

    @property
    def size(self) -> int:
        """About its bytes in memory."""
        return sum(map(len, self.portions))

    @classmethod
    def decode(cls, raw: bytes) -> LayerIndex:
        """What `encode` gave. Raises `ContentError` for anything else."""
        try:
            return msgspec.msgpack.decode(raw, type=cls)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise _damaged() from error


class IndexMaker:
    """Collects what a layer lists. It takes payloads as `TarWalker` tells of them, and wants none."""

    def __init__(self, leave_out: Collection[str] = ()) -> None:
        """`leave_out`: paths that aren't listed."""
        self.entries = 0
        self._leave_out = leave_out
        self._files = 0  # bytes
        self._names = 0  # bytes, of `_rows`, maps of holes among them
        self._rows: list[Row] = []
        self._portions: list[bytes] = []
        self._is_whole = True

    def begin(self, entry: Entry, place: Place) -> int:
        self.add(entry, place if entry.type == "file" else None)
        return 0

    def take(self, data: bytes) -> None:
        """Nothing of a payload is wanted."""

    def add(self, entry: Entry, place: Place | None = None, chunks: tuple[Chunk, ...] = ()) -> None:
        if entry.path in self._leave_out:
            return
        self.entries += 1
        self._files += entry.size
        path, link = _raw(entry.path), _raw(entry.link)
        self._rows.append(
            Row(path, entry.type, entry.size, entry.mode, entry.uid, entry.gid, entry.mtime, link, place, chunks)
        )
        self._names += len(path) + len(link) + (len(place.regions) if place else 0)
        if len(self._rows) == _PORTION or self._names > _PORTION_NAMES:
            self._pack()

    def finish(self, unpacked: int | None = None, diff_id: str = "") -> LayerIndex | None:
        """None: there are numbers that can't be kept. Without `unpacked` it is from a table of contents."""
        self._pack()
        if not self._is_whole:
            return None
        size = self._files if unpacked is None else unpacked
        return LayerIndex(self.entries, size, unpacked is None, diff_id, tuple(self._portions))

    def _pack(self) -> None:
        rows, self._rows, self._names = self._rows, [], 0
        try:
            self._portions.append(_compress(msgspec.msgpack.encode(rows)))
        except OverflowError:  # a tar header holds larger ones than anything else does
            self._is_whole = False


@cache
def _decoder() -> msgspec.msgpack.Decoder[list[Row]]:
    return msgspec.msgpack.Decoder(list[Row])


def _rows(data: bytes) -> list[Row]:
    try:
        return _decoder().decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _damaged() from error


def _compress(data: bytes) -> bytes:
    import zstandard

    return zstandard.ZstdCompressor(level=3).compress(data)


def _unpacked(portion: bytes) -> bytes:
    import zstandard

    try:
        size = zstandard.get_frame_parameters(portion).content_size
        return zstandard.ZstdDecompressor().decompress(portion) if size <= _PORTION_LIMIT else b""
    except zstandard.ZstdError as error:
        raise _damaged() from error


def _damaged() -> ContentError:
    return ContentError("What is kept of the layer's entries is damaged")


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
