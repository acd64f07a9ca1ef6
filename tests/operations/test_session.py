"""A registry is opened: over the network, with what docker's files say, or the demo inside this process."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from regtui.config import Settings
from regtui.errors import ConnectionFailed, LoginNeeded, ReadOnly
from regtui.oci.kinds import Kind
from regtui.oci.reference import parse_reference
from regtui.operations.files import Done, Entries, layer_files
from regtui.operations.inspect import inspect
from regtui.operations.inventory import Read, repositories, rows
from regtui.operations.session import DEMO, Credentials, open_session
from regtui.store.places import Places
from tests.conftest import LOGIN
from tests.registry_servers.docker_registry import DockerRegistry
from tests.registry_servers.images import Files, HardLink, Layout, Symlink, skopeo_inspect, skopeo_tags


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "config.toml", tmp_path / "cache", tmp_path / "state", timeout=5)


async def test_a_real_registry_from_its_list_to_the_files_of_a_layer(
    registry: DockerRegistry, layout: Layout, settings: Settings
) -> None:
    files: Files = {
        "etc/": b"",
        "etc/hosts": b"localhost",
        "bin": Symlink("usr/bin"),
        "etc/hosts2": HardLink("etc/hosts"),
    }
    images = [layout.image(files, {"app": b"x" * 1000}, platform=name) for name in ("linux/amd64", "linux/arm64")]
    layout.push(layout.index(*images), registry, "team/app:1.10")
    layout.push(images[0], registry, "team/app:1.9")
    layout.push(images[0], registry, "team/app:latest")
    session = await open_session(registry.host, settings)

    assert [page async for page in repositories(session)] == [["team/app"]]
    async with aclosing(rows(session, "team/app", "name")) as found:
        read = [row async for row in found]
    assert [row.tag for row in read] == ["latest", "1.10", "1.9"]
    assert {row.tag for row in read} == set(skopeo_tags(registry, "team/app"))
    for row in read:
        assert isinstance(row, Read)
        told = skopeo_inspect(registry, f"team/app:{row.tag}")
        assert row.facts.digest == told["Digest"]
        assert row.facts.created
        assert row.facts.created.isoformat().replace("+00:00", "Z") == told["Created"]
    assert isinstance(read[1], Read)
    assert (read[1].facts.kind, read[1].facts.platforms) == (Kind.INDEX, ("linux/amd64", "linux/arm64"))

    image = await inspect(session, parse_reference(f"{registry.host}/team/app:1.10"), "linux/arm64")
    layer = image.steps[0].layer
    assert layer
    async with aclosing(layer_files(session, "team/app", layer)) as events:
        seen = [event async for event in events]
    entries = [entry for event in seen if isinstance(event, Entries) for entry in event.entries]
    assert [(entry.path, entry.type) for entry in entries] == [
        ("etc", "dir"),
        ("etc/hosts", "file"),
        ("bin", "symlink"),
        ("etc/hosts2", "hardlink"),
    ]
    assert isinstance(seen[-1], Done)
    await session.aclose()


async def test_what_was_opened_is_remembered(registry: DockerRegistry, settings: Settings) -> None:
    session = await open_session(registry.host, settings)
    await session.aclose()
    assert Places(settings.state_dir).recent() == [registry.host]


async def test_a_login_comes_from_docker_s_file_or_from_who_opens(
    registry_with_login: DockerRegistry, settings: Settings, isolated_environment: Path
) -> None:
    host = registry_with_login.host
    with pytest.raises(LoginNeeded):
        await open_session(host, settings)
    with pytest.raises(LoginNeeded):
        await open_session(host, settings, credentials=Credentials("someone", "wrong"))
    assert Places(settings.state_dir).recent() == []
    await (await open_session(host, settings, credentials=Credentials(*LOGIN))).aclose()
    folder = isolated_environment / ".docker"
    folder.mkdir()
    login = base64.b64encode(":".join(LOGIN).encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": login}}}))
    await (await open_session(host, settings)).aclose()


async def test_a_closed_port_is_a_sentence(settings: Settings) -> None:
    with pytest.raises(ConnectionFailed):
        await open_session("localhost:1", settings)


async def test_read_only_holds_for_every_client_of_the_session(registry: DockerRegistry, settings: Settings) -> None:
    session = await open_session(registry.host, replace(settings, read_only=True))
    assert session.read_only
    other = session.new_client()
    for client in (session.client, other):
        with pytest.raises(ReadOnly):
            await client.delete_manifest("team/app", "latest")
    await other.aclose()
    await session.aclose()


async def test_a_home_that_can_t_be_written_to_hinders_no_reading(
    registry: DockerRegistry, layout: Layout, settings: Settings, tmp_path: Path
) -> None:
    layout.push(layout.image({"a": b"a"}), registry, "app:v1")
    (tmp_path / "no-folder").write_text("")
    nowhere = replace(settings, cache_dir=tmp_path / "no-folder" / "cache", state_dir=tmp_path / "no-folder" / "state")
    session = await open_session(registry.host, nowhere)
    async with aclosing(rows(session, "app", "name")) as found:
        assert [row.tag async for row in found] == ["v1"]
    await session.aclose()


# The demo


def demo_folders(below: Path) -> list[Path]:
    return list(below.glob("regtui-demo-*"))


async def test_the_demo_opens_without_a_network_and_leaves_nothing_behind(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    session = await open_session(DEMO, settings)
    names = [name async for page in repositories(session) for name in page]
    assert "team/app" in names
    assert demo_folders(tmp_path)
    await session.aclose()
    assert not demo_folders(tmp_path)
    assert Places(settings.state_dir).recent() == []


async def test_every_tag_of_the_demo_can_be_read_whole(settings: Settings) -> None:
    session = await open_session(DEMO, settings)
    kinds = set()
    async for page in repositories(session):
        for name in page:
            async with aclosing(rows(session, name, "name")) as found:
                async for row in found:
                    assert isinstance(row, Read), f"{name}:{row.tag}"
                    assert not row.facts.partial
                    kinds.add(row.facts.kind)
    assert {Kind.IMAGE, Kind.INDEX, Kind.HELM, Kind.SIGNATURE} <= kinds
    await session.aclose()


async def test_another_loop_gets_a_client_of_its_own_to_the_same_demo(settings: Settings) -> None:
    session = await open_session(DEMO, settings)

    async def elsewhere() -> str:
        client = session.new_client()
        try:
            return (await client.head("team/app", "latest")).digest
        finally:
            await client.aclose()

    assert await asyncio.to_thread(asyncio.run, elsewhere()) == (await session.client.head("team/app", "latest")).digest
    await session.aclose()
