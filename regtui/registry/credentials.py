"""Logins kept by docker and podman: their files, and the helpers that those name."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from regtui.errors import RegtuiError
from regtui.registry import helpers
from regtui.registry.credential_files import (
    FILE_LIMIT,
    VARIABLE,
    Logins,
    docker_server,
    login_files,
    read_environment,
)
from regtui.registry.identity import Credentials
from regtui.registry.registries_conf import conf_files

__all__ = ["Credentials", "Found", "find_credentials", "find_login", "known_registries", "podman_helpers"]

Told = dict[tuple[str, str], Credentials | None]
"""What helpers answered, by helper and server."""

_NO_HELPER = "containers-auth.json"  # registries.conf's word for the files themselves


@dataclass(frozen=True, slots=True)
class Found:
    """A login, and where it was: a file, a helper's program, or the environment variable."""

    credentials: Credentials
    where: str


async def find_credentials(
    registry: str, repository: str = "", environ: Mapping[str, str] = os.environ, told: Told | None = None
) -> Credentials | None:
    """The login for a registry (as people write it), or for a repository in it where podman's files tell them apart.

    Looked for in `DOCKER_AUTH_CONFIG`, podman's files, then docker's; what regtui's own variables name is for one
    registry. No helper is asked again for what it has `told`. Raises `RegistryError` naming the helper that is missing
    or fails, and `RegtuiError` naming a file that can't be read.
    """
    found = await find_login(registry, repository, environ, told)
    return found.credentials if found else None


async def find_login(
    registry: str, repository: str = "", environ: Mapping[str, str] = os.environ, told: Told | None = None
) -> Found | None:
    """As `find_credentials`, and where they are."""
    told = {} if told is None else told
    places = _places(registry, repository)
    if (logins := read_environment(environ)) and (
        found := await _find(logins, places, VARIABLE, docker_server, environ, told)
    ):
        return found
    for file in login_files(environ):
        if (logins := file.read()) and (found := await _find(logins, places, file.name, file.server, environ, told)):
            return found
    for helper in podman_helpers(environ):
        if credentials := await _ask(helper, docker_server(registry), environ, told):
            return Found(credentials, helpers.program(helper))
    return None


def known_registries(environ: Mapping[str, str] = os.environ) -> list[str]:
    """The registries that docker's and podman's files name, as people write them. Bad files count as empty."""
    found: dict[str, None] = {}
    for read in (lambda: read_environment(environ), *(file.read for file in login_files(environ))):
        try:
            logins = read()
        except RegtuiError:
            continue
        found.update(dict.fromkeys(logins.registries() if logins else ()))
    return list(found)


def podman_helpers(environ: Mapping[str, str]) -> list[str]:
    """`credential-helpers` of podman's registries.conf: of several files that name some, the last one counts."""
    import tomllib

    names: list[str] = []
    for path in conf_files(environ):
        try:
            with path.open("rb") as file:
                settings: dict[str, Any] = tomllib.loads(file.read(FILE_LIMIT).decode())
        except (OSError, ValueError, RecursionError):  # told when the registry is looked for
            continue
        names = settings.get("credential-helpers") or names
    return [name for name in names if isinstance(name, str) and name != _NO_HELPER] if isinstance(names, list) else []


async def _find(
    logins: Logins,
    places: list[str],
    where: str,
    server: Callable[[str], str],
    environ: Mapping[str, str],
    told: Told,
) -> Found | None:
    for place in places:
        keys = logins.keys(place, server(place))
        helper = logins.helper(place)
        if helper and (credentials := await _ask(helper, next(iter(keys), server(place)), environ, told)):
            return Found(credentials, helpers.program(helper))
        for key in keys:
            if (entry := (logins.auths or {})[key]) and (credentials := entry.credentials()):
                return Found(credentials, where)
    return None


async def _ask(helper: str, server: str, environ: Mapping[str, str], told: Told) -> Credentials | None:
    if (helper, server) not in told:
        told[helper, server] = await helpers.get(helper, server, environ)
    return told[helper, server]


def _places(registry: str, repository: str) -> list[str]:
    """What may be logged in to, the nearest first: `host/team/app`, `host/team`, `host`."""
    parts = f"{registry}/{repository}".split("/") if repository else [registry]
    return ["/".join(parts[:size]) for size in range(len(parts), 0, -1)]
