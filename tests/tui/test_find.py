"""Finding a path on the screen."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

import pytest

from regtui.errors import ContentError
from regtui.oci.digest import Digest
from regtui.oci.manifest import Descriptor
from regtui.oci.reference import Reference
from regtui.operations.files import Entry
from regtui.operations.find import Failed, Found, Image, Plan, Progress
from regtui.operations.session import DEMO
from regtui.tui.arrangement import FILES
from regtui.tui.screens import find as screens
from regtui.tui.screens.find import FindScreen, ReadDialog
from regtui.tui.widgets.hits import Hits
from tests.tui.running import NARROW, WIDE, Running, running
from tests.tui.stage import HOSTILE, on_stage

DEBIAN = f"{DEMO}/base/debian"
APP_LATEST = f"{DEMO}/team/app:latest"


def found(path: str, *, type: str = "file", link: str = "", images: int = 1, **state: Any) -> Found:
    entry = Entry(path=path, type=type, size=1234, mode=0o644, uid=0, gid=0, mtime=0, link=link)
    digest = Digest(f"sha256:{'0' * 64}")
    image = Image(Reference("h", "app", "1", digest), ("1",), (), "")
    whole: dict[str, Any] = {"number": 2, "state": "present", "by": None, **state}
    return Found(path, entry, Descriptor(), images=tuple(image for _ in range(images)), **whole)


# The list


async def test_a_row_says_where_something_is_and_what_became_of_it() -> None:
    hits = Hits(in_repository=True)
    async with on_stage(hits, size=(100, 9)) as (stage, pilot):
        hits.say("4 found")
        hits.add([found("etc/passwd", images=200), found("etc", type="dir", state="removed", by=3)])
        hits.add([found("bin/sh", type="symlink", link="dash", state="overwritten", by=12)])
        hits.add([Failed(Reference("h", "app", "1"), 3, 0, ContentError("The layer is damaged"))])
        await pilot.pause()
        first, *rows = stage.lines()
        assert first == " 4 found"
        assert [row.split() for row in rows[:4]] == [
            ["PATH", "SIZE", "LAYER", "STATE", "IMAGES"],
            ["▌etc/passwd", "1.2", "kB", "2", "in", "the", "image", "1", "+199"],
            ["etc/", "2", "removed", "by", "3", "1"],
            ["bin/sh", "→", "dash", "2", "overwritten", "by", "12", "1"],
        ]
        assert rows[4] == " ! Layer 3 of h/app:1: The layer is damaged"


async def test_a_wide_list_has_modes_and_one_of_an_image_no_images() -> None:
    hits = Hits(in_repository=False)
    async with on_stage(hits, size=(120, 6)) as (stage, pilot):
        hits.add([found("etc/passwd")])
        await pilot.pause()
        assert stage.lines()[1].split() == ["PATH", "MODE", "SIZE", "LAYER", "STATE"]
        assert "-rw-r--r--" in stage.lines()[2]


async def test_of_a_long_path_the_end_is_shown_and_hostile_ones_are_written_out() -> None:
    hits = Hits(in_repository=True)
    async with on_stage(hits, size=(60, 14)) as (stage, pilot):
        hits.add([found("usr/lib/python3/dist-packages/somewhere/far/down")])
        hits.add([found(name, type="symlink", link=name, state="removed", by=3) for name in HOSTILE])
        await pilot.pause()
        assert stage.lines()[2].startswith("▌…")
        assert "r/down " in stage.lines()[2]
        assert all(line.isprintable() for line in stage.lines())


# The search


async def begun(at: Running, pattern: str) -> FindScreen:
    await at.press("f")
    await at.until(lambda: isinstance(at.app.screen, FindScreen))
    screen = at.app.screen
    assert isinstance(screen, FindScreen)
    await at.type(pattern)
    await at.press("enter")
    return screen


def in_debian(**how: Any) -> AbstractAsyncContextManager[Running]:
    return running(DEBIAN, **how)


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_repository_is_searched_from_its_tags(size: tuple[int, int]) -> None:
    async with in_debian(size=size) as at:
        await at.until("trixie-slim")
        await begun(at, "etc/os-release")
        await at.until("found in 4 layers of 4 images")
        assert "Find in base/debian · etc/os-release · 4 found" in at.text
        await at.press("escape")
        assert at.app.screen is at.browser


async def test_enter_opens_the_place_in_the_whole_image_and_f_comes_back() -> None:
    async with in_debian(size=WIDE) as at:
        await at.until("trixie-slim")
        await begun(at, "etc/os-release")
        await at.until("found in 4 layers")
        await at.press("j", "enter")
        await at.until(lambda: at.browser.files.at is not None and at.browser.files.at.path == "etc/os-release")
        assert at.browser.pane == FILES
        assert "whole image" in at.browser.files.title_text
        assert at.browser.spot.links[0].label == "linux/amd64"
        await at.press("2")
        await at.press("f")
        await at.until("found in 4 layers of 4 images")
        assert at.app.screen.query_one(Hits).cursor == 1


async def test_an_image_is_searched_from_its_details_and_what_was_removed_is_shown_in_its_layer() -> None:
    async with running(APP_LATEST, size=WIDE) as at:
        await at.until("Reference")
        screen = await begun(at, "re:.")
        await at.until("found in")
        rows = [row for row in screen.hits.rows if isinstance(row, Found) and row.entry.type == "file"]
        gone = replace(rows[0], state="removed", by=9, number=rows[0].number)
        screen.post_message(Hits.Opened(gone))
        await at.until(lambda: at.browser.files.at is not None and at.browser.files.at.path == gone.path)
        assert f"layer {gone.number}" in at.browser.files.title_text


async def test_what_was_written_into_a_link_to_a_folder_is_shown_in_that_folder() -> None:
    async with running(f"{DEBIAN}:trixie-slim", size=WIDE) as at:
        await at.until("Reference")
        screen = await begun(at, "usr/bin/*")
        await at.until("found in 1 layer")
        row = next(row for row in screen.hits.rows if isinstance(row, Found) and row.entry.type == "file")
        screen.post_message(Hits.Opened(replace(row, path=row.path.removeprefix("usr/"))))
        await at.until(lambda: at.browser.files.at is not None and at.browser.files.at.path == row.path)


async def test_what_can_t_be_looked_for_is_said_while_it_is_typed() -> None:
    async with in_debian() as at:
        await at.until("trixie-slim")
        await begun(at, "re:(")
        await at.until("no regular expression")
        assert at.app.focused is not None
        await at.press("escape")
        await at.until(lambda: at.app.screen is at.browser)


async def test_another_pattern_begins_anew_and_nothing_found_is_said() -> None:
    async with in_debian() as at:
        await at.until("trixie-slim")
        await begun(at, "nowhere-at-all")
        await at.until("Nothing was found in 4 layers of 4 images")
        await at.press("slash")
        await at.type("*passwd")
        await at.press("enter")
        await at.until("found in 4 layers")


@pytest.mark.parametrize(("answer", "said"), [("escape", "Nothing was found"), ("enter", "found in 4 layers")])
async def test_much_to_read_is_asked_for_once(answer: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screens, "MUCH", 1000)
    async with in_debian() as at:
        await at.until("trixie-slim")
        await begun(at, "os-release")
        await at.until(lambda: isinstance(at.app.screen, ReadDialog))
        assert "4, none of them known on this machine" in at.text
        await at.press(*(("tab",) if answer == "enter" else ()), answer)
        await at.until(said)
        if answer == "escape":
            assert "in 0 of 4 layers: the rest isn't known here, r asks for it" in at.text
            await at.press("r")
            await at.until(lambda: isinstance(at.app.screen, ReadDialog))


async def test_esc_stops_a_search_and_then_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    async def endless(*_: object, **__: object) -> Any:
        yield Plan(1, 2, 0, 5000)
        yield found("etc/passwd")
        yield Failed(Reference("h", "app", "1"), 1, 0, ContentError("The layer is damaged"))
        yield Progress(1, 2, 100, 5000)
        await asyncio.Event().wait()

    monkeypatch.setattr(screens, "find", endless)
    async with in_debian() as at:
        await at.until("trixie-slim")
        await begun(at, "os-release")
        await at.until("reading · 1 of 2 layers · 100 B of 5.0 kB")
        await at.press("escape")
        await at.until("stopped at 1 of 2 layers")
        assert "etc/passwd" in at.text
        await at.until("! Layer 1 of h/app:1: The layer is dam")
        await at.press("G", "enter")
        await at.until("Not read")
        await at.press("escape")
        await at.press("escape")
        await at.until(lambda: at.app.screen is at.browser)


async def test_what_goes_wrong_is_said() -> None:
    async with in_debian() as at:
        await at.until("trixie-slim")
        await at.until(lambda: at.browser.loader.session)
        session = at.browser.loader.session
        assert session
        screen = FindScreen(session, screens.Search(Reference(DEMO, "no/such")), at.app.settings)
        at.app.push_screen(screen)
        await at.until(lambda: at.app.screen is screen)
        await at.type("x")
        await at.press("enter")
        await at.until("! demo.localhost")
