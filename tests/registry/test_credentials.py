"""Credentials: where they are looked for, under which names, and how helpers are asked."""

from __future__ import annotations

import asyncio
import os
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from regtui.errors import ContentError, RegistryError
from regtui.registry import credential_files, helpers
from regtui.registry.credentials import Credentials, Told, find_credentials, find_login, known_registries
from tests.registry.logins import HOST, Helper, basic, write

DOCKER = ".docker/config.json"
PODMAN = "config/containers/auth.json"
RUNTIME = "run/containers/auth.json"
SOMEONE = basic("someone")
HUB = "https://index.docker.io/v1/"
KEPT = {
    HOST: ("kept", "s"),
    f"https://{HOST}": ("kept-by-url", "s"),
    HUB: ("kept-for-hub", "s"),
    "token.example.com": ("<token>", "s"),
}
"""What `docker-credential-test` keeps in every case."""


class Case(NamedTuple):
    """Given these files (and variables, in capitals), a look for `registry` and `repository` finds `who`."""

    says: str
    given: Mapping[str, Any]
    who: str | None
    registry: str = HOST
    repository: str = ""


def auths(*keys: str, **named: Any) -> dict[str, Any]:
    """A file with these keys, all for someone; and with `named` beside them."""
    return {"auths": dict.fromkeys(keys, SOMEONE), **named}


def by_key(logins: dict[str, str]) -> dict[str, Any]:
    return {"auths": {key: basic(name) for key, name in logins.items()}}


NAMESPACES = by_key({HOST: "host", f"{HOST}/team": "team", f"{HOST}/team/app": "app"})
HUB_NAMESPACES = by_key({"docker.io": "hub", "docker.io/library": "library", "docker.io/team/app": "app"})
TWO_SPELLINGS = {"auths": {f"https://{HOST}/v1/": basic("old"), HOST: basic("new")}}
TWO_HUBS = by_key({"docker.io": "podman", HUB: "docker"})

CASES = [
    # --- How a registry is spelled
    Case("the host and its port", {DOCKER: auths(HOST)}, "someone"),
    Case("with https", {DOCKER: auths(f"https://{HOST}")}, "someone"),
    Case("with http", {DOCKER: auths(f"http://{HOST}")}, "someone"),
    Case("with a slash at the end", {DOCKER: auths(f"{HOST}/")}, "someone"),
    Case("with https and a slash", {DOCKER: auths(f"https://{HOST}/")}, "someone"),
    Case("as the first API's address", {DOCKER: auths(f"https://{HOST}/v1/")}, "someone"),
    Case("as the second API's address", {DOCKER: auths(f"https://{HOST}/v2/")}, "someone"),
    Case("with the API's path and no scheme", {DOCKER: auths(f"{HOST}/v2/")}, "someone"),
    Case("with any path behind a scheme", {DOCKER: auths(f"https://{HOST}/artifactory/api/docker")}, "someone"),
    Case("in upper case", {DOCKER: auths("Registry.Example.COM:5000")}, "someone"),
    Case("with blanks around", {DOCKER: auths(f" {HOST} ")}, "someone"),
    Case("an IPv6 address", {DOCKER: auths("[::1]:5000")}, "someone", "[::1]:5000"),
    Case("one label and a port", {DOCKER: auths("registry:5000")}, "someone", "registry:5000"),
    Case("a label without a port", {DOCKER: auths("localhost")}, "someone", "localhost"),
    Case("the best of two spellings", {DOCKER: TWO_SPELLINGS}, "new"),
    Case("not another port", {DOCKER: auths("registry.example.com")}, None),
    Case("not the usual port either: neither docker nor podman do",
         {DOCKER: auths("a.example:443")}, None, "a.example"),
    Case("not a host that begins alike", {DOCKER: auths(f"{HOST}0")}, None),
    Case("not a domain above", {DOCKER: auths("example.com:5000")}, None),
    # --- Docker Hub has many names
    Case("docker's key for Docker Hub", {DOCKER: auths(HUB)}, "someone", "docker.io"),
    Case("the same without the last slash", {DOCKER: auths("https://index.docker.io/v1")}, "someone", "docker.io"),
    Case("the same without https", {DOCKER: auths("index.docker.io/v1/")}, "someone", "docker.io"),
    Case("its second API's", {DOCKER: auths("https://index.docker.io/v2/")}, "someone", "docker.io"),
    Case("index.docker.io", {DOCKER: auths("index.docker.io")}, "someone", "docker.io"),
    Case("docker.io", {PODMAN: auths("docker.io")}, "someone", "docker.io"),
    Case("https://docker.io", {DOCKER: auths("https://docker.io")}, "someone", "docker.io"),
    Case("registry-1.docker.io", {DOCKER: auths("registry-1.docker.io")}, "someone", "docker.io"),
    Case("https://registry-1.docker.io/v2/",
         {DOCKER: auths("https://registry-1.docker.io/v2/")}, "someone", "docker.io"),
    Case("registry.hub.docker.com", {DOCKER: auths("registry.hub.docker.com")}, "someone", "docker.io"),
    Case("of two, docker's in docker's file", {DOCKER: TWO_HUBS}, "docker", "docker.io"),
    Case("of two, podman's in podman's file", {PODMAN: TWO_HUBS}, "podman", "docker.io"),
    Case("Docker Desktop's tokens don't hide the login", {
        DOCKER: by_key({f"{HUB}access-token": "access", f"{HUB}refresh-token": "refresh", HUB: "login"})
    }, "login", "docker.io"),
    Case("not hub.docker.com", {DOCKER: auths("hub.docker.com")}, None, "docker.io"),
    # --- Namespaces: podman's keys, the nearest counts
    Case("the repository itself", {PODMAN: NAMESPACES}, "app", HOST, "team/app"),
    Case("the namespace above it", {PODMAN: NAMESPACES}, "team", HOST, "team/other/thing"),
    Case("the host for other namespaces", {PODMAN: NAMESPACES}, "host", HOST, "teams"),
    Case("the host for the registry", {PODMAN: NAMESPACES}, "host", HOST),
    Case("a namespace with a slash at its end", {PODMAN: auths(f"{HOST}/team/")}, "someone", HOST, "team/app"),
    Case("no namespace's login for the registry", {PODMAN: auths(f"{HOST}/team")}, None, HOST),
    Case("docker.io/library", {PODMAN: HUB_NAMESPACES}, "library", "docker.io", "library/debian"),
    Case("docker.io/team/app", {PODMAN: HUB_NAMESPACES}, "app", "docker.io", "team/app"),
    Case("docker.io itself", {PODMAN: HUB_NAMESPACES}, "hub", "docker.io", "other/app"),
    Case("namespaces in docker's file, as podman reads it", {DOCKER: NAMESPACES}, "app", HOST, "team/app"),
    # --- Files and variables, in order
    Case("docker's file elsewhere", {"DOCKER_CONFIG": "~/dot", "dot/config.json": auths(HOST)}, "someone"),
    Case("not docker's usual file then", {"DOCKER_CONFIG": "~/dot", DOCKER: auths(HOST)}, None),
    Case("docker's first file", {".dockercfg": {f"https://{HOST}/v1/": {**SOMEONE, "email": "a@b"}}}, "someone"),
    Case("podman's file of the session", {RUNTIME: auths(HOST)}, "someone"),
    Case("podman's file without XDG_CONFIG_HOME", {
        "XDG_CONFIG_HOME": "", ".config/containers/auth.json": auths(HOST)
    }, "someone"),
    Case("not without XDG_RUNTIME_DIR", {"XDG_RUNTIME_DIR": "", RUNTIME: auths(HOST)}, None),
    Case("the file that REGISTRY_AUTH_FILE names",
         {"REGISTRY_AUTH_FILE": "~/a.json", "a.json": auths(HOST)}, "someone"),
    Case("the others beside it", {"REGISTRY_AUTH_FILE": "~/a.json", "a.json": {}, PODMAN: auths(HOST)}, "someone"),
    Case("DOCKER_AUTH_CONFIG holds a file", {"DOCKER_AUTH_CONFIG": auths(HOST)}, "someone"),
    Case("DOCKER_AUTH_CONFIG for other registries",
         {"DOCKER_AUTH_CONFIG": auths("a.example"), DOCKER: auths(HOST)}, "someone"),
    Case("DOCKER_AUTH_CONFIG is empty", {"DOCKER_AUTH_CONFIG": "", DOCKER: auths(HOST)}, "someone"),
    Case("an empty file", {PODMAN: "", DOCKER: auths(HOST)}, "someone"),
    Case("a byte order mark", {DOCKER: "\ufeff" + '{"auths": {"a.example": {"auth": "YTpi"}}}'}, "a", "a.example"),
    Case("null in place of tables", {PODMAN: {"auths": None, "credHelpers": None, "credsStore": None}}, None),
    Case("much else in the file", {DOCKER: {**auths(HOST), "psFormat": "x", "proxies": {"default": {}}}}, "someone"),
    # --- Helpers
    Case("the helper of a registry", {DOCKER: {"credHelpers": {HOST: "test"}}}, "kept"),
    Case("with its entry", {DOCKER: {"auths": {HOST: {}}, "credHelpers": {HOST: "test"}}}, "kept"),
    Case("under a URL", {DOCKER: {"credHelpers": {f"https://{HOST}/": "test"}}}, "kept"),
    Case("the store of all", {DOCKER: {"credsStore": "test"}}, "kept"),
    Case("by the name that the entry has",
         {DOCKER: {"auths": {f"https://{HOST}": {}}, "credsStore": "test"}}, "kept-by-url"),
    Case("Docker Hub by docker's name",
         {DOCKER: {"credsStore": "test"}}, "kept-for-hub", "docker.io", "library/debian"),
    Case("the helper before the store", {DOCKER: {"credHelpers": {HOST: "test"}, "credsStore": "empty"}}, "kept"),
    Case("an empty name turns the store off",
         {DOCKER: auths(HOST, credHelpers={HOST: ""}, credsStore="test")}, "someone"),
    Case("what it doesn't have may be in the file",
         {DOCKER: auths("b.example", credsStore="test")}, "someone", "b.example"),
    Case("an identity token's name", {DOCKER: {"credsStore": "test"}}, "<token>", "token.example.com"),
    Case("podman's helpers, after all files", {
        "config/containers/registries.conf": 'credential-helpers = ["containers-auth.json", "test"]'
    }, "kept"),
    Case("a file before podman's helpers", {
        "config/containers/registries.conf": 'credential-helpers = ["test"]', PODMAN: auths(HOST)
    }, "someone"),
    Case("the last of podman's settings", {
        "config/containers/registries.conf": 'credential-helpers = ["missing"]',
        "config/containers/registries.conf.d/10.conf": 'credential-helpers = ["empty", "test"]',
        "config/containers/registries.conf.d/20.conf": "",
    }, "kept"),
    Case("podman's broken settings", {"config/containers/registries.conf": "not toml"}, None),
    Case("nothing anywhere", {}, None),
]  # fmt: skip


@pytest.fixture
def home(isolated_environment: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home; `docker-credential-test` and `docker-credential-empty` are on the PATH."""
    folder = isolated_environment / "bin"
    Helper(folder, KEPT)
    Helper(isolated_environment / "other", name="empty")
    monkeypatch.setenv("PATH", f"{folder}:{isolated_environment}/other:{os.environ['PATH']}")
    return isolated_environment


@pytest.fixture
def docker(home: Path) -> Path:
    """Docker's file, not yet written."""
    return home / DOCKER


def put(home: Path, given: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    import json

    for name, content in given.items():
        if name.isupper():
            text = content if isinstance(content, str) else json.dumps(content)
            monkeypatch.setenv(name, text.replace("~", str(home)))
        else:
            write(home / name, content)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.says)
async def test_a_login_is_found(case: Case, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(home, case.given, monkeypatch)
    found = await find_credentials(case.registry, case.repository)
    assert (found.username if found else None) == case.who
    assert await find_credentials("unheard.of.example") is None


async def test_the_places_are_looked_at_in_order(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(home / "named.json"))
    monkeypatch.setenv("REGTUI_USERNAME", "environment")  # for the registry that the command line names, no other
    monkeypatch.setenv("REGTUI_PASSWORD", "")
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", '{"auths": {"%s": {"username": "variable"}}}' % HOST)  # noqa: UP031
    order = ["named.json", RUNTIME, PODMAN, ".dockercfg", DOCKER]
    for name in order:
        write(home / name, {HOST: basic(name)} if name == ".dockercfg" else {"auths": {HOST: basic(name)}})
    found = await find_login(HOST)
    assert found == (found and type(found)(Credentials("variable", ""), "DOCKER_AUTH_CONFIG"))
    monkeypatch.delenv("DOCKER_AUTH_CONFIG")
    for name in order:
        found = await find_login(HOST)
        assert found
        assert (found.credentials.username, found.where) == (name, str(home / name))
        (home / name).unlink()
    assert await find_login(HOST) is None


def auth(raw: bytes) -> dict[str, str]:
    return {"auth": b64encode(raw).decode()}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (basic("someone", "a:b"), Credentials("someone", "a:b")),
        (auth(b"someone:secret\0\0"), Credentials("someone", "secret")),
        (auth("jürgen:geheim".encode()), Credentials("jürgen", "geheim")),
        (auth(b"j\xfcrgen:geheim"), Credentials("j\udcfcrgen", "geheim")),
        ({"auth": "c29tZW9uZTpzZWNyZXQx"}, Credentials("someone", "secret1")),
        ({"auth": "c29tZW9uZTpz"}, Credentials("someone", "s")),
        ({"auth": "c29tZW9uZTpzZQ"}, Credentials("someone", "se")),  # its padding is missing
        ({"auth": "c29tZW9u\nZTpzZQ==\n"}, Credentials("someone", "se")),
        ({"username": "someone", "password": "secret"}, Credentials("someone", "secret")),
        ({"username": "old", "password": "old", **basic("someone")}, Credentials("someone", "secret")),
        ({**basic("someone", ""), "identitytoken": "token"}, Credentials("someone", "", "token")),
        ({"identitytoken": "token"}, Credentials("<token>", "", "token")),
        (basic("<token>", "token"), Credentials("<token>", "", "token")),
        ({"registrytoken": "token"}, Credentials("", "", registry_token="token")),
        ({}, None),
        (None, None),
        ({"auth": "!"}, None),
        ({"auth": ""}, None),
        ({"email": "someone@example.com"}, None),
    ],
)
async def test_entries_hold_passwords_or_tokens(docker: Path, written: Any, expected: object) -> None:
    write(docker, {"auths": {HOST: written}})
    assert await find_credentials(HOST) == expected


def test_registries_with_a_login_are_known_by_their_names(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert known_registries() == []
    write(home / PODMAN, auths(f"{HOST}/team", f"{HOST}/other", "quay.io"))
    write(home / DOCKER, auths(HUB, "https://ghcr.io/v2/", "no host", credHelpers={"public.ecr.aws": "ecr-login"}))
    write(home / ".dockercfg", "{broken")
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", '{"auths": {"registry.gitlab.com": {}}}')
    known = ["registry.gitlab.com", HOST, "quay.io", "docker.io", "ghcr.io", "public.ecr.aws"]
    assert known_registries() == known


async def test_what_cannot_be_read_is_named(docker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(docker, "{not json")
    with pytest.raises(ContentError, match=r"\.docker/config\.json can't be read"):
        await find_credentials(HOST)
    write(docker, " " * (credential_files.FILE_LIMIT + 1))
    with pytest.raises(ContentError, match=r"\.docker/config\.json has"):
        await find_credentials(HOST)
    docker.unlink()  # noqa: ASYNC240
    docker.mkdir()  # noqa: ASYNC240
    with pytest.raises(RegistryError, match=r"\.docker/config\.json can't be read: Is a directory"):
        await find_credentials(HOST)
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", "hunter2")
    with pytest.raises(ContentError, match="environment variable DOCKER_AUTH_CONFIG can't be read") as caught:
        await find_credentials(HOST)
    assert "hunter2" not in str(caught.value)


# --- Helpers that fail


@pytest.fixture
def helper(home: Path, docker: Path) -> Helper:
    """The helper of all registries."""
    write(docker, {"credsStore": "test"})
    return Helper(home / "bin", KEPT)


async def test_a_helper_is_asked_by_name_and_given_the_server_on_its_input(helper: Helper) -> None:
    assert await find_credentials("docker.io") == Credentials("kept-for-hub", "s")
    assert await find_credentials("token.example.com") == Credentials("<token>", "", "s")
    assert helper.asked == [f"get {HUB}", "get token.example.com"]


async def test_a_missing_helper_is_named(docker: Path) -> None:
    write(docker, {"credsStore": "missing"})
    with pytest.raises(RegistryError, match=r"'docker-credential-missing' for .* is not installed"):
        await find_credentials(HOST)


@pytest.mark.parametrize("name", ["../evil", "a b", "a;b", "a/b", "a\n"])
async def test_a_helpers_name_is_no_path_and_no_command(docker: Path, name: str) -> None:
    write(docker, {"credsStore": name})
    with pytest.raises(RegistryError, match="is not installed"):
        await find_credentials(HOST)


async def test_a_failing_helper_is_named_with_what_it_said(helper: Helper) -> None:
    helper.answers("the keychain is locked", code=1)
    with pytest.raises(RegistryError, match=r"docker-credential-test failed for .*: the keychain is locked"):
        await find_credentials(HOST)


async def test_a_babbling_helper_is_named_without_its_words(helper: Helper) -> None:
    helper.answers('{"Username": 1, "Secret": "hunter2"}')
    with pytest.raises(RegistryError, match="docker-credential-test did not answer") as caught:
        await find_credentials(HOST)
    assert "hunter2" not in str(caught.value)


async def test_a_helper_that_is_no_program_is_named(helper: Helper) -> None:
    write(helper.program, "\0")
    with pytest.raises(RegistryError, match="docker-credential-test can't be started: Exec format error"):
        await find_credentials(HOST)


async def test_a_silent_helper_is_stopped(helper: Helper, monkeypatch: pytest.MonkeyPatch) -> None:
    write(helper.program, "#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(helpers, "HELPER_TIMEOUT", 0.1)
    with pytest.raises(RegistryError, match="docker-credential-test gave no answer"):
        await find_credentials(HOST)


async def test_a_helper_that_never_stops_talking_is_stopped(helper: Helper) -> None:
    write(helper.program, "#!/bin/sh\nexec yes\n")
    async with asyncio.timeout(20):
        with pytest.raises(RegistryError, match="docker-credential-test did not answer as helpers do"):
            await find_credentials(HOST)


async def test_what_a_helper_started_and_left_behind_is_not_waited_for(
    helper: Helper, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = '{"Username": "bob", "Secret": "sesame"}'
    write(helper.program, f"#!/bin/sh\nsleep 60 &\necho '{login}'\n")
    async with asyncio.timeout(20):
        found = await find_credentials(HOST)
        assert found is not None
        assert found.username == "bob"
        write(helper.program, "#!/bin/sh\nsleep 60\ntrue\n")
        monkeypatch.setattr(helpers, "HELPER_TIMEOUT", 0.1)
        with pytest.raises(RegistryError, match="docker-credential-test gave no answer"):
            await find_credentials(HOST)


async def test_a_helper_is_asked_once_for_all_repositories_of_a_registry(helper: Helper) -> None:
    helper.answers('{"Username": "bob", "Secret": "sesame"}')
    told: Told = {}
    assert all([await find_credentials(HOST, f"team/app{number}", told=told) for number in range(20)])
    assert list(told) == [("test", HOST)]
    helper.answers("the keychain is locked", code=1)
    assert await find_credentials(HOST, "team/other", told=told)
