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
from regtui.store.journal import Journal
from regtui.store.rows import KeptChange, KeptStep, Outcome, State

if TYPE_CHECKING:
    from regtui.operations.session import Session

__all__ = ["KeptChange", "KeptStep", "Outcome", "State", "changes", "forgotten", "one_change", "steps", "undone_by"]


def changes(of: Settings | Session, limit: int) -> list[KeptChange]:
    """The latest changes, the newest first. Raises `StoreError` when the journal can't be read."""
    with _journal(of) as journal:
        return journal.changes(limit)


def steps(of: Settings | Session, number: int) -> list[KeptStep]:
    """A change's steps, in their order."""
    with _journal(of) as journal:
        return journal.steps(number)


def forgotten(of: Settings | Session) -> tuple[int, datetime] | None:
    """How many changes the journal has forgotten for their age, all from before that time."""
    with _journal(of) as journal:
        return journal.forgotten()


def undone_by(changes: Sequence[KeptChange]) -> dict[int, int]:
    """Which change undid which, by their numbers; an undo that was undone itself counts no more. The newest first."""
    undone: dict[int, int] = {}
    for change in changes:
        if change.request.get("verb") == "undo" and change.state is State.DONE and change.id not in undone:
            undone.setdefault(change.request["change"], change.id)
    return undone


def one_change(of: Settings | Session, number: int | None = None) -> KeptChange:
    """A change by its number, or the last one. Raises `StoreError` when there is none."""
    with _journal(of) as journal:
        if number is not None:
            return journal.change(number)
        latest = journal.changes(1)
    if not latest:
        raise StoreError("The journal has no change to undo")
    return latest[0]


@contextmanager
def _journal(of: Settings | Session) -> Iterator[Journal]:
    if isinstance(of, Settings):
        with closing(Journal(of.state_dir, of.journal_days)) as journal:
            yield journal
    else:
        yield of.journal
