"""The app around the screens: keys from the settings, palette, themes, and what must never reach the user."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from regtui.config import Settings, load_settings
from regtui.errors import ConfigError
from regtui.tui.app import RegtuiApp
from regtui.tui.batches import batches
from regtui.tui.connections import Connections
from regtui.tui.keymap import key_name, keymap
from regtui.tui.keys import ACTIONS
from regtui.tui.terminal import why_no_screen
from tests.tui.running import DEMO, FEW, WIDE, running


def settings_with(text: str, home: Path) -> Settings:
    file = home / "config.toml"
    file.write_text(text)
    return load_settings({}, {"REGTUI_CONFIG": str(file), "HOME": str(home)})


async def test_keys_of_the_settings_take_the_place_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[keys]\nrefresh = ["f5", "ctrl+r"]\nzoom = "."\nhidden = "z"\n')
    monkeypatch.setenv("REGTUI_CONFIG", str(file))
    async with running(FEW, WIDE) as at:
        await at.until("newest first")
        assert "f5 refresh" in at.lines[-1]
        await at.press("full_stop")
        assert not at.browser.panes[1].region.area
        await at.press("question_mark")
        await at.until("f5, ctrl+r")


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"refesh": ("f5",)}, "Did you mean refresh?"),
        ({"refresh": ("hyperspace",)}, "is no key"),
        ({"refresh": ("d",)}, "means two things: delete, and refresh"),
        ({"refresh": ("ctrl+",)}, "is no key"),
    ],
)
def test_keys_that_cannot_be_are_errors(keys: dict[str, tuple[str, ...]], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        keymap(keys)
    assert says in str(caught.value)


def test_no_key_of_ours_means_two_things() -> None:
    assert keymap({}) == {}
    assert len(key_names := [key for action in ACTIONS.values() for key in action.keys]) == len(set(key_names))


def test_keys_are_written_as_people_do() -> None:
    names = [key_name(key) for key in ("question_mark", "slash", "escape", "pagedown", "ctrl+p", "G", "shift+tab")]
    assert names == ["?", "/", "Esc", "PgDn", "ctrl+p", "G", "shift+Tab"]


async def test_the_palette_has_every_command_that_works_here() -> None:
    async with running(FEW, WIDE) as at:
        await at.until("newest first")
        await at.press("ctrl+p")
        await at.type("retag")
        await at.until("Retag or copy  t")
        await at.press("enter")
        await at.until("To a TAG, REPOSITORY:TAG")
    async with running(FEW, WIDE, read_only=True) as at:
        await at.until("newest first")
        await at.press("ctrl+p")
        await at.type("delete")
        await at.until("No matches found")


async def test_a_theme_is_chosen_in_the_settings_or_the_palette() -> None:
    async with running(DEMO, theme="light") as at:
        assert at.app.theme == "light"
        await at.until("debian")
        await at.press("ctrl+p")
        await at.type("theme: nord")
        await at.until("Theme: nord")
        await at.press("enter")
        await at.until(lambda: at.app.theme == "nord")
    with pytest.raises(ConfigError, match="There is no theme"):
        RegtuiApp(Connections(load_settings({"theme": "pink"})))


async def test_text_from_outside_is_never_markup_nor_an_escape() -> None:
    async with running(DEMO) as at:
        await at.until("debian")
        at.app.notify("[red]x[/] \x1b[31m")
        await at.until("[red]x[/] \\x1b[31m")


async def test_without_colour_nothing_but_bold_dim_and_reverse_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(FEW) as at:
        await at.until("newest first")
        for strip in at.app.screen._compositor.render_strips():
            for segment in strip:
                style = segment.style
                assert style is None or style.color is None or style.color.is_default, segment


async def test_events_are_drawn_in_few_batches_and_an_error_comes_after_them() -> None:
    async def source() -> AsyncIterator[int]:
        for number in range(1000):
            yield number
            if number % 100 == 0:
                await asyncio.sleep(0.001)
        raise ConfigError("The end")

    got: list[list[int]] = []

    async def take() -> None:
        async for batch in batches(source(), 0.01):
            got.append(batch)

    with pytest.raises(ConfigError, match="The end"):
        await take()
    assert [number for batch in got for number in batch] == list(range(1000))
    assert len(got) < 20


async def test_closing_the_batches_closes_their_source() -> None:
    closed = False

    async def source() -> AsyncIterator[int]:
        nonlocal closed
        try:
            while True:
                yield 1
                await asyncio.sleep(0)
        finally:
            closed = True

    arriving = batches(source())
    assert await anext(arriving)
    await arriving.aclose()
    assert closed


def test_a_dumb_terminal_or_none_is_refused_with_what_to_use_instead() -> None:
    with open(os.devnull) as nothing:
        why = why_no_screen({"TERM": "xterm"}, (nothing, nothing, nothing))
    assert why.startswith("regtui's screens need a terminal, and standard input is none. Use the commands instead")


def test_without_a_terminal_it_ends_with_2_and_no_traceback() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "regtui", "demo"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert run.returncode == 2
    assert "regtui ls HOST" in run.stderr
    assert "Traceback" not in run.stderr
    assert not run.stdout


def test_the_first_frame_needs_no_client() -> None:
    look = "import sys, regtui.tui.app; print([name for name in ('httpx', 'httpcore2') if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", look], text=True).strip() == "[]"
