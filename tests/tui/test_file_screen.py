"""A file of an image, opened from the files pane: read from a real registry, shown as text or hex."""

from __future__ import annotations

from dataclasses import replace

import pytest

from regtui.oci.digest import digest_of
from regtui.oci.manifest import Descriptor
from regtui.tui.screens.copy import ChoiceDialog
from regtui.tui.screens.file import FileScreen
from regtui.tui.screens.go_to import GoToDialog
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.images import Files, HardLink, Layout, Symlink
from tests.tui.running import NARROW, WIDE, Running, running

LINES = b"".join(b"%d and more of it\n" % number for number in range(1, 200_001))
FILES: Files = {
    "app.py": b"def main():\n\treturn 'text'  # why\n",
    "bin/sh": b"\x7fELF broken",
    "empty": b"",
    "evil": b"\x1b]0;owned\x07\xe2\x80\xae\n[bold]\xff\n",
    "hard": HardLink("app.py"),
    "link": Symlink("/hard"),
    "lines": LINES,
    "loop": Symlink("loop"),
    "nowhere": Symlink("etc/gone"),
    "tools": Symlink("/bin"),
    "utf16": "Grüße\r\n".encode("utf-16"),
    "zeros": bytes(4096),
}


@pytest.fixture
def image(registry: DockerRegistry, layout: Layout) -> str:
    layout.push(layout.image(FILES, {".wh.empty": b"", "app.py": b"new = 1\n"}), registry, "team/app:1")
    return f"{registry.host}/team/app:1"


async def at_files(at: Running, *, whole: bool = False) -> None:
    """Goes to the files of the lowest layer, or of the whole image."""
    await at.until(lambda: at.browser.inspected)
    await at.press("4")
    await at.until(lambda: at.browser.files.row_count and "unpacked" in at.text)
    if whole:
        while at.browser.files_shown and at.browser.files_shown.scope != "image":
            await at.press("a")
        await at.until(lambda: at.browser.files.row_count and "reading" not in at.text)


async def opened(at: Running, path: str) -> FileScreen:
    """Puts the cursor on a path and presses Enter."""
    assert at.browser.files.go_to(path)
    await at.press("enter")
    await at.until(lambda: isinstance(at.app.screen, FileScreen) and at.app.screen.opened)
    await at.pilot.pause()
    assert isinstance(at.app.screen, FileScreen)
    return at.app.screen


async def left(at: Running) -> None:
    await at.press("escape")
    await at.until(lambda: at.app.screen is at.browser)


async def test_enter_opens_a_file_and_esc_and_q_leave_it(image: str) -> None:
    for size in (NARROW, WIDE):
        async with running(image, size=size) as at:
            await at_files(at)
            for key in ("escape", "q"):
                await opened(at, "app.py")
                assert "1 /app.py" in at.lines[0]
                assert "-rw-r--r-- · 0/0 · 34 B · 1970-01-01 00:00:00 UTC · layer 0" in at.text
                assert "text, UTF-8" in at.text
                assert "▌1 def main():" in at.text
                assert " 2         return 'text'  # why" in at.text
                assert "line 1 of 2" in at.lines[-1]
                await at.press(key)
                await at.until(lambda: at.app.screen is at.browser)


async def test_going_back_to_a_file_costs_no_request(image: str) -> None:
    async with running(image) as at:
        await at_files(at)
        await opened(at, "app.py")
        await left(at)
        session = at.browser.loader.session
        assert session
        before = session.log.version
        await opened(at, "app.py")
        assert session.log.version == before


async def test_links_are_followed_and_the_link_is_named(image: str) -> None:
    async with running(image) as at:
        await at_files(at)
        await opened(at, "link")
        assert "1 /app.py" in at.lines[0] or "1 /hard" in at.lines[0]
        assert "by the link /link" in " ".join(at.text.replace("┃", "").split())
        assert "def main()" in at.text
        await left(at)
        await at_files(at, whole=True)
        await opened(at, "hard")
        assert "def main()" in at.text, "a later layer replaced app.py, and hard keeps what it was"
        assert "layer 0" in at.text
        await left(at)
        await opened(at, "app.py")
        assert "new = 1" in at.text
        assert "layer 1" in at.text


@pytest.mark.parametrize("whole", [False, True])
async def test_a_link_to_a_folder_leads_there_in_the_tree(image: str, whole: bool) -> None:
    async with running(image) as at:
        await at_files(at, whole=whole)
        assert at.browser.files.go_to("tools")
        await at.press("enter")
        await at.until(lambda: at.browser.files.at and at.browser.files.at.path == "bin")
        assert at.app.screen is at.browser


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("loop", "loop is a link to loop, which leads to nothing in layer 0"),
        ("nowhere", "nowhere is a link to etc/gone, which leads to nothing in layer 0"),
    ],
)
async def test_what_has_no_content_says_why(image: str, path: str, why: str) -> None:
    async with running(image) as at:
        await at_files(at)
        at.browser.files.go_to(path)
        await at.press("enter")
        await at.until(lambda: why in " ".join(at.text.split()))
        assert at.app.screen is at.browser


async def test_nothing_of_a_file_reaches_the_terminal_raw(image: str) -> None:
    for ascii_only in (False, True):
        async with running(image, ascii=ascii_only) as at:
            await at_files(at)
            await opened(at, "evil")
            assert "\\x1b]0;owned\\x07\\u202e" in at.text
            assert "[bold]\\xff" in at.text
            assert "not all of it UTF-8" in at.text
            assert at.text.isascii() or not ascii_only


async def test_utf_16_and_an_empty_file(image: str) -> None:
    async with running(image) as at:
        await at_files(at)
        await opened(at, "utf16")
        assert "▌1 Grüße" in at.text
        assert "text, UTF-16LE" in at.text
        await left(at)
        await opened(at, "empty")
        assert "This file is empty." in at.text
        await at.press("slash", "H", "colon")
        assert isinstance(at.app.screen, FileScreen), "there is nothing to look for or to go to"


async def test_what_is_no_text_is_hex_and_one_key_turns_it(image: str) -> None:
    async with running(image) as at:
        await at_files(at)
        await opened(at, "bin/sh")
        assert "an ELF file that can't be read" in at.text
        assert "▌00000000  7f 45 4c 46 20 62 72 6f  6b 65 6e" in at.text
        await left(at)
        screen = await opened(at, "lines")
        await at.press("G", "H")
        await at.until(f"{screen.hex_view.position:08x}")
        assert " of it" in at.text
        await at.press("H")
        await at.until("line 200,000 of 200,000")


async def test_a_long_text_is_searched_and_gone_about_in(image: str) -> None:
    async with running(image) as at:
        await at_files(at)
        screen = await opened(at, "lines")
        await at.press("slash")
        await at.type("re:^777 ")
        await at.until("line 777 of 200,000")
        await at.press("enter", "escape", "slash")
        await at.type("99999")
        await at.until("line 99,999 of 200,000")
        await at.press("enter", "enter")
        await at.until("line 199,999 of 200,000")
        await at.press("N")
        await at.until("line 99,999 of 200,000")
        await at.press("escape", "colon")
        await at.until(lambda: isinstance(at.app.screen, GoToDialog))
        await at.type("12,345")
        await at.press("enter")
        await at.until("line 12,345 of 200,000")
        assert at.app.screen is screen
        await at.press("slash")
        await at.type("nowhere")
        await at.until("nothing matches nowhere")
        await at.press("escape")
        assert at.app.screen is screen


async def test_y_copies_the_path_or_the_command(image: str) -> None:
    async with running(image) as at:
        await at_files(at)
        await opened(at, "app.py")
        await at.press("y")
        await at.until(lambda: isinstance(at.app.screen, ChoiceDialog))
        await at.press("G", "enter")
        await at.until("Copied regtui cat")
        assert at.app.clipboard.endswith(" /app.py")


async def test_only_the_beginning_of_a_huge_file_is_read(image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regtui.operations.opening.VIEWED", 100_000)
    async with running(image) as at:
        await at_files(at)
        screen = await opened(at, "lines")
        assert screen.opened
        assert len(screen.opened.data) == 100_000
        assert "the first 100.0 kB of 4.3 MB" in at.text


async def test_a_layer_that_is_gone_says_so_and_r_tries_again(image: str) -> None:
    async with running(image) as at:
        await at_files(at)
        session, shown = at.browser.loader.session, at.browser.files_shown
        assert session
        assert shown
        at.browser.files.go_to("app.py")
        gone = Descriptor(shown.layers[0].media_type, digest_of(b"gone"), 4)
        at.browser.files.shown = replace(shown, layers=[gone])
        await at.press("enter")
        await at.until("Press r to try again.")
        assert "404" in at.text or "has no" in at.text
        await at.press("r")
        await at.until("Press r to try again.")
        await left(at)
