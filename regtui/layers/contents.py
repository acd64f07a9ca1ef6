"""The payloads of a layer's files, for those that are wanted, while the layer goes by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from regtui.errors import TooLarge
from regtui.layers.decompress import PIECE, Inflater
from regtui.layers.limits import LIMITS, Limits
from regtui.layers.sparse import Unsparse
from regtui.layers.tar import Entry, Place, TarWalker
from regtui.text import shown

_TURN = 4 * 2**20  # bytes of the archive that nobody should have to wait for
_MEMBER = 512  # bytes that a member counts for, beside its content


@dataclass(frozen=True, slots=True)
class Member:
    """A wanted file begins: the bytes that follow, `entry.size` in all, are its content, holes among it."""

    entry: Entry


Content = Member | bytes


class ContentReader:
    """Takes a layer's bytes in pieces of any length and gives its wanted files, in the archive's order."""

    def __init__(self, wanted: Callable[[Entry], bool], limits: Limits = LIMITS) -> None:
        self._wanted = wanted
        self._limits = limits
        self._inflater = Inflater(limits)
        self._walker = TarWalker(limits, self)
        self._taken: list[Member | bytes | tuple[Unsparse, bytes | None]] = []  # None: the sparse file ends
        self._waiting = 0  # about the bytes that `_taken` takes
        self._sparse: Unsparse | None = None  # of the file in hand
        self._sparse_size = 0  # bytes of all sparse files: what is stored bounds them not

    @property
    def bytes_read(self) -> int:
        """Compressed bytes so far."""
        return self._inflater.bytes_in

    @property
    def entries(self) -> int:
        return self._walker.entries

    def feed(self, data: bytes) -> Iterator[list[Content]]:
        """What these bytes hold, some 1 MiB at a time; nothing now and then, where much is nothing that is wanted.

        Consume it before the next call. Raises `ContentError` when the layer is damaged or no archive, `TooLarge`
        beyond the limits.
        """
        yield from self._walk(self._inflater.feed(data))

    def close(self) -> Iterator[list[Content]]:
        """What is left once all bytes were fed. Raises `ContentError` when the layer is cut off."""
        yield from self._walk(self._inflater.close())
        self._walker.close()
        self._end_sparse()
        yield from self._collected()

    def _walk(self, pieces: Iterator[bytes]) -> Iterator[list[Content]]:
        done = 0
        for piece in pieces:
            self._walker.feed(piece, [])
            done += len(piece)
            if self._waiting >= PIECE:
                yield from self._collected()
            elif done >= _TURN:
                done = 0
                yield []
        if self._taken:
            yield from self._collected()

    def _collected(self) -> Iterator[list[Content]]:
        taken, self._taken, self._waiting = self._taken, [], 0
        contents: list[Content] = []
        size = 0
        for each in taken:
            for content in _unfolded(each) if isinstance(each, tuple) else (each,):
                contents.append(content)
                size += len(content) if isinstance(content, bytes) else _MEMBER
                if size >= PIECE:
                    yield contents
                    contents, size = [], 0
        if contents:
            yield contents

    def _end_sparse(self) -> None:
        if self._sparse:
            self._taken.append((self._sparse, None))
            self._sparse = None

    # What the walker tells

    def begin(self, entry: Entry, place: Place) -> int:
        self._end_sparse()
        if entry.type != "file" or not self._wanted(entry):
            return 0
        if place.is_sparse:
            self._sparse_size += entry.size
            if self._sparse_size > self._limits.unpacked:
                most = f"{self._limits.unpacked:,}"
                raise TooLarge(f"With {shown(entry.path, 300)}, sparse files have more than {most} bytes")
            self._sparse = Unsparse(entry, place)
        self._taken.append(Member(entry))
        self._waiting += _MEMBER
        return place.stored

    def take(self, data: bytes) -> None:
        self._taken.append((self._sparse, data) if self._sparse else data)
        self._waiting += len(data)


def _unfolded(taken: tuple[Unsparse, bytes | None]) -> Iterator[bytes]:
    sparse, data = taken
    return sparse.close() if data is None else sparse.feed(data)
