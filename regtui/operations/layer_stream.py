"""A layer's bytes as they come, in steps that a thread can work on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from regtui.errors import ContentError, RegtuiError
from regtui.oci import media_types
from regtui.oci.manifest import Descriptor
from regtui.operations.reading import blob, digest_in
from regtui.operations.session import Session

_STEP = 256 * 1024  # compressed bytes that a thread takes at a time: some 3 ms of work, seldom more than 20


@asynccontextmanager
async def layer_stream(
    session: Session, repository: str, layer: Descriptor
) -> AsyncIterator[AsyncGenerator[bytes, None]]:
    """The layer from its first byte, as it is compressed; a step is fetched while the one before is worked on.

    Raises `ContentError` for a layer that is kept elsewhere or is longer than its manifest tells, `DigestMismatch` at
    its end, and what the client raises.
    """
    if layer.media_type.startswith(media_types.FOREIGN):
        raise ContentError("This layer isn't kept in the registry: its manifest only says where it can be fetched from")
    async with (
        aclosing(blob(session, repository, digest_in(layer))) as pieces,
        aclosing(steps_of(pieces)) as steps,
        aclosing(_no_longer(steps, layer.size)) as bounded,
    ):
        try:
            yield bounded
        except ContentError:
            if session.mirrors:  # with the rest unread, its digest can't tell: the next try asks the registry
                session.mirrors.rest()
            raise


def steps_of(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The same bytes in steps that a thread can work on, one of them ahead."""
    return _one_ahead(_gathered(pieces))


async def _no_longer(steps: AsyncIterator[bytes], size: int) -> AsyncGenerator[bytes, None]:
    had = 0
    async for step in steps:
        yield step
        had += len(step)
        if had > size:
            raise ContentError(f"The layer is longer than the {size:,} bytes that its manifest tells")


async def _gathered(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The same bytes in equal steps: a thread for every small chunk would cost more than its work."""
    gathered = bytearray()
    try:
        async for chunk in chunks:
            gathered += chunk
            while len(gathered) >= _STEP:
                yield bytes(gathered[:_STEP])
                del gathered[:_STEP]
    except RegtuiError:
        if gathered:
            yield bytes(gathered)  # what came stays, also of a layer that is shorter than a step
        raise
    if gathered:
        yield bytes(gathered)


async def _one_ahead(chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Fetches a chunk while the one before is worked on."""
    coming = asyncio.ensure_future(anext(chunks, b""))
    try:
        while chunk := await coming:
            coming = asyncio.ensure_future(anext(chunks, b""))
            yield chunk
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
