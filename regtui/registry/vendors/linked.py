"""Lists of vendors' APIs whose pages name the next one by `Link`, and the parts of names in their paths."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from typing import TypeVar
from urllib.parse import quote

from regtui.registry.answers import Answer
from regtui.registry.paging import next_page
from regtui.registry.vendors.reading import walk

Item = TypeVar("Item")
Made = TypeVar("Made")


async def linked(
    first: str,
    ask: Callable[[str], Awaitable[Answer]],
    read: Callable[[Answer], list[Item]],
    key: Callable[[Item], str],
    make: Callable[[Item], Iterable[Made]],
) -> AsyncGenerator[list[Made], None]:
    """What is made of the items of a list, page by page; each item once, told apart by its `key`.

    `first` is a path, as every next page's is, whatever host a link names: all are asked of the same server. Raises
    what `ask` and `read` do, and `TooLarge` for a list without an end.
    """

    async def page(path: str) -> tuple[list[Item], str | None]:
        answer = await ask(path)
        return read(answer), next_page(answer.headers.get_list("link"), path)

    async with aclosing(walk(first, page, key, f"list at {first}")) as pages:
        async for items in pages:
            if made := [one for item in items for one in make(item)]:
                yield made


def part(text: str) -> str:
    """A name as one part of a path: its slashes too are encoded."""
    return quote(text, safe="")


def split(repository: str) -> tuple[str, str]:
    """The first part of a repository's name (project, owner, key), and the rest, which may be empty."""
    first, _, rest = repository.partition("/")
    return first, rest


def within(name: str, namespace: str) -> bool:
    """Whether a repository lies below a namespace, or is it."""
    place = namespace.strip("/")
    return not place or name == place or name.startswith(f"{place}/")
