"""What vendors' answers have in common: lists in pages, digests and times that may be missing, limits."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from time import time as now
from typing import TypeVar
from urllib.parse import urlsplit

import httpx

from regtui.errors import TooLarge
from regtui.oci.digest import Digest, is_digest
from regtui.registry.answers import Answer
from regtui.registry.paging import Pages

T = TypeVar("T")


async def walk(
    first: str, read: Callable[[str], Awaitable[tuple[list[T], str | None]]], name: Callable[[T], str], what: str
) -> AsyncGenerator[list[T], None]:
    """A list's pages, each item once by its name, none of them empty.

    `read` gives the items of the page at a path, and the path of the next page, or None after the last. A page that
    was read before, or has nothing new, is the last. Raises what `read` does, and `TooLarge`, naming `what`, for a list
    without an end.
    """
    path: str | None = first
    pages = Pages(first)
    while path is not None:
        items, link = await read(path)
        by_name = {name(item): item for item in items}
        fresh = pages.fresh(list(by_name))
        if pages.endless:
            raise TooLarge(f"The {what} goes on without an end; regtui stops reading it")
        if fresh:
            yield [by_name[key] for key in fresh]
        path = pages.follow(link)


def path_of(link: str | None, prefix: str) -> str | None:
    """Path and query of a link to the next page, which are asked of the API itself whatever host the link names.

    None without a link, or for one that doesn't lead below `prefix`.
    """
    try:
        parts = urlsplit(link or "")
    except ValueError:
        return None
    if not parts.path.startswith(prefix):
        return None
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def digest(text: str | None) -> Digest | None:
    return Digest(text) if text and is_digest(text) else None


def limited_until(answer: Answer, moment: str) -> Answer:
    """The answer as a 429 that says how long to wait. `moment` is when to ask again, in seconds since 1970."""
    headers = httpx.Headers(answer.headers)
    if "retry-after" not in headers and moment.isascii() and moment.isdigit():
        headers["retry-after"] = str(max(0, int(moment[:12]) - int(now())))
    return replace(answer, status=429, headers=headers)
