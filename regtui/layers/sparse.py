"""Sparse files: from what an archive stores of one, its content with the holes (GNU tar's manual, "Sparse Formats")."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from regtui.errors import ContentError
from regtui.layers.tar import Entry, Place
from regtui.text import shown

_BLOCK = 512
_MAP_LIMIT = 2**22  # bytes of a map
_ZEROS = bytes(2**18)


class Unsparse:
    """Takes what is stored of a sparse file, in pieces of any length, and gives the file's content."""

    def __init__(self, entry: Entry, place: Place) -> None:
        """Raises `ContentError` for a map that can't be one of this file."""
        self._entry = entry
        self._stored = place.stored
        self._map: bytearray | None = None if place.regions else bytearray()  # of format 1.0: it comes first
        self._regions: list[tuple[int, int]] = []  # offset and length, the last first
        self._position = 0  # in the file
        if place.regions:
            self._use(place.regions.split(b","), place.stored)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The content as far as this data goes. Raises `ContentError`."""
        if self._map is not None:
            self._map += data
            data = self._read_map(self._map)
        while data and self._regions:
            offset, length = self._regions.pop()
            yield from self._hole(offset)
            part, data = data[:length], data[length:]
            if len(part) < length:
                self._regions.append((offset + len(part), length - len(part)))
            if part:
                self._position += len(part)
                yield part

    def close(self) -> Iterator[bytes]:
        """The hole at the end. Raises `ContentError` when something is missing."""
        if self._map is not None or any(length for _, length in self._regions):
            raise self._damaged()
        yield from self._hole(self._entry.size)

    def _hole(self, end: int) -> Iterator[bytes]:
        while self._position < end:
            zeros = _ZEROS[: end - self._position]
            self._position += len(zeros)
            yield zeros

    def _read_map(self, start: bytearray) -> bytes:
        """What follows the map, once it is all there: decimal lines, their number first, up to a whole block."""
        first, newline, _ = bytes(start[:32]).partition(b"\n")
        if not newline and len(start) < 32:
            return b""
        if not first.isdigit() or len(first) > 8:
            raise self._damaged()
        count = 2 * int(first)
        lines = bytes(start).split(b"\n", count + 1)
        if len(lines) < count + 2:
            if len(start) > _MAP_LIMIT:
                raise self._damaged()
            return b""
        size = -(-(len(start) - len(lines[-1])) // _BLOCK) * _BLOCK
        if len(start) < min(size, self._stored):
            return b""
        self._map = None
        self._use(lines[1:-1], self._stored - size)
        return bytes(start[size:])

    def _use(self, numbers: Sequence[bytes], stored: int) -> None:
        """Takes a map of regions that hold `stored` bytes."""
        if len(numbers) % 2 or not all(number.isdigit() and len(number) < 20 for number in numbers):
            raise self._damaged()
        values = [int(number) for number in numbers]
        end = 0
        for offset, length in zip(values[::2], values[1::2], strict=True):
            if offset < end and length:
                raise self._damaged()
            end = max(end, offset + length)
        if end > self._entry.size or sum(values[1::2]) != stored:
            raise self._damaged()
        self._regions = [*zip(values[::2], values[1::2], strict=True)][::-1]

    def _damaged(self) -> ContentError:
        return ContentError(f"{shown(self._entry.path, 300)} is kept as a sparse file, and its map of holes is damaged")
