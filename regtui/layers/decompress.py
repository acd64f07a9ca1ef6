"""Decompression of a layer as its bytes arrive: gzip of several members, zstd of several frames, or none.

What a layer is compressed with is found by its first bytes: media types are wrong too often. No step gives more than
`PIECE` bytes, whatever the input, so that memory stays bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from regtui.errors import ContentError, TooLarge
from regtui.layers import deflate
from regtui.layers.gzip_members import Gzip, GzipByBlock
from regtui.layers.limits import LIMITS, PIECE, Limits
from regtui.layers.zstd_frames import Zstd

if TYPE_CHECKING:
    from regtui.layers.points import PointsMaker

__all__ = ["PIECE", "Format", "Inflater", "Plain"]


class Format(Protocol):
    """One way of compression."""

    name: str

    def feed(self, data: bytes) -> Iterator[bytes]: ...

    @property
    def is_complete(self) -> bool: ...


class Inflater:
    """Takes a layer's bytes and gives the tar archive's."""

    def __init__(self, limits: Limits = LIMITS, points: PointsMaker | None = None) -> None:
        """`points` notes, on the way, where the archive can be entered."""
        self.bytes_in = 0
        self.bytes_out = 0
        self._limits = limits
        self._points = points
        self._start = b""
        self._format: Format | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Pieces of the archive, as far as this data goes. Consume them before the next call.

        Raises `ContentError` when the data is damaged, `TooLarge` beyond the limits.
        """
        self.bytes_in += len(data)
        if self._format is None:
            data = self._start = self._start + data
            if len(data) < 4:
                return
            self._format, self._start = _format_of(data, self._points), b""
        for piece in self._format.feed(data):
            self.bytes_out += len(piece)
            self._check_limits()
            yield piece

    def close(self) -> Iterator[bytes]:
        """What is left once all data was fed. Raises `ContentError` when the compressed data was cut off."""
        if self._format is None:
            self._format = _format_of(b"", self._points)
            self.bytes_out += len(self._start)
            yield self._start
        elif not self._format.is_complete:
            raise ContentError(
                f"The layer is cut off: its {self._format.name} data ends after {self.bytes_in:,} bytes, "
                "before its own end"
            )
        if self._points:
            self._points.end(self.bytes_in, self.bytes_out)

    def _check_limits(self) -> None:
        limits = self._limits
        if self.bytes_out > limits.unpacked:
            raise TooLarge(f"The layer holds more than {limits.unpacked:,} bytes unpacked; regtui reads no further")
        if self.bytes_out > limits.ratio_from and self.bytes_out > self.bytes_in * limits.ratio:
            raise TooLarge(
                f"The layer grows to more than {limits.ratio:,} times its size when it is unpacked; "
                "regtui reads no further"
            )


def _format_of(start: bytes, points: PointsMaker | None) -> Format:
    if start[:2] == b"\x1f\x8b":
        library = deflate.best()
        return GzipByBlock(library, points) if library and (points or library.is_fast) else Gzip()
    if start[:4] == b"\x28\xb5\x2f\xfd" or (start[1:4] == b"\x2a\x4d\x18" and start[0] & 0xF0 == 0x50):
        return Zstd(points)
    if points:
        points.begin("tar")
    return Plain()


class Plain:
    """An archive as it is."""

    name = "tar"
    is_complete = True

    def feed(self, data: bytes) -> Iterator[bytes]:
        for begin in range(0, len(data), PIECE):
            yield data[begin : begin + PIECE]
