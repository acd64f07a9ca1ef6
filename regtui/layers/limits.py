"""Bounds of what is read of one layer: a zip bomb is a layer too."""

from __future__ import annotations

from dataclasses import dataclass

PIECE = 2**20
"""Bytes that come out of one step of a decompressor at most."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Beyond one of these the reading stops with `TooLarge`, and what was read stays."""

    unpacked: int = 64 * 2**30  # bytes that come out of the decompressor
    ratio: int = 500  # bytes out for a byte in, looked at once `ratio_from` bytes came out
    ratio_from: int = 512 * 2**20
    entries: int = 1_000_000  # some 500 MB of memory, as a tree
    names: int = 192 * 2**20  # bytes of all paths, link targets and maps of holes; a tree has most of the paths twice


LIMITS = Limits()
