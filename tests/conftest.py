"""What every test gets: a home of its own; and real registries for those that ask."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.registry_servers.docker_registry import DockerRegistry, docker_registry
from tests.registry_servers.guarded import KINDS, Guarded, guarded_registry
from tests.registry_servers.images import Layout

LOGIN = ("someone", "pass:word")
"""Who may use `registry_with_login`."""

_FOREIGN = ("REGTUI_", "XDG_", "DOCKER_", "CONTAINERS_", "TEXTUAL", "SSH_", "LC_")
_FOREIGN_NAMES = {
    "REGISTRY_AUTH_FILE",
    "NO_COLOR",
    "COLUMNS",
    "LINES",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
}


@pytest.fixture(autouse=True)
def isolated_environment(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads the developer's credentials, settings or proxies, or writes to their home. Returns the home."""
    for name in os.environ:
        if name.startswith(_FOREIGN) or name.upper() in _FOREIGN_NAMES:
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    for name, folder in (
        ("HOME", "."),
        ("XDG_CONFIG_HOME", "config"),
        ("XDG_CACHE_HOME", "cache"),
        ("XDG_STATE_HOME", "state"),
        ("XDG_DATA_HOME", "data"),
        ("XDG_RUNTIME_DIR", "run"),
    ):
        monkeypatch.setenv(name, str(home / folder))
    monkeypatch.setattr("regtui.registry.registries_conf.SYSTEM", home / "etc/containers")
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("TERM", "xterm-256color")
    return home


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """An empty OCI layout to make images in."""
    return Layout(tmp_path / "layout")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[DockerRegistry]:
    """An empty registry that deletes manifests by digest, and (being 2.8.2) no tags."""
    with docker_registry(tmp_path / "registry") as server:
        yield server


@pytest.fixture
def registry_without_deletion(tmp_path: Path) -> Iterator[DockerRegistry]:
    """A registry whose operator left deletion switched off, as it comes."""
    with docker_registry(tmp_path / "registry-without-deletion", deletion=False) as server:
        yield server


@pytest.fixture
def registry_with_login(tmp_path: Path) -> Iterator[DockerRegistry]:
    """A registry that only `LOGIN` may use."""
    with docker_registry(tmp_path / "registry-with-login", htpasswd=LOGIN) as server:
        yield server


@pytest.fixture(params=KINDS)
def guarded(request: pytest.FixtureRequest, tmp_path: Path, isolated_environment: Path) -> Iterator[Guarded]:
    """A filled registry that wants a login, a certificate or both, in every way in turn; the user has them."""
    with guarded_registry(request.param, tmp_path, isolated_environment) as server:
        yield server


@pytest.fixture
def with_tokens(tmp_path: Path, isolated_environment: Path) -> Iterator[Guarded]:
    """A filled registry behind a login server that grants no more than the user may do."""
    with guarded_registry("tokens", tmp_path, isolated_environment) as server:
        yield server
