"""A change before it happens: what will be sent, what goes, what stays, and what undoes it.

Nothing changes a registry but a plan that `operations.runner` executes, step by step, each journalled first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from regtui.errors import ReadOnly
from regtui.store.rows import Saved as Saved

if TYPE_CHECKING:
    from regtui.operations.session import Session
    from regtui.registry.client import Client


class Method(StrEnum):
    """How a tag or digest is removed (PROTOCOL.md, "Removing one tag")."""

    VENDOR = "vendor"  # the vendor's own API takes the tag, and nothing else
    TAG = "tag"  # DELETE manifests/<tag>
    THROW_AWAY = "throw-away"  # a unique manifest takes the tag's place and is deleted
    DIGEST = "digest"  # DELETE manifests/<digest>: every tag on it goes


class Record(Protocol):
    """Where a step in hand notes what it has done on the way, durably, so that a next start can finish or put back."""

    def note(self, what: str) -> None:
        """Raises `StoreError`: then nothing further may be sent but what puts back."""
        ...


class Step(Protocol):
    """One thing that is done whole or not at all. `saved` undoes it and is journalled before anything is sent."""

    @property
    def saved(self) -> tuple[Saved, ...]: ...

    @property
    def needs(self) -> tuple[int, ...]:
        """Numbers of the plan's earlier steps, counted from 0, without whose success this one is not tried."""
        ...

    def describe(self) -> str:
        """What it does, as a line of a dialog or of `--dry-run`."""
        ...

    def intent(self) -> dict[str, str]:
        """What is written to the journal, enough to recognise the step after a crash."""
        ...

    async def run(self, client: Client, record: Record) -> None:
        """Sends it. Raises `PlanStale` before anything was written, `StepFailed` with what was put back."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done, in order. Its subclasses say the rest: `removal.RemovalPlan`, `retag.RetagPlan`."""

    registry: str
    title: str  # "Delete 1 tag from team/app"
    action: str  # what the button says: "Delete 1 tag"
    steps: tuple[Step, ...]
    warnings: tuple[str, ...] = field(default=(), kw_only=True)
    check: Step | None = field(default=None, kw_only=True)
    """Looks at the end, also of a change that was stopped, whether what had to stay is whole, and puts it back."""


def must_write(session: Session) -> None:
    """Raises `ReadOnly` when this session changes nothing."""
    if session.mirror:
        raise ReadOnly(
            f"{session.registry} can't be reached, and its mirror {session.mirror} is only read from",
            "Changes go to the registry itself: open it again when it is back.",
        )
    if session.read_only:
        raise ReadOnly(
            f"{session.registry} is opened for reading only",
            "Leave out --read-only, or read_only in the settings, to change something.",
        )
