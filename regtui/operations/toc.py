"""A layer's files from its table of contents: two or three Range requests instead of the whole layer.

A table is believed where its digest stands in the manifest. One that only the layer's footer tells of is believed as
far as the registry is, so no mirror is asked for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

from regtui.errors import ContentError, RegtuiError
from regtui.layers import estargz, zstd_chunked
from regtui.layers.limits import Limits
from regtui.layers.tar import Entry
from regtui.oci import media_types
from regtui.oci.digest import digest_of, parse_digest, verify
from regtui.oci.manifest import Descriptor
from regtui.operations.reading import digest_in
from regtui.operations.session import Session

if TYPE_CHECKING:
    from regtui.registry.client import Client

_SMALL = 256 * 1024
"""Bytes of a layer that is read sooner than its footer is asked for."""

_FOOTER_PATIENCE = 5.0
_PATIENCE = 60.0
"""Seconds that a part may take. A registry without ranges sends all that lies before it, which is soon given up."""

_Read = Callable[["Client", str], Awaitable[bytes]]


async def listed(session: Session, repository: str, layer: Descriptor, limits: Limits) -> list[Entry] | None:
    """The layer's entries, in the archive's order.

    None: there is no table of contents, or a wrong one, or none to be had. The layer itself then tells.
    """
    if layer.media_type.startswith(media_types.FOREIGN):
        return None
    annotations = layer.annotations or {}
    try:
        if zstd_chunked.CHECKSUM in annotations:
            return await _zstd_chunked(session, repository, layer, limits)
        if estargz.DIGEST in annotations:
            return await _estargz(session, repository, layer, limits)
        if layer.size > _SMALL and not (session.mirrors or session.mirror):
            return await _by_footer(session.client, repository, layer, limits)
    except (RegtuiError, TimeoutError):
        pass  # the layer's own bytes say better what is wrong, if anything is
    return None


async def _zstd_chunked(session: Session, repository: str, layer: Descriptor, limits: Limits) -> list[Entry]:
    annotations = layer.annotations or {}
    position = zstd_chunked.annotated_position(annotations.get(zstd_chunked.POSITION, ""), layer.size)

    async def read(client: Client, name: str) -> bytes:
        return await _part(client, name, layer, position.start, position.end, _PATIENCE)

    packed = await _verified(session, repository, layer, annotations[zstd_chunked.CHECKSUM], read)
    return await asyncio.to_thread(zstd_chunked.zstd_chunked_entries, packed, position.unpacked, layer.size, limits)


async def _estargz(session: Session, repository: str, layer: Descriptor, limits: Limits) -> list[Entry]:
    async def read(client: Client, name: str) -> bytes:
        offset = estargz.toc_offset(await _end(client, name, layer, estargz.FOOTER), layer.size)
        if offset is None:
            raise ContentError("The layer's annotation tells of a table of contents, and no footer does")
        return await _estargz_json(client, name, layer, offset)

    json = await _verified(session, repository, layer, (layer.annotations or {})[estargz.DIGEST], read)
    return await asyncio.to_thread(estargz.estargz_entries, json, layer.size, limits)


async def _by_footer(client: Client, repository: str, layer: Descriptor, limits: Limits) -> list[Entry] | None:
    """One request in vain for a layer that turns out to have no table."""
    end = await _end(client, repository, layer, max(estargz.FOOTER, zstd_chunked.FOOTER))
    if position := zstd_chunked.position_in(end, layer.size):
        packed = await _part(client, repository, layer, position.start, position.end, _PATIENCE)
        return await asyncio.to_thread(zstd_chunked.zstd_chunked_entries, packed, position.unpacked, layer.size, limits)
    if offset := estargz.toc_offset(end, layer.size):
        json = await _estargz_json(client, repository, layer, offset)
        return await asyncio.to_thread(estargz.estargz_entries, json, layer.size, limits)
    return None


async def _estargz_json(client: Client, repository: str, layer: Descriptor, offset: int) -> bytes:
    member = await _part(client, repository, layer, offset, layer.size - estargz.FOOTER, _PATIENCE)
    return await asyncio.to_thread(estargz.toc_json, member)


async def _verified(session: Session, repository: str, layer: Descriptor, told: str, read: _Read) -> bytes:
    """A table by its digest: from the cache, else what `read` gets from a mirror or the registry, which is then kept.

    Beside it is kept that this layer has it: an annotation that came along from another layer is no proof of that.
    Raises `DigestMismatch`, and what `read` does.
    """
    digest = parse_digest(told)
    proof = f"The layer {layer.digest} has the table of contents {digest}".encode()
    kept = await session.cache.get(digest) if await session.cache.get(digest_of(proof)) else None
    if kept is not None:
        url = f"{session.client.endpoint.base}/v2/{repository}/blobs/{layer.digest}"
        session.log.note_cached("GET", url, len(kept))
        return kept

    async def checked(client: Client, name: str) -> bytes:
        table = await read(client, name)
        verify(table, digest, f"the table of contents of {client.registry}/{name}@{layer.digest}")
        return table

    async def mirrored(client: Client, name: str) -> bytes | None:
        try:
            return await checked(client, name)
        except (ContentError, TimeoutError):  # who made the layer may be to blame, or a server without ranges
            return None

    found = await session.mirrors.first(repository, mirrored) if session.mirrors else None
    found = found if found is not None else await checked(session.client, repository)
    await session.cache.put(digest, found)
    await session.cache.put(digest_of(proof), proof)
    return found


async def _end(client: Client, repository: str, layer: Descriptor, length: int) -> bytes:
    return await _part(client, repository, layer, max(0, layer.size - length), layer.size, _FOOTER_PATIENCE)


async def _part(client: Client, repository: str, layer: Descriptor, start: int, end: int, patience: float) -> bytes:
    async with (
        asyncio.timeout(patience),
        aclosing(client.blob(repository, digest_in(layer), start=start, end=end)) as chunks,
    ):
        return b"".join([chunk async for chunk in chunks])
