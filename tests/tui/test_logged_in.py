"""The app against registries that want a login, a private CA's trust, a client's certificate or tokens."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from regtui.tui.arrangement import REPOSITORIES
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.guarded import READER, Guarded, keep_login
from tests.registry_servers.images import skopeo_digest, skopeo_tags
from tests.tui.running import WIDE, Running, confirmed, running


async def digest(registry: DockerRegistry, target: str) -> str:
    return await asyncio.to_thread(skopeo_digest, registry, target)


async def tags(registry: DockerRegistry) -> list[str]:
    return sorted(await asyncio.to_thread(skopeo_tags, registry, "team/app"))


async def into_the_tags(at: Running) -> None:
    """From a registry's repositories to the tags of team/app."""
    await at.until("team")
    assert at.browser.pane == REPOSITORIES
    at.browser.repositories.go_to("team/app")
    await at.press("enter")
    await at.until("Tags · 4 ·")


async def at_tag(at: Running, tag: str) -> None:
    at.browser.tags.go_to(tag)
    await at.until(lambda: at.browser.spot.reference.tag == tag)


async def test_browse_delete_and_retag(guarded: Guarded) -> None:
    before = await digest(guarded.registry, "team/app:1.0")
    async with running(f"{guarded.host}/", WIDE, **guarded.flags) as at:
        await into_the_tags(at)
        await at_tag(at, "2.0")
        await at.until("Digest ")
        await at_tag(at, "1.0")
        await at.press("t")
        await at.type("release")
        await at.press("enter")
        await at.until("which is new")
        await confirmed(at)
        await at.until("Tags · 5 ·")
        await at.press("d")
        await at.until("Delete 1 tag from team/app")
        await confirmed(at)
        await at.until("Tags · 4 ·")
    assert await tags(guarded.registry) == ["1", "2.0", "latest", "release"]
    assert {await digest(guarded.registry, f"team/app:{tag}") for tag in ("1", "latest", "release")} == {before}


async def test_a_tag_is_made_in_another_repository(with_tokens: Guarded) -> None:
    async with running(f"{with_tokens.host}/team/app", WIDE) as at:
        await at.until("newest first")
        await at_tag(at, "2.0")
        await at.press("t")
        await at.type("team/other:2.0")
        await at.press("enter")
        await at.until("which is new")
        await confirmed(at)
    assert await digest(with_tokens.registry, "team/other:2.0") == await digest(with_tokens.registry, "team/app:2.0")


async def test_browsing_asks_for_pull_only(with_tokens: Guarded) -> None:
    async with running(f"{with_tokens.host}/", WIDE) as at:
        await into_the_tags(at)
        await at.until(lambda: at.browser.details.inspected)
    scopes = {scope for asked in with_tokens.tokens.asked for scope in asked.scopes}
    assert scopes == {"registry:catalog:*", "repository:team/app:pull"}


async def test_who_may_only_pull_is_told_so_on_delete(with_tokens: Guarded, isolated_environment: Path) -> None:
    keep_login(isolated_environment, with_tokens.host, READER)
    async with running(f"{with_tokens.host}/team/app", WIDE) as at:
        await at.until("Tags · 4 ·")
        await at_tag(at, "1.0")
        await at.press("d")
        await at.until("does not let you delete anything in team/app")
    assert await tags(with_tokens.registry) == ["1", "1.0", "2.0", "latest"]


@pytest.mark.parametrize("told", [None, 300], ids=["renewed in time", "renewed when the registry refuses it"])
async def test_a_token_that_ends_in_the_middle_is_not_noticed(with_tokens: Guarded, told: int | None) -> None:
    server = with_tokens.tokens
    server.lifetime, server.told = 2, told
    async with running(f"{with_tokens.host}/", WIDE) as at:
        await into_the_tags(at)
        await at.until("Digest ")
        for tag in ("2.0", "1.0"):
            before = len(server.asked)
            await asyncio.sleep(server.lifetime + 1)
            await at.press("r")
            await at.until(lambda: len(server.asked) > before)  # noqa: B023
            await at_tag(at, tag)
            await at.until("Tags · 4 ·")
            await at.until(f"team/app › {tag}")
            await at.until("Digest ")
            assert not at.app._notifications
            assert "og in" not in at.text
    assert all(asked.status == 200 for asked in server.asked)
