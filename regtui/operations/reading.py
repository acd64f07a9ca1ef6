"""Content through the cache: what was read once under its digest is not asked for again.

What is only shown may come from a mirror, where a digest checks it. What a tag points to, and everything that a change
is planned by, is read at the registry itself.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from regtui.errors import ContentError
from regtui.oci.config import CONFIG_LIMIT
from regtui.oci.digest import Digest, is_digest
from regtui.oci.manifest import Descriptor, Document, decode_document
from regtui.operations.session import Session
from regtui.text import shown

if TYPE_CHECKING:
    from regtui.registry.client import Client


async def document(session: Session, repository: str, version: str, *, mirrored: bool = False) -> Document:
    """A manifest. By digest it comes from the cache if it is there; what a tag points to is asked every time.

    `mirrored`: by digest it may be a mirror's. Raises what `Client.manifest` does.
    """

    async def read(client: Client, name: str) -> Document:
        return await client.manifest(name, version)

    if is_digest(version):
        kept = await cached_document(session, repository, Digest(version))
        if kept is not None:
            return kept
    found = None
    if mirrored and session.mirrors and is_digest(version):
        found = await session.mirrors.first(repository, read)
    found = found or await read(session.client, repository)
    await keep_document(session, found)
    return found


async def document_of_tag(session: Session, repository: str, tag: str, expected: Digest | None) -> Document:
    """What a tag points to now. Where what it pointed to is in the cache, one `HEAD` does, which isn't a pull."""
    if expected and await session.cache.get(expected):
        digest = digest_in(await session.client.head(repository, tag))
        found = await document(session, repository, digest, mirrored=True)
    else:
        found = await document(session, repository, tag)
    session.saw(repository, tag, found.digest)
    return found


async def cached_document(session: Session, repository: str, digest: Digest) -> Document | None:
    raw = await session.cache.get(digest)
    if raw is None:
        return None
    _note_cached(session, f"{repository}/manifests/{digest}", raw)
    return decode_document(raw, digest)


def _note_cached(session: Session, path: str, raw: bytes) -> None:
    """The request log shows it as what would have been asked."""
    session.log.note_cached("GET", f"{session.client.endpoint.base}/v2/{path}", len(raw))


async def keep_document(session: Session, found: Document) -> None:
    """Unless its bytes alone don't say what the registry said of its media type: the cache keeps only bytes."""
    if decode_document(found.raw, found.digest).media_type == found.media_type:
        await session.cache.put(found.digest, found.raw)


async def config_bytes(session: Session, repository: str, config: Descriptor) -> bytes:
    """A manifest's config to be shown, `CONFIG_LIMIT` bytes at most; a mirror's, if it has it.

    Raises what `Client.blob_bytes` does, `TooLarge` among it.
    """
    digest = digest_in(config)
    kept = await session.cache.get(digest)
    if kept is not None:
        _note_cached(session, f"{repository}/blobs/{digest}", kept)
        return kept

    async def read(client: Client, name: str) -> bytes:
        return await client.blob_bytes(name, digest, CONFIG_LIMIT)

    raw = await session.mirrors.first(repository, read) if session.mirrors else None
    raw = raw if raw is not None else await read(session.client, repository)
    await session.cache.put(digest, raw)
    return raw


def blob(session: Session, repository: str, digest: Digest) -> AsyncGenerator[bytes, None]:
    """A whole blob as it comes, to be shown; a mirror's, if it has it. See `Client.blob`."""
    if session.mirrors:
        return session.mirrors.blob(repository, digest, session.client)
    return session.client.blob(repository, digest)


def digest_in(descriptor: Descriptor) -> Digest:
    """A link's digest. Raises `ContentError` when it is none: the manifest that holds the link is wrong."""
    if not is_digest(descriptor.digest):
        raise ContentError(f"A manifest links to {shown(descriptor.digest, 150)!r}, which is no digest")
    return Digest(descriptor.digest)
