"""Whose turn it is to write manifests to a repository."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from regtui.oci.digest import Digest


@dataclass(slots=True)
class Turn:
    """One repository's, of one client. A task has it at a time, and may take it again while it has it.

    So nothing that this client writes there comes between a read and the write that stands on it. And Docker's registry
    2.8.2, deleting one manifest while another is put, was seen to answer 500 and to keep a tag that leads nowhere.
    """

    listed: list[str] | None = None
    """Every tag, as listed after the last write. Only a task that waited already when the turn ended finds it."""
    leads_to: dict[str, frozenset[Digest]] = field(default_factory=dict)
    """Digests that tags were seen to need which came lately; for many tasks that would look one after the other."""
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _owner: asyncio.Task[Any] | None = None
    _waiting: int = 0

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[Turn]:
        task = asyncio.current_task()
        if self._owner is task:
            yield self
            return
        self._waiting += 1
        try:
            await self._lock.acquire()
        finally:
            self._waiting -= 1
        self._owner = task
        try:
            yield self
        finally:
            if not self._waiting:
                self.listed = None
            self._owner = None
            self._lock.release()
