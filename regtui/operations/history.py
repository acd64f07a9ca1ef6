"""What was changed from this machine, in any registry: no session is needed to look it up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from regtui.config import Settings
from regtui.errors import StoreError
from regtui.store.journal import Journal
from regtui.store.rows import KeptChange

__all__ = ["KeptChange", "changes", "one_change"]


def changes(settings: Settings, limit: int) -> list[KeptChange]:
    """The latest changes, the newest first. Raises `StoreError` when the journal can't be read."""
    with _journal(settings) as journal:
        return journal.changes(limit)


def one_change(settings: Settings, number: int | None = None) -> KeptChange:
    """A change by its number, or the last one. Raises `StoreError` when there is none."""
    with _journal(settings) as journal:
        if number is not None:
            return journal.change(number)
        latest = journal.changes(1)
    if not latest:
        raise StoreError("The journal has no change to undo")
    return latest[0]


@contextmanager
def _journal(settings: Settings) -> Iterator[Journal]:
    with closing(Journal(settings.state_dir, settings.journal_days)) as journal:
        yield journal
