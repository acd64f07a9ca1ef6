"""Long stretches of zeros, which a disk need not hold: a layer of a few bytes may have files of many gigabytes."""

from __future__ import annotations

from regtui.layers.limits import PIECE

_SHORTEST = 64 * 1024
_ZEROS = bytes(PIECE)


def is_hole(data: bytes) -> bool:
    """Whether these are only zeros, and so many that they are rather passed over than written."""
    return len(data) >= _SHORTEST and not any(data[:16]) and data == _ZEROS[: len(data)]
