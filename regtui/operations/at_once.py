"""Many small things at once, within a bound."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from regtui.errors import RegtuiError

T = TypeVar("T")


async def each(items: Iterable[T], action: Callable[[T], Awaitable[object]], at_once: int) -> None:
    """Awaits the action for every item, `at_once` at a time. The first failure ends the others and is raised."""
    waiting = iter(items)

    async def work() -> None:
        for item in waiting:
            await action(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(work())
    except* RegtuiError as failures:
        first: BaseException = failures
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
    else:
        return
    raise first
