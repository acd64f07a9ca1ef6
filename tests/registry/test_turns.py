"""Whose turn it is to write manifests to a repository."""

from __future__ import annotations

import asyncio

from regtui.registry.turns import Turn


async def test_one_task_at_a_time_has_it_and_may_take_it_again() -> None:
    turn, order = Turn(), list[str]()

    async def write(name: str) -> None:
        async with turn.taken(), turn.taken():
            order.append(f"{name} begins")
            await asyncio.sleep(0)
            order.append(f"{name} ends")

    await asyncio.gather(write("a"), write("b"))
    assert order == ["a begins", "a ends", "b begins", "b ends"]


async def test_a_list_of_tags_is_handed_over_only_to_who_waits_already() -> None:
    turn, seen = Turn(), list[list[str] | None]()

    async def write() -> None:
        async with turn.taken():
            seen.append(turn.listed)
            await asyncio.sleep(0)
            turn.listed = ["1.0"]

    await asyncio.gather(write(), write())
    await write()
    assert seen == [None, ["1.0"], None]


async def test_who_gives_up_waiting_leaves_it_to_the_others() -> None:
    turn = Turn()

    async def wait() -> None:
        async with turn.taken():
            pass

    async with turn.taken():
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.wait_for(wait(), 1)
