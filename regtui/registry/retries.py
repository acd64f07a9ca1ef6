"""When a request is worth another try, and how long to wait before it (RFC 9110, section 10.2.3)."""

from __future__ import annotations

import random
import re
import time
from asyncio import sleep
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx

from regtui.registry.answers import Answer
from regtui.registry.failures import connection_failure

T = TypeVar("T")

TRIES = 3
"""Requests that are sent at most for one read which fails."""

REFUSALS = 5
"""429s that are taken at most for one request: others go first meanwhile, and the host's pause grows."""

WAIT_LIMIT = 60.0
"""Seconds that regtui waits for a server's `Retry-After`; a longer wait is the user's to decide. Rate limits count by
the minute more often than not, and who sees until when it waits would rather wait than begin again."""

PAUSE_LIMIT = 86_400.0
"""Seconds after which a host is asked again, whatever it said."""

_BROKEN = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
_PASSING = frozenset({500, 502, 503, 504})
_SECONDS = re.compile(r"(\d+)(\.\d*)?", re.ASCII)


async def persist(send: Callable[[], Awaitable[T]], *, is_read: bool = True, is_repeatable: bool = True) -> T:
    """Sends until an answer stands: after `TRIES` failures, or `REFUSALS` 429s.

    A read is tried again after a passing failure of the server, and when a connection broke that stood. Unknown hosts,
    refusals, TLS and timeouts fail at once. A change is repeated only where the answer says that it was not applied
    (429), and where its body can be sent again (`is_repeatable`); `send` itself waits then, for the host's `Pace`.
    Raises `ConnectionFailed`, and what `send` does.
    """
    failures = refusals = 0
    while True:
        wait: float | None
        try:
            answer = await send()
            if not isinstance(answer, Answer) or not is_repeatable:
                return answer
            asked = seconds(answer.headers.get("retry-after", "")) if answer.status >= 400 else None
            if answer.status == 429 and refusals < REFUSALS - 1 and (asked or 0) <= WAIT_LIMIT:
                refusals += 1
                continue
            if not is_read or answer.status not in _PASSING:
                return answer
            failures += 1
            wait = pause(failures, asked)
            if wait is None:
                return answer
        except httpx.TransportError as error:
            failures += 1
            wait = pause(failures) if is_read and isinstance(error, _BROKEN) else None
            if wait is None:
                raise connection_failure(error) from error
        await sleep(wait)


def pause(failures: int, asked: float | None = None) -> float | None:
    """Seconds to wait after so many failures, `asked` if the server asked for some; None: there is no other try."""
    if failures >= TRIES or (asked or 0) > WAIT_LIMIT:
        return None
    return asked if asked is not None else random.uniform(0.5, 1.0) * 0.4 * 2**failures


def seconds(retry_after: str) -> float | None:
    """What a `Retry-After` asks for, in seconds from now, `PAUSE_LIMIT` at most; None where it can't be read."""
    text = retry_after.strip()[:40]
    if match := _SECONDS.fullmatch(text):
        return min(float(match[0]), PAUSE_LIMIT)
    try:
        date = parsedate_to_datetime(text)
        if date.tzinfo is None:  # the old forms of a date name no zone, and mean UTC
            date = date.replace(tzinfo=UTC)
        return min(max(0.0, date.timestamp() - time.time()), PAUSE_LIMIT)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def until(wait: float) -> str:
    """When a wait of so many seconds is over, on this machine's clock: `until 14:05 (in 3 hours)`."""
    import humanize

    now = datetime.now()
    end = now + timedelta(seconds=wait)
    clock = f"{end:%H:%M}" if end.date() == now.date() else f"{end:%H:%M on %Y-%m-%d}"
    return f"until {clock} (in {humanize.naturaldelta(wait)})"
