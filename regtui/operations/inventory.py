"""What is in a registry: its repositories, and a repository's tags with what they point to."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Mapping, Set
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regtui.errors import RegtuiError
from regtui.operations.attention import Attention
from regtui.operations.completing import keep_repositories
from regtui.operations.facts import TagFacts
from regtui.operations.versions import newest_version_first, version_key

if TYPE_CHECKING:
    from regtui.operations.session import Session
    from regtui.operations.tag_reader import TagReader
    from regtui.registry.vendors import Hit

__all__ = [
    "Attention",
    "Failed",
    "Listed",
    "Read",
    "TagEvent",
    "TagFacts",
    "newest_version_first",
    "repositories",
    "rows",
    "tags",
    "version_key",
]


HITS = 500
"""Repositories that a search gives at most: who wants more asks for less."""


@dataclass(frozen=True, slots=True)
class Listed:
    """More names, as they arrive from the registry; `complete` on the last, which may be empty."""

    tags: tuple[str, ...]
    complete: bool
    immutable: frozenset[str] = frozenset()  # those that the registry neither deletes nor moves


@dataclass(frozen=True, slots=True)
class Read:
    """What a tag points to is known; again, when more of it or something newer is."""

    tag: str
    facts: TagFacts
    immutable: bool = False  # as `rows` knows it; the others have it from `Listed`


@dataclass(frozen=True, slots=True)
class Failed:
    """What a tag points to can't be read. `Attention.again` tries once more."""

    tag: str
    error: RegtuiError


TagEvent = Listed | Read | Failed


async def repositories(session: Session, namespace: str = "") -> AsyncGenerator[list[str], None]:
    """The registry's repositories, or those below a namespace, page by page in its own order.

    Close it (`contextlib.aclosing`) to stop early. Raises `RegistryError`; a registry that has no such list says so in
    its words.
    """
    listed: list[str] = []
    async with aclosing(session.client.repositories(namespace)) as pages:
        async for page in pages:
            listed += page
            yield page
    keep_repositories(session, namespace, listed)


def vendor_name(session: Session) -> str:
    """Whose registry it is, as people call it ("Harbor"), or empty."""
    return session.client.vendor.name


def can_search(session: Session) -> bool:
    """Whether `search` asks anybody."""
    return session.client.vendor.searches


async def search(session: Session, words: str) -> AsyncGenerator[list[Hit], None]:
    """Repositories that the registry's vendor finds for these words, page by page, the best first; `HITS` at most."""
    left = HITS
    async with aclosing(session.client.vendor.search(words)) as pages:
        async for page in pages:
            yield page[:left]
            left -= len(page)
            if left <= 0:
                return


async def tags(session: Session, repository: str, attention: Attention) -> AsyncGenerator[TagEvent, None]:
    """Lists a repository's tags and reads what they point to, both at the same time.

    What the user looks at is read first, then the newest versions. An index is answered after one of its images, and
    again when all are read, which comes last. It never ends by itself: it goes on with what `attention` asks for.
    Closing it (use `contextlib.aclosing`) ends all requests. A tag that can't be read is an event; a list that can't be
    read raises `RegtuiError`.
    """
    from regtui.operations.reading_tags import Reading

    reading = Reading(session, repository, attention)
    try:
        while True:
            yield await reading.next_event()
    finally:
        await reading.aclose()


async def tag_names(session: Session, repository: str) -> list[str]:
    """Every tag, the newest version first. Raises `RegtuiError` when the list can't be read."""
    from regtui.operations.tag_pages import tag_pages

    async with aclosing(tag_pages(session, repository)) as pages:
        names = [name async for page in pages for name in page.names]
    return await asyncio.to_thread(newest_version_first, names)


async def rows(session: Session, repository: str, sort: str) -> AsyncGenerator[Read | Failed, None]:
    """Every tag with all that is known of it. `sort` is "name" (newest version first), "created" or "size" (greatest).

    By name they stream, once the list of names is whole; otherwise all have to be read before the first comes. What
    couldn't be read comes last then. Raises `RegtuiError` when the list can't be read.
    """
    from regtui.operations.tag_pages import tag_pages
    from regtui.operations.tag_reader import TagReader

    names: list[str] = []
    known: dict[str, TagFacts] = {}
    immutable: set[str] = set()
    async with aclosing(tag_pages(session, repository)) as pages:
        async for page in pages:
            names += page.names
            known |= page.facts
            immutable |= page.immutable
    names = await asyncio.to_thread(newest_version_first, names)
    read = _read_in_order(TagReader(session, repository), names, known, immutable, session.concurrency * 2)
    async with aclosing(read):
        if sort == "name":
            async for row in read:
                yield row
            return
        found = [row async for row in read]
    for row in sorted(found, key=_by_date if sort == "created" else _by_size):
        yield row


async def _read_in_order(
    reader: TagReader, names: Iterable[str], known: Mapping[str, TagFacts], immutable: Set[str], ahead: int
) -> AsyncGenerator[Read | Failed, None]:
    """Reads `ahead` tags at a time and gives them in the order of `names`."""
    tasks: deque[asyncio.Task[Read | Failed]] = deque()
    try:
        for name in names:
            tasks.append(asyncio.create_task(_row(reader, name, known.get(name), name in immutable)))
            if len(tasks) >= ahead:
                yield await tasks.popleft()
        while tasks:
            yield await tasks.popleft()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _row(reader: TagReader, tag: str, known: TagFacts | None, immutable: bool) -> Read | Failed:
    try:
        return Read(tag, known or await reader.read_whole(tag), immutable)
    except RegtuiError as error:
        return Failed(tag, error)


def _by_date(row: Read | Failed) -> tuple[int, float]:
    """Newest first, then those without a date, then those that failed."""
    if isinstance(row, Failed):
        return 2, 0
    created = row.facts.created
    return (0, -created.timestamp()) if created else (1, 0)


def _by_size(row: Read | Failed) -> tuple[int, int]:
    return (1, 0) if isinstance(row, Failed) else (0, -row.facts.size)


async def facts(session: Session, repository: str, version: str) -> TagFacts:
    """What one tag or digest is, read whole. Raises `RegtuiError`."""
    from regtui.operations.tag_reader import TagReader

    return await TagReader(session, repository).read_whole(version)
