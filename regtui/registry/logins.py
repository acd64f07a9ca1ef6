"""Keeping a login where docker or podman would look for it, and taking it away again.

A `place` is a registry as people write it, or podman's `host/namespace`.
"""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from regtui.errors import RegtuiError
from regtui.registry import helpers
from regtui.registry.credential_files import (
    VARIABLE,
    Kind,
    LoginFile,
    Logins,
    docker_file,
    docker_server,
    login_files,
    place_of,
    read_environment,
)
from regtui.registry.credentials import find_login, podman_helpers
from regtui.registry.identity import IDENTITY, Credentials
from regtui.registry.login_edits import edit

_SECRETS = ("auth", "username", "password", "identitytoken", "registrytoken")


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a login is: a helper's program, or a file, in which anybody who reads it can read the password."""

    where: str
    is_plain: bool
    shadowed_by: str = ""
    """What is read before it and holds another login for the same place."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What came of taking logins away."""

    removed: tuple[str, ...]  # helpers' programs and files
    left: tuple[str, ...]  # a sentence, without its full stop, for each that could not be looked into or changed


async def store(place: str, credentials: Credentials, environ: Mapping[str, str] = os.environ) -> Kept:
    """Keeps a login: with the helper that the file in charge names, otherwise in that file.

    Raises `RegistryError` and `ContentError` naming the helper or the file.
    """
    file = await asyncio.to_thread(_file_in_charge, place, environ)
    logins = await asyncio.to_thread(file.read) or Logins()
    server = file.server(place)
    if helper := logins.helper(place):
        await helpers.store(helper, server, credentials, environ)
        if file.kind is Kind.DOCKER:  # as docker does: the entry says that there is a login
            await asyncio.to_thread(edit, file, lambda entries: _put(entries, server, {}))
        kept = Kept(helpers.program(helper), is_plain=False)
    else:
        await asyncio.to_thread(edit, file, lambda entries: _put(entries, server, _entry(credentials)))
        kept = Kept(file.name, is_plain=True)
    host, _, namespace = place.partition("/")
    with suppress(RegtuiError):  # what is broken elsewhere is told when it is in the way
        found = await find_login(host, namespace, environ)
        if found and found.where != kept.where:
            return Kept(kept.where, kept.is_plain, found.where)
    return kept


async def erase(place: str, environ: Mapping[str, str] = os.environ) -> Erased:
    """Takes a place's logins from all files and helpers, whatever they call it."""
    removed: dict[str, None] = {}
    left: list[str] = []
    for file in login_files(environ):
        try:
            logins = await asyncio.to_thread(file.read)
        except RegtuiError as error:
            left.append(error.what)
            continue
        if logins is None:
            continue
        keys = logins.keys(place, file.server(place))
        if helper := logins.helper(place):
            await _erase_from(helper, dict.fromkeys((*keys, *_servers(place))), environ, removed, left)
        if keys:
            try:
                holds_secrets = any((entry := (logins.auths or {})[key]) and entry.credentials() for key in keys)
                if await asyncio.to_thread(edit, file, lambda entries: _drop(entries, place)) and holds_secrets:
                    removed[file.name] = None
            except RegtuiError as error:
                left.append(error.what)
    for helper in podman_helpers(environ):
        await _erase_from(helper, dict.fromkeys(_servers(place)), environ, removed, left)
    with suppress(RegtuiError):
        if (given := read_environment(environ)) and given.keys(place, docker_server(place)):
            left.append(f"The environment variable {VARIABLE} still holds a login")
    return Erased(tuple(removed), tuple(left))


def _file_in_charge(place: str, environ: Mapping[str, str]) -> LoginFile:
    """`REGISTRY_AUTH_FILE`; else podman's file where it has this login already, or is all there is; else docker's.

    A namespace's login goes to podman's file in any case: docker would take it for the whole registry's.
    """
    files = login_files(environ)
    if environ.get("REGISTRY_AUTH_FILE"):
        return files[0]
    docker = docker_file(environ)
    podmans = [file for file in files if file.kind is Kind.PODMAN]
    there = [(file, logins) for file in podmans if (logins := file.read()) is not None]
    for file, logins in there:
        if logins.keys(place, file.server(place)) or any(place_of(key) == place for key in logins.cred_helpers or {}):
            return file
    if there and ("/" in place or not docker.path.exists()):
        return there[0][0]
    return podmans[-1] if "/" in place else docker


def _entry(credentials: Credentials) -> dict[str, str]:
    """A login as docker writes it."""
    name = "" if credentials.username == IDENTITY else credentials.username
    text = f"{name}:{credentials.password}".encode("utf-8", "surrogateescape")
    entry = {"auth": base64.b64encode(text).decode()} if name or credentials.password else {}
    return {**entry, "identitytoken": credentials.identity_token} if credentials.identity_token else entry


def _put(entries: dict[str, Any], server: str, login: dict[str, str]) -> bool:
    old = entries.get(server)
    named = old.items() if isinstance(old, dict) else ()
    others = {name: value for name, value in named if name.lower() not in _SECRETS}
    entries[server] = {**others, **login}
    return bool(old != entries[server])


def _drop(entries: dict[str, Any], place: str) -> bool:
    keys = [key for key in entries if place_of(key) == place]
    for key in keys:
        del entries[key]
    return bool(keys)


def _servers(place: str) -> Iterator[str]:
    """The names under which helpers may keep a place, as docker's own logout tries them."""
    yield docker_server(place)
    if docker_server(place) != place:
        yield place
    yield from (f"{scheme}://{place}" for scheme in ("https", "http"))


async def _erase_from(
    helper: str, servers: Mapping[str, None], environ: Mapping[str, str], removed: dict[str, None], left: list[str]
) -> None:
    try:
        for server in servers:
            if await helpers.erase(helper, server, environ):
                removed[helpers.program(helper)] = None
    except RegtuiError as error:
        left.append(error.what)
