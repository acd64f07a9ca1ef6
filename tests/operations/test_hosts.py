"""Registries as registries.conf has them: somewhere else, in parts, blocked, insecure, with mirrors. All are real."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from regtui.config import Settings
from regtui.config.settings import RegistrySettings
from regtui.errors import ConnectionFailed, ContentError, NotFound, ReadOnly, RegistryError, TLSFailed
from regtui.oci.reference import parse_reference
from regtui.operations import removal
from regtui.operations.files import Done, Entries, layer_files
from regtui.operations.inspect import Inspected, inspect
from regtui.operations.inventory import facts, repositories
from regtui.operations.plan import Plan
from regtui.operations.reading import document
from regtui.operations.runner import Finished, Runner
from regtui.operations.session import Credentials, Session, open_session
from tests.conftest import LOGIN
from tests.registry.wire import Authority, Peer, keeps_silent, raw_server
from tests.registry_servers.docker_registry import DockerRegistry, docker_registry
from tests.registry_servers.guarded import keep_login
from tests.registry_servers.images import Layout, skopeo_tags

Write = Callable[[str], object]
EXAMPLE = "registry.example.com"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "config.toml", tmp_path / "cache", tmp_path / "state", timeout=5)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[DockerRegistry]:
    """A second registry, which a mirror is too."""
    with docker_registry(tmp_path / "other") as server:
        yield server


@pytest.fixture
def conf(isolated_environment: Path) -> Write:
    """Writes the user's registries.conf."""
    file = isolated_environment / "config/containers/registries.conf"
    file.parent.mkdir(parents=True)
    return file.write_text


def rule(prefix: str, location: str, *more: str) -> str:
    return "\n".join(("[[registry]]", f'prefix = "{prefix}"', f'location = "{location}"', *more, ""))


def mirrored(registry: str, *mirrors: str, more: str = "") -> str:
    tables = ", ".join(f'{{location = "{mirror}"{more}}}' for mirror in mirrors)
    return rule(registry, registry, f"mirror = [{tables}]")


async def names(session: Session, namespace: str = "") -> list[str]:
    return [name async for page in repositories(session, namespace) for name in page]


async def look(session: Session, reference: str) -> Inspected:
    return await inspect(session, parse_reference(reference))


async def files_of(session: Session, repository: str, image: Inspected) -> list[str]:
    layer = image.steps[0].layer
    assert layer
    async with aclosing(layer_files(session, repository, layer)) as events:
        seen = [event async for event in events]
    assert isinstance(seen[-1], Done)
    return [entry.path for event in seen if isinstance(event, Entries) for entry in event.entries]


def content(layout: Layout, digest: str) -> bytes:
    return (layout.folder / "blobs" / digest.replace(":", "/")).read_bytes()


async def execute(session: Session, plan: Plan) -> None:
    events = [event async for event in Runner(session).execute(plan)]
    assert isinstance(events[-1], Finished)
    assert (events[-1].failed, events[-1].left) == (0, 0)


def changes(registry: DockerRegistry) -> list[str]:
    return [line for line in registry.requests() if line.split()[0] not in ("GET", "HEAD")]


# Somewhere else


@pytest.mark.parametrize("path", ["", "/hub", "/hub/deep"])
async def test_a_registry_is_read_and_changed_at_its_location(
    registry: DockerRegistry, layout: Layout, settings: Settings, conf: Write, path: str
) -> None:
    conf(rule(EXAMPLE, f"{registry.host}{path}"))
    there = f"{path}/team/app".lstrip("/")
    layout.push(layout.image({"app": b"1"}), registry, f"{there}:1.0")
    registry.tag(there, "1.0", "2.0")
    layout.push(layout.image({"app": b"2"}), registry, "unrelated/app:1.0")
    session = await open_session(EXAMPLE, settings)
    assert await names(session) == ["team/app", *(["unrelated/app"] if not path else [])]
    assert await names(session, "team") == ["team/app"]
    image = await look(session, f"{EXAMPLE}/team/app:1.0")
    assert str(image.reference).startswith(f"{EXAMPLE}/team/app:1.0@"), "what is shown has the name that was typed"
    assert await files_of(session, "team/app", image) == ["app"]
    await execute(session, await removal.plan_removal(session, "team/app", ["2.0"]))
    assert skopeo_tags(registry, there) == ["1.0"]
    with pytest.raises(NotFound, match=f"{registry.host}/{there} has no tag 2.0"):
        await look(session, f"{EXAMPLE}/team/app:2.0")
    await session.aclose()


async def test_parts_of_a_registry_are_where_their_rules_say(
    registry: DockerRegistry, other: DockerRegistry, layout: Layout, settings: Settings, conf: Write
) -> None:
    layout.push(layout.image({"app": b"1"}), registry, "team/app:old")
    layout.push(layout.image({"app": b"1"}), registry, "secret/app:1")
    digest = layout.push(layout.image({"app": b"2"}), other, "group/team/app:new")
    layout.push(layout.image({"app": b"2"}), registry, "tool:1")
    conf(
        rule(EXAMPLE, registry.host)
        + rule(f"{EXAMPLE}/team", f"{other.host}/group/team")
        + rule(f"{EXAMPLE}/secret", f"{registry.host}/secret", "blocked = true")
    )
    session = await open_session(EXAMPLE, settings)
    assert await names(session) == ["tool", "team/app"]
    assert [tag async for page in session.client.tags("team/app") for tag in page] == ["new"]
    assert (await look(session, f"{EXAMPLE}/team/app:new")).document.digest == digest
    with pytest.raises(RegistryError, match=f"{EXAMPLE}/secret/app is blocked by .*registries.conf"):
        await look(session, f"{EXAMPLE}/secret/app:1")
    before = changes(registry)
    await execute(session, await removal.plan_removal(session, "team/app", ["new"]))
    assert changes(registry) == before
    assert any(line.startswith("DELETE /v2/group/team/app/manifests/") for line in changes(other))
    await session.aclose()


async def test_a_part_is_reached_while_the_registry_itself_is_not(
    other: DockerRegistry, layout: Layout, settings: Settings, conf: Write
) -> None:
    layout.push(layout.image({"app": b"2"}), other, "team/app:1")
    conf(rule("no-such-host.invalid/team", f"{other.host}/team"))
    session = await open_session("no-such-host.invalid", settings)
    await look(session, "no-such-host.invalid/team/app:1")
    with pytest.raises(ConnectionFailed):
        await look(session, "no-such-host.invalid/else:1")
    await session.aclose()


async def test_a_location_is_logged_in_to_by_its_own_name(
    registry_with_login: DockerRegistry, settings: Settings, conf: Write, isolated_environment: Path
) -> None:
    conf(rule(EXAMPLE, registry_with_login.host))
    keep_login(isolated_environment, registry_with_login.host, LOGIN)
    await (await open_session(EXAMPLE, settings)).aclose()


async def test_a_blocked_registry_is_not_asked(registry: DockerRegistry, settings: Settings, conf: Write) -> None:
    conf(rule(registry.host, registry.host, "blocked = true"))
    before = len(registry.requests())
    with pytest.raises(RegistryError, match=f"{registry.host} is blocked by .*/registries.conf"):
        await open_session(registry.host, settings)
    assert len(registry.requests()) == before


async def test_an_insecure_registry_is_opened_with_any_certificate(
    tmp_path: Path, settings: Settings, conf: Write
) -> None:
    with docker_registry(tmp_path / "registry", tls=True) as registry:
        with pytest.raises(TLSFailed):
            await open_session(registry.host, settings)
        conf(rule(registry.host, registry.host, "insecure = true"))
        session = await open_session(registry.host, settings)
        assert session.client.endpoint.insecure_tls, "line 1 says so"
        await session.aclose()


# Mirrors


async def test_what_a_digest_checks_comes_from_the_mirror_and_everything_else_from_the_registry(
    registry: DockerRegistry, other: DockerRegistry, layout: Layout, settings: Settings, conf: Write
) -> None:
    images = [layout.image({"app": b"1"}, platform=name) for name in ("linux/amd64", "linux/arm64")]
    for server, repository in ((registry, "team/app"), (other, "copies/team/app")):
        layout.push(layout.index(*images), server, f"{repository}:1.0")
        server.tag(repository, "1.0", "2.0")
    conf(mirrored(registry.host, f"{other.host}/copies"))
    begun, other_begun = len(registry.requests()), len(other.requests())
    session = await open_session(registry.host, settings)
    await facts(session, "team/app", "1.0")
    image = await inspect(session, parse_reference(f"{registry.host}/team/app:1.0"), "linux/arm64")
    assert await files_of(session, "team/app", image) == ["app"]
    asked, other_asked = registry.requests()[begun:], other.requests()[other_begun:]
    assert {line.replace("HEAD", "GET") for line in asked if "tags/list" not in line} == {
        "GET /v2/",
        "GET /v2/team/app/manifests/1.0",
    }
    assert "GET /v2/" in other_asked
    rest = [line for line in other_asked if line != "GET /v2/"]
    assert any("/blobs/" in line for line in rest)
    assert all(line.startswith("GET /v2/copies/team/app/") and "sha256:" in line for line in rest)

    other_begun = len(other.requests())
    await execute(session, await removal.plan_removal(session, "team/app", ["2.0"]))
    assert other.requests()[other_begun:] == [], "a plan and a change are the registry's own"
    assert skopeo_tags(registry, "team/app") == ["1.0"]
    assert sorted(skopeo_tags(other, "copies/team/app")) == ["1.0", "2.0"]
    await session.aclose()


async def test_a_mirror_that_lacks_it_or_is_dead_is_passed_over(
    registry: DockerRegistry, other: DockerRegistry, layout: Layout, settings: Settings, conf: Write
) -> None:
    layout.push(layout.image({"app": b"1"}), registry, "team/app:1.0")
    async with raw_server(keeps_silent) as gone:
        pass
    conf(mirrored(registry.host, gone.host, other.host))
    session = await open_session(registry.host, settings)
    image = await look(session, f"{registry.host}/team/app:1.0")
    assert image.config
    assert await files_of(session, "team/app", image) == ["app"]
    await session.aclose()


async def test_a_mirror_with_other_bytes_is_found_out_and_left_alone(
    registry: DockerRegistry, layout: Layout, settings: Settings, conf: Write
) -> None:
    digest = layout.push(layout.image({"app": b"1"}), registry, "team/app:1.0")

    async def lies(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async with raw_server(lies) as liar:
        conf(mirrored(registry.host, liar.host))
        session = await open_session(registry.host, settings)
        image = await look(session, f"{registry.host}/team/app@{digest}")
        assert image.config
        asked = len(liar.heads)
        assert await files_of(session, "team/app", image) == ["app"]
        assert len(liar.heads) == asked, "it isn't asked again for a while"
        await session.aclose()


async def test_a_mirror_that_drips_is_left_for_the_registry(
    registry: DockerRegistry, layout: Layout, settings: Settings, conf: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = layout.push(layout.image({"app": b"1"}), registry, "team/app:1.0")
    monkeypatch.setattr("regtui.operations.mirrors.READ_PATIENCE", 0.5)

    async def drips(peer: Peer) -> None:
        while b"/manifests/" not in await peer.request():
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            await peer.send(b" ")
            await asyncio.sleep(0.1)

    async with raw_server(drips) as mirror, asyncio.timeout(20):
        conf(mirrored(registry.host, mirror.host))
        session = await open_session(registry.host, settings)
        assert (await document(session, "team/app", digest, mirrored=True)).digest == digest
        await session.aclose()
        assert any(b"/manifests/" in head for head in mirror.heads)


async def test_a_layer_that_is_another_at_the_mirror_is_the_registry_s_at_the_next_try(
    registry: DockerRegistry, layout: Layout, settings: Settings, conf: Write
) -> None:
    layout.push(layout.image({"app": b"1"}), registry, "team/app:1.0")

    async def another(peer: Peer) -> None:
        head = await peer.request()
        size = 4 if b"/blobs/" in head else 0
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % size + b"evil"[:size])

    session = await open_session(registry.host, settings)
    image = await look(session, f"{registry.host}/team/app:1.0")
    await session.aclose()
    async with raw_server(another) as mirror:
        conf(mirrored(registry.host, mirror.host))
        session = await open_session(registry.host, settings)
        with pytest.raises(ContentError):
            await files_of(session, "team/app", image)
        assert await files_of(session, "team/app", image) == ["app"]
        await session.aclose()


async def test_a_layer_that_breaks_off_at_the_mirror_goes_on_from_the_registry(
    registry: DockerRegistry, layout: Layout, settings: Settings, conf: Write
) -> None:
    layout.push(layout.image({"app": b"1" * 1000}), registry, "team/app:1.0")

    async def breaks_off(peer: Peer) -> None:
        head = await peer.request()
        if b"/blobs/" not in head:
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + layer[:20])

    session = await open_session(registry.host, settings)
    image = await look(session, f"{registry.host}/team/app:1.0")
    await session.aclose()
    descriptor = image.steps[0].layer
    assert descriptor
    layer = content(layout, descriptor.digest)
    async with raw_server(breaks_off) as mirror:
        conf(mirrored(registry.host, mirror.host))
        session = await open_session(registry.host, settings)
        assert await files_of(session, "team/app", image) == ["app"]
        assert any(b"/blobs/" in head for head in mirror.heads)
        await session.aclose()


async def test_a_mirror_for_tags_only_is_never_asked(
    registry: DockerRegistry, other: DockerRegistry, layout: Layout, settings: Settings, conf: Write
) -> None:
    layout.push(layout.image({"app": b"1"}), registry, "team/app:1.0")
    conf(mirrored(registry.host, other.host, more=', pull-from-mirror = "tag-only"'))
    begun = len(other.requests())
    session = await open_session(registry.host, settings)
    await look(session, f"{registry.host}/team/app:1.0")
    await session.aclose()
    assert other.requests()[begun:] == []


async def test_a_mirror_sees_no_login_of_the_registry(
    registry_with_login: DockerRegistry, layout: Layout, settings: Settings, conf: Write
) -> None:
    layout.push(layout.image({"app": b"1"}), registry_with_login, "team/app:1.0")

    async def wants_a_login(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n")

    async with raw_server(wants_a_login) as mirror:
        conf(mirrored(registry_with_login.host, mirror.host))
        session = await open_session(registry_with_login.host, settings, credentials=Credentials(*LOGIN))
        assert (await look(session, f"{registry_with_login.host}/team/app:1.0")).config
        await session.aclose()
    assert mirror.heads
    assert not any(b"authorization" in head.lower() for head in mirror.heads)


async def test_a_mirror_sees_no_client_certificate_of_the_registry(
    tmp_path: Path, layout: Layout, settings: Settings, conf: Write
) -> None:
    authority, seen = Authority(tmp_path), list[bool]()

    async def notes(peer: Peer) -> None:
        seen.append(bool(peer.writer.get_extra_info("peercert")))
        await peer.request()
        await peer.send(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    tls = authority.server(wants_client=True)
    tls.verify_mode = ssl.CERT_OPTIONAL
    with docker_registry(tmp_path / "registry", tls=True, client_cert=True) as registry:
        layout.push(layout.image({"app": b"1"}), registry, "team/app:1.0")
        own = RegistrySettings(ca_file=str(registry.ca_file), client_cert=str(registry.client_cert))
        async with raw_server(notes, tls) as mirror:
            conf(mirrored(registry.host, mirror.host))
            mirrors = RegistrySettings(ca_file=authority.ca_file)
            known = replace(settings, registries={registry.host: own, mirror.host: mirrors})
            session = await open_session(registry.host, known)
            assert (await look(session, f"{registry.host}/team/app:1.0")).config
            await session.aclose()
    assert seen
    assert not any(seen)


async def test_a_plan_reads_at_the_registry_what_the_app_shows_from_a_mirror(
    registry: DockerRegistry, other: DockerRegistry, layout: Layout, settings: Settings, conf: Write
) -> None:
    digest = layout.push(layout.image({"app": b"1"}), other, "team/app:1.0")
    conf(mirrored(registry.host, other.host))
    session = await open_session(registry.host, settings)
    with pytest.raises(NotFound):
        await document(session, "team/app", digest)
    assert (await document(session, "team/app", digest, mirrored=True)).digest == digest
    await session.aclose()


@pytest.mark.parametrize("path", ["", "/copies"])
async def test_a_registry_out_of_reach_is_opened_on_its_mirror_to_be_read(
    other: DockerRegistry, layout: Layout, settings: Settings, conf: Write, path: str
) -> None:
    layout.push(layout.image({"app": b"1"}), other, f"{path}/team/app:1.0".lstrip("/"))
    gone = "no-such-host.invalid"
    conf(mirrored(gone, gone, f"{other.host}{path}"))
    session = await open_session(gone, settings)
    assert (session.registry, session.mirror, session.read_only) == (gone, f"{other.host}{path}", True)
    assert await names(session) == ["team/app"]
    assert (await look(session, f"{gone}/team/app:1.0")).config
    with pytest.raises(ReadOnly, match=f"{gone} can't be reached, and its mirror {other.host}{path} is only read"):
        await removal.plan_removal(session, "team/app", ["1.0"])
    runner_client = session.new_client()
    with pytest.raises(ReadOnly):
        await runner_client.delete_manifest("team/app", "1.0")
    await runner_client.aclose()
    await session.aclose()


async def test_a_certificate_that_isn_t_trusted_is_no_reason_to_go_to_a_mirror(
    tmp_path: Path, other: DockerRegistry, settings: Settings, conf: Write
) -> None:
    with docker_registry(tmp_path / "registry", tls=True) as registry:
        conf(mirrored(registry.host, other.host))
        with pytest.raises(TLSFailed):
            await open_session(registry.host, settings)


async def test_what_a_run_s_flags_say_is_not_said_of_mirrors(
    tmp_path: Path, layout: Layout, settings: Settings, conf: Write
) -> None:
    with (
        docker_registry(tmp_path / "registry", tls=True) as registry,
        docker_registry(tmp_path / "mirror", tls=True) as mirror,
    ):
        layout.push(layout.image({"app": b"1"}), registry, "team/app:1.0")
        conf(mirrored(registry.host, mirror.host))
        begun = len(mirror.requests())
        session = await open_session(registry.host, replace(settings, insecure_tls=True))
        assert (await look(session, f"{registry.host}/team/app:1.0")).config
        await session.aclose()
        assert mirror.requests()[begun:] == [], "its certificate isn't trusted"
