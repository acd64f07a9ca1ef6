"""A change before it happens: what will be sent, what goes, what stays, and what undoes it.

Nothing changes a registry but a plan that `operations.runner` executes, step by step, each written to the journal first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from regtui.oci.digest import Digest
from regtui.registry.client import Client


class Method(StrEnum):
    """How a tag or digest is removed (PROTOCOL.md, "Removing one tag")."""

    TAG = "tag"  # DELETE manifests/<tag>
    THROW_AWAY = "throw-away"  # a unique manifest takes the tag's place and is deleted
    DIGEST = "digest"  # DELETE manifests/<digest>: every tag on it goes


@dataclass(frozen=True, slots=True)
class Saved:
    """A manifest to put back: its exact bytes and every tag that pointed to it (none: an untagged child)."""

    repository: str
    digest: Digest
    media_type: str
    raw: bytes
    tags: tuple[str, ...] = ()


class Record(Protocol):
    """Where a step in hand notes what it has done on the way, durably, so that a next start can finish or put back."""

    def note(self, what: str) -> None: ...


class Step(Protocol):
    """One thing that is done whole or not at all. `saved` undoes it and is journalled before anything is sent."""

    @property
    def saved(self) -> tuple[Saved, ...]: ...

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
