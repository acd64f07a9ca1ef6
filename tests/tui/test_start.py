"""The start screen: where one can go, and any reference that is typed."""

import json
from pathlib import Path

from regtui.config import load_settings
from regtui.operations.places import remember
from regtui.tui.screens.browser import BrowserScreen
from regtui.tui.screens.start import StartScreen
from tests.tui.running import FEW, running


async def test_it_lists_logins_what_was_opened_before_and_the_demo(isolated_environment: Path) -> None:
    docker = isolated_environment / ".docker"
    docker.mkdir()
    (docker / "config.json").write_text(
        json.dumps({"auths": {"registry.example.com": {}, "https://index.docker.io/v1/": {}}})
    )
    remember(load_settings(), "localhost:5000/team/app")
    remember(load_settings(), "registry.example.com")
    async with running() as at:
        await at.until("demo ")
        rows = [line.strip("┃▌ ").split("  ")[0] for line in at.lines if "┃" in line]
        assert rows[:4] == ["registry.example.com", "docker.io", "localhost:5000/team/app", "demo"]
        assert "a login is kept for it" in at.text


async def test_its_demo_entry_opens_the_demo() -> None:
    async with running() as at:
        await at.until("demo ")
        await at.press("enter")
        await at.until("Repositories · 14")


async def test_a_typed_reference_opens_there() -> None:
    async with running() as at:
        await at.until("demo ")
        await at.press("o")
        await at.type("demo.localhost/nginx:1.29")
        await at.press("enter")
        await at.until("demo.localhost › nginx › 1.29")
        assert isinstance(at.app.screen, BrowserScreen)


async def test_what_is_no_reference_says_so_in_its_place() -> None:
    async with running() as at:
        await at.until("demo ")
        await at.press("o")
        await at.type("https://")
        await at.press("enter")
        await at.until("An empty reference.")
        assert isinstance(at.app.screen, StartScreen)


async def test_esc_leaves_the_input_but_not_the_start_screen_and_q_quits() -> None:
    async with running() as at:
        await at.until("demo ")
        await at.press("o", "q", "escape", "escape")
        assert isinstance(at.app.screen, StartScreen)
        await at.press("q")
        await at.until(lambda: at.app._exit)


async def test_from_a_registry_it_switches_to_another_and_esc_goes_back() -> None:
    async with running(FEW) as at:
        await at.until("newest first")
        await at.press("R")
        await at.until("Switch to")
        await at.press("escape")
        assert at.app.screen is at.browser
        await at.press("R")
        await at.until("Switch to")
        await at.press("o")
        await at.type("localhost:1")
        await at.press("enter")
        await at.until(lambda: at.lines[0].strip() == "localhost:1")
        await at.press("backspace")
        await at.until("newest first")
        assert at.lines[0].strip().startswith("demo.localhost › nginx")
