"""Logging in and out, as the app does it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from regtui.config import RegistrySettings, load_settings
from regtui.errors import LoginNeeded, UsageError
from regtui.operations.login import Stored, check_place, confirmed_realms, log_in, log_out, trust_realm
from regtui.operations.session import Credentials, open_session
from tests.conftest import LOGIN
from tests.registry_servers.docker_registry import DockerRegistry

SOMEONE = Credentials(*LOGIN)


async def test_a_login_is_tried_kept_and_used(registry_with_login: DockerRegistry, isolated_environment: Path) -> None:
    host, settings = registry_with_login.host, load_settings()
    with pytest.raises(LoginNeeded):
        await open_session(host, settings)
    file = str(isolated_environment / ".docker/config.json")
    assert await log_in(host, SOMEONE, settings) == Stored(file, is_plain=True)
    await (await open_session(host, settings)).aclose()
    assert await log_out(host) == (file,)
    assert await log_out(host) == ()


async def test_a_login_may_be_tried_only(registry_with_login: DockerRegistry, isolated_environment: Path) -> None:
    settings = load_settings()
    assert await log_in(registry_with_login.host, SOMEONE, settings, keep=False) is None
    with pytest.raises(LoginNeeded, match="Nothing was kept"):
        await log_in(registry_with_login.host, replace(SOMEONE, password="wrong"), settings, keep=False)
    assert not (isolated_environment / ".docker").exists()


async def test_a_name_with_a_colon_is_refused_before_it_is_sent() -> None:
    with pytest.raises(UsageError, match="can't hold a colon"):
        await log_in("registry.example.com", Credentials("a:b", "c"), load_settings())


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("docker.io", "docker.io"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("Registry.Example.com:5000", "registry.example.com:5000"),
        ("https://registry.example.com/v2/", "registry.example.com"),
        ("registry", "registry"),
        ("quay.io/team/app/", "quay.io/team/app"),
        ("docker.io/library", "docker.io/library"),
    ],
)
def test_one_logs_in_to_a_host_or_a_namespace(text: str, place: str) -> None:
    assert check_place(text) == place


@pytest.mark.parametrize("text", ["", "https://", "a b", "quay.io/Team", "quay.io/team:1", "user@quay.io"])
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        check_place(text)


def test_login_servers_are_confirmed_for_one_registry(tmp_path: Path) -> None:
    settings = replace(
        load_settings(), state_dir=tmp_path, registries={"a.example": RegistrySettings(realm="login.example")}
    )
    trust_realm(settings, "a.example", "SSO.example:8443")
    trust_realm(settings, "b.example", "sso.example")
    assert confirmed_realms(settings, "a.example") == {"login.example", "sso.example:8443"}
    assert confirmed_realms(settings, "b.example") == {"sso.example"}
    assert confirmed_realms(settings, "c.example") == frozenset()
