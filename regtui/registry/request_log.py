"""What was asked of whom, and how it went: the last requests of a session, and a file of them if one is wanted.

Never a header, never what a query or a URL could hold of a login: it is masked wherever it is shown or written.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from regtui.errors import ConfigError
from regtui.text import shown

KEPT = 2_000
"""Requests that are kept for people to look at."""

STOPPED = "stopped"
"""Stands for an error's name where nobody wanted the answer any more."""

URL_LIMIT = 1_000
"""Characters of a URL that are shown."""

_HARMLESS = frozenset(
    ["n", "last", "page", "page_size", "next_page", "limit", "offset", "ordering", "q", "query"]
) | frozenset(["namespace", "scope", "service", "digest", "mount", "from", "artifactType"])
"""Fields of a query whose values are shown."""

_NAME_LIMIT = 40  # characters of a field's name

_USER = re.compile(r"//[^/]*@")


@dataclass(slots=True, eq=False)
class RequestRecord:
    """One request over the wire, redirects and further tries each on their own; or an answer out of the cache."""

    number: int  # counted from 0
    began: float  # time.time()
    method: str
    _url: object = field(repr=False)  # formatted when it is looked at, and masked then
    status: int = 0  # 0: there is no answer, or not yet
    error: str = ""  # the kind of what failed
    seconds: float | None = None  # from the request's first byte to the answer's last; None: under way
    received: int = 0  # bytes of the answer's body
    sent: int = 0  # bytes of the request's body
    cached: bool = False

    @property
    def time(self) -> datetime:
        """When it was sent, in UTC."""
        return datetime.fromtimestamp(self.began, UTC)

    @property
    def url(self) -> str:
        """Without logins and signatures."""
        return masked(str(self._url))

    @property
    def is_stopped(self) -> bool:
        """Nobody wanted the answer any more."""
        return self.error == STOPPED

    @property
    def outcome(self) -> str:
        """The status, what failed, or both; empty while it is under way."""
        return " ".join(part for part in (str(self.status) if self.status else "", self.error) if part)


class RequestLog:
    """The last `KEPT` requests. Any thread may write into it.

    `file` (a path, or empty) gets a line for each request that ended, behind what is there: time, method, URL, outcome,
    milliseconds, bytes received and sent, and `cached` for what came out of the cache. Raises `ConfigError` when it
    can't be written.
    """

    def __init__(self, file: str = "") -> None:
        self.count = 0
        """Requests so far."""
        self.version = 0
        """Changes with every request that begins or ends."""
        self._records: deque[RequestRecord] = deque(maxlen=KEPT)
        self._lock = threading.Lock()
        self._file = _open(file) if file else None

    def records(self) -> list[RequestRecord]:
        """Those that are kept, in the order in which they began."""
        with self._lock:
            return list(self._records)

    def begin(self, method: str, url: object, sent: int = 0) -> RequestRecord:
        """A request is sent. Its bytes are counted in the record; who sent it has to `end` it."""
        with self._lock:
            record = RequestRecord(self.count, time.time(), method, url, sent=sent)
            self._records.append(record)
            self.count += 1
            self.version += 1
        return record

    def end(self, record: RequestRecord, error: str = "") -> None:
        """The answer was read, as far as anybody wanted it, or there was none; only the first call counts."""
        if record.seconds is None:
            record.error = error
            record.seconds = max(0.0, time.time() - record.began)
            self._changed(record)

    def note_cached(self, method: str, url: object, size: int) -> None:
        """An answer of so many bytes came from the cache, and nothing was sent."""
        record = self.begin(method, url)
        record.received, record.cached, record.seconds = size, True, 0.0
        self._changed(record)

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _changed(self, record: RequestRecord) -> None:
        self.version += 1  # it may lose a step against another thread's, which changed it too
        if self._file is not None:
            line = f"{_line(record)}\n".encode()
            with self._lock:
                if self._file is not None:
                    with suppress(OSError):  # a full disk stops no request
                        os.write(self._file, line)


def masked(url: str) -> str:
    """A URL that may be shown: without user and password, the values of its query left out unless they are harmless."""
    base, question, query = url.partition("#")[0][: 8 * URL_LIMIT].partition("?")
    base = _USER.sub("//", base)
    fields = [_field(part) for part in query.split("&")] if question else []
    return str(shown(base + question + "&".join(fields), URL_LIMIT))


def _field(part: str) -> str:
    name, equals, value = part.partition("=")
    if not equals or value.startswith("=") or len(name) > _NAME_LIMIT:  # a token that ends in "=", perhaps
        return "…" if part else ""
    is_plain = name in _HARMLESS and ";" not in part  # which some servers read as another &
    return part if is_plain else f"{name}=…"


def _line(record: RequestRecord) -> str:
    stamp = record.time.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    words = [stamp, str(shown(record.method, 20)), record.url, record.outcome.replace(" ", ",") or "0"]
    words += [f"{(record.seconds or 0.0) * 1000:.0f}ms", f"{record.received}", f"{record.sent}"]
    return " ".join([*words, "cached"] if record.cached else words)


def _open(file: str) -> int:
    try:
        return os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else "") or "no name of a file"
        raise ConfigError(f"The request log {shown(file, 300)} can't be written: {reason}") from None
