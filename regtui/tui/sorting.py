"""Which order the tags stand in, and how the title says it (UX.md, "Newest first, honestly")."""

from __future__ import annotations

from enum import StrEnum


class Order(StrEnum):
    """What the rows are sorted by."""

    NAME = "name"  # the newest version first
    CREATED = "created"  # the newest first
    SIZE = "size"  # the largest first


_NEXT = {Order.NAME: Order.CREATED, Order.CREATED: Order.SIZE, Order.SIZE: Order.NAME}
_WORDS = {
    Order.NAME: ("by name", "by name, reversed"),
    Order.CREATED: ("newest first", "oldest first"),
    Order.SIZE: ("largest first", "smallest first"),
}


class Sorting:
    """By name, until all dates are known; then by date, unless the user chose an order before."""

    def __init__(self) -> None:
        self.order = Order.NAME
        self.reverse = False
        self._chosen = False

    def choose_next(self) -> None:
        self.order, self.reverse, self._chosen = _NEXT[self.order], False, True

    def choose_reverse(self) -> None:
        self.reverse, self._chosen = not self.reverse, True

    def all_known(self) -> bool:
        """Every date is in. Whether that changes the order."""
        if self._chosen or self.order is Order.CREATED:
            return False
        self.order = Order.CREATED
        return True

    def title(self, answered: int, total: int) -> str:
        """`newest first`, or `by name · dates 312 of 2,000` while dates (or sizes) are missing."""
        if answered >= total:
            return _WORDS[self.order][self.reverse]
        words = _WORDS[Order.NAME][self.reverse].replace("name", self.order)
        return f"{words} · {'sizes' if self.order is Order.SIZE else 'dates'} {answered:,} of {total:,}"
