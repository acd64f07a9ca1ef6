"""Credentials: where they are looked for, under which names, and how helpers are asked."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from regtui.errors import ContentError, RegistryError
from regtui.registry import credential_files as module
from regtui.registry import helpers
from regtui.registry.credentials import Credentials, find_credentials, known_registries

HOST = "registry.example.com:5000"


def entry(username: str, password: str = "secret") -> dict[str, str]:
    return {"auth": b64encode(f"{username}:{password}".encode()).decode()}


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


@pytest.fixture
def home(isolated_environment: Path) -> Path:
    return isolated_environment


@pytest.fixture
def docker(home: Path) -> Path:
    """Docker's file, not yet written."""
    return home / ".docker/config.json"


async def user(registry: str = HOST, repository: str = "") -> str | None:
    found = await find_credentials(registry, repository)
    return found.username if found else None


# --- Files, in order


async def test_nothing_is_found_where_nothing_is(home: Path) -> None:
    assert await find_credentials(HOST) is None
    assert known_registries() == []


async def test_the_places_are_looked_at_in_order(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = {
        "REGISTRY_AUTH_FILE": home / "auth.json",
        "runtime": home / "run/containers/auth.json",
        "config": home / "config/containers/auth.json",
        "dockercfg": home / ".dockercfg",
        "docker": home / "dot-docker/config.json",
    }
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(places["REGISTRY_AUTH_FILE"]))
    monkeypatch.setenv("DOCKER_CONFIG", str(home / "dot-docker"))
    for name, path in places.items():
        write(path, {HOST: entry(name)} if name == "dockercfg" else {"auths": {HOST: entry(name)}})
    monkeypatch.setenv("REGTUI_USERNAME", "environment")  # for the registry that the command line names, no other
    monkeypatch.setenv("REGTUI_PASSWORD", "")
    for name, path in places.items():
        assert await user() == name
        path.unlink()
    assert await user() is None


@pytest.mark.parametrize(
    ("key", "registry"),
    [
        (HOST, HOST),
        (f"https://{HOST}", HOST),
        (f"http://{HOST}/", HOST),
        (f"https://{HOST}/v1/", HOST),
        (f"{HOST}/v2/", HOST),
        (HOST.upper(), HOST),
        ("https://index.docker.io/v1/", "docker.io"),
        ("index.docker.io", "docker.io"),
        ("docker.io", "docker.io"),
        ("[::1]:5000", "[::1]:5000"),
    ],
)
async def test_a_registry_is_found_under_every_spelling(docker: Path, key: str, registry: str) -> None:
    write(docker, {"auths": {key: entry("someone")}})
    assert await user(registry) == "someone"
    assert await user("other.example.com") is None
    assert known_registries() == [registry]


async def test_another_port_is_another_registry(docker: Path) -> None:
    write(docker, {"auths": {"registry.example.com": entry("someone")}})
    assert await user(HOST) is None


async def test_the_nearest_path_counts(home: Path) -> None:
    auths = {HOST: entry("host"), f"{HOST}/team": entry("team"), f"{HOST}/team/app": entry("app")}
    write(home / "config/containers/auth.json", {"auths": auths})
    assert await user(HOST, "team/app") == "app"
    assert await user(HOST, "team/other/thing") == "team"
    assert await user(HOST, "teams") == "host"
    assert await user(HOST) == "host"
    assert known_registries() == [HOST]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (entry("someone", "a:b"), Credentials("someone", "a:b")),
        ({"auth": b64encode(b"someone:secret\0\0").decode()}, Credentials("someone", "secret")),
        ({"auth": b64encode("jürgen:geheim".encode()).decode().rstrip("=")}, Credentials("jürgen", "geheim")),
        ({"username": "someone", "password": "secret"}, Credentials("someone", "secret")),
        ({**entry("someone", ""), "identitytoken": "token"}, Credentials("someone", "", "token")),
        (entry("<token>", "token"), Credentials("<token>", "", "token")),
        ({}, None),
        (None, None),
        ({"auth": "!"}, None),
        ({"auth": ""}, None),
    ],
)
async def test_entries_hold_passwords_or_identity_tokens(docker: Path, written: Any, expected: object) -> None:
    write(docker, {"auths": {HOST: written}, "unknown": {"a": 1}})
    assert await find_credentials(HOST) == expected


async def test_a_file_that_cannot_be_read_is_named(docker: Path, home: Path) -> None:
    write(docker, "{not json")
    with pytest.raises(ContentError, match=r"\.docker/config\.json can't be read"):
        await find_credentials(HOST)
    write(docker, " " * (module.FILE_LIMIT + 1))
    with pytest.raises(ContentError, match=r"\.docker/config\.json has"):
        await find_credentials(HOST)
    docker.unlink()  # noqa: ASYNC240
    docker.mkdir()  # noqa: ASYNC240
    with pytest.raises(RegistryError, match=r"\.docker/config\.json can't be read: Is a directory"):
        await find_credentials(HOST)
    write(home / ".dockercfg", {HOST: entry("someone")})
    assert known_registries() == [HOST]


async def test_an_empty_file_holds_nothing(docker: Path) -> None:
    write(docker, "")
    assert await user() is None


# --- Helpers


@pytest.fixture
def helper(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of `docker-credential-test`, which answers with the file beside it and notes what it was asked."""
    folder = home / "bin"
    script = (
        f'#!/bin/sh\nread -r server; echo "$1 $server" >> {folder}/asked\n'
        f'cat {folder}/answer; exit "$(cat {folder}/code)"\n'
    )
    write(folder / "docker-credential-test", script)
    (folder / "docker-credential-test").chmod(0o755)
    write(folder / "code", "0")
    write(folder / "answer", {"ServerURL": "x", "Username": "helped", "Secret": "secret"})
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def asked(folder: Path) -> list[str]:
    return (folder / "asked").read_text().splitlines()


async def test_a_helper_of_one_registry_is_asked_by_its_name(docker: Path, helper: Path) -> None:
    write(docker, {"credHelpers": {HOST: "test"}, "credsStore": "missing", "auths": {HOST: entry("file")}})
    assert await find_credentials(HOST) == Credentials("helped", "secret")
    assert asked(helper) == [f"get {HOST}"]
    assert known_registries() == [HOST]


async def test_the_store_is_asked_by_the_name_it_was_given(docker: Path, helper: Path) -> None:
    write(docker, {"credsStore": "test", "auths": {f"https://{HOST}": {}}})
    assert await user() == "helped"
    assert await user("other.example.com") == "helped"
    assert await user("docker.io") == "helped"
    assert await user("docker.io", "library/debian") == "helped"
    hub = "get https://index.docker.io/v1/"
    assert asked(helper) == [f"get https://{HOST}", "get other.example.com", hub, hub]


async def test_what_a_helper_does_not_have_may_stand_in_the_file(docker: Path, helper: Path) -> None:
    write(helper / "code", "1")
    write(helper / "answer", "credentials not found in native keychain\n")
    write(docker, {"credsStore": "test"})
    assert await user() is None
    write(docker, {"credsStore": "test", "auths": {HOST: entry("file")}})
    assert await user() == "file"


async def test_a_helper_may_give_an_identity_token(docker: Path, helper: Path) -> None:
    write(helper / "answer", {"Username": "<token>", "Secret": "token"})
    write(docker, {"credsStore": "test"})
    assert await find_credentials(HOST) == Credentials("<token>", "", "token")


async def test_a_missing_helper_is_named(docker: Path) -> None:
    write(docker, {"credsStore": "missing"})
    with pytest.raises(RegistryError, match=r"'docker-credential-missing' for .* is not installed"):
        await find_credentials(HOST)


@pytest.mark.parametrize("name", ["../evil", "a b", "a;b", "a/b", "a\n"])
async def test_a_helpers_name_is_no_path_and_no_command(docker: Path, name: str) -> None:
    write(docker, {"credsStore": name})
    with pytest.raises(RegistryError, match="is not installed"):
        await find_credentials(HOST)


async def test_a_failing_helper_is_named_with_what_it_said(docker: Path, helper: Path) -> None:
    write(helper / "code", "1")
    write(helper / "answer", "the keychain is locked\n")
    write(docker, {"credsStore": "test"})
    with pytest.raises(RegistryError, match=r"docker-credential-test failed for .*: the keychain is locked"):
        await find_credentials(HOST)


async def test_a_babbling_helper_is_named_without_its_words(docker: Path, helper: Path) -> None:
    write(helper / "answer", '{"Username": 1, "Secret": "hunter2"}')
    write(docker, {"credsStore": "test"})
    with pytest.raises(RegistryError, match="docker-credential-test did not answer") as caught:
        await find_credentials(HOST)
    assert "hunter2" not in str(caught.value)


async def test_a_silent_helper_is_stopped(docker: Path, helper: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(helper / "docker-credential-test", "#!/bin/sh\nexec sleep 60\n")
    write(docker, {"credsStore": "test"})
    monkeypatch.setattr(helpers, "HELPER_TIMEOUT", 0.1)
    with pytest.raises(RegistryError, match="docker-credential-test gave no answer"):
        await find_credentials(HOST)


async def test_podmans_helpers_are_asked_last(home: Path, helper: Path) -> None:
    conf = home / "config/containers/registries.conf"
    write(conf, 'credential-helpers = ["containers-auth.json", "test"]\n[[registry]]\nlocation = "x"\n')
    assert await user() == "helped"
    write(home / "config/containers/auth.json", {"auths": {HOST: entry("file")}})
    assert await user() == "file"
    write(conf, "not toml")
    assert await user("other.example.com") is None
