"""What httpx's errors mean for people: what happened, to which host, and what to do."""

from __future__ import annotations

import httpx

from regtui.errors import ConnectionFailed, TimedOut


def connection_failure(error: httpx.TransportError, registry: str = "") -> ConnectionFailed:
    """The sentence for an error of a transport. `registry` names it as people do; else it is the request's host."""
    host = registry or error.request.url.netloc.decode("ascii")
    if isinstance(error, httpx.TimeoutException):
        return TimedOut(f"{host} kept silent for too long")
    return ConnectionFailed(f"{host} can't be reached: {error}")
