"""What the user looks at, so that it is fetched first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence


class Attention:
    """Written by who shows a list, read by who fetches its details. Both live on one event loop.

    `details` is `"all"`, or `"visible"`: nothing is fetched but what was looked at.
    """

    def __init__(self, details: str = "all") -> None:
        self.only_visible = details == "visible"
        self._looked_at: tuple[str, ...] = ()
        self._again: list[str] = []
        self._changed = asyncio.Event()

    def look_at(self, tags: Sequence[str]) -> None:
        """The rows in view first, then their neighbours. Replaces what was looked at before."""
        self._looked_at = tuple(tags)
        self._changed.set()

    def again(self, tags: Sequence[str]) -> None:
        """Fetch these anew, before all others: they failed, or changed."""
        self._again += tags
        self._changed.set()

    @property
    def looked_at(self) -> tuple[str, ...]:
        return self._looked_at

    def take_again(self) -> list[str]:
        """What was asked for anew since the last call."""
        taken, self._again = self._again, []
        return taken

    def stir(self) -> None:
        """There is something new to choose from."""
        self._changed.set()

    async def change(self) -> None:
        """Returns once `look_at`, `again` or `stir` was called after the last return. For one waiter."""
        await self._changed.wait()
        self._changed.clear()
