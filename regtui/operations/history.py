"""What was changed from this machine, in any registry: no session is needed to look it up.

`of` is a session only for the demo, which has a journal of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from regtui.config import Settings
from regtui.errors import StoreError
from regtui.oci.digest import Digest, parse_digest
from regtui.oci.kinds import THROW_AWAY
from regtui.store.journal import Journal
from regtui.store.rows import KeptChange, KeptStep, Outcome, State

if TYPE_CHECKING:
    from regtui.operations.session import Session

__all__ = [
    "KeptChange",
    "KeptStep",
    "Outcome",
    "State",
    "changes",
    "forgotten",
    "left_over",
    "notes_of",
    "one_change",
    "step_text",
    "steps",
    "throw_aways",
    "undoes",
    "undone_by",
]


def changes(of: Settings | Session, limit: int) -> list[KeptChange]:
    """The latest changes, the newest first. Raises `StoreError` when the journal can't be read."""
    with journal_of(of) as journal:
        return journal.changes(limit)


def steps(of: Settings | Session, number: int) -> list[KeptStep]:
    """A change's steps, in their order."""
    with journal_of(of) as journal:
        return journal.steps(number)


def step_text(step: KeptStep) -> str:
    """What a step does: `remove tag team/app:1.4`."""
    tags = step.intent.get("tags", "").split()
    more = f" and {len(tags) - 5:,} more" if len(tags) > 5 else ""
    return f"{step.intent['verb']} {_place(step)}" + (f" ({', '.join(tags[:5])}{more})" if tags else "")


def _place(step: KeptStep) -> str:
    """What it is about: `team/app:1.4`, `team/app@sha256:…`, or a repository."""
    from regtui.operations.looking import name  # which brings the client: not for --help and completion

    version = step.intent.get("tag") or step.intent.get("digest") or step.intent.get("blob", "")
    return name(step.intent["repository"], version) if version else step.intent["repository"]


def left_over(steps: Sequence[KeptStep]) -> list[str]:
    """Tags that may hold a throw-away manifest, by the journal alone: their steps neither succeeded nor were taken up.

    Of a change that has ended, those are tags of failed steps, most of which were put back.
    """
    open_ones = (step for step in steps if step.outcome in (Outcome.STARTED, Outcome.FAILED) and throw_aways(step))
    return [_place(step) for step in open_ones]


def notes_of(step: KeptStep) -> list[str]:
    """What a step did on the way: `throw-away manifest sha256:…`."""
    return [note.replace(THROW_AWAY, "throw-away manifest") for note in step.notes]


def throw_aways(step: KeptStep) -> list[Digest]:
    """Digests of the throw-away manifests that a step wrote down before it put them on its tag."""
    marks = [note.removeprefix(f"{THROW_AWAY} ") for note in step.notes if note.startswith(f"{THROW_AWAY} ")]
    return [parse_digest(mark) for mark in marks]


def forgotten(of: Settings | Session) -> tuple[int, datetime] | None:
    """How many changes the journal has forgotten for their age, all from before that time."""
    with journal_of(of) as journal:
        return journal.forgotten()


def undone_by(changes: Sequence[KeptChange]) -> dict[int, int]:
    """Which change undid which, by their numbers; an undo that was undone itself counts no more. The newest first."""
    undone: dict[int, int] = {}
    for change in changes:
        if change.state is State.DONE and change.id not in undone and (number := undoes(change)):
            undone.setdefault(number, change.id)
    return undone


def undoes(change: KeptChange) -> int | None:
    """The number of the change that this one undoes, if it undoes one."""
    number = change.request.get("change") if change.request.get("verb") == "undo" else None
    return number if isinstance(number, int) else None


def one_change(of: Settings | Session, number: int | None = None) -> KeptChange:
    """A change by its number, or the last one. Raises `StoreError` when there is none."""
    with journal_of(of) as journal:
        if number is not None:
            return journal.change(number)
        latest = journal.changes(1)
    if not latest:
        raise StoreError("The journal has no change to undo")
    return latest[0]


@contextmanager
def journal_of(of: Settings | Session) -> Iterator[Journal]:
    if isinstance(of, Settings):
        with closing(Journal(of.state_dir, of.journal_days)) as journal:
            yield journal
    else:
        yield of.journal
