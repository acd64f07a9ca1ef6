"""Several registries at once, repositories that are opened by name, namespaces, and what a registry finds."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
from textual.events import Key
from textual.widgets import Input

from regtui.config import Settings, load_settings
from regtui.errors import ConnectionFailed, ReferenceError, RegtuiError, Unsupported
from regtui.oci.reference import Reference
from regtui.operations.places import opened_in, remember
from regtui.operations.session import Session
from regtui.registry.vendors import Hit
from regtui.tui.arrangement import REPOSITORIES, TAGS
from regtui.tui.connections import Connections
from regtui.tui.history import Spot, spot_of, typed_spot
from regtui.tui.screens.open import OpenDialog
from regtui.tui.screens.start import StartScreen
from regtui.tui.widgets.choices import Choices
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.guarded import fill
from tests.registry_servers.images import Layout
from tests.tui.running import APP, DEMO, FEW, WIDE, Running, running


@pytest.fixture
def other(registry: DockerRegistry, layout: Layout) -> DockerRegistry:
    """Another registry, with team/app in it."""
    fill(registry, layout)
    return registry


async def switch(at: Running, text: str = "") -> None:
    """By `R`, then Enter on the row that the cursor is on, or to what is typed."""
    await at.press("R")
    await at.until(lambda: isinstance(at.app.screen, StartScreen) and at.app.screen.query_one(Choices).row_count)
    if text:
        await at.press("o")
        await at.type(text)
    await at.press("enter")
    await at.until(lambda: at.app.screen is at.browser)


async def test_each_registry_is_as_one_left_it(other: DockerRegistry) -> None:
    async with running(APP, WIDE) as at:
        await at.until("newest first")
        await at.press("slash")
        await at.type("v1.9")
        await at.press("enter", "s", "down")
        await at.until(lambda: at.browser.spot.reference.tag)
        left = at.browser
        title, tag = left.tags.title_text, left.tags.current
        await switch(at, f"{other.host}/team/app")
        await at.until("Tags · 4 ·")
        await switch(at)
        assert at.browser is left
        assert (left.tags.title_text, left.tags.current, left.pane) == (title, tag, TAGS)
        assert "/v1.9" in at.text.replace(" ", "")
        await switch(at)
        assert at.lines[0].strip().startswith(f"{other.host} › team/app")


async def test_the_open_ones_come_first_with_where_one_left_them_and_the_current_is_marked(
    other: DockerRegistry,
) -> None:
    remember(load_settings(), "registry.example.com/team/app")
    async with running(FEW, WIDE) as at:
        await at.until("newest first")
        await switch(at, other.host)
        await at.until("▾ team")
        await at.press("R")
        await at.until("demo.localhost")
        rows = [" ".join(line.strip("┃▌ ").split()) for line in at.lines if "┃" in line]
        assert rows[0] == f"{other.host} you are here"
        assert rows[1].startswith("demo.localhost open, at nginx:")
        assert "registry.example.com/team/app opened before" in rows
        await at.press("escape")
        assert at.app.screen is at.browser


async def test_to_choose_where_one_is_changes_nothing() -> None:
    async with running(FEW, WIDE) as at:
        await at.until("newest first")
        await at.until(lambda: at.browser.spot.reference.tag)
        spot = at.browser.spot
        await switch(at)
        assert at.browser.spot == spot


async def test_a_registry_typed_in_one_burst_with_the_keys_opens(other: DockerRegistry) -> None:
    async with running(FEW, WIDE) as at:
        await at.until("newest first")
        for character in f"Ro{other.host}":
            at.app.post_message(Key({".": "full_stop", ":": "colon"}.get(character, character), character))
        at.app.post_message(Key("enter", None))
        await at.until(lambda: at.lines[0].strip().startswith(other.host))


async def test_a_repository_that_one_comes_back_to_shows_the_tag_under_its_cursor() -> None:
    async with running(FEW, WIDE) as at:
        await at.until("newest first")
        await at.until(lambda: at.browser.inspected)
        await at.press("o")
        await at.type("demo.localhost")
        await at.press("enter")
        await at.until("Nothing is selected.")
        at.browser.repositories.go_to("nginx")
        await at.press("enter")
        await at.until(lambda: at.browser.inspected)
        assert at.browser.spot.reference.tag == at.browser.tags.current


async def test_backspace_goes_back_across_registries(other: DockerRegistry) -> None:
    async with running(f"{other.host}/team/app:2.0", WIDE) as at:
        await at.until("Digest ")
        first = at.browser
        await at.press("o")
        await at.type(FEW)
        await at.press("enter")
        await at.until("newest first")
        await at.press("backspace")
        await at.until(lambda: at.browser is first)
        assert at.browser.spot.reference.tag == "2.0"


async def test_a_registry_that_could_not_be_reached_is_tried_again_when_one_comes_back() -> None:
    async with running(FEW, WIDE) as at:
        await at.until("newest first")
        for _ in range(2):
            await switch(at, "localhost:1")
            await at.until(lambda: "R goes" in at.browser.repositories.empty_text)
            at.browser.repositories.empty_text = ""
            await at.press("backspace")
            await at.until("newest first")


# Repositories that are opened by name


async def no_list(*args: object) -> AsyncGenerator[list[str], None]:
    if args:
        raise Unsupported("registry.example.com has no catalog", "Open one by name.", status=404)
    yield []


async def test_what_was_opened_before_is_there_at_the_next_start_though_nothing_is_listed(
    other: DockerRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regtui.operations.inventory.repositories", no_list)
    async with running(f"{other.host}/", WIDE) as at:
        await at.until(lambda: "Press o, or Enter here, to name one." in at.browser.repositories.empty_text)
        await at.press("enter")
        await at.until(lambda: isinstance(at.app.screen, OpenDialog))
        assert at.app.screen.query_one(Input).value == f"{other.host}/"
        await at.type("team/app")
        await at.press("enter")
        await at.until("Tags · 4 ·")
        await at.press("o")
        await at.type("/team/not-there")
        await at.press("enter")
        await at.until("has no repository team/not-there")
    assert opened_in(load_settings(), other.host) == ["team/app"]
    async with running(f"{other.host}/", WIDE) as at:
        await at.until("1 opened before")
        await at.until("! 1 opened before, not listed: registry.example.com has no catalog")
        await at.press("down", "enter")
        await at.until("Tags · 4 ·")


def test_only_repositories_of_the_registry_count_each_once() -> None:
    settings = load_settings()
    for place in (
        "a.example",
        "a.example/one",
        "b.example/other",
        "a.example/two/x:1",
        "a.example/two/x",
        "a.example/n/",
    ):
        remember(settings, place)
    assert opened_in(settings, "a.example") == ["two/x", "one"]


# Namespaces


@pytest.mark.parametrize(
    ("text", "spot"),
    [
        ("docker.io/library/", Spot(Reference("docker.io"), namespace="library")),
        ("https://quay.io/team/sub/", Spot(Reference("quay.io"), namespace="team/sub")),
        ("localhost:5000/", Spot(Reference("localhost:5000"))),
        ("https://localhost:5000/v2/", Spot(Reference("localhost:5000"))),
        ("docker.io/library/debian:12", spot_of(Reference("docker.io", "library/debian", "12"))),
        ("debian", spot_of(Reference("docker.io", "library/debian"))),
    ],
)
def test_a_slash_at_the_end_makes_a_namespace(text: str, spot: Spot) -> None:
    assert typed_spot(text) == spot


@pytest.mark.parametrize("text", ["docker.io/UPPER/", "a b/c/", "localhost:5000/a:b/"])
def test_what_can_be_no_namespace_is_an_error(text: str) -> None:
    with pytest.raises(ReferenceError):
        typed_spot(text)


async def test_a_namespace_is_listed_and_gone_to(other: DockerRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    async def by_namespace(session: Session, namespace: str = "") -> AsyncGenerator[list[str], None]:
        if not namespace:
            raise Unsupported("Only namespaces are listed", status=404)
        yield [f"{namespace}/app", f"{namespace}/worker"]

    monkeypatch.setattr("regtui.operations.inventory.repositories", by_namespace)
    async with running(FEW, WIDE) as at:
        await at.until("newest first")
        await at.press("o")
        await at.type(f"{other.host}/team/")
        await at.press("enter")
        await at.until("2 repositories in team")
        await at.until("worker")
        assert at.browser.repositories.at is not None
        assert at.browser.repositories.at.path == "team"
        assert at.browser.pane == REPOSITORIES
        await at.press("down", "enter")
        await at.until("Tags · 4 ·")


# Search


def searching(monkeypatch: pytest.MonkeyPatch, hits: list[str], error: RegtuiError | None = None) -> list[str]:
    """A registry that can be asked; returns what it was asked for."""
    asked: list[str] = []

    async def search(session: Session, words: str) -> AsyncGenerator[list[Hit], None]:
        asked.append(words)
        yield [Hit(hit) for hit in hits]
        if error:
            raise error

    monkeypatch.setattr("regtui.operations.inventory.can_search", lambda session: True)
    monkeypatch.setattr("regtui.operations.inventory.vendor_name", lambda session: "Docker Hub")
    monkeypatch.setattr("regtui.operations.inventory.search", search)
    return asked


async def test_enter_in_the_filter_asks_the_registry_and_what_it_finds_joins_the_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = searching(monkeypatch, ["library/postgres", "elsewhere/database", "team/app"])
    async with running(DEMO, WIDE) as at:
        await at.until("Repositories · 14")
        await at.press("slash")
        await at.type("postgres")
        assert not asked
        await at.press("enter")
        await at.until("Docker Hub found 3 repositories for postgres")
        await at.until("database")  # though its name doesn't hold the word
        assert asked == ["postgres"]
        rows = [line for line in at.lines if "found" in line and "┃" in line]
        assert len(rows) == 2, "what is in the registry's own list is not marked"
        await at.press("escape")
        await at.until("Repositories · 16")


async def test_a_namespace_that_is_opened_is_not_filtered(monkeypatch: pytest.MonkeyPatch) -> None:
    searching(monkeypatch, ["library/postgres"])
    async with running(DEMO, WIDE) as at:
        await at.until("Repositories · 14")
        await at.press("slash")
        await at.type("postgres")
        await at.press("enter")
        await at.until("1 of 15 repos")
        await at.press("o")
        await at.type("base/")
        await at.press("enter")
        await at.until("alpine")


async def test_a_search_that_fails_says_so_and_keeps_what_came(monkeypatch: pytest.MonkeyPatch) -> None:
    searching(monkeypatch, ["library/postgres"], ConnectionFailed("Docker Hub hung up"))
    async with running(DEMO, WIDE) as at:
        await at.until("Repositories · 14")
        await at.press("slash")
        await at.type("postgres")
        await at.press("enter")
        await at.until("! Docker Hub hung up")
        await at.until("found ")


async def test_an_empty_pane_says_how_to_search(other: DockerRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    searching(monkeypatch, [])
    monkeypatch.setattr("regtui.operations.inventory.repositories", no_list)
    async with running(f"{other.host}/", WIDE) as at:
        told = "Type / and a name, then Enter, to search Docker Hub."
        await at.until(lambda: told in at.browser.repositories.empty_text)


async def test_a_registry_that_cannot_be_asked_is_not() -> None:
    async with running(DEMO, WIDE) as at:
        await at.until("Repositories · 14")
        await at.press("slash")
        await at.type("debian")
        await at.press("enter")
        await at.pilot.pause(0.2)
        assert "found" not in at.text


async def test_a_namespace_may_be_what_the_app_is_started_with() -> None:
    async with running(f"{DEMO}team/", size=WIDE) as at:
        await at.until("billing")
        assert at.browser.spot.namespace == "team"


@pytest.mark.parametrize(("named", "unchecked"), [("a.example", ["a.example"]), ("", ["a.example", "b.example"])])
async def test_a_flag_that_trusts_anybody_is_for_the_registry_that_was_named(
    monkeypatch: pytest.MonkeyPatch, named: str, unchecked: list[str]
) -> None:
    opened: list[str] = []

    async def open_session(registry: str, settings: Settings, **others: object) -> None:
        opened.extend([registry] * settings.for_registry(registry).insecure_tls)

    monkeypatch.setattr("regtui.tui.connections.open_session", open_session)
    connections = Connections(load_settings({"insecure_tls": True}), None, named)
    for registry in ("a.example", "b.example"):
        await connections.session(registry)
    assert opened == unchecked
