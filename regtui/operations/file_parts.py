"""Files of a layer, by Range requests for the parts of it that hold them, or while all of it streams by.

Parts are asked for where it is known which they are (`known_layers`) and where they are less than the layer. Only the
chunks of a table of contents have digests: what a Range of any other layer gives is believed as far as the registry is.
So parts come from the registry itself, never from one of its mirrors; and where the session is on a mirror, only those
that digests check. A whole layer, whose digest tells, may be a mirror's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from regtui.errors import Answered, ConnectionFailed, ContentError, RegistryError, TooLarge
from regtui.layers.contents import Content, ContentReader
from regtui.layers.limits import LIMITS, Limits
from regtui.layers.parts import GAP, Part, are_verified, parts
from regtui.layers.tar import Entry, Place
from regtui.oci.manifest import Descriptor
from regtui.operations.files import Progress
from regtui.operations.known_layers import known_index, known_points
from regtui.operations.layer_stream import layer_stream, steps_of
from regtui.operations.reading import digest_in
from regtui.operations.session import Session


class _Reader(Protocol):
    def feed(self, data: bytes) -> Iterator[list[Content]]: ...
    def close(self) -> Iterator[list[Content]]: ...


@dataclass(frozen=True, slots=True)
class Anew:
    """What came so far doesn't count: not all that a part of a layer gave is what it should be, as `error` says.

    The files come again, out of the whole layer, whose digest tells.
    """

    error: ContentError


async def file_contents(
    session: Session,
    repository: str,
    layer: Descriptor,
    entries: Collection[Entry],
    limits: Limits = LIMITS,
    *,
    limit: int | None = None,
) -> AsyncGenerator[Progress | list[Content] | Anew, None]:
    """These files of a layer, each a `Member` and its bytes, in the archive's order as far as that is known.

    A file may come twice; the last one counts. With `limit`, more than its first so many bytes may be missing of each.
    Files that the layer doesn't hold don't come. Only when this ended, all of it is known to be right. Raises what
    `layer_files` does.
    """
    begun = False
    if found := await _parts(session, layer, entries, limit, limits):
        try:
            async with aclosing(_in_parts(session, repository, layer, found)) as events:
                async for event in events:
                    begun = begun or not isinstance(event, Progress)
                    yield event
            return
        except (RegistryError, ContentError) as error:
            if isinstance(error, ConnectionFailed | TooLarge) or (isinstance(error, Answered) and error.status != 416):
                raise
            if begun:
                yield Anew(ContentError(error.what, error.advice))
    async with aclosing(layer_contents(session, repository, layer, entries.__contains__, limits)) as contents:
        async for some in contents:
            yield some


async def layer_contents(
    session: Session,
    repository: str,
    layer: Descriptor,
    wanted: Callable[[Entry], bool],
    limits: Limits = LIMITS,
) -> AsyncGenerator[Progress | list[Content], None]:
    """The wanted files of a layer, each a `Member` and its bytes, in the archive's order.

    The layer is read to its end, for only then its digest is known to be right. Raises what `layer_files` does.
    """
    reader = ContentReader(wanted, limits)
    async with layer_stream(session, repository, layer) as steps:
        async for step in steps:
            contents = reader.feed(step)
            while (some := await asyncio.to_thread(next, contents, None)) is not None:
                yield some
            yield Progress(reader.bytes_read, layer.size, reader.entries)
        async with aclosing(_rest(reader)) as rest:
            async for some in rest:
                yield some


async def _parts(
    session: Session, layer: Descriptor, entries: Collection[Entry], limit: int | None, limits: Limits
) -> list[Part]:
    """What to ask for; nothing where the whole layer is to be read."""
    index = await known_index(session, layer) if session.client.has_ranges else None
    if index is None:
        return []
    try:
        found = await asyncio.to_thread(index.find, entries)
        is_stored = any(isinstance(whereabouts, Place) for whereabouts in found.values())
        points = await known_points(session, layer) if is_stored else None
        if len(found) < len(set(entries)) or (session.mirror and not are_verified(found, limit)):
            return []
        made = await asyncio.to_thread(parts, found, points, limit, limits) or []
    except ContentError:
        return []
    cost = sum(part.end - part.start for part in made) + GAP * max(0, len(made) - 1)
    return made if cost < layer.size else []


async def _in_parts(
    session: Session, repository: str, layer: Descriptor, made: list[Part]
) -> AsyncGenerator[Progress | list[Content], None]:
    total, had = sum(part.end - part.start for part in made), 0
    for part in made:
        if part.start < part.end:
            blob = session.client.blob(repository, digest_in(layer), start=part.start, end=part.end, only_part=True)
            async with aclosing(blob), aclosing(steps_of(blob)) as steps:
                async for step in steps:
                    had += len(step)
                    contents = part.feed(step)
                    while (some := await asyncio.to_thread(next, contents, None)) is not None:
                        yield some
                    yield Progress(had, total, 0)
        async with aclosing(_rest(part)) as rest:
            async for some in rest:
                yield some


async def _rest(reader: _Reader) -> AsyncGenerator[list[Content], None]:
    contents = reader.close()
    while (some := await asyncio.to_thread(next, contents, None)) is not None:
        yield some
