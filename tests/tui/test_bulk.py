"""Many tags at once on a real registry: marked, deleted in one plan, undone, tried again, taken up after a crash."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from textual.widgets import Button

from regtui.config import load_settings
from regtui.oci import media_types
from regtui.operations import connecting
from regtui.operations.removal import plan_removal
from regtui.operations.runner import Runner
from regtui.operations.session import open_session
from regtui.registry.transport import open_transport
from regtui.tui.screens.confirm import ConfirmDialog
from regtui.tui.screens.history import HistoryScreen
from regtui.tui.screens.resume import ResumeDialog
from regtui.tui.screens.running import RunningDialog
from tests.operations.changes.stage import Wire, refusing
from tests.registry_servers.docker_registry import DockerRegistry, docker_registry
from tests.registry_servers.images import Layout
from tests.tui.running import NARROW, WIDE, Running, confirmed, running

REPOSITORY = "team/app"


@pytest.fixture
def filled(registry: DockerRegistry, layout: Layout) -> DockerRegistry:
    """20 images under three tags each, and one that keeps its digest under a fourth."""
    for number in range(20):
        layout.push(layout.image({"app": b"%d" % number}), registry, f"{REPOSITORY}:1.{number}")
        registry.tag(REPOSITORY, f"1.{number}", f"1.{number}.0", f"1.{number}.1")
    registry.tag(REPOSITORY, "1.0", "keep")
    return registry


def digests(registry: DockerRegistry) -> dict[str, str]:
    """Every tag with its digest, as the registry says past regtui."""
    listed = json.loads(registry.request("GET", f"/v2/{REPOSITORY}/tags/list")[2])["tags"]
    path, accept = f"/v2/{REPOSITORY}/manifests/", {"Accept": media_types.ACCEPT}
    return {tag: registry.request("HEAD", path + tag, headers=accept)[1]["docker-content-digest"] for tag in listed}


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """What all clients send, to be disturbed."""
    wire = Wire()
    disturb(wire, lambda name, value: monkeypatch.setattr(connecting, name, value))
    return wire


def disturb(wire: Wire, put: Callable[[str, object], None]) -> None:
    def listening(*arguments: object, **options: object) -> httpx.AsyncBaseTransport:
        return wire.around(open_transport(*arguments, **options))  # type: ignore[arg-type]

    put("open_transport", listening)


async def marked(at: Running, pattern: str) -> None:
    """Marks all tags that match, and shows all again."""
    await at.until("newest first")
    await at.press("slash")
    await at.type(pattern)
    await at.press("enter")
    await at.until(lambda: at.browser.tags.has_focus)
    await at.press("A")
    await at.until(" marked · ")


async def test_sixty_marked_tags_go_in_one_plan_and_come_back_by_one_undo(filled: DockerRegistry) -> None:
    before = digests(filled)
    async with running(f"{filled.host}/{REPOSITORY}") as at:
        await marked(at, "1.*")
        await at.until("60 marked · ")
        await at.press("d")
        await at.until("Type 60 to go on:")
        assert "Stays" in at.text
        assert "keep" in at.text
        await at.press("shift+tab")
        await at.type("60")
        await at.press("enter", "enter")
        await at.until(lambda: at.app.screen is at.browser)
        await at.until("of 1 ")
        assert digests(filled) == {"keep": before["keep"]}
        await at.press("u")
        await at.until("Undo: Delete 60 tags")
        assert "team/app:1.19.1  on " in at.text
        await confirmed(at)
        await at.until("60 of 61")
    assert digests(filled) == before


async def test_a_step_that_failed_is_tried_again_alone_and_one_undo_covers_both(
    filled: DockerRegistry, wire: Wire
) -> None:
    before = digests(filled)
    async with running(f"{filled.host}/{REPOSITORY}", NARROW) as at:
        await marked(at, r"re:1\.[56]")
        await at.press("d")
        await at.until("Delete 6 tags from team/app")
        wire.before(r"DELETE /v2/team/app/manifests/sha256:.*", refusing(403, "DENIED"))
        await at.press("tab", "enter")
        await at.until("1 step done, 1 failed")
        assert isinstance(at.app.screen, RunningDialog)
        assert "! Delete team/app:1." in at.text
        assert len(digests(filled)) == 58
        again = at.app.screen.query_one(".-doing", Button)
        assert str(again.label) == "Try again"
        await at.press("tab", "enter")
        await at.until(lambda: at.app.screen is at.browser)
        assert len(digests(filled)) == 55
        await at.press("u")
        await confirmed(at)
    assert digests(filled) == before


async def test_trying_again_what_left_a_throw_away_manifest_is_planned_anew_and_ends_it_first(
    filled: DockerRegistry, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regtui.operations.throw_away._PAUSES", (0.0,))
    before = digests(filled)

    async def refuse_the_rest() -> None:
        wire.before(r"DELETE /v2/team/app/manifests/sha256:.*", refusing(403, "DENIED"))
        wire.before(r"PUT /v2/team/app/manifests/1.5.0", refusing(403, "DENIED"))

    async with running(f"{filled.host}/{REPOSITORY}") as at:
        await marked(at, "1.5.0")
        await at.press("d")
        await at.until("Delete 1 tag from team/app")
        wire.after(r"PUT /v2/team/app/manifests/1.5.0", refuse_the_rest)
        await at.press("tab", "enter")
        await at.until("Try again")
        assert digests(filled)["1.5.0"] not in before.values()
        await at.press("tab", "enter")
        await at.until("which holds a throw-away manifest")
        await confirmed(at)
        assert digests(filled) == {tag: digest for tag, digest in before.items() if tag != "1.5.0"}
        await at.press("u")
        await confirmed(at)
    assert digests(filled) == before


def cut_off(registry: DockerRegistry, tags: list[str]) -> None:
    """A removal in another process, killed when its first throw-away manifest has just arrived."""

    async def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    async def work() -> None:
        wire = Wire()
        wire.after(r"PUT /v2/team/app/manifests/.*", die)
        disturb(wire, lambda name, value: setattr(connecting, name, value))
        session = await open_session(registry.host, load_settings({}))
        async for _ in Runner(session).execute(await plan_removal(session, REPOSITORY, tags)):
            pass

    child = os.fork()
    if not child:
        try:
            asyncio.run(work())
        finally:
            os._exit(1)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])


@pytest.mark.parametrize(("answer", "left"), [("Finish", 59), ("Put back", 61)])
def test_what_was_cut_off_is_offered_at_the_start_and_finished_or_put_back(
    filled: DockerRegistry, answer: str, left: int
) -> None:
    before = digests(filled)
    cut_off(filled, ["1.3.0", "1.3.1"])
    assert digests(filled) != before

    async def look() -> None:
        async with running(f"{filled.host}/{REPOSITORY}") as at:
            await at.until(lambda: isinstance(at.app.screen, ResumeDialog))
            await at.until("Delete 2 tags from team/app")
            assert "0 of 2 steps" in at.text
            assert "may hold a throw-away" in at.text
            await at.press("tab", "tab", *(["tab"] if answer == "Finish" else []), "enter")
            await confirmed(at)
            await at.until(f"Tags · {left}")

    asyncio.run(look())
    after = digests(filled)
    assert {tag: before[tag] for tag in after} == after
    assert len(after) == left


def test_later_asks_again_at_the_next_start_and_leave_asks_no_more(filled: DockerRegistry) -> None:
    cut_off(filled, ["1.3.0"])

    async def start(*keys: str) -> None:
        async with running(f"{filled.host}/{REPOSITORY}") as at:
            await at.until(lambda: isinstance(at.app.screen, ResumeDialog))
            await at.press(*keys)
            assert at.app.screen is at.browser

    async def look() -> None:
        async with running(f"{filled.host}/{REPOSITORY}", WIDE) as at:
            await at.until("newest first")
            await at.press("U")
            await at.until("Delete 1 tag from team/app")
            assert isinstance(at.app.screen, HistoryScreen)
            assert "cut off" not in at.text

    asyncio.run(start("enter"))
    asyncio.run(start("tab", "enter"))
    asyncio.run(look())


async def test_another_registrys_change_is_undone_from_the_history(filled: DockerRegistry, tmp_path: Path) -> None:
    before = digests(filled)
    async with running(f"{filled.host}/{REPOSITORY}") as at:
        await marked(at, "1.7*")
        await at.press("d")
        await confirmed(at)
        await at.until(lambda: len(digests(filled)) == 58)
    with docker_registry(tmp_path / "other") as other:
        async with running(other.host, WIDE) as at:
            await at.until("plain HTTP")
            await at.press("U")
            await at.until(filled.host)
            await at.press("enter")
            await at.until("Change 1 · done")
            await at.press("escape", "u")
            await at.until(lambda: isinstance(at.app.screen, ConfirmDialog))
            await at.press("tab", "enter")
            await at.until("undone by 2")
    assert digests(filled) == before
