"""`regtui login` and `regtui logout`, against real registries."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Ran, at_terminal, regtui
from tests.conftest import LOGIN
from tests.registry.logins import Helper, mode
from tests.registry_servers.docker_registry import DockerRegistry, docker_registry
from tests.registry_servers.guarded import MAINTAINER, USERS
from tests.registry_servers.token_server import token_server

NAME, PASSWORD = LOGIN


def login(host: str, *arguments: str, name: str = NAME, password: str = PASSWORD) -> Ran:
    return regtui("login", host, "--username", name, "--password-stdin", *arguments, stdin=f"{password}\n")


@pytest.fixture
def docker(isolated_environment: Path) -> Path:
    """Docker's file, not yet written."""
    return isolated_environment / ".docker/config.json"


def test_a_login_is_kept_in_dockers_file_with_a_word_of_warning(
    registry_with_login: DockerRegistry, docker: Path
) -> None:
    host = registry_with_login.host
    assert regtui("ls", host).code == 1
    ran = login(host)
    assert (ran.code, ran.out) == (0, f"Logged in to {host} as {NAME}; kept in {docker}\n")
    warning = f"regtui: The password is not encrypted in {docker}. A credential helper would keep it safer\n"
    assert ran.err == warning
    assert mode(docker) == 0o600
    assert regtui("ls", host).code == 0
    assert login(host, "--quiet").err == ""
    ran = regtui("logout", f"https://{host}/")
    assert (ran.code, ran.out) == (0, f"Logged out of {host}; removed from {docker}\n")
    assert regtui("ls", host).code == 1
    ran = regtui("logout", host)
    assert (ran.code, ran.out) == (0, f"There was no login for {host}\n")


def test_a_login_is_kept_for_where_registries_conf_leads(
    registry_with_login: DockerRegistry, isolated_environment: Path
) -> None:
    conf = isolated_environment / "config/containers/registries.conf"
    conf.parent.mkdir(parents=True)
    conf.write_text(f'[[registry]]\nprefix = "corp.example"\nlocation = "{registry_with_login.host}"\n')
    ran = login("corp.example")
    assert (ran.code, ran.out.partition(";")[0]) == (0, f"Logged in to {registry_with_login.host} as {NAME}")
    assert f"corp.example is {registry_with_login.host}, by registries.conf" in ran.err
    assert regtui("ls", "corp.example").code == 0
    assert regtui("logout", "corp.example").code == 0
    assert regtui("ls", "corp.example").code == 1


def test_a_refused_login_is_not_kept(registry_with_login: DockerRegistry, docker: Path) -> None:
    ran = login(registry_with_login.host, password="wrong")
    assert (ran.code, ran.out) == (1, "")
    assert "refused the one that was given. Check the user name and the password. Nothing was kept." in ran.err
    assert "wrong" not in ran.err
    assert not docker.exists()


def test_a_password_may_have_many_lines(tmp_path: Path, docker: Path) -> None:
    key = '{\n  "private_key": "a"\n}'
    with docker_registry(tmp_path / "keyed", htpasswd=("_json_key", key)) as server:
        assert login(server.host, name="_json_key", password=key).code == 0
        assert login(server.host, name="_json_key", password=f"{key}\r").code == 0
        assert regtui("ls", server.host).code == 0


def test_name_and_password_are_asked_for_at_a_terminal(registry_with_login: DockerRegistry, docker: Path) -> None:
    with at_terminal("login", registry_with_login.host) as terminal:
        terminal.wait_for("User name for")
        assert terminal.echoes()
        terminal.type(f"{NAME}\n")
        terminal.wait_for(f"Password of {NAME}: ")
        assert not terminal.echoes()
        terminal.type(f"{PASSWORD}\n")
        ran = terminal.end()
    assert ran.code == 0
    assert ran.out == f"Logged in to {registry_with_login.host} as {NAME}; kept in {docker}\n"
    assert PASSWORD not in ran.err


@pytest.mark.parametrize("keys", ["\x04", "someone\n\x04", "\n", "someone\n\n"])
def test_who_gives_nothing_is_told_so(keys: str, docker: Path) -> None:
    with at_terminal("login", "registry.example.com") as terminal:
        for line in keys.splitlines(keepends=True):
            terminal.wait_for("User name for" if not terminal.shown else "Password of")
            terminal.type(line)
        ran = terminal.end()
    assert ran.code == 2
    assert "is empty" in ran.err or "No password was given" in ran.err


def test_without_a_terminal_there_is_nobody_to_ask() -> None:
    ran = regtui("login", "registry.example.com")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == ("regtui: There is no terminal to ask for the user name. Use --username NAME --password-stdin.\n")


def test_a_helper_keeps_it_when_one_is_configured(
    registry_with_login: DockerRegistry, docker: Path, isolated_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper = Helper(isolated_environment / "bin", name="pass")
    monkeypatch.setenv("PATH", f"{helper.folder}:{os.environ['PATH']}")
    docker.parent.mkdir()
    docker.write_text('{"credsStore": "pass"}')
    host = registry_with_login.host
    ran = login(host)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"Logged in to {host} as {NAME}; kept by docker-credential-pass\n"
    assert helper.kept == {host: [NAME, PASSWORD]}
    assert PASSWORD not in docker.read_text() + "".join(helper.asked)
    assert regtui("ls", host).code == 0
    assert regtui("logout", host).out == f"Logged out of {host}; removed from docker-credential-pass\n"
    assert json.loads(docker.read_text()) == {"credsStore": "pass", "auths": {}}


def test_a_registry_that_lets_everybody_in_is_said_to(registry: DockerRegistry, docker: Path) -> None:
    ran = login(registry.host)
    assert ran.out == f"{registry.host} asked for no login, so that of {NAME} is not checked; kept in {docker}\n"


def test_what_stays_behind_is_named(docker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker.parent.mkdir()
    docker.write_text('{"auths": {"a.example": {"auth": "YTpi"}}, "credHelpers": {"a.example": "missing"}}')
    ran = regtui("logout", "a.example")
    assert ran.code == 1
    assert ran.err == (
        f"regtui: A login for a.example was removed from {docker}. The credential helper 'docker-credential-missing' "
        "for a.example is not installed. A login for a.example may be left there.\n"
    )


# --- A login server elsewhere


@pytest.fixture
def with_strange_realm(tmp_path: Path) -> Iterator[DockerRegistry]:
    """A registry whose login server is on another host."""
    with (
        token_server(USERS, host="127.0.0.2") as tokens,
        docker_registry(tmp_path / "strange", tokens=tokens, login=MAINTAINER) as registry,
    ):
        yield registry


def test_a_strange_login_server_sees_the_password_once_it_is_confirmed(
    with_strange_realm: DockerRegistry, docker: Path, isolated_environment: Path
) -> None:
    host, tokens = with_strange_realm.host, with_strange_realm.tokens
    assert tokens
    name, password = MAINTAINER
    realm = tokens.realm.removeprefix("http://").removesuffix("/token")
    ran = login(host, name=name, password=password)
    assert ran.code == 1
    assert f"at {realm}, which is not known to belong to it, so the password was not sent there" in ran.err
    assert ran.err.endswith(f"regtui login {host} --realm {realm}\n")
    assert {asked.way for asked in tokens.asked} <= {"anonymous"}
    assert not docker.exists()

    ran = login(host, "--realm", realm, name=name, password="wrong")
    assert "refused the one that was given" in ran.err
    remembered = isolated_environment / "state/regtui/realms.json"
    assert not remembered.exists()

    assert login(host, "--realm", realm, name=name, password=password).code == 0
    assert json.loads(remembered.read_text()) == {host: [realm]}
    assert mode(remembered) == 0o600
    assert login(host, name=name, password=password).code == 0
    assert regtui("ls", host).code == 0
    assert {asked.user for asked in tokens.asked if asked.way == "basic"} == {"", name}


def test_the_settings_may_confirm_it_too(with_strange_realm: DockerRegistry, isolated_environment: Path) -> None:
    config = isolated_environment / "config/regtui/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f'[registry."{with_strange_realm.host}"]\nrealm = "127.0.0.2"\n')
    name, password = MAINTAINER
    assert login(with_strange_realm.host, name=name, password=password).code == 0
