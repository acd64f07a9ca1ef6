"""Work that many small events ask for, done a few times a second."""

from __future__ import annotations

import time
from collections.abc import Callable

from textual.timer import Timer
from textual.widget import Widget

_PACE = 0.25  # seconds at least between two runs
_SHARE = 8  # the pause is this many times as long as the work took


class Paced:
    """Runs `work` at once when it hasn't run for a while, else a little later, once for all who asked."""

    def __init__(self, widget: Widget, work: Callable[[], None]) -> None:
        self._widget = widget
        self._work = work
        self._timer: Timer | None = None
        self._not_before = 0.0

    def ask(self) -> bool:
        """Whether the work was done at once."""
        wait = self._not_before - time.monotonic()
        if wait <= 0:
            self.run()
            return True
        self.run_in(wait)
        return False

    def run_in(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = self._widget.set_timer(seconds, self.run)

    def run(self) -> None:
        self._stop()
        began = time.monotonic()
        self._work()
        self._not_before = began + max(_PACE, (time.monotonic() - began) * _SHARE)

    def reset(self) -> None:
        """Forgets what was asked for; the next to ask doesn't wait."""
        self._stop()
        self._not_before = 0.0

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
