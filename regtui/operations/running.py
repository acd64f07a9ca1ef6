"""How far a change is, from the events of the runner: for a line on a terminal, or a bar."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from regtui.operations.plan import Plan
from regtui.operations.runner import RunnerEvent, StepDone, StepFailed_, StepProgress, StepStarted
from regtui.speed import Speed
from regtui.words import so_far


@dataclass(slots=True)
class Running:
    """`note` each event; then `line` says `12 of 1,000 steps · 25 steps/s · 40 s left`, of a copy its bytes."""

    plan: Plan
    clock: Callable[[], float] = time.monotonic
    done: int = field(default=0, init=False)  # steps
    failed: int = field(default=0, init=False)
    under_way: dict[int, StepStarted | StepProgress] = field(default_factory=dict, init=False)
    """By their numbers, what is known last of the steps that were begun and not ended, the earliest first."""
    _sent: dict[int, int] = field(default_factory=dict, init=False)  # bytes, by step
    _speed: Speed = field(init=False)

    def __post_init__(self) -> None:
        self._speed = Speed("" if self.plan.to_send else "steps")
        self._speed.note(0, self.clock())

    @property
    def share(self) -> float:
        """What is done, from 0 to 1."""
        return min(1.0, self._so_far / self._total) if self._total else 1.0

    def note(self, event: RunnerEvent) -> None:
        if isinstance(event, StepStarted):
            self.under_way[event.number] = event
        elif isinstance(event, StepProgress):
            self.under_way[event.number] = event
            self._sent[event.number] = event.done
        elif isinstance(event, StepDone | StepFailed_):
            last = self.under_way.pop(event.number, None)
            if isinstance(event, StepDone):
                self.done += 1
                if isinstance(last, StepProgress):
                    self._sent[event.number] = last.size
            else:
                self.failed += 1
        self._speed.note(self._so_far, self.clock())

    def line(self) -> str:
        if self.plan.to_send:
            parts = [so_far(self._so_far, self._total)]
        else:
            parts = [f"{self.done + self.failed:,} of {self._total:,} steps"]
        parts += [f"{self.failed:,} failed"] * bool(self.failed)
        speed = self._speed.text(self._total)
        return " · ".join([*parts, *([speed] if speed else [])])

    @property
    def _so_far(self) -> int:
        return sum(self._sent.values()) if self.plan.to_send else self.done + self.failed

    @property
    def _total(self) -> int:
        return self.plan.to_send or len(self.plan.steps)
