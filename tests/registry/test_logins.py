# ruff: noqa: ASYNC220, ASYNC240
"""Keeping logins and taking them away: where docker and podman look, and nothing else touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from regtui.errors import RegistryError, RegtuiError
from regtui.registry import login_edits
from regtui.registry.credentials import Credentials, find_credentials
from regtui.registry.logins import Erased, Kept, erase, store
from tests.registry.logins import HOST, Helper, basic, mode, write

SOMEONE = Credentials("someone", "pass:wörd")
ENTRY = basic("someone", "pass:wörd")
HUB = "https://index.docker.io/v1/"


@pytest.fixture
def home(isolated_environment: Path) -> Path:
    return isolated_environment


@pytest.fixture
def docker(home: Path) -> Path:
    """Docker's file, not yet written."""
    return home / ".docker/config.json"


@pytest.fixture
def podman(home: Path) -> Path:
    """Podman's lasting file, not yet written."""
    return home / "config/containers/auth.json"


@pytest.fixture
def helper(home: Path, monkeypatch: pytest.MonkeyPatch) -> Helper:
    monkeypatch.setenv("PATH", f"{home / 'bin'}:{os.environ['PATH']}")
    return Helper(home / "bin")


def read(path: Path) -> Any:
    return json.loads(path.read_text())


# --- Where a login goes


async def test_without_any_file_it_is_dockers_and_nobody_else_may_read_it(docker: Path) -> None:
    assert await store(HOST, SOMEONE) == Kept(str(docker), is_plain=True)
    assert read(docker) == {"auths": {HOST: ENTRY}}
    assert mode(docker) == 0o600
    assert mode(docker.parent) == 0o700
    assert [path.name for path in docker.parent.iterdir()] == ["config.json"]
    assert await find_credentials(HOST) == SOMEONE


async def test_docker_hub_has_dockers_key_in_dockers_file_and_podmans_in_podmans(docker: Path, podman: Path) -> None:
    await store("docker.io", SOMEONE)
    assert read(docker) == {"auths": {HUB: ENTRY}}
    docker.unlink()
    write(podman, {})
    await store("docker.io", SOMEONE)
    assert read(podman) == {"auths": {"docker.io": ENTRY}}
    assert await find_credentials("docker.io") == SOMEONE


async def test_podmans_file_has_it_when_it_had_it_before(docker: Path, podman: Path) -> None:
    write(docker, {})
    write(podman, {"auths": {f"https://{HOST}": basic("old")}})
    assert (await store(HOST, SOMEONE)).where == str(podman)
    assert (await store("a.example", SOMEONE)).where == str(docker)
    assert await find_credentials(HOST) == SOMEONE


async def test_the_named_file_has_it(home: Path, docker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(home / "named/auth.json"))
    write(docker, {"auths": {HOST: basic("old")}})
    assert await store(HOST, SOMEONE) == Kept(str(home / "named/auth.json"), is_plain=True)
    assert read(docker) == {"auths": {HOST: basic("old")}}


async def test_a_namespaces_login_is_podmans_kind(docker: Path, podman: Path) -> None:
    write(docker, {})
    assert (await store(f"{HOST}/team", SOMEONE)).where == str(podman)
    assert read(podman) == {"auths": {f"{HOST}/team": ENTRY}}
    assert await find_credentials(HOST, "team/app") == SOMEONE
    assert await find_credentials(HOST) is None


async def test_an_identity_token_is_kept_as_one(docker: Path, helper: Helper) -> None:
    token = Credentials("<token>", "", "identity")
    await store(HOST, token)
    assert read(docker)["auths"][HOST] == {"identitytoken": "identity"}
    assert await find_credentials(HOST) == token
    write(docker, {"credsStore": "test"})
    await store(HOST, token)
    assert helper.kept == {HOST: ["<token>", "identity"]}


async def test_who_reads_another_login_first_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home / ".dockercfg", {HOST: basic("old")})
    assert (await store(HOST, SOMEONE)).shadowed_by == str(home / ".dockercfg")
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", json.dumps({"auths": {HOST: basic("job")}}))
    assert (await store(HOST, SOMEONE)).shadowed_by == "DOCKER_AUTH_CONFIG"


# --- Helpers


async def test_the_helper_of_the_file_keeps_it_and_the_file_says_so(docker: Path, helper: Helper) -> None:
    write(docker, {"credsStore": "test", "auths": {HOST: basic("old")}, "psFormat": "x"})
    assert await store(HOST, SOMEONE) == Kept("docker-credential-test", is_plain=False)
    await store("docker.io", SOMEONE)
    assert helper.kept == {HOST: ["someone", "pass:wörd"], HUB: ["someone", "pass:wörd"]}
    assert read(docker) == {"credsStore": "test", "auths": {HOST: {}, HUB: {}}, "psFormat": "x"}
    assert "pass" not in "".join(helper.asked), "secrets are no arguments"


async def test_the_registrys_own_helper_comes_first_and_an_empty_one_means_the_file(
    docker: Path, helper: Helper
) -> None:
    write(docker, {"credHelpers": {HOST: "test", "a.example": ""}, "credsStore": "missing"})
    assert (await store(HOST, SOMEONE)).where == "docker-credential-test"
    assert (await store("a.example", SOMEONE)).where == str(docker)
    with pytest.raises(RegistryError, match=r"'docker-credential-missing' for b.example is not installed"):
        await store("b.example", SOMEONE)


async def test_a_helper_that_does_not_keep_it_is_named_without_the_secret(docker: Path, helper: Helper) -> None:
    write(docker, {"credsStore": "test"})
    helper.answers("pass not initialized", code=1)
    with pytest.raises(RegistryError, match=r"docker-credential-test failed for .*: pass not initialized"):
        await store(HOST, SOMEONE)
    helper.answers('can\'t store {"Secret": "pass:wörd"}', code=1)
    with pytest.raises(RegistryError, match=rf"docker-credential-test failed for {HOST}$"):
        await store(HOST, SOMEONE)
    assert read(docker) == {"credsStore": "test"}


# --- The file


async def test_everything_else_in_the_file_stays(docker: Path) -> None:
    others: dict[str, Any] = {
        "HttpHeaders": {"X-Meta": "ü"},
        "unknown": [1, 1.5, None, True, 12345678901234567890123, {"deep": {}}],
        "auths": {"a.example": basic("a"), HOST: {"auth": "b2xkOm9sZA==", "email": "a@b.example", "new": 1}},
    }
    write(docker, "\ufeff" + json.dumps(others))
    await store(HOST, SOMEONE)
    expected = {**others, "auths": {"a.example": basic("a"), HOST: {**ENTRY, "email": "a@b.example", "new": 1}}}
    assert read(docker) == expected


async def test_a_file_for_everybody_becomes_private_and_a_link_stays_a_link(home: Path, docker: Path) -> None:
    target = write(home / "dotfiles/docker.json", {"auths": {}})
    target.chmod(0o644)
    docker.parent.mkdir()
    docker.symlink_to(target)
    await store(HOST, SOMEONE)
    assert docker.is_symlink()
    assert read(target) == {"auths": {HOST: ENTRY}}
    assert mode(target) == 0o600


async def test_a_link_to_nothing_is_filled(home: Path, docker: Path) -> None:
    docker.parent.mkdir()
    docker.symlink_to(home / "dotfiles/docker.json")
    await store(HOST, SOMEONE)
    assert read(home / "dotfiles/docker.json") == {"auths": {HOST: ENTRY}}


@pytest.mark.parametrize("content", ["{broken", "[]", '{"auths": []}', "[" * 100_000])
async def test_a_broken_file_is_left_alone(docker: Path, content: str) -> None:
    write(docker, content)
    with pytest.raises(RegtuiError, match=r"config\.json"):
        await store(HOST, SOMEONE)
    assert docker.read_text() == content


async def test_a_file_that_cannot_be_written_is_named(
    docker: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*names: object) -> None:
        raise PermissionError(13, "Permission denied")

    write(docker, {})
    monkeypatch.setattr("regtui.registry.login_edits.os.replace", refuse)
    with pytest.raises(RegistryError, match=r"logins in .*config\.json can't be changed: Permission denied"):
        await store(HOST, SOMEONE)
    assert [path.name for path in docker.parent.iterdir()] == ["config.json"], "no draft is left"
    monkeypatch.setenv("DOCKER_CONFIG", str(write(home / "file", "")))
    with pytest.raises(RegistryError, match="can't be changed"):
        await store(HOST, SOMEONE)


async def test_many_that_write_at_once_lose_nothing(docker: Path) -> None:
    code = (
        "import asyncio, sys\n"
        "from regtui.registry.logins import Credentials, store\n"
        "for number in range(10): asyncio.run(store(f'{sys.argv[1]}-{number}.example', Credentials('a', 'b')))"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, name]) for name in "abcd"]
    assert [process.wait() for process in started] == [0, 0, 0, 0]
    assert len(read(docker)["auths"]) == 40


async def test_a_folder_that_another_holds_is_not_waited_for_forever(
    docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from regtui.registry.credential_files import LoginFile

    monkeypatch.setattr(login_edits, "PATIENCE", 0.05)

    def inside(entries: dict[str, Any]) -> bool:
        return login_edits.edit(LoginFile(docker), lambda entries: True)

    with pytest.raises(RegistryError, match="can't be changed: Resource temporarily unavailable"):
        login_edits.edit(LoginFile(docker), inside)


# --- Taking them away


async def test_a_login_is_taken_from_everywhere_under_every_name(
    home: Path, docker: Path, podman: Path, helper: Helper
) -> None:
    write(
        docker, {"auths": {HUB: {}, "docker.io": basic("a"), f"{HUB}access-token": {}, HOST: {}}, "credsStore": "test"}
    )
    write(podman, {"auths": {"docker.io": basic("b"), "docker.io/team": basic("team")}, "x": 1})
    write(home / ".dockercfg", {"https://index.docker.io/v1": basic("c")})
    await store_in(helper, {HUB: "a", f"{HUB}access-token": "b", "docker.io": "c", HOST: "d"})
    removed = (str(podman), str(home / ".dockercfg"), "docker-credential-test", str(docker))
    assert await erase("docker.io") == Erased(removed, ())
    assert read(docker) == {"auths": {HOST: {}}, "credsStore": "test"}
    assert read(podman) == {"auths": {"docker.io/team": basic("team")}, "x": 1}
    assert read(home / ".dockercfg") == {}
    assert list(helper.kept) == [HOST]
    assert await erase("docker.io") == Erased((), ())


async def store_in(helper: Helper, logins: dict[str, str]) -> None:
    write(helper.folder / "kept.json", {server: [name, "s"] for server, name in logins.items()})


async def test_a_namespaces_login_goes_alone(podman: Path) -> None:
    write(podman, {"auths": {HOST: basic("host"), f"{HOST}/team": basic("team"), f"{HOST}/team/app": basic("app")}})
    assert await erase(f"{HOST}/team") == Erased((str(podman),), ())
    assert list(read(podman)["auths"]) == [HOST, f"{HOST}/team/app"]


async def test_what_is_left_is_named(home: Path, docker: Path, podman: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(podman, "{broken")
    write(docker, {"auths": {HOST: basic("a")}, "credHelpers": {HOST: "missing"}})
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", json.dumps({"auths": {HOST: basic("job")}}))
    erased = await erase(HOST)
    assert erased.removed == (str(docker),)
    broken, missing, variable = erased.left
    assert f"file {podman} can't be read" in broken
    assert missing == f"The credential helper 'docker-credential-missing' for {HOST} is not installed"
    assert variable == "The environment variable DOCKER_AUTH_CONFIG still holds a login"


async def test_podmans_helpers_forget_it_too(home: Path, helper: Helper) -> None:
    write(home / "config/containers/registries.conf", 'credential-helpers = ["test"]')
    await store_in(helper, {f"https://{HOST}": "a", "a.example": "b"})
    assert await erase(HOST) == Erased(("docker-credential-test",), ())
    assert list(helper.kept) == ["a.example"]
