"""With `--read-only`, `REGTUI_READ_ONLY` or a registry's `read_only = true`, no write leaves, whoever asks for it.

The proof is the access log of real servers. What is sent by POST all the same reads: a vendor's search or login.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from regtui.config import Settings, load_settings
from regtui.errors import ReadOnly
from regtui.oci.digest import digest_of
from regtui.operations import removal
from regtui.operations.runner import Runner
from regtui.operations.session import open_session
from regtui.registry.client import Client
from regtui.registry.tokens import Access
from tests.cli.conftest import regtui
from tests.registry.fakes import HOST, SOMEONE, problem
from tests.registry.test_tokens import TokenRegistry
from tests.registry_servers.docker_registry import DockerRegistry, docker_registry
from tests.registry_servers.guarded import MAINTAINER, Guarded
from tests.registry_servers.images import Layout

WAYS = ("flag", "environment", "setting")
METHODS = ("POST", "PUT", "PATCH", "DELETE")
DATA = b"a blob"


@pytest.fixture
def other(tmp_path: Path) -> Iterator[DockerRegistry]:
    with docker_registry(tmp_path / "other") as server:
        yield server


@pytest.fixture
def filled(
    registry: DockerRegistry, other: DockerRegistry, layout: Layout, isolated_environment: Path
) -> DockerRegistry:
    """team/app is in the registry itself, moved/app in another one, as registries.conf says."""
    image = layout.image({"app": b"1"})
    layout.push(image, registry, "team/app:1.0")
    layout.push(image, other, "moved/app:1.0")
    file = isolated_environment / "config/containers/registries.conf"
    file.parent.mkdir(parents=True)
    file.write_text(f'[[registry]]\nprefix = "{registry.host}/moved"\nlocation = "{other.host}/moved"\n')
    return registry


@pytest.fixture(params=WAYS)
def settings(
    request: pytest.FixtureRequest, filled: DockerRegistry, isolated_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """Each way to switch changes off."""
    if request.param == "environment":
        monkeypatch.setenv("REGTUI_READ_ONLY", "1")
    elif request.param == "setting":
        file = isolated_environment / "config/regtui/config.toml"
        file.parent.mkdir(parents=True)
        file.write_text(f'[registry."{filled.host}"]\nread_only = true\n')
    return load_settings({"read_only": True} if request.param == "flag" else {})


async def chunks() -> AsyncIterator[bytes]:
    yield DATA


def changes(client: Client, repository: str) -> list[Callable[[], Awaitable[object]]]:
    """Everything that a client can be asked to change, and that looks whether it could."""
    digest = digest_of(DATA)
    return [
        lambda: client.put_manifest(repository, "new", b"{}", "application/json"),
        lambda: client.delete_manifest(repository, "1.0"),
        lambda: client.delete_manifest(repository, digest),
        lambda: client.may_delete(repository),
        lambda: client.mount_blob(repository, digest, f"{repository}/base"),
        lambda: client.upload_blob(repository, digest, len(DATA), chunks()),
    ]


async def test_no_client_of_a_session_sends_a_write_wherever_the_repository_is(
    filled: DockerRegistry, other: DockerRegistry, settings: Settings
) -> None:
    before = {server.host: len(server.requests()) for server in (filled, other)}
    session = await open_session(filled.host, settings)
    runners = session.new_client()
    for client in (session.client, runners):
        for repository in ("team/app", "moved/app"):
            assert (await client.manifest(repository, "1.0")).raw
            for change in changes(client, repository):
                with pytest.raises(ReadOnly, match="switched off"):
                    await change()
    await runners.aclose()
    await session.aclose()
    for server in (filled, other):
        sent = server.requests()[before[server.host] :]
        assert sent
        assert {line.split()[0] for line in sent} <= {"GET", "HEAD"}


async def test_a_plan_that_was_made_before_is_not_run(filled: DockerRegistry, settings: Settings) -> None:
    may = await open_session(filled.host, Settings(settings.config_file, settings.cache_dir, settings.state_dir))
    plan = await removal.plan_removal(may, "team/app", ["1.0"])
    await may.aclose()
    before = len(filled.requests())
    session = await open_session(filled.host, settings)
    with pytest.raises(ReadOnly, match="read-only"):
        async for _ in Runner(session).execute(plan):
            pass
    with pytest.raises(ReadOnly, match="Leave out --read-only, or read_only in the settings"):
        await removal.plan_removal(session, "team/app", ["1.0"])
    assert not session.journal.changes(1)
    await session.aclose()
    assert {line.split()[0] for line in filled.requests()[before:]} <= {"GET", "HEAD"}


def test_every_command_says_why_it_changes_nothing(filled: DockerRegistry, settings: Settings, layout: Layout) -> None:
    flags = ["--read-only"] if settings.read_only else []
    before = len(filled.requests())
    reference = f"{filled.host}/team/app:1.0"
    for words in (
        ("rm", "--yes", reference),
        ("rm", "--dry-run", reference),
        ("tag", reference, "new"),
        ("cp", "--yes", reference, f"{filled.host}/team/copy:1.0"),
        ("mv", "--yes", reference, f"{filled.host}/team/copy:1.0"),
        ("push", "--yes", f"oci:{layout.folder}:push-0", f"{filled.host}/team/pushed:1.0"),
    ):
        ran = regtui(*words, *flags)
        assert ran.code == 1
        assert "read-only" in ran.err
        assert ran.out == ""
    assert {line.split()[0] for line in filled.requests()[before:]} <= {"GET", "HEAD"}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("url", ["/v2/team/app/blobs/uploads/", "https://api.example.com/tags/1"])
async def test_the_one_place_that_all_requests_go_through_refuses(method: str, url: str) -> None:
    server = TokenRegistry()
    client = server.client(read_only=True)
    with pytest.raises(ReadOnly, match=HOST):
        await client._exchange.send(method, url, Access(), limit=1000)
    assert not server.requests


# --- Tokens


async def test_tokens_are_asked_to_pull_and_no_more(with_tokens: Guarded) -> None:
    session = await open_session(with_tokens.host, load_settings({"read_only": True}))
    for client in (session.client, session.new_client()):
        assert (await client.manifest("team/app", "1.0")).raw
        for change in changes(client, "team/app"):
            with pytest.raises(ReadOnly):
                await change()
        await client.aclose()
    assert {asked.user for asked in with_tokens.tokens.asked} == {MAINTAINER[0]}
    assert set().union(*(asked.actions for asked in with_tokens.tokens.asked)) == {"pull"}
    assert {line.split()[0] for line in with_tokens.registry.requests()[-4:]} <= {"GET", "HEAD"}


async def test_a_challenge_that_wants_more_is_given_a_token_to_pull() -> None:
    server = TokenRegistry()
    wants = 'scope="repository:team/app:pull,push,delete repository:team/base:push registry:catalog:*"'

    def registry(request: object) -> object:
        return problem(401, "UNAUTHORIZED", www_authenticate=f'Bearer realm="{server.realm}",service="it",{wants}')

    server.registry = registry  # type: ignore[method-assign,assignment]
    client = server.client(read_only=True, login=SOMEONE)
    with pytest.raises(Exception, match="team/app"):
        await client.head("team/app", "1.0")
    assert server.logins
    for number in range(len(server.logins)):
        assert set(server.asked_for(number)) <= {"repository:team/app:pull", "registry:catalog:*"}
