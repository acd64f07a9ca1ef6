"""Every change is written down first, with what undoes it, and survives whatever happens to the process."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regtui.errors import StoreError
from regtui.oci.digest import digest_of
from regtui.store.journal import Journal
from regtui.store.rows import Outcome, Saved, State, StepRow

MANIFEST = b'{"schemaVersion":2}'


def saved(raw: bytes = MANIFEST, *tags: str) -> Saved:
    return Saved("team/app", digest_of(raw), "application/vnd.oci.image.manifest.v1+json", raw, tags)


def step(tag: str, *what: Saved) -> StepRow:
    return StepRow({"verb": "remove", "tag": tag}, what)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "state", 365)


def test_a_change_and_what_undoes_it_can_be_read_again(journal: Journal, tmp_path: Path) -> None:
    change = journal.begin(
        "localhost:5000", "Delete 2 tags from team/app", [step("1", saved(MANIFEST, "1")), step("2")]
    )
    change.start(0)
    change.note(0, "throw-away sha256:1")
    change.finish(0, Outcome.DONE)
    change.start(1)
    change.finish(1, Outcome.FAILED, "the tag was moved")
    assert change.close() == State.PARTLY

    again = Journal(tmp_path / "state", 365)
    (kept,) = again.changes(10)
    assert (kept.id, kept.registry, kept.title) == (change.id, "localhost:5000", "Delete 2 tags from team/app")
    assert (kept.state, kept.lives) == (State.PARTLY, False)
    assert kept.user
    assert kept.time.utcoffset() is not None
    first, second = again.steps(change.id)
    assert (first.intent, first.outcome, first.notes) == (
        {"verb": "remove", "tag": "1"},
        Outcome.DONE,
        ("throw-away sha256:1",),
    )
    assert (second.outcome, second.detail) == (Outcome.FAILED, "the tag was moved")
    assert again.saved(change.id, 0) == [saved(MANIFEST, "1")]
    assert again.saved(change.id, 1) == []


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        ([], State.DONE),
        ([Outcome.DONE, Outcome.DONE], State.DONE),
        ([Outcome.DONE, Outcome.LEFT], State.PARTLY),
        ([Outcome.FAILED, Outcome.LEFT], State.FAILED),
    ],
)
def test_how_a_change_ended_follows_from_its_steps(journal: Journal, outcomes: list[Outcome], state: State) -> None:
    change = journal.begin("r", "t", [step(str(number)) for number in range(len(outcomes))])
    for number, outcome in enumerate(outcomes):
        change.finish(number, outcome)
    assert change.close() == state
    assert journal.change(change.id).state == state


def test_the_newest_change_comes_first(journal: Journal) -> None:
    for title in ("one", "two", "three"):
        journal.begin("r", title, []).close()
    assert [change.title for change in journal.changes(2)] == ["three", "two"]


def test_bytes_that_several_steps_save_are_kept_once(journal: Journal, tmp_path: Path) -> None:
    journal.begin("r", "t", [step(str(number), saved(MANIFEST, str(number))) for number in range(5)]).close()
    with sqlite3.connect(tmp_path / "state" / "journal.db") as other:
        assert other.execute("SELECT count(*) FROM content").fetchone() == (1,)
    assert [journal.saved(1, number)[0].tags for number in range(5)] == [(str(number),) for number in range(5)]


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.text(), st.text()), st.binary(), st.lists(st.text()))
def test_whatever_is_written_comes_back(
    tmp_path_factory: pytest.TempPathFactory, intent: dict[str, str], raw: bytes, tags: list[str]
) -> None:
    journal = Journal(tmp_path_factory.getbasetemp() / "any-journal", 365)
    change = journal.begin("r", "t", [StepRow(intent, (saved(raw, *tags),))])
    assert journal.steps(change.id)[0].intent == intent
    assert journal.saved(change.id, 0) == [saved(raw, *tags)]
    change.close()
    journal.close()


def test_while_it_runs_a_change_is_seen_to_live(journal: Journal, tmp_path: Path) -> None:
    change = journal.begin("r", "t", [step("1")])
    assert Journal(tmp_path / "state", 365).change(change.id).lives
    change.close()
    assert not journal.change(change.id).lives
    assert not list((tmp_path / "state").glob("*.lock"))


def test_a_killed_process_leaves_a_change_that_lives_no_more(journal: Journal, tmp_path: Path) -> None:
    program = f"""
from regtui.store.journal import Journal
from regtui.store.rows import Outcome, StepRow
from pathlib import Path
change = Journal(Path({str(tmp_path / "state")!r}), 365).begin("r", "cut off", [StepRow({{"tag": "1"}}), StepRow({{}})])
change.start(0)
change.note(0, "sent")
print(change.id, flush=True)
input()
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stdin=subprocess.PIPE)
    assert process.stdout is not None
    number = int(process.stdout.readline())
    assert journal.change(number).lives
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = journal.change(number)
    assert (kept.state, kept.lives) == (State.RUNNING, False)
    assert [(kept.outcome, kept.notes) for kept in journal.steps(number)] == [
        (Outcome.STARTED, ("sent",)),
        (Outcome.PLANNED, ()),
    ]


def test_old_changes_are_forgotten_but_not_those_cut_off(journal: Journal, tmp_path: Path) -> None:
    journal.begin("r", "old", [step("1", saved(b"{}"))]).close()
    journal.begin("r", "cut off", [step("1", saved())])
    with sqlite3.connect(tmp_path / "state" / "journal.db") as other:
        other.execute("UPDATE change SET time = '2020-01-01T00:00:00+00:00'")
    journal.begin("r", "new", []).close()
    assert [change.title for change in journal.changes(10)] == ["new", "cut off"]
    assert journal.saved(2, 0) == [saved()]
    with sqlite3.connect(tmp_path / "state" / "journal.db") as other:
        assert other.execute("SELECT raw FROM content").fetchall() == [(MANIFEST,)]


def test_it_is_durable_and_only_its_owners(journal: Journal, tmp_path: Path) -> None:
    change = journal.begin("r", "t", [])
    folder = tmp_path / "state"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == dict.fromkeys(
        ("journal.db", "journal.db-wal", "journal.db-shm", "change-1.lock"), 0o600
    )
    assert journal._open().execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert journal._open().execute("PRAGMA journal_mode").fetchone() == ("wal",)
    change.close()


def test_a_journal_that_cannot_be_written_refuses_the_change(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="can't be written"):
        Journal(tmp_path / "file" / "state", 365).begin("r", "t", [])


def test_nothing_written_yet_reads_as_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "state", 365)
    assert journal.changes(10) == []
    assert not (tmp_path / "state").exists()
    with pytest.raises(StoreError, match="no change 7"):
        journal.change(7)


def test_a_broken_journal_is_an_error_and_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError):
        Journal(tmp_path, 365).begin("r", "t", [])
    assert (tmp_path / "journal.db").read_bytes() == b"no database" * 1000


def test_a_newer_regtuis_journal_is_left_alone(journal: Journal, tmp_path: Path) -> None:
    journal.begin("r", "t", []).close()
    journal.close()
    with sqlite3.connect(tmp_path / "state" / "journal.db") as other:
        other.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="newer regtui"):
        journal.changes(1)


def test_damaged_bytes_are_not_put_back(journal: Journal, tmp_path: Path) -> None:
    journal.begin("r", "t", [step("1", saved())]).close()
    with sqlite3.connect(tmp_path / "state" / "journal.db") as other:
        other.execute("UPDATE content SET raw = x'00'")
    with pytest.raises(StoreError, match="damaged"):
        journal.saved(1, 0)


def test_several_processes_write_to_one_journal(tmp_path: Path) -> None:
    program = f"""
from pathlib import Path
from regtui.store.journal import Journal
from regtui.store.rows import Outcome, StepRow
for _ in range(5):
    change = Journal(Path({str(tmp_path / "state")!r}), 365).begin("r", "t", [StepRow({{}})])
    change.finish(0, Outcome.DONE)
    change.close()
"""
    processes = [subprocess.Popen([sys.executable, "-c", program], env=dict(os.environ)) for _ in range(4)]
    assert [process.wait(30) for process in processes] == [0] * 4
    assert len(Journal(tmp_path / "state", 365).changes(100)) == 20


def test_a_change_of_a_process_that_died_is_cut_off_until_somebody_settles_it(journal: Journal, tmp_path: Path) -> None:
    request = {"verb": "remove", "repository": "team/app", "tags": {"1": digest_of(MANIFEST)}}
    pid = os.fork()
    if not pid:
        dying = Journal(tmp_path / "state", 365)
        change = dying.begin("localhost:5000", "Delete 2 tags", [step("1", saved()), step("2")], request)
        change.start(0)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    (cut,) = journal.cut_off()
    assert (cut.is_cut_off, cut.request) == (True, request)
    assert journal.cut_off("localhost:5000") == [cut]
    assert journal.cut_off("ghcr.io") == []
    assert journal.settle(cut.id) == State.FAILED
    assert journal.cut_off() == []
    assert not journal.change(cut.id).is_cut_off


def test_a_change_that_was_cut_off_goes_on_in_the_same_row(journal: Journal, tmp_path: Path) -> None:
    change = journal.begin("localhost:5000", "Delete 3 tags", [step(tag, saved(MANIFEST, tag)) for tag in "123"])
    change.start(0)
    change.finish(0, Outcome.DONE)
    change.start(1)
    with pytest.raises(StoreError, match="still running"):
        Journal(tmp_path / "state", 365).resume(change.id, [])
    change._lock.release()  # as when its process dies
    again = journal.resume(change.id, [step("2", saved(MANIFEST, "2")), step("3")])
    assert journal.change(change.id).lives
    for number in (0, 1):
        again.start(number)
        again.note(number, "sent")
        again.finish(number, Outcome.DONE)
    assert again.close() == State.DONE
    outcomes = [(kept.intent["tag"], kept.outcome, kept.notes) for kept in journal.steps(change.id)]
    assert outcomes == [
        ("1", Outcome.DONE, ()),
        ("2", Outcome.RESUMED, ()),
        ("3", Outcome.REPLANNED, ()),
        ("2", Outcome.DONE, ("sent",)),
        ("3", Outcome.DONE, ("sent",)),
    ]
    assert journal.saved(change.id, 3) == [saved(MANIFEST, "2")]


def test_how_many_changes_were_forgotten_for_their_age_is_told(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "state", 30)
    assert journal.forgotten() is None
    for title in ("old", "older"):
        journal.begin("localhost:5000", title, []).close()
    journal.write("UPDATE change SET time = '2020-01-01T00:00:00+00:00'")
    assert journal.forgotten() is None
    journal.begin("localhost:5000", "new", []).close()
    told = journal.forgotten()
    assert told
    assert told[0] == 2
    assert [change.title for change in journal.changes(9)] == ["new"]


def test_a_journal_of_the_first_version_is_brought_up_to_this_one(tmp_path: Path, journal: Journal) -> None:
    from regtui.store import migrations

    (tmp_path / "state").mkdir(mode=0o700)
    with sqlite3.connect(tmp_path / "state" / "journal.db") as old:
        for statement in migrations._MIGRATIONS[0]:
            old.execute(statement)
        old.execute("PRAGMA user_version = 1")
        old.execute(
            "INSERT INTO change (time, user, registry, title, state)"
            " VALUES ('2026-11-01T00:00:00+00:00', 'me', 'localhost:5000', 'Delete 1 tag', 'done')"
        )
    assert journal.begin("localhost:5000", "Delete 2 tags", []).close() == State.DONE
    assert [(change.title, change.request) for change in journal.changes(9)] == [
        ("Delete 2 tags", {}),
        ("Delete 1 tag", {}),
    ]


def removing(repository: str) -> StepRow:
    return StepRow({"verb": "remove tag", "repository": repository, "tag": "1"})


def copying(repository: str) -> StepRow:
    return StepRow({"verb": "copy manifest", "repository": repository})


def test_where_one_change_deletes_no_other_runs(journal: Journal, tmp_path: Path) -> None:
    other = Journal(tmp_path / "state", 365)
    deleting = journal.begin("localhost:5000", "Delete", [removing("team/app"), removing("team/app")])
    for steps in ([removing("team/app")], [copying("team/app")]):
        with pytest.raises(StoreError, match="Change 1, of another regtui, is under way in team/app"):
            other.begin("localhost:5000", "Change", steps)
    assert [change.id for change in journal.changes(9)] == [deleting.id]  # nothing of it was kept
    other.begin("localhost:5000", "Delete", [removing("team/api")]).close()
    other.begin("ghcr.io", "Delete", [removing("team/app")]).close()
    deleting.close()
    other.begin("localhost:5000", "Delete", [removing("team/app")]).close()


def test_copies_run_side_by_side_and_what_was_cut_off_holds_nobody_off(journal: Journal, tmp_path: Path) -> None:
    other = Journal(tmp_path / "state", 365)
    copy = journal.begin("localhost:5000", "Copy", [copying("team/app")])
    other.begin("localhost:5000", "Copy", [copying("team/app")]).close()
    with pytest.raises(StoreError, match="under way"):
        other.begin("localhost:5000", "Delete", [removing("team/app")])
    copy._lock.release()  # as when its process dies
    other.begin("localhost:5000", "Delete", [removing("team/app")]).close()
