"""The history: who changed what, when, where, and how it ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from regtui.operations.history import KeptChange, State
from regtui.tui.widgets.changes import ChangeList
from tests.tui.running import APP, FEW, WIDE, confirmed, running
from tests.tui.stage import HOSTILE, on_stage

CHANGE = KeptChange(
    1,
    datetime.now(UTC) - timedelta(hours=3),
    "ada",
    "registry.example.com",
    "Delete 60 tags from team/app",
    State.DONE,
    lives=False,
)


async def test_the_outcome_is_what_one_has_to_know_of_a_change() -> None:
    changes = ChangeList()
    undo = replace(CHANGE, id=2, request={"verb": "undo", "change": 1})
    async with on_stage(changes):
        changes.show([undo, CHANGE])
    running_now = replace(CHANGE, id=3, state=State.RUNNING, lives=True)
    told = [undo, CHANGE, running_now, replace(running_now, lives=False), replace(CHANGE, id=4, state=State.PARTLY)]
    assert [changes.outcome(each) for each in told] == ["done", "undone by 2", "running", "cut off", "partly"]


@pytest.mark.parametrize("width", [40, 80, 160])
async def test_columns_that_find_no_room_go_and_the_outcome_stays(width: int) -> None:
    changes = ChangeList()
    async with on_stage(changes, size=(width, 10)) as (stage, pilot):
        changes.show([CHANGE])
        await pilot.pause()
        heading, row = stage.lines()[:2]
        assert "done" in row
        assert "Delete 60 tags"[: width - 25] in row
        assert ("3 hours ago" in row) is ("WHEN" in heading) is (width >= 60)
        assert ("ada" in row) is ("registry.example.com" in row) is (width >= 110)


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_titles_are_shown_written_out(text: str) -> None:
    changes = ChangeList()
    async with on_stage(changes) as (stage, pilot):
        changes.show([replace(CHANGE, title=text, registry=text, user=text)])
        await pilot.pause()
        assert "\x1b" not in "".join(stage.lines())


async def test_the_cursor_keeps_its_change_when_others_come_and_a_filter_finds_by_any_column() -> None:
    changes = ChangeList()
    async with on_stage(changes) as (_, pilot):
        changes.show([CHANGE])
        changes.show([replace(CHANGE, id=number, title=f"Copy {number}") for number in (4, 3, 2)] + [CHANGE])
        assert changes.current == CHANGE
        await pilot.press("g")
        changes.set_filter("copy 3")
        assert changes.row_count == 1
        assert changes.set_filter("re:(")


async def test_an_empty_history_says_so_and_esc_goes_back() -> None:
    async with running(FEW) as at:
        await at.until("newest first")
        await at.press("U")
        await at.until("Nothing was changed from this machine yet")
        await at.press("u", "enter")
        await at.press("escape")
        assert at.app.screen is at.browser


async def test_enter_shows_a_changes_steps_and_undoes_it_from_there() -> None:
    async with running(APP, WIDE) as at:
        await at.until("newest first")
        at.browser.tags.go_to("v1.14")
        await at.until(lambda: at.browser.spot.reference.tag == "v1.14")
        await at.press("d")
        await confirmed(at)
        await at.until("Tags · 405 ·")
        await at.press("U")
        await at.until("Delete 1 tag from team/app")
        await at.press("enter")
        await at.until("1 of 1 step")
        assert "remove tag team/app:v1.14" in at.text
        await at.press("u")
        await at.until("Undo: Delete 1 tag")
        await at.press("tab", "enter")
        await at.until("undone by 2")
        await at.press("escape")
        await at.until("Tags · 406 ·")
