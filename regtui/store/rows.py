"""What the journal keeps: a change, its steps, and the manifests that undo them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from regtui.oci.digest import Digest


@dataclass(frozen=True, slots=True)
class Saved:
    """A manifest to put back: its exact bytes and every tag that pointed to it (none: an untagged child)."""

    repository: str
    digest: Digest
    media_type: str
    raw: bytes
    tags: tuple[str, ...] = ()


class State(StrEnum):
    """How a change ended. One that is still `RUNNING` though no process holds its lock was cut off."""

    RUNNING = "running"
    DONE = "done"
    PARTLY = "partly done"
    FAILED = "failed"  # nothing of it was done


class Outcome(StrEnum):
    """How a step ended. `STARTED` in a change that was cut off: it may have been sent, or not."""

    PLANNED = "planned"
    STARTED = "started"
    DONE = "done"
    FAILED = "failed"
    LEFT = "left"  # not tried: the change was stopped, or a step that it needs failed
    RESUMED = "resumed"  # cut off or failed, so it may have been sent; later steps of the change took it up
    REPLANNED = "replanned"  # not tried; later steps of the change took it up


TAKEN_UP = (Outcome.RESUMED, Outcome.REPLANNED)
SENT = (Outcome.STARTED, Outcome.DONE, Outcome.FAILED, Outcome.RESUMED)
"""Outcomes of steps that may have changed something."""


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step before it is sent: what it is (names and digests, no secrets) and what undoes it."""

    intent: Mapping[str, str]
    saved: tuple[Saved, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptStep:
    """A step as the journal has it."""

    number: int
    intent: Mapping[str, str]
    outcome: Outcome
    detail: str  # what went wrong, or empty
    notes: tuple[str, ...]  # what the step did on the way, in order


@dataclass(frozen=True, slots=True)
class KeptChange:
    """A change as the journal has it. `time` is when it began, UTC; `user` who was logged in on this machine."""

    id: int
    time: datetime
    user: str
    registry: str
    title: str
    state: State
    lives: bool  # its process still runs: neither to be resumed nor undone
    request: Mapping[str, Any] = field(default_factory=dict)  # what was asked for: see `Plan.request`

    @property
    def is_cut_off(self) -> bool:
        """Whether its process ended in the middle of it, and nobody has decided yet what becomes of it."""
        return self.state is State.RUNNING and not self.lives
