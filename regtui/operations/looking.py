"""What a registry has right now: asked just before a write, and again after it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable

from regtui.errors import NotFound, PlanStale, StepFailed
from regtui.oci.digest import Digest, parse_digest
from regtui.oci.reference import is_tag
from regtui.operations.at_once import each
from regtui.registry.client import Client
from regtui.store.rows import Saved

_AT_ONCE = 16
_PATIENCE = (0.2, 0.8, 2.0)
"""Seconds between looks at what should be gone: some registries need a moment to see their own deletion."""


async def found(client: Client, repository: str, version: str) -> Digest | None:
    """The digest that a tag, or a digest itself, has now; None when it is not there."""
    try:
        return parse_digest((await client.head(repository, version)).digest)
    except NotFound:
        return None


async def found_all(client: Client, repository: str, versions: Iterable[str]) -> dict[str, Digest | None]:
    """The same for many at once."""
    answers: dict[str, Digest | None] = {}

    async def look(version: str) -> None:
        answers[version] = await found(client, repository, version)

    await each(versions, look, _AT_ONCE)
    return answers


async def found_after(client: Client, repository: str, version: str, deleted: Digest) -> Digest | None:
    """What is there after its digest was deleted; None as soon as it is seen to be gone."""
    left: Digest | None = deleted
    for pause in _PATIENCE:
        left = await found(client, repository, version)
        if left != deleted:
            return left
        await asyncio.sleep(pause)
    return left


async def still_points(client: Client, original: Saved, tags: Iterable[str]) -> bool:
    """Whether any of these tags is there. Raises `PlanStale` when one points to something else than the original."""
    now = await found_all(client, original.repository, tags)
    for tag, digest in now.items():
        if digest not in (None, original.digest):
            raise PlanStale(
                f"{name(original.repository, tag)} points to {digest} now, not to {original.digest}", "Plan it anew."
            )
    return any(now.values())


async def names(client: Client, repository: str) -> list[str]:
    """Every tag that the registry lists; none when it has no such repository (any more). What can be no tag is none."""
    try:
        return [tag async for page in client.tags(repository) for tag in page if is_tag(tag)]
    except NotFound:
        return []


class TagLists:
    """Lists of tags for many who look at once: each gets one that was asked for after it came, and some share it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._next: dict[str, asyncio.Task[list[str]]] = {}  # not begun yet, for all who come until it is
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def names(self, repository: str) -> list[str]:
        """As `names`; the list is not the caller's to change."""
        if repository not in self._next:
            self._next[repository] = asyncio.create_task(self._read(repository))
        return await asyncio.shield(self._next[repository])

    async def _read(self, repository: str) -> list[str]:
        async with self._turns[repository]:
            del self._next[repository]
            return await names(self._client, repository)


async def put_back(client: Client, saved: Saved, tag: str = "") -> None:
    """Puts a manifest back as it was, under a tag or its digest. Raises `StepFailed` when it isn't there afterwards."""
    version = tag or saved.digest
    await client.put_manifest(saved.repository, version, saved.raw, saved.media_type)
    if await found(client, saved.repository, version) != saved.digest:
        raise StepFailed(f"{client.registry} took {name(saved.repository, version)} back, and has something else there")


def name(repository: str, version: str) -> str:
    """`team/app:1.4` or `team/app@sha256:…`, for messages."""
    return f"{repository}{'@' if ':' in version else ':'}{version}"
