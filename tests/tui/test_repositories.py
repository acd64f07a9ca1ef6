"""The repositories pane: a tree by path that grows while one walks in it."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from regtui.errors import ConnectionFailed
from regtui.tui.widgets.lines import Lines
from regtui.tui.widgets.repositories import Repositories
from tests.tui.stage import HOSTILE, Stage, on_stage


def listing(*names: str, complete: bool = True) -> Repositories:
    pane = Repositories()
    pane.call_later(begin, pane, names, complete)
    return pane


def begin(pane: Repositories, names: tuple[str, ...], complete: bool) -> None:
    pane.start()
    pane.add(names)
    if complete:
        pane.finish()


async def settled(pane: Repositories, pilot: Pilot[None]) -> None:
    """Waits until what arrived is shown."""
    pane._paced.run()
    await pilot.pause()


def rows(stage: Stage) -> list[str]:
    return [line.rstrip("▐ ") for line in stage.lines() if line]


MANY = tuple(f"team-{n % 3}/app-{n}" for n in range(300))


async def test_few_repositories_stand_unfolded_by_path_numbers_by_their_value() -> None:
    async with on_stage(listing("team/app-10", "team/app-9", "base", "team/api/v1", "base/debian")) as (stage, _):
        assert rows(stage) == [
            "▌▾ base",
            "     debian",
            " ▾ team",
            "   ▾ api",
            "       v1",
            "     app-9",
            "     app-10",
        ]


async def test_many_stand_folded() -> None:
    async with on_stage(listing(*MANY)) as (stage, pilot):
        assert rows(stage) == ["▌▸ team-0", " ▸ team-1", " ▸ team-2"]
        await pilot.press("j", "l")
        assert rows(stage)[:4] == [" ▸ team-0", "▌▾ team-1", "     app-1", "     app-4"]


async def test_counts_stand_at_the_right_when_they_are_known() -> None:
    pane = listing("team/app", "team/worker")
    async with on_stage(pane, size=(30, 5)) as (stage, pilot):
        pane.set_count("team/app", 2000)
        pane.set_count("never/listed", 3)
        await pilot.pause()
        assert rows(stage) == ["▌▾ team", "     app                 2000", "     worker"]


async def test_right_unfolds_goes_in_and_opens_and_left_comes_back_and_goes_out() -> None:
    pane = listing(*MANY)
    async with on_stage(pane) as (stage, pilot):
        await pilot.press("l", "right", "l")
        assert [message.repository for message in stage.heard(Repositories.Opened)] == ["team-0/app-0"]
        await pilot.press("h")
        assert (pane.cursor, rows(stage)[0]) == (0, "▌▾ team-0")
        await pilot.press("left")
        assert rows(stage) == ["▌▸ team-0", " ▸ team-1", " ▸ team-2"]
        await pilot.press("h")
        assert len(stage.heard(Lines.Out)) == 1


async def test_enter_folds_a_namespace_and_opens_a_repository_even_one_with_others_below() -> None:
    pane = listing("base", "base/debian", "team/app")
    async with on_stage(pane) as (stage, pilot):
        await pilot.press("enter")
        assert [message.repository for message in stage.heard(Repositories.Opened)] == ["base"]
        assert rows(stage)[0] == "▌▾ base"
        await pilot.press("j", "j", "enter")
        assert rows(stage)[-1] == "▌▸ team"
        assert len(stage.heard(Repositories.Opened)) == 1


async def test_unfolding_goes_on_where_a_folder_is_alone_in_its() -> None:
    async with on_stage(listing(*MANY, "a/b/c/d")) as (stage, pilot):
        await pilot.press("l")
        assert rows(stage)[:4] == ["▌▾ a", "   ▾ b", "     ▾ c", "         d"]


async def test_pages_that_come_in_leave_the_cursor_on_its_repository_and_its_line() -> None:
    pane = listing("m/x", "m/y", "m/z", "n", "o", "p", "q", complete=False)
    async with on_stage(pane, size=(30, 6)) as (stage, pilot):
        await pilot.press("j", "j")
        assert (pane.current, pane.title_text) == ("m/y", "Repositories · 7 so far")
        pane.add([f"a/{n}" for n in range(50)])
        await settled(pane, pilot)
        assert (pane.current, rows(stage)[2]) == ("m/y", "▌    y")
        pane.add([f"b{n}/{n}" for n in range(500)])  # now there are many: all folds, but what one looks at
        pane.finish()
        await settled(pane, pilot)
        assert (pane.current, pane.title_text) == ("m/y", "Repositories · 557")
        assert rows(stage)[2] == "▌    y"
        await pilot.press("g")
        assert rows(stage)[:2] == ["▌▸ a", " ▸ b0"]


async def test_the_repository_under_the_cursor_is_told() -> None:
    async with on_stage(listing("base/debian", "top")) as (stage, pilot):
        await pilot.press("j", "j", "j")
        assert [message.repository for message in stage.heard(Repositories.Highlighted)] == [None, "base/debian", "top"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("APP", ["team", "app", "worker-app"]),
        ("team work", ["team", "worker-app"]),
        ("team", ["team", "app", "worker-app"]),
        ("base/*", ["base", "debian"]),
        ("re:^top$", ["top"]),
    ],
)
async def test_the_filter_shows_what_matches_with_its_parents(text: str, shown: list[str]) -> None:
    pane = listing("team/app", "team/worker-app", "base/debian", "top")
    async with on_stage(pane) as (stage, pilot):
        await pilot.press("h")
        assert pane.set_filter(text) == ""
        await pilot.pause()
        assert [row[1:].strip("▾▸ ") for row in rows(stage)] == shown
        repositories = sum(name not in ("team", "base") for name in shown)
        assert pane.title_text == f"{repositories} of 4 repositories"


async def test_a_filter_keeps_the_cursor_where_it_can_and_nothing_folds_under_it() -> None:
    pane = listing(*MANY)
    async with on_stage(pane) as (stage, pilot):
        pane.set_filter("app-12")
        await pilot.press("G")
        found = pane.current
        await pilot.press("h", "enter", "l")
        assert rows(stage)[0] == " ▾ team-0"
        pane.set_filter("")
        await pilot.pause()
        assert found == "team-2/app-128"
        assert pane.at is not None
        assert pane.at.path == "team-2"  # its parent, which is folded again
        assert pane.set_filter("re:*").startswith("'*' is no regular expression")


async def test_a_repository_opened_by_name_is_shown_though_the_registry_does_not_list_it() -> None:
    pane = listing(*MANY)
    async with on_stage(pane) as (stage, pilot):
        pane.show("private/deep/app")
        await pilot.pause()
        assert rows(stage)[:3] == [" ▾ private", "   ▾ deep", "▌      app"]
        begin(pane, MANY, True)
        await settled(pane, pilot)
        assert pane.current == "private/deep/app"


async def test_a_list_that_is_read_again_drops_what_is_gone_and_empty_namespaces_with_it() -> None:
    pane = listing("a/b/gone", "team/app", "team/worker")
    async with on_stage(pane) as (stage, pilot):
        await pilot.press("G")
        pane.start()
        pane.add(["team/worker", "team/new"])
        await settled(pane, pilot)
        assert "▌    worker" in rows(stage)
        pane.finish()
        await settled(pane, pilot)
        assert rows(stage) == [" ▾ team", "     new", "▌    worker"]


async def test_hostile_names_are_shown_written_out_and_no_depth_is_too_deep() -> None:
    pane = listing(*HOSTILE, "/".join("abc" * 50_000), "//x//", "")
    async with on_stage(pane, size=(60, 20)) as (stage, pilot):
        await pilot.press("G", "l", "l", "h", "g", "pagedown", "enter")
        pane.set_filter("a")
        await pilot.pause()
        assert all(line.isprintable() for line in stage.lines())


async def test_an_empty_pane_says_why_and_a_failed_one_what_happened() -> None:
    pane = Repositories(empty_text="This registry doesn't list its repositories. Press o to open one by name.")
    async with on_stage(pane, size=(40, 6)) as (stage, pilot):
        assert stage.lines()[0] == " This registry doesn't list its"
        pane.start()
        await pilot.pause()
        assert stage.lines()[0] == " Reading the list of repositories …"
        pane.fail(ConnectionFailed("registry.example.com did not answer", "Is it running?"))
        await pilot.pause()
        assert stage.lines()[:2] == [" registry.example.com did not answer.", " Is it running?"]
        pane.finish()
        await pilot.pause()
        assert stage.lines()[0] == " This registry has no repositories."


async def test_twenty_thousand_repositories_cost_a_page_no_more_than_itself() -> None:
    pane = listing(complete=False)
    async with on_stage(pane) as (_, pilot):
        for page in range(20):
            pane.add([f"ns{n % 50}/team{n % 7}/r{n}" for n in range(page * 1000, page * 1000 + 1000)])
        pane.finish()
        await settled(pane, pilot)
        assert (pane.row_count, pane.title_text) == (50, "Repositories · 20,000")
        pane.set_filter("r1999")
        while pane._portions.busy:
            await pilot.pause(0.01)
        assert pane.title_text == "11 of 20,000 repositories"
