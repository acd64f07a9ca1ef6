"""Every change, written down before it is sent, with what undoes it. Never rebuilt, never set aside."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from regtui.errors import StoreError
from regtui.oci.digest import Digest, digest_of
from regtui.store.files import open_private, private_folder
from regtui.store.locks import LockFile
from regtui.store.migrations import migrate
from regtui.store.rows import TAKEN_UP, KeptChange, KeptStep, Outcome, Saved, State, StepRow

_ADVICE = "A change must be written down before it is sent: free that folder, or set REGTUI_STATE_DIR."
_PATIENCE = 10.0
"""Seconds that another process may take for what it writes."""
_CHANGES = "SELECT id, time, user, registry, title, state, request FROM change"
_OF_TAG = """
SELECT step.change, step.number, step.intent, max(saved.digest) FROM step JOIN change ON change.id = step.change
LEFT JOIN saved ON saved.change = step.change AND saved.step = step.number AND saved.repository = ?3
    AND EXISTS (SELECT 1 FROM json_each(saved.tags) WHERE value = ?4)
WHERE step.outcome = ?1 AND change.registry = ?2 AND json_extract(step.intent, '$.repository') = ?3 AND (
    saved.digest IS NOT NULL OR json_extract(step.intent, '$.tag') = ?4
    OR instr(' ' || json_extract(step.intent, '$.made') || ' ', ' ' || ?4 || ' ') > 0
)
GROUP BY step.change, step.number ORDER BY step.change DESC, step.number DESC
"""
_RUNNING_BESIDE = """
SELECT other.id FROM change AS own JOIN change AS other ON other.registry = own.registry AND other.id != own.id
WHERE own.id = ? AND other.state = 'running'
"""
_REPOSITORIES = """
SELECT json_extract(intent, '$.repository'), max(json_extract(intent, '$.verb') LIKE 'remove %') FROM step
WHERE change = ? GROUP BY 1
"""
_TAKEN_AS = {
    Outcome.RESUMED: (Outcome.STARTED, Outcome.FAILED),
    Outcome.REPLANNED: (Outcome.PLANNED, Outcome.LEFT),
}


class Journal:
    """`journal.db` in the state folder: WAL, synchronous FULL, for its owner only. Calls block; any thread may call.

    It is opened when it is first needed: a home that can't be written to hinders changes, but no reading.
    Every method raises `StoreError`.
    """

    def __init__(self, folder: Path, days: int) -> None:
        """Changes that began more than `days` days ago are forgotten when the next one begins."""
        self._folder = folder
        self._file = folder / "journal.db"
        self._days = days
        self._lock = threading.RLock()
        self._database: sqlite3.Connection | None = None

    def begin(
        self, registry: str, title: str, steps: Sequence[StepRow], request: Mapping[str, Any] | None = None
    ) -> Change:
        """Writes down a change that is about to be sent. It lives until `Change.close`, or as long as this process."""
        with self._writing() as database:
            self._forget(database)
            cursor = database.execute(
                "INSERT INTO change (time, user, registry, title, state, request) VALUES (?, ?, ?, ?, ?, ?)",
                (
                    datetime.now(UTC).isoformat(),
                    _user(),
                    registry,
                    title,
                    State.RUNNING,
                    json.dumps(dict(request or {})),
                ),
            )
            number = int(cursor.lastrowid or 0)
            _write_down(database, number, 0, steps)
            self._nobody_else(database, number)
            lock = self._held(number)  # before others can see the row: what they see is alive
        return Change(self, number, lock, 0)

    def resume(self, number: int, steps: Sequence[StepRow]) -> Change:
        """Takes up a change that was cut off, or not done whole, with new steps in the place of those not done."""
        lock: LockFile | None = None
        try:
            with self._writing() as database:
                lock = self._held(number)
                found = database.execute(
                    "SELECT count(*), max(number) FROM step WHERE change = ?", (number,)
                ).fetchone()
                first = found[1] + 1 if found[0] else 0
                for taken, outcomes in _TAKEN_AS.items():
                    database.execute(
                        "UPDATE step SET outcome = ? WHERE change = ? AND outcome IN (SELECT value FROM json_each(?))",
                        (taken, number, json.dumps(outcomes)),
                    )
                database.execute("UPDATE change SET state = ? WHERE id = ?", (State.RUNNING, number))
                _write_down(database, number, first, steps)
                self._nobody_else(database, number)
        except BaseException:
            if lock:
                lock.release()
            raise
        return Change(self, number, lock, first)

    def settle(self, number: int) -> State:
        """Leaves a change as it is that was cut off: how it ended follows from its steps."""
        return Change(self, number, self._held(number), 0).close()

    def changes(self, limit: int) -> list[KeptChange]:
        """The latest changes, the newest first."""
        return [self._change(*row) for row in self._rows(f"{_CHANGES} ORDER BY id DESC LIMIT ?", limit)]

    def cut_off(self, registry: str = "") -> list[KeptChange]:
        """Changes whose process ended in the middle of them, the newest first; of one registry, or of all."""
        rows = self._rows(f"{_CHANGES} WHERE state = ? ORDER BY id DESC", State.RUNNING)
        changes = [self._change(*row) for row in rows]
        return [change for change in changes if change.is_cut_off and registry in ("", change.registry)]

    def forgotten(self) -> tuple[int, datetime] | None:
        """How many changes were forgotten for their age, all from before that time; None when none was."""
        for count, before in self._rows("SELECT changes, before FROM forgotten WHERE changes > 0"):
            return count, datetime.fromisoformat(before)
        return None

    def change(self, number: int) -> KeptChange:
        """Raises `StoreError` when the journal has none of this number."""
        rows = self._rows(f"{_CHANGES} WHERE id = ?", number)
        if not rows:
            raise StoreError(f"The journal has no change {number}", "See: regtui history")
        return self._change(*rows[0])

    def steps(self, number: int) -> list[KeptStep]:
        """A change's steps, in their order."""
        rows = self._rows("SELECT number, intent, outcome, detail FROM step WHERE change = ? ORDER BY number", number)
        notes: dict[int, list[str]] = {}
        for step, text in self._rows("SELECT step, text FROM note WHERE change = ? ORDER BY rowid", number):
            notes.setdefault(step, []).append(text)
        return [
            KeptStep(step, json.loads(intent), Outcome(outcome), detail, tuple(notes.get(step, ())))
            for step, intent, outcome, detail in rows
        ]

    def saved(self, number: int, step: int) -> list[Saved]:
        """What undoes a step, in the order in which it was given. The bytes are checked against their digests."""
        rows = self._rows(
            "SELECT repository, saved.digest, media_type, raw, tags, content.digest"
            " FROM saved JOIN content ON content.digest = saved.content WHERE change = ? AND step = ?"
            " ORDER BY saved.rowid",
            number,
            step,
        )
        for _, digest, _, raw, _, content in rows:
            if digest_of(raw) != content:
                raise StoreError(f"The journal's copy of {digest} is damaged")
        return [Saved(row[0], Digest(row[1]), row[2], bytes(row[3]), tuple(json.loads(row[4]))) for row in rows]

    def of_tag(self, registry: str, repository: str, tag: str) -> list[tuple[KeptChange, KeptStep, Digest | None]]:
        """The steps that were done to a tag, the newest first, each with the digest that the tag had before."""
        rows = self._rows(_OF_TAG, Outcome.DONE, registry, repository, tag)
        changes = {number: self.change(number) for number in {row[0] for row in rows}}
        return [
            (
                changes[number],
                KeptStep(step, json.loads(intent), Outcome.DONE, "", ()),
                Digest(before) if before else None,
            )
            for number, step, intent, before in rows
        ]

    def close(self) -> None:
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None

    def write(self, statement: str, *values: object) -> None:
        """One statement, durable when it returns; for `Change`."""
        with self._writing() as database:
            database.execute(statement, values)

    def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock, self._failing("read", ""):
            if self._database is None and not self._file.exists():
                return []
            return self._open().execute(statement, values).fetchall()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, durable when it is left."""
        with self._lock, self._failing("written", _ADVICE):
            database = self._open()
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _failing(self, what: str, advice: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise StoreError(f"The journal in {self._folder} can't be {what}: {reason}", advice) from error

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            private_folder(self._folder)
            database = open_private(self._file, _PATIENCE)
            try:
                database.execute("PRAGMA synchronous = FULL")
                database.execute("PRAGMA foreign_keys = ON")
                migrate(database)
            except BaseException:
                database.close()
                raise
            self._database = database
        return self._database

    def _change(
        self, number: int, time: str, user: str, registry: str, title: str, state: str, request: str
    ) -> KeptChange:
        lives = state == State.RUNNING and self._lock_file(number).is_held()
        began = datetime.fromisoformat(time)
        return KeptChange(number, began, user, registry, title, State(state), lives, json.loads(request))

    def _nobody_else(self, database: sqlite3.Connection, number: int) -> None:
        """Raises `StoreError` while another change runs in a repository from which one of the two deletes.

        A tag that vanishes when an image is deleted could have gone with the image, or by the other change: nothing in
        the registry tells.
        """
        running = [other for (other,) in database.execute(_RUNNING_BESIDE, (number,)).fetchall()]
        for other in filter(lambda other: self._lock_file(other).is_held(), running):
            ours, theirs = (dict(database.execute(_REPOSITORIES, (each,)).fetchall()) for each in (number, other))
            if both := [each for each in ours.keys() & theirs.keys() if ours[each] or theirs[each]]:
                what = f"Change {other}, of another regtui, is under way in {both[0]}"
                raise StoreError(what, "Wait until it is done: regtui history")

    def _held(self, number: int) -> LockFile:
        lock = self._lock_file(number)
        if not lock.take():
            raise StoreError(f"Change {number} is still running", "Wait until it is done, or stop it.")
        return lock

    def _lock_file(self, number: int) -> LockFile:
        return LockFile(self._folder / f"change-{number}.lock")

    def _forget(self, database: sqlite3.Connection) -> None:
        """Bounds the size by age. What was cut off stays: somebody has to look at it."""
        oldest = (datetime.now(UTC) - timedelta(days=self._days)).isoformat()
        gone = database.execute("DELETE FROM change WHERE time < ? AND state != ?", (oldest, State.RUNNING)).rowcount
        if gone:
            database.execute("UPDATE forgotten SET changes = changes + ?, before = ?", (gone, oldest))
            database.execute("DELETE FROM content WHERE digest NOT IN (SELECT content FROM saved)")


class Change:
    """A change in flight, held by this process. What a call says is on the disk when it returns, or it raises."""

    def __init__(self, journal: Journal, number: int, lock: LockFile, first: int) -> None:
        """Its steps are counted from 0 in each call; in the journal from `first`."""
        self.id = number
        self._journal = journal
        self._lock = lock
        self._first = first

    def start(self, step: int) -> None:
        """The step is about to be sent."""
        self._journal.write(
            "UPDATE step SET outcome = ? WHERE change = ? AND number = ?", Outcome.STARTED, self.id, self._first + step
        )

    def note(self, step: int, text: str) -> None:
        """What the step does next, or has done, on its way."""
        self._journal.write("INSERT INTO note (change, step, text) VALUES (?, ?, ?)", self.id, self._first + step, text)

    def finish(self, step: int, outcome: Outcome, detail: str = "") -> None:
        self._journal.write(
            "UPDATE step SET outcome = ?, detail = ? WHERE change = ? AND number = ?",
            outcome,
            detail,
            self.id,
            self._first + step,
        )

    def leave(self, steps: Iterable[int]) -> None:
        """These steps are not tried."""
        numbers = json.dumps([self._first + step for step in steps])
        self._journal.write(
            "UPDATE step SET outcome = ? WHERE change = ? AND number IN (SELECT value FROM json_each(?))",
            Outcome.LEFT,
            self.id,
            numbers,
        )

    def close(self) -> State:
        """The change is over; how it ended follows from its steps. Afterwards any process may undo it."""
        try:
            outcomes = [step.outcome for step in self._journal.steps(self.id)]
            done, taken_up = outcomes.count(Outcome.DONE), sum(outcome in TAKEN_UP for outcome in outcomes)
            state = State.DONE if done + taken_up == len(outcomes) else State.PARTLY if done else State.FAILED
            self._journal.write("UPDATE change SET state = ? WHERE id = ?", state, self.id)
        finally:
            self._lock.release()
        return state


def _write_down(database: sqlite3.Connection, change: int, first: int, steps: Sequence[StepRow]) -> None:
    for position, step in enumerate(steps, first):
        database.execute(
            "INSERT INTO step (change, number, intent, outcome) VALUES (?, ?, ?, ?)",
            (change, position, json.dumps(dict(step.intent)), Outcome.PLANNED),
        )
        for saved in step.saved:
            _save(database, change, position, saved)


def _save(database: sqlite3.Connection, change: int, step: int, saved: Saved) -> None:
    content = digest_of(saved.raw)  # a signed schema 1 manifest's own digest is of less than its bytes
    database.execute("INSERT OR IGNORE INTO content (digest, raw) VALUES (?, ?)", (content, saved.raw))
    database.execute(
        "INSERT INTO saved (change, step, repository, digest, media_type, tags, content) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (change, step, saved.repository, saved.digest, saved.media_type, json.dumps(saved.tags), content),
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return str(os.getuid())
