"""The files that docker and podman keep logins in, and what the keys in them mean."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from regtui.errors import ReferenceError, RegistryError
from regtui.oci.decode import decode
from regtui.oci.reference import DOCKER_HUB, check_host
from regtui.registry.identity import IDENTITY, Credentials, with_secret
from regtui.text import shown

FILE_LIMIT = 4 * 1024 * 1024
"""Bytes of a credential file that are read at most."""

HUB_KEY = "https://index.docker.io/v1/"
"""What docker and its helpers call Docker Hub."""

VARIABLE = "DOCKER_AUTH_CONFIG"
"""The environment variable that may hold a whole file (docker 28, GitLab CI)."""


class Entry(msgspec.Struct, rename="lower", frozen=True):
    """One login of a file, as far as it isn't in a helper's keeping."""

    auth: str | None = None
    username: str | None = None
    password: str | None = None
    identity_token: str | None = msgspec.field(default=None, name="identitytoken")
    registry_token: str | None = msgspec.field(default=None, name="registrytoken")

    def credentials(self) -> Credentials | None:
        """None for an entry that only says that a helper has them, and for one that can't be understood."""
        username, password = self.username or "", self.password or ""
        if self.auth:
            try:
                text = base64.b64decode(self.auth.strip() + "==").decode("utf-8", "surrogateescape")
            except (binascii.Error, ValueError):
                text = ""
            username, _, password = text.partition(":")
            password = password.strip("\0")
        if self.registry_token:
            return Credentials(username, "", registry_token=self.registry_token)
        if self.identity_token:
            return Credentials(username or IDENTITY, "", self.identity_token)
        return with_secret(username, password)


class Logins(msgspec.Struct, frozen=True):
    """What a file says."""

    auths: dict[str, Entry | None] | None = None
    cred_helpers: dict[str, str] | None = msgspec.field(default=None, name="credHelpers")
    creds_store: str | None = msgspec.field(default=None, name="credsStore")

    def keys(self, place: str, server: str) -> list[str]:
        """The keys under which a place has a login, the best first: what docker or podman itself would have written."""
        keys = [key for key in self.auths or {} if place_of(key) == place]
        return sorted(keys, key=lambda key: (key != server, key != place))

    def helper(self, place: str) -> str:
        """The helper for a place. None, and an empty name even where there is a general one, are the empty string."""
        for key, helper in (self.cred_helpers or {}).items():
            if place_of(key) == place:
                return helper
        return "" if "/" in place else self.creds_store or ""

    def registries(self) -> Iterator[str]:
        """The registries that are named, as people write them, some perhaps twice."""
        for key in (*(self.auths or {}), *(self.cred_helpers or {})):
            try:
                yield check_host(place_of(key).partition("/")[0])
            except ReferenceError:
                continue


class Kind(StrEnum):
    """Whose file it is. Docker and podman name Docker Hub differently."""

    DOCKER = "docker"
    PODMAN = "podman"
    DOCKERCFG = "dockercfg"  # docker's first format: the entries without a frame


@dataclass(frozen=True, slots=True)
class LoginFile:
    path: Path

    @property
    def kind(self) -> Kind:
        return {".dockercfg": Kind.DOCKERCFG, "config.json": Kind.DOCKER}.get(self.path.name, Kind.PODMAN)

    @property
    def name(self) -> str:
        """What messages call it."""
        return str(shown(str(self.path), 300))

    def server(self, place: str) -> str:
        """What the owner of this file calls a place, in the file and to helpers."""
        return place if self.kind is Kind.PODMAN else docker_server(place)

    def bytes(self) -> bytes | None:
        """What stands in it; None for a file that isn't there. Raises `RegistryError`."""
        try:
            with self.path.open("rb") as file:
                return file.read(FILE_LIMIT + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise RegistryError(f"The credentials in {self.name} can't be read: {error.strerror}") from error

    def read(self) -> Logins | None:
        """None for a file that isn't there. Raises `RegistryError` and `ContentError`, which name it."""
        raw = self.bytes()
        if raw is None:
            return None
        return _decoded(raw, f"file {self.name}", is_framed=self.kind is not Kind.DOCKERCFG)


def login_files(environ: Mapping[str, str]) -> list[LoginFile]:
    """Where logins are looked for, in order: podman's places, then docker's."""
    return [LoginFile(path) for path in dict.fromkeys(_paths(environ))]


def docker_file(environ: Mapping[str, str]) -> LoginFile:
    """Docker's file, there or not."""
    return LoginFile(Path(environ.get("DOCKER_CONFIG") or _home(environ) / ".docker", "config.json"))


def read_environment(environ: Mapping[str, str]) -> Logins | None:
    """What `DOCKER_AUTH_CONFIG` holds. Raises `ContentError`."""
    text = environ.get(VARIABLE, "")
    return _decoded(text.encode("utf-8", "surrogateescape"), f"environment variable {VARIABLE}") if text else None


def docker_server(place: str) -> str:
    """What docker and most helpers call a place."""
    return HUB_KEY if place == DOCKER_HUB else place


def place_of(key: str) -> str:
    """What a file's key means: `https://host/v1/` is `host`, podman's `host/team` stays, Docker Hub is docker.io.

    Another port is another place, 443 too, as for docker and podman. Blanks around a part don't count.
    """
    scheme, _, rest = key.rpartition("://")
    host, *parts = (part.strip() for part in rest.split("/"))
    path = "/".join(filter(None, parts))
    if scheme or path in ("v1", "v2"):
        path = ""
    try:
        host = check_host(host)
    except ReferenceError:
        host = host.lower()
    return f"{host}/{path}" if path else host


def _decoded(raw: bytes, name: str, *, is_framed: bool = True) -> Logins:
    raw = raw.removeprefix(b"\xef\xbb\xbf") or b"{}"
    if is_framed:
        return decode(raw, Logins, name, FILE_LIMIT)
    return Logins(decode(raw, dict[str, Entry | None], name, FILE_LIMIT))


def _paths(environ: Mapping[str, str]) -> Iterator[Path]:
    if explicit := environ.get("REGISTRY_AUTH_FILE"):
        yield Path(explicit)
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime, "containers/auth.json")
    else:  # as podman does
        yield Path(f"/run/containers/{os.getuid()}/auth.json")
    yield Path(environ.get("XDG_CONFIG_HOME") or _home(environ) / ".config", "containers/auth.json")
    yield _home(environ) / ".dockercfg"
    yield docker_file(environ).path


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HOME") or Path.home())
