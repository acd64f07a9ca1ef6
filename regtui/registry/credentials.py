"""Logins kept by docker and podman: their files, and the helpers that those name."""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from regtui.errors import RegistryError, RegtuiError
from regtui.oci.decode import decode
from regtui.oci.reference import DOCKER_HUB, check_host
from regtui.text import shown

FILE_LIMIT = 4 * 1024 * 1024
"""Bytes of a credential file that are read at most."""

HELPER_TIMEOUT = 60.0
"""Seconds for a helper: it may wait for the user to unlock something."""

_ANSWER_LIMIT = 256 * 1024
_HUB_KEY = "https://index.docker.io/v1/"
_IDENTITY = "<token>"  # stands where the user name would, before an identity token
_HELPER_NAME = re.compile(r"[A-Za-z0-9._-]+")
_NO_HELPER = "containers-auth.json"  # registries.conf's word for the files themselves


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name with its password, or with an identity token that is exchanged for others (OAuth2)."""

    username: str
    password: str = field(repr=False)
    identity_token: str = field(default="", repr=False)


async def find_credentials(
    registry: str, repository: str = "", environ: Mapping[str, str] = os.environ
) -> Credentials | None:
    """The login for a registry (as people write it), or for a repository in it where podman's files tell them apart.

    Looked for in podman's files, then docker's; what the environment names is for one registry, and not ours. Raises
    `RegistryError` naming the helper that is missing or fails, and `RegtuiError` naming a file that can't be read.
    """
    for path in _files(environ):
        if (store := _read(path)) and (found := await store.find(registry, repository, environ)):
            return found
    for helper in _podman_helpers(environ):
        if found := await _ask(helper, _HUB_KEY if registry == DOCKER_HUB else registry, environ):
            return found
    return None


def known_registries(environ: Mapping[str, str] = os.environ) -> list[str]:
    """The registries that docker's and podman's files name, as people write them. Bad files count as empty."""
    found: dict[str, None] = {}
    for path in _files(environ):
        try:
            store = _read(path)
        except RegtuiError:
            continue
        for key in (*store.auths, *store.cred_helpers) if store else ():
            try:
                found[check_host(_place(key).partition("/")[0])] = None
            except RegtuiError:
                continue
    return list(found)


class _Entry(msgspec.Struct, rename="lower", frozen=True):
    auth: str | None = None
    username: str | None = None
    password: str | None = None
    identity_token: str | None = msgspec.field(default=None, name="identitytoken")

    def credentials(self) -> Credentials | None:
        """None for an entry that only says that a store has them."""
        username, password = self.username or "", self.password or ""
        if self.auth:
            try:
                text = base64.b64decode(self.auth.strip() + "==").decode("utf-8", "surrogateescape")
            except (binascii.Error, ValueError):
                text = ""
            username, _, password = text.partition(":")
            password = password.rstrip("\0")
        if self.identity_token or username == _IDENTITY:
            return Credentials(username, "", self.identity_token or password)
        return Credentials(username, password) if username or password else None


class _Store(msgspec.Struct, frozen=True):
    """A credential file, docker's or podman's."""

    auths: dict[str, _Entry | None] = {}
    cred_helpers: dict[str, str] = msgspec.field(default_factory=dict, name="credHelpers")
    creds_store: str = msgspec.field(default="", name="credsStore")

    async def find(self, registry: str, repository: str, environ: Mapping[str, str]) -> Credentials | None:
        for place in _places(registry, repository):
            keys = [key for key in self.auths if _place(key) == place]
            server = next(iter(keys), _HUB_KEY if place == DOCKER_HUB else place)
            helpers = [helper for key, helper in self.cred_helpers.items() if _place(key) == place]
            if not helpers and self.creds_store and "/" not in place:
                helpers = [self.creds_store]
            for helper in helpers:
                if found := await _ask(helper, server, environ):
                    return found
            for key in keys:
                if (entry := self.auths[key]) and (found := entry.credentials()):
                    return found
        return None


class _HelperAnswer(msgspec.Struct, frozen=True):
    username: str = msgspec.field(name="Username")
    secret: str = msgspec.field(name="Secret")


def _files(environ: Mapping[str, str]) -> Iterator[Path]:
    home = Path(environ.get("HOME") or Path.home())
    if explicit := environ.get("REGISTRY_AUTH_FILE"):
        yield Path(explicit)
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime, "containers/auth.json")
    yield Path(f"/run/containers/{os.getuid()}/auth.json")
    yield Path(environ.get("XDG_CONFIG_HOME") or home / ".config", "containers/auth.json")
    yield home / ".dockercfg"
    yield Path(environ.get("DOCKER_CONFIG") or home / ".docker", "config.json")


def _read(path: Path) -> _Store | None:
    """None for a file that isn't there."""
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise RegistryError(f"The credentials in {shown(str(path), 300)} can't be read: {error.strerror}") from error
    name = f"file {shown(str(path), 300)}"
    if path.name == ".dockercfg":  # docker's first format: the entries without a frame
        return _Store(decode(raw, dict[str, _Entry | None], name, FILE_LIMIT))
    return decode(raw or b"{}", _Store, name, FILE_LIMIT)


def _places(registry: str, repository: str) -> list[str]:
    """What may be logged in to, the nearest first: `host/team/app`, `host/team`, `host`."""
    parts = f"{registry}/{repository}".split("/") if repository else [registry]
    return ["/".join(parts[:size]) for size in range(len(parts), 0, -1)]


def _place(key: str) -> str:
    """What a file's key means: `https://host/v1/` is `host`, podman's `host/team` stays, Docker Hub is docker.io."""
    scheme, _, rest = key.rpartition("://")
    host, _, path = rest.partition("/")
    path = "" if scheme or path.strip("/") in ("v1", "v2") else path.rstrip("/")
    host = host.lower()
    if host in ("index.docker.io", "registry-1.docker.io"):
        host = DOCKER_HUB
    return f"{host}/{path}" if path else host


def _podman_helpers(environ: Mapping[str, str]) -> list[str]:
    """`credential-helpers` of podman's registries.conf: the user's file counts instead of the system's."""
    import tomllib

    config = Path(environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME") or Path.home(), ".config"))
    named = environ.get("CONTAINERS_REGISTRIES_CONF")
    paths = [Path(named)] if named else [config / "containers/registries.conf", Path("/etc/containers/registries.conf")]
    for path in paths:
        try:
            with path.open("rb") as file:
                settings: dict[str, Any] = tomllib.loads(file.read(FILE_LIMIT).decode())
        except (OSError, ValueError):  # podman's own affair; without it there are no helpers
            continue
        helpers = settings.get("credential-helpers")
        return [name for name in helpers if isinstance(name, str) and name != _NO_HELPER] if helpers else []
    return []


async def _ask(helper: str, server: str, environ: Mapping[str, str]) -> Credentials | None:
    """`docker-credential-HELPER get`: the server's name goes in, JSON comes out (docker-credential-helpers)."""
    import asyncio
    import shutil

    program = f"docker-credential-{helper}"
    if not _HELPER_NAME.fullmatch(helper) or not (path := shutil.which(program, path=environ.get("PATH"))):
        raise RegistryError(
            f"The credential helper {shown(program, 100)!r} for {shown(server, 200)} is not installed",
            "Install it, or take it out of the file that names it (docker's config.json, podman's auth.json).",
        )
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        path, "get", stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL, env=dict(environ)
    )
    try:
        out, _ = await asyncio.wait_for(process.communicate(server.encode()), HELPER_TIMEOUT)
    except TimeoutError:
        raise RegistryError(f"The credential helper {program} gave no answer for {shown(server, 200)}") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        if b"credentials not found" in out:
            return None
        said = f": {shown(out.strip(), 200)}" if out.strip() else ""
        raise RegistryError(f"The credential helper {program} failed for {shown(server, 200)}{said}")
    try:
        answer = decode(out, _HelperAnswer, "answer", _ANSWER_LIMIT)
    except RegtuiError:  # its text may quote the secret
        raise RegistryError(f"The credential helper {program} did not answer as helpers do") from None
    if answer.username == _IDENTITY:
        return Credentials(answer.username, "", answer.secret)
    return Credentials(answer.username, answer.secret) if answer.username or answer.secret else None
