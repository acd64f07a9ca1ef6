"""What is known of layers, so that listing one again costs no request and a file in it costs one.

It is kept by the layer's digest once the whole layer was read and its digest was right: then it holds wherever this
layer is found. What a table of contents says is kept by the table's digest as well, as the manifest tells it: another
manifest that tells of another table is not answered with it. A table that no digest checks is known to this session.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from regtui.errors import ContentError
from regtui.layers.estargz import DIGEST
from regtui.layers.whereabouts import FORMAT, LayerIndex
from regtui.layers.zstd_chunked import CHECKSUM
from regtui.oci.manifest import Descriptor
from regtui.operations.session import Session

if TYPE_CHECKING:
    from regtui.layers.points import Points


async def known_index(session: Session, layer: Descriptor) -> LayerIndex | None:
    """What this layer lists, as far as no request is needed to tell."""
    for key in (_key("index", layer.digest), _toc_key(layer)):
        raw = await session.cache.get_made(key)
        if raw is not None:
            try:
                return LayerIndex.decode(raw)
            except ContentError:
                continue
    return None


async def known_points(session: Session, layer: Descriptor) -> Points | None:
    """Where this layer can be entered."""
    from regtui.layers.points import Points

    raw = await session.cache.get_made(_key("points", layer.digest))
    try:
        return await asyncio.to_thread(Points.decode, raw) if raw is not None else None
    except ContentError:
        return None


async def keep(session: Session, layer: Descriptor, index: LayerIndex, points: Points | None) -> None:
    """Keeps what was learned of a layer that was read to its end, and whose digest is right."""
    if points:
        await session.cache.keep_made(_key("points", layer.digest), await asyncio.to_thread(points.encode))
    await session.cache.keep_made(_key("index", layer.digest), await asyncio.to_thread(index.encode))


async def keep_toc(session: Session, layer: Descriptor, index: LayerIndex, *, is_verified: bool) -> None:
    """Keeps what a layer's table of contents lists. `is_verified`: its digest is the one that the manifest tells."""
    await session.cache.keep_made(_toc_key(layer), await asyncio.to_thread(index.encode), lasting=is_verified)


def _key(kind: str, digest: str) -> str:
    return f"{kind}-{FORMAT} {digest}"


def _toc_key(layer: Descriptor) -> str:
    annotations = layer.annotations or {}
    return _key("toc", f"{layer.digest} {annotations.get(CHECKSUM) or annotations.get(DIGEST, '')}")
