"""zstd:chunked: a zstd layer with a table of contents in a skippable frame (containers/storage, "zstd:chunked")."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, replace

from regtui.errors import ContentError, TooLarge
from regtui.layers.decompress import Inflater
from regtui.layers.limits import LIMITS, Limits
from regtui.layers.toc import TOC_LIMIT, read_toc
from regtui.layers.whereabouts import LayerIndex

POSITION = "io.github.containers.zstd-chunked.manifest-position"
CHECKSUM = "io.github.containers.zstd-chunked.manifest-checksum"
"""The annotations of a layer: where the table lies, and the digest of its compressed bytes."""

FOOTER = 64
"""Bytes of the footer, the layer's last."""

_MAGIC = b"GNUlInUx"
_ANNOTATED = re.compile(r"(\d{1,18}):(\d{1,18}):(\d{1,18}):(\d{1,18})", re.ASCII)
_KIND = 1


@dataclass(frozen=True, slots=True)
class Position:
    """Where a table of contents lies, in bytes: compressed, from `start` up to, without, `end`."""

    start: int
    end: int
    unpacked: int


def annotated_position(text: str, layer_size: int) -> Position:
    """What the annotation `POSITION` says. Raises `ContentError` when that can't be, and `TooLarge`."""
    told = _ANNOTATED.fullmatch(text)
    if told is None:
        raise ContentError("The layer's annotation doesn't tell where its table of contents lies")
    start, length, unpacked, kind = map(int, told.groups())
    return _position(start, length, unpacked, kind, layer_size)


def position_in(end: bytes, layer_size: int) -> Position | None:
    """What the footer says, if there is one; `end` is the layer's last bytes. Raises as `annotated_position`."""
    footer = end[-FOOTER:]
    if len(footer) < FOOTER or not footer.endswith(_MAGIC):
        return None
    start, length, unpacked, kind = struct.unpack("<4Q", footer[:32])
    return _position(start, length, unpacked, kind, layer_size)


def zstd_chunked_index(packed: bytes, position: Position, limits: Limits = LIMITS) -> LayerIndex:
    """What the layer lists; `packed` is the table as it lies at `position`. Raises `ContentError`."""
    unpacked = position.unpacked
    inflater = Inflater(replace(LIMITS, unpacked=unpacked))
    json = b"".join((*inflater.feed(packed), *inflater.close()))
    if len(json) != unpacked:
        raise ContentError(f"The layer's table of contents has {len(json):,} bytes unpacked, not {unpacked:,} as told")
    return read_toc(json, position.start, limits)


def _position(start: int, length: int, unpacked: int, kind: int, layer_size: int) -> Position:
    if kind != _KIND:
        raise ContentError(f"The layer's table of contents is of kind {kind}; regtui knows {_KIND}")
    if not 0 < start < start + length <= layer_size:
        raise ContentError("The layer's table of contents would lie outside of the layer")
    if max(length, unpacked) > TOC_LIMIT:
        raise TooLarge(f"The layer's table of contents has more than {TOC_LIMIT:,} bytes; regtui reads no further")
    return Position(start, start + length, unpacked)
