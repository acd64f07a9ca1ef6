"""The main screen on the demo: going about in four panes, two or one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from textual.events import Key

from regtui.errors import ConnectionFailed
from regtui.tui.arrangement import DETAILS, FILES, REPOSITORIES, TAGS, panes_shown
from regtui.tui.screens.browser import CHANGING
from tests.tui.running import APP, DEMO, FEW, NARROW, WIDE, Running, running


def focused_pane(at: Running) -> int:
    return at.browser.pane


def panes_on_screen(at: Running) -> list[int]:
    return [number for number in range(1, 5) if at.browser.query_one(f"#pane-{number}").region.area]


async def test_a_registry_opens_in_its_repositories() -> None:
    async with running(DEMO) as at:
        await at.until("Repositories · 14")
        assert "▾ team" in at.text
        assert focused_pane(at) == REPOSITORIES
        assert "Choose a repository in pane 1." in at.text
        assert at.lines[0].strip() == "demo.localhost"


async def test_enter_goes_into_a_repository_and_esc_out_of_it_but_never_further() -> None:
    async with running(DEMO) as at:
        await at.until("debian")
        await at.press("down", "enter")
        await at.until("Tags · ")
        assert focused_pane(at) == TAGS
        await at.press("escape", "escape", "escape")
        assert focused_pane(at) == REPOSITORIES
        assert at.app.is_running


async def test_a_repository_opens_in_its_tags_newest_first_and_the_details_follow_the_cursor() -> None:
    async with running(APP) as at:
        await at.until("newest first")
        await at.until("Digest ")
        before = at.browser.spot.reference.tag
        await at.press("down", "down", "down", "down", "down")
        await at.until(lambda: at.browser.spot.reference.tag != before)
        wanted = at.browser.spot.reference.tag
        await at.until(lambda: at.browser.details.inspected and at.browser.details.inspected.reference.tag == wanted)
        assert at.lines[0].strip() == f"demo.localhost › team/app › {wanted}"


async def test_a_tag_opens_in_its_details_with_the_table_at_it() -> None:
    async with running(f"{APP}:v1.9.19") as at:
        await at.until("Digest ")
        assert focused_pane(at) == DETAILS
        await at.until(lambda: at.browser.tags.current == "v1.9.19")
        assert at.browser.spot.reference.tag == "v1.9.19"


async def test_a_digest_opens_in_its_details() -> None:
    async with running(f"{APP}:v1.9.19") as at:
        await at.until("Digest ")
        inspected = at.browser.details.inspected
        assert inspected
        digest = inspected.document.digest
    async with running(f"{APP}@{digest}") as at:
        await at.until("Digest ")
        assert focused_pane(at) == DETAILS
        assert digest.partition(":")[2][:12] in at.lines[0]


async def test_each_of_the_four_panes_fills_when_one_goes_to_it_at_80x24() -> None:
    async with running(DEMO, NARROW) as at:
        await at.until("▾ team")
        await at.press("down", "enter")
        await at.until("newest first")
        await at.press("enter")
        await at.until("Media type")
        await at.press("3")
        await at.until(lambda: at.browser.details.current_layer or at.browser.details.inspected)
        await at.press("right_square_bracket", "right_square_bracket", "enter")  # an index: into its first platform
        await at.until(lambda: at.browser.details.current_layer)
        await at.press("4")
        await at.until("entries · ")
        assert "etc/" in at.text
        assert panes_on_screen(at) == [DETAILS, FILES]


async def test_a_layer_is_read_only_when_one_goes_to_its_files() -> None:
    async with running(f"{APP}:v1.9.19", WIDE) as at:
        await at.until("Press 4 to read this layer (")
        await at.press("4")
        await at.until("entries · ")
        assert "Files · layer 0 · " in at.text


async def test_a_missing_layer_says_so_in_its_pane_and_r_tries_again() -> None:
    async with running(f"{DEMO}team/billing:2.0.1", WIDE) as at:
        await at.until("Press 4 to read this layer (")
        await at.press("right_square_bracket", "right_square_bracket", "right_square_bracket", "G", "up", "4")
        for _ in range(2):
            await at.until(lambda: at.browser.files.empty_text.endswith("Press r to try again."))
            at.browser.files.empty_text = ""
            await at.press("r")


async def test_the_platforms_of_an_index_are_entered_and_left_by_backspace_and_esc() -> None:
    async with running(f"{FEW}:latest") as at:
        await at.until("Platforms")
        index = at.browser.details.inspected
        for leave in ("backspace", "escape"):
            await at.press("right_square_bracket", "right_square_bracket", "enter")
            await at.until("› linux/amd64")
            await at.until(lambda: at.browser.details.current_layer)
            await at.press(leave)
            await at.until(lambda: at.browser.details.inspected == index)
            assert at.lines[0].strip() == "demo.localhost › nginx › latest"
            assert focused_pane(at) == DETAILS
            await at.press("left_square_bracket", "left_square_bracket")


async def test_backspace_goes_back_along_repositories_and_tags() -> None:
    async with running(DEMO) as at:
        await at.until("debian")
        await at.press("down", "enter")
        await at.until("newest first")
        first = at.browser.tags.repository
        await at.press("1", "down", "enter")
        await at.until(lambda: at.browser.tags.repository not in ("", first))
        await at.press("backspace")
        await at.until(lambda: at.browser.tags.repository == first)
        assert focused_pane(at) == REPOSITORIES
        await at.press("backspace", "backspace", "backspace")
        assert at.app.is_running


async def test_the_filter_works_as_one_types_and_esc_ends_it() -> None:
    async with running(APP) as at:
        await at.until("Tags · 406")
        await at.press("slash")
        await at.type("prod*")
        await at.until("1 of 406")
        await at.press("enter")
        assert at.browser.tags.has_focus
        assert at.browser.tags.current == "prod-eu"
        await at.press("escape")
        await at.until("Tags · 406 ·")
        assert focused_pane(at) == TAGS


async def test_a_filter_that_cannot_be_read_says_why_in_the_last_line() -> None:
    async with running(APP) as at:
        await at.until("Tags · 406")
        await at.press("slash")
        await at.type("re:(")
        await at.until(lambda: "no regular expression" in at.lines[-1])


async def test_sorting_is_by_one_key_and_reversed_by_another() -> None:
    async with running(FEW) as at:
        await at.until("newest first")
        await at.press("s")
        await at.until(lambda: "newest first" not in at.text)
        title = at.browser.tags.title_text
        await at.press("S")
        await at.until(lambda: at.browser.tags.title_text != title)


@pytest.mark.parametrize(
    ("width", "shown"), [(160, [1, 2, 3, 4]), (120, [1, 2, 3, 4]), (119, [1, 2]), (80, [1, 2]), (79, [1]), (20, [1])]
)
async def test_as_many_panes_as_find_room(width: int, shown: list[int]) -> None:
    async with running(DEMO, (width, 24)) as at:
        await at.until("Repositories")
        assert panes_on_screen(at) == shown


def test_two_panes_slide_as_one_goes_in() -> None:
    assert [panes_shown(80, pane) for pane in (1, 2, 3, 4)] == [(1, 2), (2, 3), (2, 3), (3, 4)]
    assert panes_shown(160, TAGS, zoomed=True) == (TAGS,)


async def test_z_gives_the_focused_pane_the_screen_and_takes_it_back() -> None:
    async with running(FEW, WIDE) as at:
        await at.until("newest first")
        await at.press("z")
        assert panes_on_screen(at) == [TAGS]
        await at.press("tab")
        assert panes_on_screen(at) == [DETAILS]
        await at.press("escape")
        assert panes_on_screen(at) == [1, 2, 3, 4]
        assert focused_pane(at) == DETAILS


async def test_the_focused_pane_is_seen_without_colour() -> None:
    async with running(FEW, WIDE) as at:
        await at.until("newest first")
        assert "┏━ 2 Tags" in at.text
        assert "┌─ 1 Repositories" in at.text


async def test_a_tag_that_does_not_exist_says_so_in_the_details() -> None:
    async with running(f"{APP}:nothing-here", WIDE) as at:
        await at.until("try again")
        assert "nothing-here" in at.text
        await at.until("Tags · 406")


async def test_a_repository_that_does_not_exist_says_so_in_its_pane() -> None:
    async with running(f"{DEMO}team/nothing", WIDE) as at:
        await at.until("try again")


async def test_a_host_that_cannot_be_reached_says_so_in_its_place_and_r_tries_again() -> None:
    async with running("localhost:1", WIDE) as at:
        await at.until("R goes")
        assert "localhost:1" in at.text
        await at.press("r")
        await at.until("R goes")
        for pane in "1234":
            await at.press(pane, "r", "d", "t", "y", "escape", "enter", "backspace")
        assert at.app.is_running


async def test_read_only_takes_every_change_away_and_says_so() -> None:
    async with running(FEW, WIDE, read_only=True) as at:
        await at.until("newest first")
        assert "read-only" in at.lines[0]
        assert "delete" not in at.lines[-1]
        assert "retag" not in at.lines[-1]
        live = {active.binding.id for active in at.app.screen.active_bindings.values()}
        assert not live & CHANGING
        for key in ("d", "D", "t", "u"):
            await at.press(key)
            await at.until("is opened for reading only")
            at.app.clear_notifications()
            await at.until(lambda: "opened for reading" not in at.text)
        assert at.app.screen is at.browser
        await at.press("j")
        assert "opened for reading" not in at.text


async def test_how_much_is_to_read_is_said_on_the_last_line_until_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regtui.tui.reading_files._MUCH", 0)
    async with running(f"{FEW}:latest", WIDE) as at:
        await at.until("Platforms")
        said: list[str] = []
        say = at.browser.say

        def noted(pane: int, text: str) -> None:
            said.append(text)
            say(pane, text)

        monkeypatch.setattr(at.browser, "say", noted)
        await at.press("4")
        await at.until(lambda: at.browser.loader.files.is_done)
        assert any(text.endswith(" to read. Esc stops.") for text in said)
        await at.until(lambda: "to read" not in at.text)
        assert not at.app._notifications


async def test_nothing_is_deleted_from_the_files_pane() -> None:
    async with running(f"{FEW}:latest", WIDE) as at:
        await at.until("Platforms")
        await at.press("4")
        await at.until(lambda: "scope" in {active.binding.id for active in at.app.screen.active_bindings.values()})
        await at.press("d", "D")
        await at.pilot.pause(0.1)
        assert at.app.screen is at.browser
        assert "delete" not in at.lines[-1]
        await at.press("3", "d")
        await at.until("Type latest to go on:")


async def test_no_key_does_two_things_in_one_place() -> None:
    async with running(f"{FEW}:latest", WIDE) as at:
        await at.until("Platforms")
        for pane in "1234":
            await at.press(pane)
            for tab in range(4 if pane == "3" else 1):
                await at.press(*["right_square_bracket"] * bool(tab))
                actions: dict[str, set[str]] = {}
                for node, bindings in at.app.screen._modal_binding_chain:
                    for key, binding in bindings:
                        assert binding.id, f"{key} of {node} can't be changed by the settings"
                        actions.setdefault(key, set()).add(binding.id)
                assert not {key: ids for key, ids in actions.items() if len(ids) > 1}


@pytest.mark.parametrize("size", [(80, 24), (40, 10), (20, 5), (1, 1)])
async def test_no_size_is_too_small(size: tuple[int, int]) -> None:
    async with running(FEW, size) as at:
        await at.until(lambda: at.browser.tags.title_text.endswith("newest first"))
        await at.press("1", "2", "3", "4", "z", "z", "2", "slash", "v", "escape", "question_mark", "escape")
        await at.press("o", "escape", "y", "escape", "ctrl+p", "escape", "R", "escape", "ctrl+c", "escape")
        await at.pilot.resize_terminal(2, 2)
        await at.pilot.resize_terminal(*size)
        assert at.app.is_running


async def test_with_an_ascii_terminal_nothing_else_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "C")
    async with running(f"{FEW}:latest", WIDE) as at:
        await at.until("newest first")
        await at.until("Platforms")
        await at.press("3", "right_square_bracket", "right_square_bracket", "enter")
        await at.until("> linux/amd64")
        await at.press("right_square_bracket", "4")
        for keys in (["question_mark"], ["escape", "o"], ["escape", "R"], ["escape", "y"], ["escape", "2", "slash"]):
            await at.press(*keys)
            await at.pilot.pause()
            assert at.text.isascii(), [char for char in at.text if not char.isascii()]


async def test_keys_that_come_in_a_burst_reach_the_pane_that_each_is_meant_for() -> None:
    async with running(f"{FEW}:latest") as at:
        await at.until("Platforms")
        for key in ("right_square_bracket", "right_square_bracket", "enter"):
            at.app.post_message(Key(key, None))
        await at.until("› linux/amd64")
        await at.until(lambda: at.browser.details.current_layer)
        for key in ("escape", "2", "down", "enter"):
            at.app.post_message(Key(key, None))
        await at.until(lambda: at.browser.spot.reference.tag not in ("", "latest") and at.browser.pane == DETAILS)


async def test_a_list_that_can_no_longer_be_read_stays_and_the_last_line_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def lost(*args: object) -> AsyncIterator[object]:
        if not args:
            yield None
        raise ConnectionFailed("The registry hung up")

    async with running(FEW, WIDE) as at:
        await at.until("newest first")
        monkeypatch.setattr("regtui.operations.inventory.tags", lost)
        monkeypatch.setattr("regtui.operations.inventory.repositories", lost)
        for pane in "12":
            await at.press(pane, "r")
            await at.until(lambda: at.lines[-1].endswith("! The registry hung up"))
        assert "1.29.2" in at.text
        assert "▾ team" in at.text


async def test_the_namespace_of_the_settings_is_gone_to_first(isolated_environment: Path) -> None:
    settings = isolated_environment / "config/regtui/config.toml"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text('[registry."demo.localhost"]\nnamespace = "team/app"\n')
    async with running(DEMO) as at:
        await at.until(lambda: at.browser.repositories.cursor > 0)
        assert at.browser.repositories.current == "team/app"


async def test_text_that_comes_in_one_burst_with_the_filters_key_is_the_filter() -> None:
    async with running(APP) as at:
        await at.until("newest first")
        for key in ("slash", "d", "v", "x"):  # at once, as a slow link delivers what was typed
            character = "/" if key == "slash" else key
            at.app.post_message(Key(key, character))
        await at.until(lambda: "/dvx" in at.text.replace(" ", ""))
        assert at.app.screen is at.browser
