"""How fast a host is asked: so many requests at a time, and none while it wants to be left alone (RFC 6585, section 4).

Each client has a pace for each host that it asks: what one host refuses holds back nothing at another. Clients don't
share them: the runner's, in its own thread, finds out for itself.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from asyncio import sleep
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

import httpx

from regtui.errors import RateLimited
from regtui.registry.retries import WAIT_LIMIT, seconds, until
from regtui.text import shown

_BACKOFF_LIMIT = 9
"""Doublings of the pause of a host that goes on refusing: about six minutes."""

_HOSTS = 64
"""Hosts whose pace is kept; beyond, those are forgotten of which there is nothing to know."""

_Origin = tuple[str, str, int | None]

_log = logging.getLogger(__name__)


_insists: ContextVar[bool] = ContextVar("insists", default=False)


@contextmanager
def insisting() -> Iterator[None]:
    """Meanwhile requests are sent in a pause that is too long to wait for: what a change left half done can't wait."""
    token = _insists.set(True)
    try:
        yield
    finally:
        _insists.reset(token)


class Held(Exception):
    """A host is paused, and the request was not sent: wait for `pace.ready()`, holding no turn, and begin again."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace


class Pace:
    """Turns at one host, first come first served: `async with pace:` is one, for a small request with its answer.

    `ceiling` turns at a time at first; half of that after each 429 and 503, but once for all that were under way
    together; one more for each round that goes well. After a 429 nothing is sent until the host's `Retry-After`, or
    for a growing while where it names none. Up to `WAIT_LIMIT` seconds everybody waits; in a longer pause everybody
    fails at once, with `RateLimited`. `name` is the host, for people.
    """

    def __init__(self, name: str, ceiling: int) -> None:
        self.name = name
        self.round = 0
        """Changes with each slowing down; who sends notes it, and tells it to `hear`."""
        self._ceiling = ceiling
        self._limit = float(ceiling)
        self._busy = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._until = 0.0  # of the pause, as time.time(): a machine that slept has waited too; 0: none
        self._keeper: asyncio.Task[None] | None = None  # ends a pause that is waited out
        self._refusals = 0  # rounds that ended in a 429, since one went well

    async def __aenter__(self) -> None:
        if self._queue or self._until or self._busy + 1 > self._limit:
            await self._turn()
        else:
            self._busy += 1

    async def __aexit__(self, *error: object) -> None:
        self._busy -= 1
        if self._queue:
            self._give()

    async def ready(self) -> None:
        """Waits, without a turn, until there is no pause. Raises `RateLimited` when that is too long."""
        while self.is_paused:
            self._check()
            if self._keeper:
                await asyncio.wait([self._keeper])

    def hear(self, sent_in: int, status: int, headers: httpx.Headers) -> None:
        """What the host answered to a request that was sent in the round `sent_in`."""
        if status == 429:
            is_news = sent_in == self.round
            self._refusals += is_news
            self._refused(seconds(headers.get("retry-after", "")), is_news)
        elif self._refusals and status < 500 and sent_in == self.round:
            self._refusals = 0
        self.adapt(sent_in, status)

    def adapt(self, sent_in: int, status: int) -> None:
        """Fewer or more turns after an answer, which may be another host's to which this one redirected."""
        if status in (429, 503):
            if sent_in == self.round:
                self.round += 1
                self._limit = max(1.0, self._limit // 2)
        elif self._limit < self._ceiling and sent_in == self.round and (status < 300 or 400 <= status < 500):
            self._limit = min(self._ceiling, self._limit + 1 / self._limit)

    @property
    def limit(self) -> int:
        """Turns at a time, now."""
        return int(self._limit)

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to remember of it."""
        return not (self._busy or self._queue or self.paused_until)

    @property
    def is_paused(self) -> bool:
        """Whether nothing may be sent now, by who asks."""
        return bool(self._until) and (self._keeper is not None or not _insists.get())

    @property
    def is_waited_out(self) -> bool:
        """Whether the pause is short enough for everybody to wait."""
        return self._keeper is not None

    @property
    def paused_until(self) -> datetime | None:
        """In UTC; None when the host may be asked."""
        return datetime.fromtimestamp(self._until, UTC) if self._until > time.time() else None

    def close(self) -> None:
        """Nobody waits any more."""
        if self._keeper:
            self._keeper.cancel()
            self._keeper = None

    async def _turn(self) -> None:
        if self._until and not self.is_paused:
            self._busy += 1
            return
        if self._until:
            self._check()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        self._give()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and not turn.exception():  # it came, and is for the next one
                self._busy -= 1
                self._give()
            raise

    def _give(self) -> None:
        """Turns to those who wait, as far as there are any. Who was cancelled is passed over."""
        while self._queue and not self._until and self._busy + 1 <= self._limit:
            turn = self._queue.popleft()
            if not turn.done():
                self._busy += 1
                turn.set_result(None)

    def _check(self) -> None:
        """Raises `RateLimited` in a pause that is too long to wait for. One that is nearly over is waited out."""
        if self._keeper is None or self._keeper.done():
            left = self._until - time.time()
            if left > WAIT_LIMIT:
                raise self._refusal(left)
            self._keeper = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        reached = 0.0
        while reached < self._until:  # it may grow meanwhile
            reached = self._until
            await sleep(max(0.0, reached - time.time()))
        self._until, self._keeper = 0.0, None
        self._give()

    def _refused(self, asked: float | None, is_news: bool) -> None:
        """A 429: a host that refuses again and again is asked ever more rarely, whatever it says."""
        backoff = random.uniform(0.5, 1.0) * 2 ** min(self._refusals, _BACKOFF_LIMIT)
        if asked is not None:
            self._pause(max(asked, backoff / 4))
        elif is_news:
            self._pause(backoff)

    def _pause(self, wait: float) -> None:
        end, before = time.time() + wait, self._until
        if end <= before:
            return
        self._until = end
        if wait > WAIT_LIMIT:
            self.close()  # whom `ready` lets wait looks again
            waiting, self._queue = self._queue, deque()
            for turn in waiting:
                if not turn.done():
                    turn.set_exception(self._refusal(wait))
            return
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep())
        if end > before + 1:  # many answers of one burst say nearly the same
            _log.info("%s asks to wait until %s", self.name, f"{datetime.fromtimestamp(end):%H:%M:%S}")

    def _refusal(self, wait: float) -> RateLimited:
        what = f"{self.name} takes no more requests {until(wait)}"
        return RateLimited(what, "Try again then.", retry_after=wait)


class Paces:
    """The paces of all hosts that one client asks. `home` is the registry's, at `url`, which people call `name`."""

    def __init__(self, url: httpx.URL, name: str, ceiling: int) -> None:
        self.home = Pace(name, ceiling)
        self._ceiling = ceiling
        self._paces: dict[_Origin, Pace] = {origin(url): self.home}

    def at(self, url: httpx.URL) -> Pace:
        """The pace of a URL's host."""
        where = origin(url)
        pace = self._paces.get(where)
        if pace is None:
            if len(self._paces) >= _HOSTS:
                kept = self._paces.items()
                self._paces = {where: pace for where, pace in kept if pace is self.home or not pace.is_idle}
            pace = self._paces[where] = Pace(str(shown(url.netloc.decode("ascii"), 200)), self._ceiling)
        return pace

    @property
    def paused_until(self) -> datetime | None:
        """Until when (UTC) the registry is not asked, or another host for which requests wait; None: nothing waits."""
        if (end := self.home.paused_until) is not None:
            return end
        ends = [pace.paused_until for pace in self._paces.values() if pace.is_waited_out]
        return max((end for end in ends if end), default=None)

    def close(self) -> None:
        for pace in self._paces.values():
            pace.close()


def origin(url: httpx.URL) -> _Origin:
    """Scheme, host and port: what makes one server (RFC 9110, section 4.3.1)."""
    return url.scheme, url.host, url.port
