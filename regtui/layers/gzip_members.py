"""gzip (RFC 1952): members one after another; zeros may follow the last."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from regtui.errors import ContentError
from regtui.layers.deflate import Inflate, Library
from regtui.layers.limits import PIECE
from regtui.text import shown

if TYPE_CHECKING:
    from regtui.layers.points import PointsMaker

_SLICE = 64 * 1024  # what follows a member is copied for the next one: short slices keep that cheap
_PIECE = PIECE // 4  # what zlib-ng unpacks is soon read again: it should still be in the processor's cache
_ZEROS = re.compile(rb"\0*")


class _Member(Protocol):
    """A decompressor of one gzip member, shaped as the standard library's for bzip2 and xz."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class Gzip:
    """By isal: fast, and with no way to stop between two blocks. For systems where zlib-ng can't be called."""

    name = "gzip"

    def __init__(self, members: int = 0) -> None:
        """`members`: how many were read before these."""
        from isal import igzip_lib

        self._library = igzip_lib
        self._member: _Member | None = None
        self._members = members

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


class GzipByBlock:
    """Stops at a block's beginning whenever a point is due there, if any are wanted."""

    name = "gzip"

    def __init__(self, library: Library, points: PointsMaker | None) -> None:
        self._points = points
        self._inflate = Inflate(library, _PIECE)
        self._in_member = False
        self._members = 0
        self._packed = 0  # bytes before those that are fed now
        self._unpacked = 0
        self._last = b""
        if points:
            points.begin("gzip")

    @property
    def is_complete(self) -> bool:
        return not self._in_member

    def feed(self, data: bytes) -> Iterator[bytes]:
        position, piece = 0, b""
        while position < len(data) or len(piece) == _PIECE or self._inflate.is_damaged:
            if not self._in_member:
                position = self._begin(data, position)
                if not self._in_member:
                    break
            piece, position = self._step(data, position)
            if piece:
                yield piece
        self._packed += len(data)
        self._last = data[-1:] or self._last

    def _begin(self, data: bytes, position: int) -> int:
        """Where the next member begins; in none when there are only zeros."""
        if self._members:
            zeros = _ZEROS.match(data, position)
            position = zeros.end() if zeros else position
            self._inflate.restart()
        if position < len(data):
            if self._points:
                self._points.member(self._packed + position, self._unpacked)
            self._in_member = True
            self._members += 1
        return position

    def _step(self, data: bytes, position: int) -> tuple[bytes, int]:
        points, end = self._points, len(data)
        wait = points.wait(self._packed + position, self._unpacked) if points else end
        if wait:
            end = min(end, position + wait)
        piece, used = self._inflate.step(data, position, end, to_block=not wait)
        self._unpacked += len(piece)
        self._in_member = not self._inflate.is_at_end
        if points:
            points.follow(memoryview(data)[position:used])
            if self._inflate.is_at_block:
                last, window = data[max(used - 1, 0) : used] or self._last, self._inflate.window()
                points.block(self._packed + used, self._unpacked, self._inflate.bits, last, window)
        return piece, used
