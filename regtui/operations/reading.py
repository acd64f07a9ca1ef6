"""Content through the cache: what was read once under its digest is not asked for again."""

from __future__ import annotations

from regtui.errors import ContentError
from regtui.oci.config import CONFIG_LIMIT
from regtui.oci.digest import Digest, is_digest
from regtui.oci.manifest import Descriptor, Document, decode_document
from regtui.operations.session import Session
from regtui.text import shown


async def document(session: Session, repository: str, version: str) -> Document:
    """A manifest. By digest it comes from the cache if it is there; what a tag points to is asked every time.

    Raises what `Client.manifest` does.
    """
    if is_digest(version):
        kept = await cached_document(session, Digest(version))
        if kept is not None:
            return kept
    found = await session.client.manifest(repository, version)
    await keep_document(session, found)
    return found


async def cached_document(session: Session, digest: Digest) -> Document | None:
    raw = await session.cache.get(digest)
    return None if raw is None else decode_document(raw, digest)


async def keep_document(session: Session, found: Document) -> None:
    """Unless its bytes alone don't say what the registry said of its media type: the cache keeps only bytes."""
    if decode_document(found.raw, found.digest).media_type == found.media_type:
        await session.cache.put(found.digest, found.raw)


async def config_bytes(session: Session, repository: str, config: Descriptor) -> bytes:
    """A manifest's config, `CONFIG_LIMIT` bytes at most. Raises what `Client.blob_bytes` does, `TooLarge` among it."""
    digest = digest_in(config)
    kept = await session.cache.get(digest)
    if kept is not None:
        return kept
    raw = await session.client.blob_bytes(repository, digest, CONFIG_LIMIT)
    await session.cache.put(digest, raw)
    return raw


def digest_in(descriptor: Descriptor) -> Digest:
    """A link's digest. Raises `ContentError` when it is none: the manifest that holds the link is wrong."""
    if not is_digest(descriptor.digest):
        raise ContentError(f"A manifest links to {shown(descriptor.digest, 150)!r}, which is no digest")
    return Digest(descriptor.digest)
