"""Archives for the tests, written by `tarfile`, and the reading of them."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterable

import zstandard

from regtui.layers.decompress import Inflater
from regtui.layers.limits import LIMITS, Limits
from regtui.layers.tar import Entry, TarWalker


def archive(members: Iterable[tarfile.TarInfo], format: int = tarfile.PAX_FORMAT, **options: object) -> bytes:
    """A tar of these members; files hold zeros."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format, **options) as tar:  # type: ignore[call-overload]
        for member in members:
            tar.addfile(member, io.BytesIO(bytes(member.size)) if member.isreg() else None)
    return buffer.getvalue()


def member(path: str, size: int = 0, type: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(path)
    info.size, info.type, info.linkname = size, type, link
    return info


def walk(data: bytes, chunk: int = 1000, limits: Limits = LIMITS) -> list[Entry]:
    """The entries of a layer whose bytes arrive in pieces of `chunk`."""
    found: list[Entry] = []
    walk_into(found, data, chunk, limits)
    return found


def walk_into(found: list[Entry], data: bytes, chunk: int = 1000, limits: Limits = LIMITS) -> None:
    """As `walk`, with what was read before an error in `found`."""
    inflater, walker = Inflater(limits), TarWalker(limits)
    for start in range(0, len(data), chunk):
        for piece in inflater.feed(data[start : start + chunk]):
            walker.feed(piece, found)
    for piece in inflater.close():
        walker.feed(piece, found)
    walker.close()


def zstd_frames(data: bytes, frames: int = 1, **parameters: object) -> bytes:
    """The data as several zstd frames in a row."""
    size = -(-len(data) // frames)
    compressor = zstandard.ZstdCompressor(**parameters)  # type: ignore[arg-type]
    return b"".join(compressor.compress(data[start : start + size]) for start in range(0, len(data), size))


def gzip_members(data: bytes, members: int = 1) -> bytes:
    """The data as several gzip members in a row."""
    size = -(-len(data) // members)
    return b"".join(gzip.compress(data[start : start + size]) for start in range(0, len(data), size))
