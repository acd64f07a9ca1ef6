"""gzip data of every make, for the tests: what packers in the world write, and what nobody would."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from regtui.layers import deflate
from regtui.layers.decompress import Inflater
from regtui.layers.points import Points, PointsMaker

LIBRARIES = {"zlib-ng": deflate.next_gen(), "the system's zlib": deflate.system(), "isal": None}
BY_BLOCK = [name for name, library in LIBRARIES.items() if library]

STRATEGIES = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED)


@contextmanager
def library(name: str) -> Iterator[None]:
    """As on a machine where this is the best one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deflate, "best", lambda: LIBRARIES[name])
        yield


def content(kind: str, size: int, seed: int = 0) -> bytes:
    """Bytes of a kind: "text", "noise", "zeros", or "mixed"."""
    chance = random.Random(seed)
    if kind == "zeros":
        return bytes(size)
    if kind == "noise":
        return chance.randbytes(size)
    words = [chance.randbytes(chance.randrange(2, 12)).hex().encode() for _ in range(500)]
    text = b" ".join(chance.choices(words, k=size // 8 + 1))
    if kind == "mixed":
        text = b"".join(text[at : at + 700] + chance.randbytes(300) for at in range(0, len(text), 700))
    return (text * (size // len(text) + 1))[:size]


@dataclass
class Part:
    """What a packer is given, how it packs that, and what it does behind it."""

    data: bytes
    level: int = 6
    strategy: int = zlib.Z_DEFAULT_STRATEGY
    memory: int = 8
    ends_with: int = zlib.Z_FINISH  # of a member; else Z_SYNC_FLUSH, Z_FULL_FLUSH or Z_NO_FLUSH


@dataclass
class Packed:
    whole: bytes
    packed: bytes
    members: list[int] = field(default_factory=list)


def pack(parts: list[Part]) -> Packed:
    """Parts that don't end a member share the next one's packer, which is the first's."""
    packed, members, packer = b"", [0], None
    for number, part in enumerate(parts):
        packer = packer or zlib.compressobj(part.level, wbits=31, memLevel=part.memory, strategy=part.strategy)
        is_last = number == len(parts) - 1
        packed += packer.compress(part.data)
        end = zlib.Z_FINISH if is_last else part.ends_with
        if end != zlib.Z_NO_FLUSH:
            packed += packer.flush(end)
        if end == zlib.Z_FINISH:
            packer = None
            if not is_last:
                members.append(len(packed))
    return Packed(b"".join(part.data for part in parts), packed, members)


def unpack(packed: bytes, step: int = 100_000, spacing: int = 2**20) -> tuple[bytes, Points | None]:
    """The archive, and the layer's index."""
    maker = PointsMaker(spacing)
    inflater = Inflater(points=maker)
    pieces = [piece for at in range(0, len(packed), step) for piece in inflater.feed(packed[at : at + step])]
    pieces += inflater.close()
    return b"".join(pieces), maker.finish()


def read(points: Points, packed: bytes, start: int, end: int, step: int = 100_000) -> bytes:
    """The archive's bytes [start, end), by one range of the layer."""
    first, last = points.ranges(start, end)
    reader = points.reader(start)
    part = packed[first:last]
    out = b"".join(piece for at in range(0, len(part), step) for piece in reader.feed(part[at : at + step]))
    return out[: end - start]
