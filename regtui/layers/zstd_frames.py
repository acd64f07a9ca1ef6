"""zstd (RFC 8878): frames one after another, skippable ones among them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from regtui.errors import ContentError
from regtui.text import shown

if TYPE_CHECKING:
    import zstandard

    from regtui.layers.points import PointsMaker

_BLOCK = 128 * 1024  # Block_Maximum_Size
_WINDOW = 128 * 2**20


class Zstd:
    """Reads the blocks' headers and feeds the library block by block: it has no bound for what comes out of one call.

    A block has: 128 KiB. The headers also tell where a frame was cut off.
    """

    name = "zstd"

    def __init__(self, points: PointsMaker | None = None) -> None:
        import zstandard

        self._points = points
        self._packed = self._unpacked = 0  # bytes so far
        if points:
            points.begin("zstd")
        self._library = zstandard
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._buffer = bytearray()
        self._skip = 0  # bytes of a skippable frame that are still to come
        self._checksum = 0  # bytes that follow the last block

    @property
    def is_complete(self) -> bool:
        return self._frame is None and not self._buffer and not self._skip

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._buffer += data
        while True:
            if self._skip:
                cut = min(self._skip, len(self._buffer))
                del self._buffer[:cut]
                self._skip -= cut
                self._packed += cut
            size, is_last = self._block() if self._frame else (self._frame_header(), False)
            if not size or len(self._buffer) < size:
                return
            unit = bytes(self._buffer[:size])
            del self._buffer[:size]
            yield from self._inflate(unit, is_last)
            self._packed += size

    def _inflate(self, unit: bytes, is_last: bool) -> Iterator[bytes]:
        if self._frame is None:
            if unit[:4] != b"\x28\xb5\x2f\xfd":
                self._skip = int.from_bytes(unit[4:], "little")
                return
            if self._points:
                self._points.member(self._packed, self._unpacked)
            self._frame = self._decompressor.decompressobj()
            self._checksum = 4 if unit[4] & 0x04 else 0
        try:
            piece = self._frame.decompress(unit)
        except self._library.ZstdError as error:
            raise ContentError(f"The layer's zstd data is damaged: {shown(str(error), 200)}") from error
        if piece:
            self._unpacked += len(piece)
            yield piece
        if is_last:
            self._frame = None

    def _frame_header(self) -> int:
        """The length of the header that comes next; 0 while too little of it is here."""
        buffer = self._buffer
        if len(buffer) < 5:
            return 0
        if buffer[1:4] == b"\x2a\x4d\x18" and buffer[0] & 0xF0 == 0x50:
            return 8
        if buffer[:4] != b"\x28\xb5\x2f\xfd":
            raise ContentError("The layer's zstd data is damaged: no frame begins where one should")
        descriptor = buffer[4]
        single_segment = descriptor >> 5 & 1
        content_size = (single_segment, 2, 4, 8)[descriptor >> 6]
        return 5 + (1 - single_segment) + (0, 1, 2, 4)[descriptor & 3] + content_size

    def _block(self) -> tuple[int, bool]:
        """The length of the block that comes next, with what follows it, and whether it is the frame's last."""
        if len(self._buffer) < 3:
            return 0, False
        header = int.from_bytes(self._buffer[:3], "little")
        is_last, kind, size = bool(header & 1), header >> 1 & 3, header >> 3
        if kind == 3 or size > _BLOCK:
            raise ContentError("The layer's zstd data is damaged: it holds a block that can't be")
        return 3 + (1 if kind == 1 else size) + (self._checksum if is_last else 0), is_last
