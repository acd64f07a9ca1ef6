"""The work behind `inventory.tags`: one task lists, others read, and what comes next is chosen as late as can be."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from contextlib import aclosing
from heapq import heappop, heappush
from typing import Any

from regtui.errors import RegtuiError
from regtui.oci.digest import Digest
from regtui.operations.attention import Attention
from regtui.operations.inventory import Failed, Listed, Read, TagEvent
from regtui.operations.session import Session
from regtui.operations.tag_pages import tag_pages
from regtui.operations.tag_reader import TagReader
from regtui.operations.versions import version_key

_WAITING = 256  # events that nobody took yet; then the reading pauses
_PORTION = 500  # names handled in one go: some 5 ms


class Agenda:
    """Which tag is read next. No operation goes through all tags: there may be 100,000.

    First comes what was asked for anew; then what the user looks at, unread tags before indexes that were read in part;
    then, unless only visible details are wanted, the rest in the same order, the newest versions first.
    """

    def __init__(self, attention: Attention) -> None:
        self._attention = attention
        self._again: deque[str] = deque()
        self._unread: set[str] = set()
        self._by_version: list[tuple[bytes, str]] = []  # a heap; tags that were read meanwhile are still in it
        self._partial: dict[str, Digest] = {}
        self._looked_at: tuple[str, ...] = ()
        self._position = 0  # in what is looked at: all before it is read, or being read
        self._partial_position = 0

    def add(self, tags: list[str]) -> None:
        """Tags that were listed."""
        self._unread.update(tags)
        self._position = 0
        if not self._attention.only_visible:
            for tag in tags:
                heappush(self._by_version, (version_key(tag), tag))

    def add_partial(self, tag: str, digest: Digest) -> None:
        """An index of which more is to be read."""
        self._partial[tag] = digest
        self._partial_position = 0

    def choose(self) -> tuple[str, Digest | None] | None:
        """A tag to read, or with a digest an index to complete; None when there is nothing to do now."""
        self._again += self._attention.take_again()
        if self._again:
            tag = self._again.popleft()
            self._unread.discard(tag)
            self._partial.pop(tag, None)
            return tag, None
        if (tag := self._visible()) or (tag := self._newest()):
            self._unread.discard(tag)
            return tag, self._partial.pop(tag, None)
        if self._partial and not self._attention.only_visible:
            tag = next(iter(self._partial))
            return tag, self._partial.pop(tag)
        return None

    def _visible(self) -> str:
        looked_at = self._attention.looked_at
        if looked_at is not self._looked_at:
            self._looked_at, self._position, self._partial_position = looked_at, 0, 0
        while self._position < len(looked_at):
            tag = looked_at[self._position]
            self._position += 1
            if tag in self._unread:
                return tag
        while self._partial_position < len(looked_at):
            tag = looked_at[self._partial_position]
            self._partial_position += 1
            if tag in self._partial:
                return tag
        return ""

    def _newest(self) -> str:
        while self._by_version:
            tag = heappop(self._by_version)[1]
            if tag in self._unread:
                return tag
        return ""


class Reading:
    """Runs from its making until `aclose`, on the loop that made it."""

    def __init__(self, session: Session, repository: str, attention: Attention) -> None:
        self._session = session
        self._repository = repository
        self._attention = attention
        self._agenda = Agenda(attention)
        self._reader = TagReader(session, repository)
        self._events: asyncio.Queue[TagEvent | Exception] = asyncio.Queue(_WAITING)
        self._free = asyncio.Semaphore(session.concurrency)
        self._tasks: set[asyncio.Task[None]] = set()
        self._begin(self._list())
        self._begin(self._read_all())

    async def next_event(self) -> TagEvent:
        """Waits for one. Raises `RegtuiError` when the list can't be read."""
        event = await self._events.get()
        if isinstance(event, Exception):
            raise event
        return event

    async def aclose(self) -> None:
        """Ends all requests."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._watched(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: work.close())  # cancelled before it began

    async def _watched(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            await self._events.put(error)

    async def _list(self) -> None:
        async with aclosing(tag_pages(self._session, self._repository)) as pages:
            async for page in pages:
                for start in range(0, len(page.names), _PORTION):  # some servers send 100,000 names in one page
                    portion = page.names[start : start + _PORTION]
                    self._agenda.add([tag for tag in portion if tag not in page.facts])
                    self._attention.stir()
                    await self._events.put(Listed(tuple(portion), complete=False, immutable=page.immutable))
                    for tag in portion:
                        if tag in page.facts:
                            await self._events.put(Read(tag, page.facts[tag]))
                    await asyncio.sleep(0)
        await self._events.put(Listed((), complete=True))

    async def _read_all(self) -> None:
        while True:
            await self._free.acquire()
            while (chosen := self._agenda.choose()) is None:
                await self._attention.change()
            self._begin(self._read(*chosen))

    async def _read(self, tag: str, index: Digest | None) -> None:
        try:
            facts = await (self._reader.complete(index) if index else self._reader.read(tag))
            event: TagEvent = Read(tag, facts)
            if facts.partial and not index:
                self._agenda.add_partial(tag, facts.digest)
                self._attention.stir()
        except RegtuiError as error:
            event = Failed(tag, error)
        await self._events.put(event)
        self._free.release()
