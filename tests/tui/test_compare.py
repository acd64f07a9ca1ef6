"""Comparing two images on the screen."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from regtui.tui.screens.compare import CompareScreen, RowDialog
from regtui.tui.screens.compare_with import CompareDialog
from regtui.tui.screens.file import FileScreen
from regtui.tui.screens.lines_differ import LinesDifferScreen
from regtui.tui.widgets.comparison.differences import Differences
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.images import Files, Layout
from tests.tui.running import APP, FEW, NARROW, WIDE, Running, running

BASE: Files = {"etc/": b"", "etc/motd": b"one\ntwo\n", "app": b"v1", "data": b"\0\1", "old": b"o"}
UPPER: Files = {
    "etc/motd": b"one\n2\nthree\n",
    "app": b"v2",
    "data": b"\0\1\2",
    ".wh.old": b"",
    "new/": b"",
    "new/x": b"x",
}
STATUS = b"Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: %s\n\n"


def comparison(at: Running) -> CompareScreen:
    screen = at.app.screen
    assert isinstance(screen, CompareScreen)
    return screen


@pytest.fixture
def images(registry: DockerRegistry, layout: Layout) -> str:
    """The tag `two` of a repository that has `one` too, which is older."""
    one = {**BASE, "var/lib/dpkg/status": STATUS % b"2.9"}
    two = {**UPPER, "var/lib/dpkg/status": STATUS % b"2.10"}
    layout.push(layout.image(one, labels={"v": "1"}, created="2026-01-02T00:00:00Z"), registry, "app:one")
    layout.push(layout.image(one, two, labels={"v": "2"}), registry, "app:two")
    return f"{registry.host}/app:two"


async def comparing(at: Running, other: str) -> None:
    """Waits for the table, and compares the tag that is open with another one."""
    await at.until(lambda: at.browser.tags.progress == (2, 2))
    await at.press("c")
    await at.until(lambda: isinstance(at.app.screen, CompareDialog))
    await at.type(other)
    await at.press("enter")
    await at.until(lambda: isinstance(at.app.screen, CompareScreen))
    await at.until("A and B share")


def rows(at: Running) -> list[str]:
    """The lines within the pane, each word by one space from the next."""
    return [" ".join(line.strip("┃ ▌▐").split()) for line in at.lines]


# What c compares


async def test_c_asks_for_the_other_tag_and_says_in_short_what_differs() -> None:
    async with running(f"{APP}", NARROW) as at:
        await at.until("newest first")
        await at.press("c")
        await at.until(lambda: isinstance(at.app.screen, CompareDialog))
        await at.type("v1.14.0")
        await at.until("v1.14.0-rc4")
        await at.press("enter")
        await at.until("A and B share 2 layers")
        assert at.lines[0].strip().startswith("Compare › A demo.localhost/team/app:v1.14.0 › B ")
        assert "APP_VERSION" in at.text
        await at.press("escape")
        assert at.app.screen is at.browser


async def test_a_tag_of_the_list_is_chosen_by_the_arrows_while_one_types() -> None:
    async with running(f"{APP}", NARROW) as at:
        await at.until("newest first")
        await at.press("c")
        await at.until(lambda: isinstance(at.app.screen, CompareDialog))
        await at.type("v1.14.0-rc")
        await at.until("v1.14.0-rc3")
        await at.press("down", "enter")
        await at.until("A and B share")
        assert "A demo.localhost/team/app:v1.14.0-rc3" in at.lines[0]


async def test_any_other_reference_may_be_typed_and_what_is_none_is_said() -> None:
    async with running(f"{FEW}", NARROW) as at:
        await at.until("newest first")
        await at.press("c")
        await at.until(lambda: isinstance(at.app.screen, CompareDialog))
        await at.type("no/such:tag:here")
        await at.press("enter")
        await at.until("'tag:here' is no tag")
        assert isinstance(at.app.focused, Input)
        at.app.focused.value = ""
        await at.type("demo.localhost/base/debian:latest")
        await at.press("enter")
        await at.until("A and B share no layer")
        assert "B demo.localhost/base/debian:latest" in at.lines[0]
        assert "Only in B" in at.text  # a platform


async def test_two_marked_tags_are_compared_at_once_the_older_one_first() -> None:
    async with running(f"{FEW}", WIDE) as at:
        await at.until("newest first")
        newest = at.browser.tags.listed[0]
        await at.press("space", "G", "space")
        oldest = at.browser.tags.current
        await at.press("c")
        await at.until(lambda: isinstance(at.app.screen, CompareScreen))
        assert f"A {FEW}:{oldest} › B {newest}" in at.lines[0]
        await at.until("A and B share")
        await at.press("S")
        await at.until(f"A {FEW}:{newest} › B {oldest}")


async def test_the_marked_tag_is_compared_with_the_one_under_the_cursor_and_more_than_two_are_refused() -> None:
    async with running(f"{FEW}", WIDE) as at:
        await at.until("newest first")
        await at.press("space", "down")
        await at.press("c")
        await at.until(lambda: isinstance(at.app.screen, CompareScreen))
        await at.press("escape", "space", "space", "c")
        await at.until("3 tags are marked: mark one or two to compare.")


async def test_one_digest_is_the_same_image_and_nothing_is_read() -> None:
    async with running("demo.localhost/base/debian:latest", NARROW) as at:
        await at.until("Media type")
        await at.press("c")
        await at.until(lambda: isinstance(at.app.screen, CompareDialog))
        await at.type("trixie")
        await at.press("enter")
        await at.until("The same index: one digest.")
        await at.press("left_square_bracket")
        await at.until("[Packages]")
        assert "The same index: one digest." in at.text


# The tabs


async def test_config_stands_side_by_side_and_enter_shows_a_row_whole(images: str) -> None:
    async with running(images, NARROW) as at:
        await comparing(at, "one")
        await at.press("right_square_bracket")
        await at.until("[Config]")
        assert {"~ v 1 2", "= Command /bin/app /bin/app"} <= set(rows(at))
        await at.press("G", "enter")
        await at.until(lambda: isinstance(at.app.screen, RowDialog))


async def test_the_history_says_which_layers_are_shared(images: str) -> None:
    async with running(images, NARROW) as at:
        await comparing(at, "one")
        await at.press("right_square_bracket", "right_square_bracket")
        await at.until("[Layers]")
        assert "A and B share 1 layer, " in at.text
        assert "= COPY layer0 /" in at.text
        assert "+ COPY layer1 /" in at.text


async def test_files_are_read_when_one_goes_there_and_stand_as_a_tree_with_signs(images: str) -> None:
    async with running(images, NARROW) as at:
        await comparing(at, "one")
        assert "not read yet: " in at.text
        assert comparison(at).files is None
        await at.press(*["right_square_bracket"] * 3)
        await at.until("2 added, 1 removed, 3 changed")
        assert {"~ data size 2 B to 3 B", "+ ▸ new/ 2 paths, 1 B", "- old 1 B"} <= set(rows(at))
        await at.until(lambda: at.app.screen.check_action("compare_content", ()))  # the packages are read, too
        await at.press("C")  # app has the same size
        await at.until("2 added, 1 removed, 4 changed")
        await at.press("right_square_bracket")
        await at.until("Up · 1")
        assert "~ libc6 (deb)" in at.text
        await at.press("right_square_bracket")
        await at.until("[Summary]")
        assert "1 up" in at.text


async def test_enter_on_a_text_shows_its_lines_and_on_what_came_or_went_the_file(images: str) -> None:
    async with running(images, NARROW) as at:
        await comparing(at, "one")
        await at.press(*["right_square_bracket"] * 3)
        await at.until("3 changed")
        tree = at.app.screen.query_one(Differences)

        async def enter(path: str) -> None:
            node = comparison(at).files.comparison.root  # type: ignore[union-attr]
            for name in path.split("/"):
                assert node.children
                node = node.children[name]
            tree.reveal(node)
            await at.until(lambda: tree.at is node)
            await at.press("enter")

        await enter("etc/motd")
        await at.until(lambda: isinstance(at.app.screen, LinesDifferScreen))
        await at.until("+three")
        assert [line.strip("┃ ▌") for line in at.lines[1:6]] == ["@@ -1,2 +1,3 @@", "one", "-two", "+2", "+three"]
        await at.press("escape")
        await enter("data")
        await at.until("Their content differs, and is no text: 2 B and 3 B.")
        await at.press("escape")
        await enter("new/x")
        await at.until(lambda: isinstance(at.app.screen, FileScreen))
        await at.press("escape")
        await enter("old")
        await at.until(lambda: isinstance(at.app.screen, FileScreen))
        await at.press("escape")
        assert isinstance(at.app.screen, CompareScreen)


async def test_a_filter_keeps_the_rows_that_match_and_esc_ends_it(images: str) -> None:
    async with running(images, NARROW) as at:
        await comparing(at, "one")
        await at.press("right_square_bracket", "slash")
        await at.type("command")
        await at.until(lambda: "Media type" not in at.text)
        assert "= Command" in at.text
        await at.press("enter", "escape")
        await at.until("Media type")
        assert isinstance(at.app.screen, CompareScreen)


async def test_what_can_t_be_compared_is_said_with_what_to_do() -> None:
    async with running(f"{FEW}", NARROW) as at:
        await at.until("newest first")
        await at.press("c")
        await at.until(lambda: isinstance(at.app.screen, CompareDialog))
        await at.type(":nothing-here")
        await at.press("enter")
        await at.until("Press r to try again.")
        assert "has no tag nothing-here" in at.text
        await at.press("escape")
        assert at.app.screen is at.browser


async def test_in_ascii_all_of_it_is_ascii(images: str) -> None:
    async with running(images, NARROW, ascii=True) as at:
        await comparing(at, "one")
        for _ in range(5):
            assert at.text.isascii()
            await at.press("right_square_bracket")
        await at.press(*["right_square_bracket"] * 3)
        await at.until("3 changed")
        assert at.text.isascii()
