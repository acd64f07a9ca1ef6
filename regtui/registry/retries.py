"""When a request is worth another try, and how long to wait before it (RFC 9110, section 10.2.3)."""

from __future__ import annotations

import random
import time
from asyncio import sleep
from collections.abc import Awaitable, Callable
from email.utils import parsedate_to_datetime
from itertools import count
from typing import TypeVar

import httpx

from regtui.registry.answers import Answer
from regtui.registry.failures import connection_failure

T = TypeVar("T")

TRIES = 3
"""Requests that are sent at most for one read."""

WAIT_LIMIT = 15.0
"""Seconds that regtui waits for a server's `Retry-After`; a longer wait is the user's to decide."""

_BROKEN = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
_PASSING = frozenset({500, 502, 503, 504})


async def persist(send: Callable[[], Awaitable[T]], *, is_read: bool = True, is_repeatable: bool = True) -> T:
    """Sends until an answer stands, `TRIES` times at most.

    A read is tried again after a passing failure of the server, and when a connection broke that stood. Unknown hosts,
    refusals, TLS and timeouts fail at once. A change is repeated only where the answer says that it was not applied
    (429), and where its body can be sent again (`is_repeatable`). Raises `ConnectionFailed`.
    """
    for attempt in count(1):
        try:
            answer = await send()
            wait = None
            if isinstance(answer, Answer) and is_repeatable and (is_read or answer.status == 429):
                wait = pause(attempt, answer.status, answer.headers.get("retry-after", ""))
            if wait is None:
                return answer
        except httpx.TransportError as error:
            wait = pause(attempt) if is_read and isinstance(error, _BROKEN) else None
            if wait is None:
                raise connection_failure(error) from error
        await sleep(wait)
    raise AssertionError("unreachable: the last attempt has no pause")


def pause(attempt: int, status: int = 0, retry_after: str = "") -> float | None:
    """Seconds to wait after the `attempt`th try (from 1), or None when there is to be no other.

    `status` is the answer's, 0 when the connection broke; `retry_after` the header as it came.
    """
    if attempt >= TRIES or (status and status != 429 and status not in _PASSING):
        return None
    asked = seconds(retry_after)
    if asked is not None:
        return asked if asked <= WAIT_LIMIT else None
    return float(random.uniform(0.5, 1.0) * 0.4 * 2**attempt)


def seconds(retry_after: str) -> float | None:
    """What a `Retry-After` asks for, in seconds from now; None when it is missing or can't be read."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
