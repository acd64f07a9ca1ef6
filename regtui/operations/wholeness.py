"""Whether a registry still has all that manifests need: asked before anything is put back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing

from regtui.errors import ConnectionFailed, ContentError, NotFound
from regtui.oci.digest import Digest
from regtui.oci.manifest import decode_document
from regtui.operations.at_once import each
from regtui.operations.reading import digest_in
from regtui.operations.session import Session
from regtui.store.rows import Saved

_Place = tuple[str, Digest]
"""A repository, and what is looked for in it."""


async def must_be_whole(
    session: Session, manifests: Sequence[Saved], progress: Callable[[int, int], None] | None = None
) -> None:
    """Raises `NotFound` naming what is gone of that which these manifests need, but for each other.

    A byte of each blob is read, once, and the manifests below an index are read: a server that was garbage-collected
    beside its cache says of what is gone that it is there (PROTOCOL.md, "Removing one tag").
    """
    coming = {(saved.repository, saved.digest) for saved in manifests}
    blobs: dict[_Place, None] = {}
    children: dict[_Place, None] = {}
    for saved in manifests:
        content = decode_document(saved.raw, saved.digest, saved.media_type)
        kept = [blob for blob in content.blobs if blob.size and not blob.urls]
        blobs |= dict.fromkeys((saved.repository, digest_in(blob)) for blob in kept)
        children |= dict.fromkeys((saved.repository, digest_in(child)) for child in content.children)
    needed = [place for place in children if place not in coming]
    gone: list[Digest] = []
    done = 0

    async def look(place: _Place) -> None:
        nonlocal done
        there = _has_byte(session, place) if place in blobs else _has_manifest(session, place)
        if not await there:
            gone.append(place[1])
        done += 1
        if progress:
            progress(done, len(blobs) + len(needed))

    await each([*blobs, *needed], look, session.concurrency)
    if gone:
        named = ", ".join(sorted(gone)[:3]) + (f" (and {len(gone) - 3:,} others)" if len(gone) > 3 else "")
        raise NotFound(
            f"This can't be undone: {session.registry} can't give {named} any more",
            "Nothing was changed. Its garbage collection has run, or another change took it (regtui history): "
            "undo that, or push the image anew.",
            status=404,
        )


async def _has_byte(session: Session, place: _Place) -> bool:
    try:
        async with aclosing(session.client.blob(*place, start=0, end=1)) as chunks:
            return bool([chunk async for chunk in chunks])
    except ConnectionFailed:  # a server that remembers a blob's size, and has no bytes to send, breaks off
        await session.client.ping()
    except (NotFound, ContentError):
        pass
    return False


async def _has_manifest(session: Session, place: _Place) -> bool:
    try:
        await session.client.manifest(*place)
    except ConnectionFailed:
        await session.client.ping()
    except (NotFound, ContentError):
        pass
    else:
        return True
    return False
