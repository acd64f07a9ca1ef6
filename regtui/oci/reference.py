"""References: `registry/repository:tag@digest`, by the grammar of the distribution project (reference.go)."""

from __future__ import annotations

import ipaddress
import posixpath
import re
from dataclasses import dataclass, replace

from regtui.errors import ReferenceError
from regtui.oci.digest import Digest, parse_digest
from regtui.oci.transports import OCI, as_repository, is_local, own_repository, split_name, written
from regtui.text import shown

DOCKER_HUB = "docker.io"
_HUB_ALIASES = {"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"}
_HUB_HOST = "registry-1.docker.io"

_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:.]+\])(?::[0-9]{{1,5}})?")
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_NAME_LIMIT = 255


@dataclass(frozen=True, slots=True)
class Reference:
    """Where something is: a registry, a repository in it, a tag or digest there; each later part may be missing.

    `registry` is as people write it (`docker.io`, `localhost:5000`, `[::1]:5000`), or a folder or file that is read
    like one (`oci:/folder`, `docker-archive:/file.tar`); `host` is where requests go.
    """

    registry: str
    repository: str = ""
    tag: str = ""
    digest: Digest | None = None

    @property
    def host(self) -> str:
        """The `host[:port]` that serves this registry's API."""
        return _HUB_HOST if self.registry == DOCKER_HUB else self.registry

    @property
    def version(self) -> str:
        """What the API's `<reference>` is: the digest when there is one, else the tag, else empty."""
        return self.digest or self.tag

    def at(self, tag: str = "", digest: Digest | None = None) -> Reference:
        """The same repository at another tag or digest."""
        return replace(self, tag=tag, digest=digest)

    def __str__(self) -> str:
        if is_local(self.registry):
            text = written(self.registry, self.repository, self.tag)
        else:
            text = self.registry
            if self.repository:
                text += f"/{self.repository}"
            if self.tag:
                text += f":{self.tag}"
        if self.digest:
            text += f"@{self.digest}"
        return text


def parse_reference(text: str) -> Reference:
    """A reference, a repository or a registry, as a user writes it.

    Before a `/`, `localhost`, a dot or a colon makes a host; without any `/`, a host if what stands before `:` is
    `localhost`, an IP address or holds a dot (`registry:5000/`, with the slash, is a host too); else Docker Hub's.
    `https://`, Helm's `oci://`, and a path of `/v2/` from a browser's address line are taken off. What `oci:` or
    `docker-archive:` begins is a folder or file, by its absolute path. Raises `ReferenceError`.
    """
    if is_local(text.strip()):
        return _in_files(text.strip())
    rest = re.sub(r"^(https?|oci)://", "", text.strip())
    if not rest:
        raise ReferenceError("An empty reference", "Write a registry, HOST/REPOSITORY or HOST/REPOSITORY:TAG.")
    host, path = _split(rest)
    if host:
        return _on_host(host, "" if path.strip("/") in ("", "v2") else path)
    return _on_host(DOCKER_HUB, rest)


def short_name(text: str) -> tuple[str, str] | None:
    """The repository and the rest (`:TAG`, `@DIGEST`) of a name without a registry; None for one that has it."""
    given = text.strip()
    if not given or is_local(given) or "://" in given or _split(given)[0]:
        return None
    end = min((place for mark in ":@" if (place := given.find(mark)) >= 0), default=len(given))
    return given[:end], given[end:]


def check_host(text: str) -> str:
    """The registry's name in lower case, Docker Hub's aliases joined. Raises `ReferenceError` when it can't be one."""
    host = text.lower()
    if not _HOST.fullmatch(host) or ((port := _port(host)) is not None and not 0 < port < 65536):
        raise ReferenceError(f"{shown(text, 100)!r} is no registry's host", "Write HOST or HOST:PORT.")
    if host.startswith("["):
        address = host[1 : host.index("]")]
        try:
            ipaddress.IPv6Address(address)
        except ValueError:
            raise ReferenceError(f"{shown(text, 100)!r} is no IPv6 address", "Write it as [::1]:5000.") from None
    return DOCKER_HUB if host in _HUB_ALIASES else host


def check_repository(text: str) -> str:
    """Raises `ReferenceError` when no registry could have a repository of this name."""
    if not is_repository(text):
        advice = (
            "Names of repositories are in lower case."
            if text.lower() != text and _REPOSITORY.fullmatch(text.lower())
            else "It holds lower case letters, digits and single . _ - between them, in parts separated by /."
        )
        raise ReferenceError(f"{shown(text, 100)!r} is no repository name", advice)
    return text


def check_tag(text: str) -> str:
    """Raises `ReferenceError` when no manifest could have this tag."""
    if not _TAG.fullmatch(text):
        raise ReferenceError(
            f"{shown(text, 140)!r} is no tag",
            "It holds up to 128 letters, digits, _ . and -, and begins with a letter, a digit or _.",
        )
    return text


def is_repository(text: str) -> bool:
    return len(text) <= _NAME_LIMIT and _REPOSITORY.fullmatch(text) is not None


def is_tag(text: str) -> bool:
    return _TAG.fullmatch(text) is not None


def is_loopback(host: str) -> bool:
    """Whether `host[:port]` is this machine: `localhost`, a name below it, 127.0.0.0/8 or ::1."""
    name = host[1 : host.index("]")] if host.startswith("[") else host.rpartition(":")[0] or host
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _split(text: str) -> tuple[str, str]:
    """The host that a name begins with, or empty, and what follows."""
    head, slash, tail = text.partition("/")
    if (head == "localhost" or any(c in head for c in ".:[")) if slash else _is_bare_host(head):
        return head, tail
    return "", text


def _is_bare_host(text: str) -> bool:
    if text.startswith("["):
        return True
    name = text.partition("@")[0].partition(":")[0]
    return "@" not in text and (name == "localhost" or "." in name)


def _port(host: str) -> int | None:
    match = re.search(r":(\d+)$", host) if not host.endswith("]") else None
    return int(match[1]) if match else None


def _on_host(host: str, rest: str) -> Reference:
    registry = check_host(host)
    if not rest:
        return Reference(registry)
    name, at, digest = rest.partition("@")
    name, colon, tag = name.partition(":")
    repository = check_repository(name.rstrip("/") if not colon and not at else name)
    if registry == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    if colon:
        check_tag(tag)
    return Reference(registry, repository, tag, parse_digest(digest) if at else None)


def _in_files(text: str) -> Reference:
    """`oci:/folder[:TAG]`, `oci:/folder[:REPOSITORY:TAG]`, `docker-archive:/file[:REPOSITORY[:TAG]]`, with `@DIGEST`.

    `//` before a repository makes one of what could be a tag.
    """
    transport, _, rest = text.partition(":")
    digest = re.search(r"@(sha(?:256|512):[0-9a-f]*)$", rest)
    path, mark, name = _partition(rest[: digest.start()] if digest else rest)
    if not path.startswith("/"):
        raise ReferenceError(f"{shown(text, 200)!r} has no absolute path", f"Write {transport}:/PATH.")
    registry = f"{transport}:{posixpath.normpath(path)}"
    repository, tag = split_name(name) if mark == "//" or ":" in name or "/" in name else ("", name)
    if mark == ":" and tag and not repository and not registry.startswith(OCI):
        repository, tag = as_repository(tag), ""
    if tag:
        check_tag(tag)
    if repository:
        check_repository(repository)
    elif tag or digest:
        repository = own_repository(registry)
    return Reference(registry, repository, tag, parse_digest(digest[1]) if digest else None)


def _partition(text: str) -> tuple[str, str, str]:
    """The path before the first colon or doubled slash, which of them it is, and what follows."""
    found = re.search("//|:", text.lstrip("/"))
    if not found:
        return text, "", ""
    start = len(text) - len(text.lstrip("/")) + found.start()
    return text[:start], found[0], text[start + len(found[0]) :]
