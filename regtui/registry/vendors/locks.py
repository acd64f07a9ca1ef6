"""Which tags a registry locks: a few are asked for one by one, many by the list of all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from regtui.errors import RegtuiError
from regtui.registry.vendors.vendor import VendorTag

ALONE = 16
"""Tags of one repository that are asked for one by one, before the list is read."""

FRESH = 300.0
"""Seconds that the list is believed. A tag that is locked meanwhile is not deleted: the registry refuses it."""


@dataclass
class _Repository:
    since: float = field(default_factory=time.monotonic)
    asked: int = 0
    free: set[str] | None = None
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)


class Locks:
    """What a list of tags says of their locks. `tags` gives the list of a repository."""

    def __init__(self, tags: Callable[[str], AsyncGenerator[list[VendorTag], None]]) -> None:
        self._tags = tags
        self._repositories: dict[str, _Repository] = {}

    async def frees(self, repository: str, tag: str) -> bool:
        """Whether the list has the tag, and not as locked. If not, ask for it alone: it may be one of the first few.

        So may one that was locked: its owner may have unlocked it.
        """
        known = self._repositories.get(repository)
        if known is None or time.monotonic() - known.since > FRESH:
            known = self._repositories[repository] = _Repository()
        known.asked += 1
        if known.asked <= ALONE:
            return False
        async with known.reading:
            if known.free is None:
                known.free = await self._read(repository)
                known.since = time.monotonic()
        return tag in known.free

    async def _read(self, repository: str) -> set[str]:
        free = set[str]()
        try:
            async with aclosing(self._tags(repository)) as pages:
                async for page in pages:
                    free.update(tag.name for tag in page if not tag.immutable)
        except RegtuiError:
            pass  # what is wrong, the tags that are asked for alone will say
        return free
