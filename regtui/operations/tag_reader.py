"""Reads what the tags of one repository point to: each digest once, through the cache, with few requests."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from regtui.errors import ContentError, NotFound
from regtui.oci import media_types
from regtui.oci.config import decode_config
from regtui.oci.digest import Digest
from regtui.oci.kinds import Kind, kind_of
from regtui.oci.manifest import Descriptor, Document, Index, Manifest, Platform
from regtui.operations.facts import ImageFacts, TagFacts, facts_of_image, facts_of_index, image_facts, joined_facts
from regtui.operations.inspect import find_image
from regtui.operations.reading import cached_document, config_bytes, digest_in, document, keep_document
from regtui.operations.session import Session

_AT_ONCE = 8  # images of one index; the client's own limit holds for all requests together
_IMAGES = 1000  # of one index
_NESTING = 3  # indexes inside of each other


class TagReader:
    """What a tag points to is asked every time; what a digest holds never twice.

    Cold, an image takes two requests (its manifest by tag, its config), an index three for a first answer. In a
    repository whose manifests are in the cache, a tag takes one `HEAD`, which Docker Hub doesn't count as a pull.
    All methods raise `RegtuiError`.
    """

    def __init__(self, session: Session, repository: str) -> None:
        self._session = session
        self._repository = repository
        self._facts: dict[Digest, TagFacts] = {}
        self._reading: dict[Digest, asyncio.Task[ImageFacts]] = {}
        self._is_cached = False  # whether the manifest that came last was in the cache: the next one may be too

    async def read(self, tag: str) -> TagFacts:
        """As soon as there is an answer: of an index after one of its images, which is then `partial`."""
        found = await self._pointed_to(tag)
        return found if isinstance(found, TagFacts) else self._know(await self._read(found, whole=False))

    async def read_whole(self, tag: str) -> TagFacts:
        """When all is known."""
        facts = await self.read(tag)
        return await self.complete(facts.digest) if facts.partial else facts

    async def complete(self, digest: Digest) -> TagFacts:
        """All of an index that was read in part. It stays `partial` when images are missing in the registry."""
        facts = self._facts.get(digest)
        if facts is not None and not facts.partial:
            return facts
        found = await document(self._session, self._repository, digest, mirrored=True)
        return self._know(await self._read(found, whole=True))

    async def document(self, tag: str) -> Document:
        """The manifest that a tag points to, and no more."""
        found = await self._pointed_to(tag)
        if isinstance(found, Document):
            return found
        return await document(self._session, self._repository, found.digest, mirrored=True)

    async def _pointed_to(self, tag: str) -> TagFacts | Document:
        """One GET gives everything where little is cached, and one HEAD does where all is."""
        client, repository = self._session.client, self._repository
        if self._is_cached:
            digest = digest_in(await client.head(repository, tag))
            self._session.saw(repository, tag, digest)
            if digest in self._facts:
                return self._facts[digest]
            cached = await cached_document(self._session, repository, digest)
            self._is_cached = cached is not None
            return cached or await document(self._session, repository, digest, mirrored=True)
        found = await client.manifest(repository, tag)
        self._session.saw(repository, tag, found.digest)
        if found.digest in self._facts:
            return self._facts[found.digest]
        self._is_cached = await self._session.cache.get(found.digest) is not None
        if not self._is_cached:
            await keep_document(self._session, found)
        return found

    def _know(self, facts: TagFacts) -> TagFacts:
        known = self._facts.get(facts.digest)
        if known is None or known.partial:
            self._facts[facts.digest] = known = facts
        return known

    async def _read(self, found: Document, whole: bool) -> TagFacts:
        if not isinstance(found.content, Index):
            return facts_of_image(found, await self._once(found.digest, self._read_image(found)))
        children = found.content.images
        if len(children) > _IMAGES:
            raise ContentError(
                f"The index {found.digest} has {len(children):,} images; regtui reads {_IMAGES:,} at most"
            )
        images = await (self._read_all(children) if whole else self._read_one(found.content))
        read = [image for image in images if image]
        platforms = [
            child.platform or (image.platform if image else Platform())
            for child, image in zip(children, images, strict=True)
        ]
        return facts_of_index(found, read, platforms, partial=len(read) < len(children))

    async def _read_one(self, index: Index) -> list[ImageFacts | None]:
        """This machine's image, or the first that is there."""
        preferred = find_image(index, self._session.settings.platform)
        images: list[ImageFacts | None] = [None] * len(index.images)
        order = sorted(range(len(images)), key=lambda number: index.images[number] is not preferred)
        for number in order:
            images[number] = await self._read_child(index.images[number])
            if images[number]:
                break
        return images

    async def _read_all(self, children: Sequence[Descriptor], nesting: int = _NESTING) -> list[ImageFacts | None]:
        images: list[ImageFacts | None] = []
        for start in range(0, len(children), _AT_ONCE):
            some = children[start : start + _AT_ONCE]
            images += await asyncio.gather(*(self._read_child(child, nesting) for child in some))
        return images

    async def _read_child(self, child: Descriptor, nesting: int = _NESTING) -> ImageFacts | None:
        """None when the registry doesn't have it: sparse copies of an index are common."""
        digest = digest_in(child)
        try:
            return await self._once(digest, self._fetch_image(digest, nesting))
        except NotFound:
            return None

    async def _fetch_image(self, digest: Digest, nesting: int) -> ImageFacts:
        found = await document(self._session, self._repository, digest, mirrored=True)
        if not isinstance(found.content, Index):
            return await self._read_image(found)
        if not nesting:
            raise ContentError(f"The index {digest} lies too deep in other indexes")
        images = await self._read_all(found.content.images[:_IMAGES], nesting - 1)
        return joined_facts([image for image in images if image])

    async def _read_image(self, found: Document) -> ImageFacts:
        config = None
        if kind_of(found) is Kind.IMAGE and isinstance(found.content, Manifest):
            descriptor = found.content.config
            if descriptor.media_type in media_types.IMAGE_CONFIGS:
                config = decode_config(await config_bytes(self._session, self._repository, descriptor))
        return image_facts(found, config)

    async def _once(self, digest: Digest, reading: Coroutine[Any, Any, ImageFacts]) -> ImageFacts:
        """Who asks for what is being read waits for that."""
        task = self._reading.get(digest)
        if task is not None:
            reading.close()
            return await task
        task = self._reading[digest] = asyncio.create_task(reading)
        try:
            return await task
        finally:
            del self._reading[digest]
