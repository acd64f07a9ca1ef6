"""How fast something comes, and how long the rest of it takes."""

from __future__ import annotations

from collections import deque
from typing import Final

from regtui.words import size

_WINDOW: Final = 5.0  # seconds that are looked back
_LEAST: Final = 0.5  # seconds before there is anything to say


class Speed:
    """Takes how many bytes, or things of another `unit`, there are at which time, and says `12 MB/s · 6 s left`."""

    def __init__(self, unit: str = "") -> None:
        self._unit = unit
        self._seen: deque[tuple[float, int]] = deque()

    def note(self, done: int, now: float) -> None:
        """`now` in seconds, of any clock."""
        self._seen.append((now, done))
        while len(self._seen) > 2 and self._seen[0][0] < now - _WINDOW:
            self._seen.popleft()

    def text(self, total: int) -> str:
        """Empty as long as it can't be told."""
        if not self._seen:
            return ""
        (began, first), (now, last) = self._seen[0], self._seen[-1]
        if now - began < _LEAST or last <= first:
            return ""
        rate = (last - first) / (now - began)
        said = f"{rate:,.{0 if rate >= 10 else 1}f} {self._unit}" if self._unit else size(int(rate))
        return f"{said}/s · {duration(max(0, total - last) / rate)} left"


def duration(seconds: float) -> str:
    """`6 s`, `2 min`, `3 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.0f} h"
