"""What was read last and is likely to be wanted again, as far as a few MB hold it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

_KEPT: Final = 16 * 2**20


class Recent:
    """Forgets what was asked for the longest ago."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept = kept
        self._things: OrderedDict[Hashable, tuple[object, int]] = OrderedDict()
        self._size = 0

    def get(self, key: Hashable) -> object | None:
        if key not in self._things:
            return None
        self._things.move_to_end(key)
        return self._things[key][0]

    def keep(self, key: Hashable, thing: object, size: int) -> None:
        """`size` in bytes; what is larger than all that is kept isn't."""
        if size > self._kept or key in self._things:
            return
        self._things[key] = thing, size
        self._size += size
        while self._size > self._kept:
            self._size -= self._things.popitem(last=False)[1][1]
