"""Decompression of a layer as its bytes arrive: gzip of several members, zstd of several frames, or none.

What a layer is compressed with is found by its first bytes: media types are wrong too often. No step gives more than
`PIECE` bytes, whatever the input, so that memory stays bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from regtui.errors import ContentError, TooLarge
from regtui.layers.limits import LIMITS, Limits
from regtui.text import shown

PIECE = 2**20
"""Bytes that come out of one step at most."""

_SLICE = 64 * 1024  # what follows a gzip member is copied for the next one: short slices keep that cheap
_ZSTD_BLOCK = 128 * 1024  # RFC 8878, Block_Maximum_Size
_ZSTD_WINDOW = 128 * 2**20


class _Format(Protocol):
    name: str

    def feed(self, data: bytes) -> Iterator[bytes]: ...

    @property
    def is_complete(self) -> bool: ...


class Inflater:
    """Takes a layer's bytes and gives the tar archive's."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.bytes_in = 0
        self.bytes_out = 0
        self._limits = limits
        self._start = b""
        self._format: _Format | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Pieces of the archive, as far as this data goes. Consume them before the next call.

        Raises `ContentError` when the data is damaged, `TooLarge` beyond the limits.
        """
        self.bytes_in += len(data)
        if self._format is None:
            data = self._start = self._start + data
            if len(data) < 4:
                return
            self._format, self._start = _format_of(data), b""
        for piece in self._format.feed(data):
            self.bytes_out += len(piece)
            self._check_limits()
            yield piece

    def close(self) -> Iterator[bytes]:
        """What is left once all data was fed. Raises `ContentError` when the compressed data was cut off."""
        if self._format is None:
            yield self._start
        elif not self._format.is_complete:
            raise ContentError(
                f"The layer is cut off: its {self._format.name} data ends after {self.bytes_in:,} bytes, "
                "before its own end"
            )

    def _check_limits(self) -> None:
        limits = self._limits
        if self.bytes_out > limits.unpacked:
            raise TooLarge(f"The layer holds more than {limits.unpacked:,} bytes unpacked; regtui reads no further")
        if self.bytes_out > limits.ratio_from and self.bytes_out > self.bytes_in * limits.ratio:
            raise TooLarge(
                f"The layer grows to more than {limits.ratio:,} times its size when it is unpacked; "
                "regtui reads no further"
            )


def _format_of(start: bytes) -> _Format:
    if start[:2] == b"\x1f\x8b":
        return _Gzip()
    if start[:4] == b"\x28\xb5\x2f\xfd" or (start[1:4] == b"\x2a\x4d\x18" and start[0] & 0xF0 == 0x50):
        return _Zstd()
    return _Plain()


class _Plain:
    name = "tar"
    is_complete = True

    def feed(self, data: bytes) -> Iterator[bytes]:
        for begin in range(0, len(data), PIECE):
            yield data[begin : begin + PIECE]


class _Member(Protocol):
    """A decompressor of one gzip member, shaped as the standard library's for bzip2 and xz."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """RFC 1952: members one after another; zeros may follow the last."""

    name = "gzip"

    def __init__(self) -> None:
        from isal import igzip_lib

        self._library = igzip_lib
        self._member: _Member | None = None
        self._members = 0

    @property
    def is_complete(self) -> bool:
        return self._member is None

    def feed(self, data: bytes) -> Iterator[bytes]:
        for begin in range(0, len(data), _SLICE):
            yield from self._feed_slice(data[begin : begin + _SLICE])

    def _feed_slice(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._member is None:
                if self._members and not (data := data.lstrip(b"\0")):
                    return
                self._member = self._library.IgzipDecompressor(flag=self._library.DECOMP_GZIP)
                self._members += 1
            try:
                yield from self._inflate(self._member, data)
            except self._library.error as error:  # type: ignore[misc]  # the stub says an instance
                raise ContentError(f"The layer's gzip data is damaged: {shown(str(error), 200)}") from error
            if not self._member.eof:
                return
            data, self._member = self._member.unused_data, None

    @staticmethod
    def _inflate(member: _Member, data: bytes) -> Iterator[bytes]:
        piece = member.decompress(data, PIECE)
        while True:
            if piece:
                yield piece
            if member.eof or member.needs_input:
                return
            piece = member.decompress(b"", PIECE)


class _Zstd:
    """RFC 8878: frames one after another, skippable ones among them.

    The library has no bound for what comes out of one call; a block has: 128 KiB. So the blocks' headers are read here,
    and the library is fed block by block. That also tells where a frame was cut off.
    """

    name = "zstd"

    def __init__(self) -> None:
        import zstandard

        self._library = zstandard
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
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
            size, is_last = self._block() if self._frame else (self._frame_header(), False)
            if not size or len(self._buffer) < size:
                return
            unit = bytes(self._buffer[:size])
            del self._buffer[:size]
            yield from self._inflate(unit, is_last)

    def _inflate(self, unit: bytes, is_last: bool) -> Iterator[bytes]:
        if self._frame is None:
            if unit[:4] != b"\x28\xb5\x2f\xfd":
                self._skip = int.from_bytes(unit[4:], "little")
                return
            self._frame = self._decompressor.decompressobj()
            self._checksum = 4 if unit[4] & 0x04 else 0
        try:
            piece = self._frame.decompress(unit)
        except self._library.ZstdError as error:
            raise ContentError(f"The layer's zstd data is damaged: {shown(str(error), 200)}") from error
        if piece:
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
        if kind == 3 or size > _ZSTD_BLOCK:
            raise ContentError("The layer's zstd data is damaged: it holds a block that can't be")
        return 3 + (1 if kind == 1 else size) + (self._checksum if is_last else 0), is_last
