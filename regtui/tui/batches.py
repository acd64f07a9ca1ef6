"""From a stream of events to few, whole updates of the screen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

Event = TypeVar("Event")

PACE = 0.1
"""Seconds between two batches: what arrives meanwhile is drawn together."""


async def batches(source: AsyncIterator[Event], pace: float = PACE) -> AsyncGenerator[list[Event], None]:
    """What the source yields, in lists, at most one each `pace` seconds; the first at once.

    The source runs on while a batch is drawn. Its error is raised after what came before it. Closing this closes it.
    """
    arrived: list[Event] = []
    news = asyncio.Event()

    async def read() -> None:
        async for event in source:
            arrived.append(event)  # the list that the closure names now: a batch taken is another
            news.set()

    reader = asyncio.create_task(read())
    reader.add_done_callback(lambda _: news.set())
    try:
        while True:
            await news.wait()
            news.clear()
            ended = reader.done()
            if arrived:
                batch, arrived = arrived, []
                yield batch
            if ended:
                reader.result()  # raises what the source raised
                return
            await asyncio.sleep(pace)
    finally:
        reader.cancel()
        await asyncio.wait({reader})
        if isinstance(source, AsyncGenerator):
            await source.aclose()
