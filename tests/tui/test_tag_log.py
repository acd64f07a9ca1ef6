"""`T`: what a tag pointed to before, and what one does with it."""

from __future__ import annotations

from textual.widgets import Input

from regtui.tui.screens.compare import CompareScreen
from regtui.tui.screens.tag_log import TagLogDialog
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.images import Layout, skopeo_digest
from tests.tui.running import FEW, WIDE, Running, confirmed, running


async def opened(at: Running) -> None:
    await at.until(lambda: at.browser.tags.facts("stable"))
    await at.press("T")
    await at.until("Enter opens")


async def test_a_tag_that_was_moved_is_put_back(registry: DockerRegistry, layout: Layout) -> None:
    layout.push(layout.image({"app": b"1"}), registry, "team/app:stable")
    before = skopeo_digest(registry, "team/app:stable")
    async with running(f"{registry.host}/team/app", WIDE) as at:
        await opened(at)
        await at.until("current")
        await at.press("escape")
    layout.push(layout.image({"app": b"2"}), registry, "team/app:stable")
    async with running(f"{registry.host}/team/app", WIDE) as at:
        await opened(at)
        assert before[7:19] in at.text
        await at.press("j")
        await at.until(before)
        await at.press("t", "enter")
        await confirmed_by_name(at)
    assert skopeo_digest(registry, "team/app:stable") == before


async def confirmed_by_name(at: Running) -> None:
    """A protected tag that moves has its name typed."""
    await at.until("Type stable to go on")
    at.app.screen.query_one(Input).focus()
    await at.type("stable")
    await at.press("enter", "enter")
    await at.until(lambda: at.app.screen is at.browser)


async def test_what_it_was_is_compared_with_what_it_is(registry: DockerRegistry, layout: Layout) -> None:
    for number in (b"1", b"2"):
        layout.push(layout.image({"app": number}), registry, "team/app:stable")
        async with running(f"{registry.host}/team/app", WIDE) as at:
            await opened(at)
            if number == b"2":
                await at.press("j", "c")
                await at.until(lambda: isinstance(at.app.screen, CompareScreen))


async def test_enter_opens_what_it_was_and_backspace_comes_back() -> None:
    async with running(FEW, WIDE) as at:
        await at.until(lambda: at.browser.tags.current and at.browser.tags.facts(at.browser.tags.current))
        await at.press("T")
        await at.until(lambda: isinstance(at.app.screen, TagLogDialog))
        await at.until("first seen")
        await at.press("enter")
        await at.until(lambda: at.app.screen is at.browser)
        assert at.browser.spot.reference.digest


async def test_a_change_of_regtui_says_by_whom(registry: DockerRegistry, layout: Layout) -> None:
    layout.push(layout.image({"app": b"1"}), registry, "team/app:1.0")
    async with running(f"{registry.host}/team/app:1.0", WIDE) as at:
        await at.until(lambda: at.browser.inspected)
        await at.press("t")
        await at.type("stable")
        await at.press("enter")
        await confirmed(at)
        await at.until(lambda: "stable" in at.browser.tags.listed)
        await at.press("2", "slash")
        await at.type("stable")
        await at.press("enter")
        await at.until(lambda: at.browser.tags.current == "stable")
        await at.press("T")
        await at.until("change 1: Point team/app:stable to team/app:1.0")
