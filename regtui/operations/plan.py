"""A change before it happens: what will be sent, what goes, what stays, and what undoes it.

Nothing changes a registry but a plan that `operations.runner` executes, step by step, each journalled first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from regtui.errors import ReadOnly
from regtui.oci.transports import DOCKER_ARCHIVE
from regtui.store.rows import Saved as Saved

if TYPE_CHECKING:
    from typing import Self

    from regtui.operations.session import Session
    from regtui.registry.client import Client


class Method(StrEnum):
    """How a tag or digest is removed (PROTOCOL.md, "Removing one tag")."""

    VENDOR = "vendor"  # the vendor's own API takes the tag, and nothing else
    TAG = "tag"  # DELETE manifests/<tag>
    THROW_AWAY = "throw-away"  # a unique manifest takes the tag's place and is deleted
    DIGEST = "digest"  # DELETE manifests/<digest>: every tag on it goes


class StepStopped(Exception):
    """A step has ended before it changed anything, because the change is to stop: it counts as not tried."""


class StepContext(Protocol):
    """What a step is given while it is done."""

    @property
    def client(self) -> Client:
        """Of the plan's registry: all writes go there."""
        ...

    @property
    def source(self) -> Client:
        """Of the registry that the plan reads from: `client`, but for what is copied from elsewhere."""
        ...

    def note(self, what: str) -> None:
        """Writes down what is done next, durably, so that a next start can finish or put back.

        Raises `StoreError`: then nothing further may be sent but what puts back.
        """
        ...

    def tell(self, done: int, total: int) -> None:
        """How far a step is that takes long, in bytes. It may be called at any rate."""
        ...

    def go_on(self) -> None:
        """Raises `StepStopped` when the change is to stop: for a step that takes long and may end anywhere."""
        ...

    async def names(self, repository: str) -> list[str]:
        """Every tag that the registry lists, by a request that begins after this call; steps that wait share one."""
        ...


class Step(Protocol):
    """One thing that is done whole or not at all, a frozen dataclass.

    `saved` undoes it and is journalled before anything is sent. Steps run side by side, each as soon as those are done
    that it needs.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

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

    async def run(self, context: StepContext) -> None:
        """Sends it. Raises `PlanStale` before anything was written, `StepFailed` with what was put back."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done. Its subclasses say the rest: `removal.RemovalPlan`, `transfer.CopyPlan`, `undo.UndoPlan`."""

    registry: str
    title: str  # "Delete 1 tag from team/app"
    action: str  # what the button says: "Delete 1 tag"
    steps: tuple[Step, ...]
    warnings: tuple[str, ...] = field(default=(), kw_only=True)
    check: Step | None = field(default=None, kw_only=True)
    """Looks at the end, also of a change that was stopped, whether what had to stay is whole, and puts it back."""
    source: Session | None = field(default=None, kw_only=True)
    """The registry that its steps read from, when it is another one."""
    at_once: int = field(default=0, kw_only=True)
    """Steps under way at a time; 0: as many as requests."""
    request: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    """What was asked for, as JSON, so that the rest of a change that was cut off can be planned anew."""

    @property
    def to_send(self) -> int:
        """Bytes that its steps send, where that is what takes long (`StepContext.tell`); else 0."""
        return 0

    def lines(self) -> list[tuple[str, str]]:
        """Rows of the dialog and of `--dry-run`: a label, and what there is to say."""
        return []

    def as_json(self) -> dict[str, Any]:
        """Stable names; sizes in bytes, times in UTC."""
        return {
            "version": 1,
            "action": self.request.get("verb", ""),
            "registry": self.registry,
            "steps": [{"text": step.describe(), **step.intent()} for step in self.steps],
            "warnings": list(self.warnings),
        }

    def rest(self, undone: Collection[int]) -> Self:
        """Only these steps, numbered from 0, to try them again; what was done is needed no more."""
        kept = sorted(undone)
        place = {number: new for new, number in enumerate(kept)}
        steps = [self.steps[number] for number in kept]
        needs = [tuple(place[number] for number in step.needs if number in place) for step in steps]
        return replace(self, steps=tuple(replace(step, needs=now) for step, now in zip(steps, needs, strict=True)))


def must_write(session: Session) -> None:
    """Raises `ReadOnly` when this session changes nothing."""
    if session.mirror:
        raise ReadOnly(
            f"{session.registry} can't be reached, and its mirror {session.mirror} is only read from",
            "Changes go to the registry itself: open it again when it is back.",
        )
    if session.registry.startswith(DOCKER_ARCHIVE):
        raise ReadOnly(
            f"{session.registry} is an archive, which is only read from",
            "Push its images to a registry or a layout, and change them there.",
        )
    if session.read_only:
        raise ReadOnly(
            f"{session.registry} is opened for reading only",
            "Leave out --read-only, or read_only in the settings, to change something.",
        )
