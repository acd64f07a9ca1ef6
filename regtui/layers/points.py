"""The places of a layer from which its archive can be unpacked, so that one file costs one Range request.

Of gzip (RFC 1951, RFC 1952), these are the beginnings of members, and those of blocks together with the 32 KiB before
them; of zstd, the beginnings of frames; of a plain tar, every byte.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import msgspec

from regtui.errors import ContentError
from regtui.layers.decompress import PIECE, Format, Plain
from regtui.layers.gzip_members import Gzip
from regtui.layers.windows import FOLLOWING, WINDOW, from_whole_byte, needed
from regtui.layers.zstd_frames import Zstd
from regtui.text import shown

Kind = Literal["tar", "gzip", "zstd"]

_FREE = 64 * 1024
"""Packed bytes from one point to the next, where that needs no window."""
_SPACING = 2**20
"""Packed bytes from one point to the next, with a window: some 2 KB after packing, and 2 ms to find them."""
_SPACING_UNPACKED = 32 * 2**20
_MOST_POINTS = 4096
_MOST_WINDOWS = 8 * 2**20
"""Bytes of all packed windows. Beyond one of these bounds, every second point goes, and the spacing is doubled."""
_WINDOW_LEVEL = 3


class Point(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Where a block, member or frame begins."""

    packed: int  # bytes of the layer before it, the last one perhaps in part
    unpacked: int  # bytes of the archive before it
    bits: int = 0  # how many bits of byte `packed - 1` belong to it: the highest ones
    window: bytes = b""
    """Up to 32 KiB of the archive before it, zeros where they aren't needed, as a zstd frame; empty: a member or frame
    begins here."""

    @property
    def start(self) -> int:
        """The first byte of the layer that is needed."""
        return self.packed - (self.bits > 0)


class Points(msgspec.Struct, array_like=True, frozen=True):
    """Where a layer can be entered: of one that was read to its end."""

    kind: Kind
    packed: int  # bytes of the layer
    unpacked: int  # bytes of the archive
    points: tuple[Point, ...]  # in order; empty for a plain tar

    def ranges(self, start: int, end: int) -> tuple[int, int]:
        """The layer's bytes, from the first up to, without, the second, that give the archive's [start, end)."""
        end = min(end, self.unpacked)
        if not self.points or start >= end:
            return min(start, self.packed), max(min(start, self.packed), min(end, self.packed))
        after = bisect_left(self.points, end, key=_unpacked)
        return self._before(start).start, self.points[after].packed if after < len(self.points) else self.packed

    def reader(self, start: int) -> PointReader:
        """Gives the archive from byte `start` on, when it is fed with the layer from where `ranges` says."""
        if not self.points:
            return PointReader(self.kind, Point(start, start), start)
        return PointReader(self.kind, self._before(start), start)

    def encode(self) -> bytes:
        return msgspec.msgpack.encode(self)

    @classmethod
    def decode(cls, raw: bytes) -> Points:
        """What `encode` gave. Raises `ContentError` for anything else."""
        try:
            points = msgspec.msgpack.decode(raw, type=cls)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise ContentError(f"This is no index of a layer: {shown(str(error), 200)}") from error
        before = Point(0, 0)
        for point in points.points:
            if not (before.packed <= point.packed and before.unpacked <= point.unpacked and 0 <= point.bits < 8):
                raise ContentError("This is no index of a layer: its points are in no order")
            before = point
        if before.packed > points.packed or before.unpacked > points.unpacked:
            raise ContentError("This is no index of a layer: its last point lies behind the layer")
        if (points.kind == "tar") == bool(points.points) or (points.points and points.points[0] != Point(0, 0)):
            raise ContentError("This is no index of a layer: its first point is missing")
        return points

    def _before(self, start: int) -> Point:
        return self.points[bisect_right(self.points, start, key=_unpacked) - 1]


def _unpacked(point: Point) -> int:
    return point.unpacked


class PointsMaker:
    """Takes note of points while a layer is read from its first byte to its last.

    `begin`, `wait`, `member`, `block` and `end` are what a decompressor tells; offsets are bytes from the beginning.
    """

    def __init__(self, spacing: int = _SPACING) -> None:
        """`spacing`: packed bytes from one point to the next, with a window."""
        self._spacing = spacing
        self._kind: Kind | None = None
        self._points: list[Point] = []
        self._windows = 0  # bytes
        self._factor = 1
        self._tried = 0  # up to where no other window is wanted
        self._begun: _Begun | None = None
        self._made: Points | None = None

    def finish(self) -> Points | None:
        """None when the layer wasn't read to its end, or when nothing here can stop between blocks of its kind."""
        return self._made

    def begin(self, kind: Kind) -> None:
        self._kind = kind
        if kind != "tar":
            self._points.append(Point(0, 0))

    def wait(self, packed: int, unpacked: int) -> int:
        """How many more packed bytes may be read before the next block's beginning is wanted; 0: it is."""
        if self._begun:
            return FOLLOWING - len(self._begun.following)
        if unpacked - self._points[-1].unpacked >= _SPACING_UNPACKED * self._factor:
            return max(0, self._tried - packed)
        return max(0, max(self._points[-1].packed + self._spacing * self._factor, self._tried) - packed)

    def member(self, packed: int, unpacked: int) -> None:
        """A member or frame begins: whatever follows refers to nothing before it."""
        self._complete()
        point = Point(packed, unpacked)
        if self._is_far(self._points[-1], point):
            self._add(point)

    def block(self, packed: int, unpacked: int, bits: int, last: bytes, window: bytes) -> None:
        """A block begins, `bits` bits before the end of the `last` byte; `window` is the archive before it."""
        if window:
            self._begun = _Begun(Point(packed, unpacked, bits), window, bytearray(last if bits else b""))
        else:  # its member has begun just now: a hostile layer has many such
            self._tried = packed + _FREE

    def follow(self, data: memoryview) -> None:
        """More packed bytes were read."""
        if self._begun:
            self._begun.following += data
            if len(self._begun.following) >= FOLLOWING:
                self._complete()

    def end(self, packed: int, unpacked: int) -> None:
        self._complete()
        if self._kind:
            self._made = Points(self._kind, packed, unpacked, tuple(self._points))

    def _complete(self) -> None:
        if self._begun:
            import zstandard

            begun, self._begun = self._begun, None
            window = needed(begun.window, bytes(begun.following), begun.point.bits)
            packed = zstandard.ZstdCompressor(level=_WINDOW_LEVEL).compress(window)
            self._add(msgspec.structs.replace(begun.point, window=packed))

    def _add(self, point: Point) -> None:
        self._points.append(point)
        self._windows += len(point.window)
        while len(self._points) > _MOST_POINTS or self._windows > _MOST_WINDOWS:
            self._factor *= 2
            kept = self._points[:1]
            for point in self._points[1:]:
                if self._is_far(kept[-1], point):
                    kept.append(point)
            self._points, self._windows = kept, sum(len(point.window) for point in kept)

    def _is_far(self, before: Point, point: Point) -> bool:
        spacing = self._spacing if point.window else min(self._spacing, _FREE)
        return (
            point.packed - before.packed >= spacing * self._factor
            or point.unpacked - before.unpacked >= _SPACING_UNPACKED * self._factor
        )


@dataclass(slots=True)
class _Begun:
    """A block whose following bytes aren't all here, which tell what it needs of its window."""

    point: Point
    window: bytes
    following: bytearray


class PointReader:
    """Takes a layer's bytes from a point on, and gives the archive's from a given one on."""

    def __init__(self, kind: Kind, point: Point, start: int) -> None:
        self._skip = start - point.unpacked
        self._format: Format
        if kind == "tar":
            self._format = Plain()
        elif kind == "zstd":
            self._format = Zstd()
        elif point.window or point.bits:
            self._format = _Resumed(point)
        else:
            self._format = Gzip()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Pieces of the archive. It doesn't know where to end: take what is wanted. Raises `ContentError`."""
        for piece in self._format.feed(data):
            if self._skip < len(piece):
                yield piece[self._skip :] if self._skip else piece
            self._skip = max(0, self._skip - len(piece))


class _Resumed:
    """A gzip member from one of its blocks on, and the members that follow."""

    name = "gzip"

    def __init__(self, point: Point) -> None:
        self._inflate = zlib.decompressobj(wbits=-15, zdict=_window(point.window))
        self._bits = point.bits
        self._is_over = False
        self._trailer = 8  # bytes that are still to come of the checksums, which tell nothing here
        self._rest: Gzip | None = None

    @property
    def is_complete(self) -> bool:
        return self._rest is not None and self._rest.is_complete

    def feed(self, data: bytes) -> Iterator[bytes]:
        if not self._is_over:
            yield from self._inflated(from_whole_byte(data, self._bits))
            self._bits = 0 if data else self._bits
            if not self._inflate.eof:
                return
            data, self._is_over = self._inflate.unused_data, True
        if self._trailer:
            cut = min(self._trailer, len(data))
            self._trailer -= cut
            data = data[cut:]
        if data:
            self._rest = self._rest or Gzip(1)
            yield from self._rest.feed(data)

    def _inflated(self, data: bytes) -> Iterator[bytes]:
        while not self._inflate.eof:
            try:
                piece = self._inflate.decompress(data, PIECE)
            except zlib.error as error:
                raise ContentError(f"The layer's gzip data is damaged: {shown(str(error), 200)}") from error
            if piece:
                yield piece
            data = self._inflate.unconsumed_tail
            if not data and len(piece) < PIECE:
                return


def _window(packed: bytes) -> bytes:
    import zstandard

    try:
        if 0 < zstandard.frame_content_size(packed) <= WINDOW:
            return zstandard.ZstdDecompressor().decompress(packed)
    except zstandard.ZstdError:
        pass
    raise ContentError("The layer's index is damaged")
