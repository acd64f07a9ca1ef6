"""The images of a repository: what all its tags point to, each once, with its layers."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from regtui.errors import RegtuiError
from regtui.oci.digest import Digest
from regtui.oci.kinds import Kind, companion_of, kind_of
from regtui.oci.manifest import Descriptor, Document, Index, Manifest
from regtui.oci.reference import Reference
from regtui.operations.image_files import find_layers, platform_in
from regtui.operations.inspect import find_image, inspect
from regtui.operations.reading import digest_in, document
from regtui.operations.session import Session
from regtui.operations.versions import newest_version_first
from regtui.text import shown

if TYPE_CHECKING:
    from regtui.operations.tag_reader import TagReader

_NESTING = 3  # indexes inside of each other


@dataclass(frozen=True, slots=True)
class Image:
    """One image, by its own digest."""

    reference: Reference  # with the digest, and the first of its tags
    tags: tuple[str, ...]  # that lead to it, also by an index; none where it was asked for by its digest
    layers: tuple[Descriptor, ...]  # the lowest first
    platform: str  # as the index says that it stands in, or where one image is asked for its config; else empty


@dataclass(frozen=True, slots=True)
class Reading:
    """How many tags were read so far, and of how many."""

    tags: int
    total: int


@dataclass(frozen=True, slots=True)
class Unread:
    """What a tag points to can't be read, or isn't there for this platform."""

    reference: Reference
    error: RegtuiError


async def image_of(session: Session, reference: Reference, platform: str) -> Image:
    """The one that a tag or digest means; see `find_layers`, for what it raises too."""
    found, layers = await find_layers(session, reference, platform)
    platform = str(found.config.platform) if found.config else ""
    return Image(found.reference, (reference.tag,) if reference.tag else (), tuple(layers), platform)


async def images(
    session: Session, repository: str, platform: str
) -> AsyncGenerator[Reading | Unread | list[Image], None]:
    """Reads what each tag points to, and gives all images at the end, those of the newest versions first.

    Of an index it is the image for `platform`; unless one is named, the only one there is, or this machine's. What is
    no image (charts, signatures) is passed over. Raises `RegtuiError` when the list of tags can't be read.
    """
    from regtui.operations.tag_pages import tag_pages
    from regtui.operations.tag_reader import TagReader

    tags: list[str] = []
    known: dict[str, Digest] = {}
    async with aclosing(tag_pages(session, repository)) as pages:
        async for page in pages:
            tags += [name for name in page.names if companion_of(name) is None]
            known |= {name: facts.digest for name, facts in page.facts.items()}
            yield Reading(0, len(tags))
    tags = await asyncio.to_thread(newest_version_first, tags)
    reader = _Reader(session, repository, platform, known, TagReader(session, repository))
    found: dict[Digest, tuple[list[str], _Seen]] = {}
    async with aclosing(_in_order(reader, tags, session.concurrency * 2)) as arriving:
        read = 0
        async for tag, image in arriving:
            read += 1
            if isinstance(image, Unread):
                yield image
            elif image:
                found.setdefault(image.document.digest, ([], image))[0].append(tag)
            yield Reading(read, len(tags))
    where = Reference(session.registry, repository)
    yield [
        Image(where.at(names[0], digest), tuple(names), image.layers, image.platform)
        for digest, (names, image) in found.items()
    ]


class _Seen(NamedTuple):
    """An image, and what the index calls it that it stands in."""

    document: Document
    platform: str

    @property
    def layers(self) -> tuple[Descriptor, ...]:
        content = self.document.content
        return (content.layers or ()) if isinstance(content, Manifest) else ()


async def _in_order(
    reader: _Reader, tags: Sequence[str], ahead: int
) -> AsyncGenerator[tuple[str, _Seen | Unread | None], None]:
    """Reads `ahead` tags at a time."""
    tasks: deque[tuple[str, asyncio.Task[_Seen | Unread | None]]] = deque()
    try:
        for tag in tags:
            tasks.append((tag, asyncio.create_task(reader.read(tag))))
            if len(tasks) >= ahead:
                first, task = tasks.popleft()
                yield first, await task
        while tasks:
            first, task = tasks.popleft()
            yield first, await task
    finally:
        for _, task in tasks:
            task.cancel()
        await asyncio.gather(*(task for _, task in tasks), return_exceptions=True)


class _Reader:
    """Reads what tags point to down to the image for one platform."""

    def __init__(
        self, session: Session, repository: str, platform: str, known: dict[str, Digest], tags: TagReader
    ) -> None:
        self._session = session
        self._repository = repository
        self._platform = platform
        self._known = known  # what the registry's vendor told
        self._tags = tags

    async def read(self, tag: str) -> _Seen | Unread | None:
        """None for what is no image."""
        reference, runs_on = Reference(self._session.registry, self._repository, tag), ""
        try:
            if tag in self._known:
                found = await self._by_digest(self._known[tag])
            else:
                found = await self._tags.document(tag)
            for _ in range(_NESTING):
                if not isinstance(found.content, Index):
                    break
                platform = self._platform or platform_in(found.content, self._session)
                child = find_image(found.content, platform)
                if child is None:
                    return Unread(reference, RegtuiError(f"{reference} has no image for {shown(platform, 100)}"))
                found, runs_on = await self._by_digest(digest_in(child)), str(child.platform)
            if self._platform and kind_of(found) is Kind.IMAGE:
                await inspect(self._session, reference.at(tag, found.digest), self._platform)  # raises for another's
        except RegtuiError as error:
            return Unread(reference, error)
        if kind_of(found) is Kind.SCHEMA1:
            return Unread(reference, RegtuiError(f"{reference} is of schema 1, which regtui doesn't read"))
        return _Seen(found, runs_on) if kind_of(found) is Kind.IMAGE else None

    async def _by_digest(self, digest: Digest) -> Document:
        return await document(self._session, self._repository, digest, mirrored=True)
