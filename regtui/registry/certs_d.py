"""Certificates that docker and podman keep for a registry, in folders named after it: `certs.d/HOST[:PORT]/`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from regtui.errors import ConfigError
from regtui.text import shown

SYSTEM = (Path("/etc/containers/certs.d"), Path("/etc/docker/certs.d"))
"""The folders of all users, podman's first as podman has it."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """Paths of PEM files: the CAs to trust, and a client's certificate with its key, in that order."""

    cas: tuple[str, ...] = ()
    client: tuple[str, str] | None = None


NONE = Certificates()


def find_certificates(
    registry: str, environ: Mapping[str, str] = os.environ, system: Sequence[Path] = SYSTEM
) -> Certificates:
    """What is kept for a registry, named as people write it, with its port if they write one.

    The first folder that exists counts, and no other: the user's (podman's, rootless docker's), then the system's. Of
    several client certificates it is the first by name. Raises `ConfigError` for a certificate without key, or a key
    without certificate.
    """
    for folder in (*_own(environ), *system):
        try:
            files = {file.name for file in (folder / registry).iterdir()}
        except OSError:  # it isn't there, or it is root's: podman goes on then, too
            continue
        return _certificates(folder / registry, files)
    return NONE


def _own(environ: Mapping[str, str]) -> Iterator[Path]:
    home = Path(environ.get("HOME") or Path.home())
    yield home / ".config/containers/certs.d"  # XDG_CONFIG_HOME is nothing to podman here
    yield Path(environ.get("XDG_CONFIG_HOME") or home / ".config", "docker/certs.d")


def _certificates(folder: Path, files: set[str]) -> Certificates:
    for name in sorted(files):
        stem, ending = os.path.splitext(name)
        if ending in (".cert", ".key") and (other := stem + (".key" if ending == ".cert" else ".cert")) not in files:
            advice = "CA certificates end in .crt." if ending == ".cert" else ""
            raise ConfigError(f"{shown(str(folder / name), 300)} needs {shown(other, 100)} beside it", advice)
    clients = sorted(name for name in files if name.endswith(".cert"))
    pair = (str(folder / clients[0]), str(folder / f"{clients[0].removesuffix('.cert')}.key")) if clients else None
    return Certificates(tuple(str(folder / name) for name in sorted(files) if name.endswith(".crt")), pair)
