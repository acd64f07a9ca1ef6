"""A layer's files from its table of contents: two or three Range requests instead of the whole layer.

A table is believed where its digest stands in the manifest. One that only the layer's footer tells of is believed as
far as the registry is, so no mirror is asked for it. That digest says who wrote the table, not that it is true of the
layer: whoever made the image could list what the archive hasn't. Only reading the layer would tell.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regtui.errors import ContentError, NoRanges, RegtuiError
from regtui.layers import estargz, zstd_chunked
from regtui.layers.limits import Limits
from regtui.layers.whereabouts import LayerIndex
from regtui.oci import media_types
from regtui.oci.digest import parse_digest, verify
from regtui.oci.manifest import Descriptor
from regtui.operations.known_layers import keep_toc
from regtui.operations.reading import digest_in
from regtui.operations.session import Session

if TYPE_CHECKING:
    from regtui.registry.client import Client

_SMALL = 256 * 1024
"""Bytes of a layer that is read sooner than its footer is asked for."""

_FOOTER_PATIENCE = 5.0
_PATIENCE = 60.0
"""Seconds that a part may take."""

_Read = Callable[["Client", str], Awaitable[bytes]]


@dataclass(slots=True)
class Table:
    """What was found out about a layer's table of contents."""

    index: LayerIndex | None = None
    """None: there is none, or a wrong one, or none to be had. The layer itself then tells."""
    is_estargz: bool = False
    """It is said to be an eStargz layer: what `estargz.NO_FILES` names is no file of the image."""


async def listed(session: Session, repository: str, layer: Descriptor, limits: Limits) -> Table:
    """What the layer lists by its table of contents, which is then known (`known_layers`)."""
    annotations = layer.annotations or {}
    table = Table(is_estargz=estargz.DIGEST in annotations and zstd_chunked.CHECKSUM not in annotations)
    if layer.media_type.startswith(media_types.FOREIGN) or not session.client.has_ranges:
        return table
    is_verified = True
    try:
        if zstd_chunked.CHECKSUM in annotations:
            table.index = await _zstd_chunked(session, repository, layer, limits)
        elif table.is_estargz:
            table.index = await _estargz(session, repository, layer, limits)
        elif layer.size > _SMALL and not (session.mirrors or session.mirror):
            is_verified = False
            await _by_footer(session.client, repository, layer, limits, table)
    except (RegtuiError, TimeoutError):
        pass  # the layer's own bytes say better what is wrong, if anything is
    if table.index:
        await keep_toc(session, layer, table.index, is_verified=is_verified)
    return table


async def _zstd_chunked(session: Session, repository: str, layer: Descriptor, limits: Limits) -> LayerIndex:
    annotations = layer.annotations or {}
    position = zstd_chunked.annotated_position(annotations.get(zstd_chunked.POSITION, ""), layer.size)

    async def read(client: Client, name: str) -> bytes:
        return await _part(client, name, layer, position.start, position.end, _PATIENCE)

    packed = await _verified(session, repository, layer, annotations[zstd_chunked.CHECKSUM], read)
    return await asyncio.to_thread(zstd_chunked.zstd_chunked_index, packed, position, limits)


async def _estargz(session: Session, repository: str, layer: Descriptor, limits: Limits) -> LayerIndex:
    end = 0

    async def read(client: Client, name: str) -> bytes:
        nonlocal end
        offset = estargz.toc_offset(await _end(client, name, layer, estargz.FOOTER), layer.size)
        if offset is None:
            raise ContentError("The layer's annotation tells of a table of contents, and no footer does")
        end = offset
        return await _estargz_json(client, name, layer, offset)

    json = await _verified(session, repository, layer, (layer.annotations or {})[estargz.DIGEST], read)
    return await asyncio.to_thread(estargz.estargz_index, json, end, limits)


async def _by_footer(client: Client, repository: str, layer: Descriptor, limits: Limits, table: Table) -> None:
    """One request in vain for a layer that turns out to have no table."""
    end = await _end(client, repository, layer, max(estargz.FOOTER, zstd_chunked.FOOTER))
    if position := zstd_chunked.position_in(end, layer.size):
        packed = await _part(client, repository, layer, position.start, position.end, _PATIENCE)
        table.index = await asyncio.to_thread(zstd_chunked.zstd_chunked_index, packed, position, limits)
        return
    table.is_estargz = estargz.is_footer(end)
    if offset := estargz.toc_offset(end, layer.size):
        json = await _estargz_json(client, repository, layer, offset)
        table.index = await asyncio.to_thread(estargz.estargz_index, json, offset, limits)


async def _estargz_json(client: Client, repository: str, layer: Descriptor, offset: int) -> bytes:
    member = await _part(client, repository, layer, offset, layer.size - estargz.FOOTER, _PATIENCE)
    return await asyncio.to_thread(estargz.toc_json, member)


async def _verified(session: Session, repository: str, layer: Descriptor, told: str, read: _Read) -> bytes:
    """A table that has the digest it should have: what `read` gets from a mirror or the registry.

    Raises `DigestMismatch`, and what `read` does.
    """
    digest = parse_digest(told)

    async def checked(client: Client, name: str) -> bytes:
        table = await read(client, name)
        verify(table, digest, f"the table of contents of {client.registry}/{name}@{layer.digest}")
        return table

    async def mirrored(client: Client, name: str) -> bytes | None:
        try:
            return await checked(client, name)
        except (ContentError, NoRanges, TimeoutError):  # who made the layer may be to blame
            return None

    found = await session.mirrors.first(repository, mirrored) if session.mirrors else None
    return found if found is not None else await checked(session.client, repository)


async def _end(client: Client, repository: str, layer: Descriptor, length: int) -> bytes:
    return await _part(client, repository, layer, max(0, layer.size - length), layer.size, _FOOTER_PATIENCE)


async def _part(client: Client, repository: str, layer: Descriptor, start: int, end: int, patience: float) -> bytes:
    async with (
        asyncio.timeout(patience),
        aclosing(client.blob(repository, digest_in(layer), start=start, end=end, only_part=True)) as chunks,
    ):
        return b"".join([chunk async for chunk in chunks])
