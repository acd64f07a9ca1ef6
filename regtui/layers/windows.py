"""How a deflate block is entered (RFC 1951): from a bit on, and with the bytes before it that it refers to.

It may refer to 32 KiB. What it does refer to is most often a few hundred bytes, and only these are worth keeping.
"""

from __future__ import annotations

import sys
import zlib
from itertools import compress

WINDOW = 32 * 1024

FOLLOWING = 64 * 1024
"""Packed bytes that are looked at: enough for 32 KiB unpacked, unless somebody packed to no purpose."""

_FIXED = 0b010, 10  # an empty block of the fixed codes: its kind and the code of its end
_OWN = 0x35FFC10000000000081E004, 93  # an empty block with codes of its own, for an odd number of bits

_LOW, _HIGH = bytes(range(256)) * 128, b"".join(bytes([high]) * 256 for high in range(128))
_OTHER = bytes(low ^ 0xFF for low in _LOW)
"""Windows whose bytes tell their own places, together; and one that differs everywhere."""
_LITTLE = sys.byteorder == "little"


def from_whole_byte(data: bytes, bits: int) -> bytes:
    """Of the first byte only the highest `bits` belong to the data, 0 meaning all: puts empty blocks before them."""
    if not bits or not data:
        return data
    filler, length = _EMPTY_BLOCKS[8 - bits]
    return (filler | data[0] >> 8 - bits << length).to_bytes((length + 7) // 8, "little") + data[1:]


def needed(window: bytes, following: bytes, bits: int) -> bytes:
    """The window with zeros where nothing refers to; all of it where the `following` data is too short to tell."""
    data = from_whole_byte(following, bits)
    unpacked = []
    for places in (_LOW, _HIGH, _OTHER):
        inflate = zlib.decompressobj(wbits=-15, zdict=places[: len(window)])
        try:
            unpacked.append(inflate.decompress(data, WINDOW))
        except zlib.error:  # damaged: whoever reads on will say so
            return window
        if len(unpacked[-1]) < WINDOW and not inflate.eof:
            return window
    low, high, other = unpacked
    is_copied = (int.from_bytes(low, "big") ^ int.from_bytes(other, "big")).to_bytes(len(low), "big")
    both = bytearray(2 * len(low))
    both[_LITTLE::2], both[1 - _LITTLE :: 2] = high, low
    sparse = bytearray(len(window))
    for place in set(compress(memoryview(both).cast("H"), is_copied)):
        sparse[place] = window[place]
    return bytes(sparse)


def _row(first: tuple[int, int], count: int) -> tuple[int, int]:
    """The bits of a block, then `count` of the fixed codes; and how many bits they are."""
    bits, length = first
    for _ in range(count):
        bits, length = bits | _FIXED[0] << length, length + _FIXED[1]
    return bits, length


_EMPTY_BLOCKS = {row[1] % 8: row for first in ((0, 0), _OWN) for count in range(4) for row in [_row(first, count)]}
"""Blocks that hold nothing, by the bits that the last of their bytes has."""
