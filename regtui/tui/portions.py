"""Work that is too long for one turn of the event loop, done in turns, so that keys are answered between them."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

from textual.timer import Timer
from textual.widget import Widget

_TURN = 0.01  # seconds of this thread's own time
_PAUSE = 0.005  # seconds for everything else


Result = TypeVar("Result")


def done(steps: Generator[None, None, Result]) -> Result:
    """What comes of `steps`, at once."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result


class Portions:
    """Runs one piece of work; what is short is done at once."""

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self._steps: Iterator[None] | None = None
        self._then: Callable[[], None] = self.drop
        self._timer: Timer | None = None

    @property
    def busy(self) -> bool:
        return self._steps is not None

    def run(self, steps: Iterator[None], then: Callable[[], None]) -> None:
        """Goes through `steps`, each of which is short, and calls `then`. What was begun before is dropped."""
        self.drop()
        self._steps, self._then = steps, then
        self._turn()

    def drop(self) -> None:
        """What was begun is not wanted any more."""
        self._steps = None
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _turn(self) -> None:
        steps, end = self._steps, time.thread_time() + _TURN
        if steps is None:
            return
        for _ in steps:
            if time.thread_time() > end:
                self._timer = self._widget.set_timer(_PAUSE, self._turn)
                return
        self.drop()
        self._then()
