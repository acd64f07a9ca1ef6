"""Copying, moving, pulling and pushing from the app, between real registries and this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.widgets import Input

from regtui.tui.screens.confirm import ConfirmDialog
from regtui.tui.screens.copy_to import CopyToDialog
from regtui.tui.screens.pull import PullDialog
from regtui.tui.screens.push import PushDialog
from regtui.tui.widgets.option import Option
from tests.registry_servers.docker_registry import DockerRegistry, docker_registry
from tests.registry_servers.images import Layout, skopeo, skopeo_digest, skopeo_tags
from tests.tui.running import FEW, WIDE, Running, confirmed, running


@pytest.fixture
def other(tmp_path: Path) -> Iterator[DockerRegistry]:
    with docker_registry(tmp_path / "other") as server:
        yield server


@pytest.fixture
def digest(registry: DockerRegistry, layout: Layout) -> str:
    """Of `team/app:1`, an index of two images."""
    images = [layout.image({"app": name.encode()}, platform=name) for name in ("linux/amd64", "linux/arm64")]
    return layout.push(layout.index(*images), registry, "team/app:1")


async def asked(at: Running, key: str, kind: type[CopyToDialog] = CopyToDialog) -> CopyToDialog:
    """Presses a key on the tag `1`, whose platforms are known by then."""
    await at.until(lambda: (facts := at.browser.tags.facts("1")) and facts.platforms)
    await at.press(key)
    await at.until(lambda: isinstance(at.app.screen, kind))
    assert isinstance(at.app.screen, CopyToDialog)
    return at.app.screen


async def answered(at: Running, dialog: CopyToDialog | PushDialog, text: str, **options: str) -> None:
    """Types a target, turns options to what is given, and presses Enter in the line."""
    for name, value in options.items():
        option = dialog.query_one(f"#{name}", Option)
        while option.value != value:
            option.action_turn(1)
    line = dialog.query_one(Input)
    line.value = text
    line.focus()
    await at.pilot.pause()
    await at.press("enter")


async def test_a_copy_to_another_registry_says_all_and_keeps_the_digest(
    registry: DockerRegistry, other: DockerRegistry, digest: str
) -> None:
    async with running(f"{registry.host}/team/app:1", WIDE) as at:
        await answered(at, await asked(at, "t"), f"{other.host}/mirror/app")
        await at.until(lambda: isinstance(at.app.screen, ConfirmDialog))
        for text in (f"{registry.host}/team/app:1", f"{other.host}/mirror/app:1", "is new", "unchanged", "to send"):
            assert text in at.text
        await confirmed(at)
        await at.until("is there. o opens it")
        dialog = await asked(at, "t")
        await at.until(f"{other.host}/mirror/app")  # what was used lately is proposed
        assert dialog.query_one(Input).value == ""
    assert skopeo_digest(other, "mirror/app:1") == digest


async def test_one_platform_of_an_index_goes_alone(
    registry: DockerRegistry, other: DockerRegistry, digest: str
) -> None:
    async with running(f"{registry.host}/team/app:1", WIDE) as at:
        await answered(at, await asked(at, "t"), f"{other.host}/arm:2", platform="linux/arm64")
        await at.until("the image for linux/arm64")
        await confirmed(at)
        await at.until("is there. o opens it")
    assert skopeo_digest(other, "arm:2") != digest
    assert '"Architecture": "arm64"' in skopeo(
        "inspect", "--no-tags", "--tls-verify=false", f"docker://{other.host}/arm:2"
    )


async def test_a_move_deletes_the_source_once_the_copy_is_whole(
    registry: DockerRegistry, other: DockerRegistry, digest: str
) -> None:
    async with running(f"{registry.host}/team/app:1", WIDE) as at:
        await answered(at, await asked(at, "t"), f"{other.host}/moved:1", moves="move")
        await at.until(lambda: isinstance(at.app.screen, ConfirmDialog))
        assert "Then" in at.text
        assert "Delete 1 tag from team/app" in at.text
        await confirmed(at)
        await at.until(lambda: registry.request("GET", f"/v2/team/app/manifests/{digest}")[0] == 404)
        await at.until(lambda: at.app.screen is at.browser)  # between the two changes it is, too
    assert skopeo_digest(other, "moved:1") == digest


async def test_a_move_to_where_it_is_already_only_deletes_the_source(registry: DockerRegistry, digest: str) -> None:
    skopeo("copy", "--all", "--src-tls-verify=false", "--dest-tls-verify=false",
           f"docker://{registry.host}/team/app:1", f"docker://{registry.host}/team/app:2")  # fmt: skip
    async with running(f"{registry.host}/team/app:1", WIDE) as at:
        await answered(at, await asked(at, "t"), "2", moves="move")
        await confirmed(at)
        await at.until(lambda: not at.browser.tags.facts("1"))
    assert skopeo_tags(registry, "team/app") == ["2"]
    assert skopeo_digest(registry, "team/app:2") == digest


async def test_a_move_that_is_refused_at_the_question_leaves_everything(
    registry: DockerRegistry, other: DockerRegistry, digest: str
) -> None:
    async with running(f"{registry.host}/team/app:1", WIDE) as at:
        await answered(at, await asked(at, "t"), f"{other.host}/moved:1", moves="move")
        await at.until(lambda: isinstance(at.app.screen, ConfirmDialog))
        await at.press("enter")  # the safe answer
        await at.until(lambda: at.app.screen is at.browser)
    assert skopeo_digest(registry, "team/app:1") == digest
    assert other.request("GET", "/v2/moved/tags/list")[0] == 404


@pytest.mark.parametrize(
    ("typed", "said"),
    [("UPPER/case:1", "is no repository name"), ("a b", "is no tag"), ("app@sha256:00", ""), ("", "")],
)
async def test_what_cannot_be_a_target_is_told_in_the_dialog(typed: str, said: str) -> None:
    async with running(FEW) as at:
        await at.until("newest first")
        await at.press("2")
        await at.until(lambda: at.browser.tags.current)
        await at.press("t")
        await at.until(lambda: isinstance(at.app.screen, CopyToDialog))
        dialog = at.app.screen
        assert isinstance(dialog, CopyToDialog)
        await answered(at, dialog, typed)
        if said:
            await at.until(said)
        assert at.app.screen is dialog


async def test_an_image_is_pulled_to_a_layout_that_skopeo_reads_and_pushed_from_it(
    registry: DockerRegistry, other: DockerRegistry, digest: str, tmp_path: Path
) -> None:
    target = f"oci:{tmp_path}/pulled:1"
    async with running(f"{registry.host}/team/app:1", WIDE) as at:
        await answered(at, await asked(at, "p", PullDialog), target)
        await confirmed(at)
        assert skopeo("inspect", "--raw", target)
        await at.press("P")
        await at.until(lambda: isinstance(at.app.screen, PushDialog))
        assert isinstance(at.app.screen, PushDialog)
        await answered(at, at.app.screen, target)
        await at.until(lambda: isinstance(at.app.screen, CopyToDialog))
        assert isinstance(at.app.screen, CopyToDialog)
        await answered(at, at.app.screen, f"{other.host}/pushed:1")
        await confirmed(at)
        await at.until("is there. o opens it")
    assert skopeo_digest(other, "pushed:1") == digest


async def test_an_image_is_pulled_to_a_file_that_skopeo_reads_and_pushed_from_it(
    registry: DockerRegistry, digest: str, tmp_path: Path
) -> None:
    file = tmp_path / "app.tar"
    async with running(f"{registry.host}/team/app:1", WIDE) as at:
        await answered(at, await asked(at, "p", PullDialog), str(file), platform="linux/arm64")
        await at.until("docker load -i")
        assert '"Architecture": "arm64"' in await asyncio.to_thread(skopeo, "inspect", f"docker-archive:{file}")
        await at.press("P")
        await at.until(lambda: isinstance(at.app.screen, PushDialog))
        assert isinstance(at.app.screen, PushDialog)
        await answered(at, at.app.screen, str(file))
        await at.until(lambda: isinstance(at.app.screen, CopyToDialog))
        assert isinstance(at.app.screen, CopyToDialog)
        await answered(at, at.app.screen, "loaded:1")
        await confirmed(at)
    assert "1" in skopeo_tags(registry, "loaded")


async def test_a_file_that_is_there_already_is_kept(registry: DockerRegistry, digest: str, tmp_path: Path) -> None:
    file = tmp_path / "app.tar"
    file.write_bytes(b"mine")
    async with running(f"{registry.host}/team/app:1", WIDE) as at:
        await answered(at, await asked(at, "p", PullDialog), str(file), platform="linux/arm64")
        await at.until("is there already")
        await at.press("escape")
        await at.until(lambda: at.app.screen is at.browser)
    assert file.read_bytes() == b"mine"
    assert not await asyncio.to_thread((tmp_path / "app.tar.part").exists)


async def test_under_read_only_one_pulls_and_neither_copies_here_nor_pushes(
    registry: DockerRegistry, digest: str, tmp_path: Path
) -> None:
    file = tmp_path / "app.tar"
    async with running(f"{registry.host}/team/app:1", WIDE, read_only=True) as at:
        await at.until(lambda: (facts := at.browser.tags.facts("1")) and facts.platforms)
        await at.press("P", "t")
        assert at.app.screen is at.browser
        await answered(at, await asked(at, "p", PullDialog), str(file), platform="linux/amd64")
        await at.until("docker load -i")
        await answered(at, await asked(at, "p", PullDialog), f"{tmp_path / 'left'}:1")
        await at.until(lambda: isinstance(at.app.screen, ConfirmDialog))
        await at.press("escape")
        await answered(at, await asked(at, "p", PullDialog), f"{tmp_path / 'pulled'}:1")
        await confirmed(at)
        await at.until("skopeo and podman read")
    assert file.exists()
    assert skopeo("inspect", "--raw", f"oci:{tmp_path}/pulled:1")
    assert not await asyncio.to_thread((tmp_path / "left").exists)
