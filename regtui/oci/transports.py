"""Folders and files that are read like registries: `oci:/folder`, `docker-archive:/file.tar`, as skopeo calls them."""

from __future__ import annotations

import posixpath
import re

OCI = "oci:"
DOCKER_ARCHIVE = "docker-archive:"

_ENDINGS = (".tar", ".tar.gz", ".tgz", ".docker")


def is_local(registry: str) -> bool:
    """Whether a reference, or its registry, is a folder or a file of this machine. Helm's `oci://HOST/` is none."""
    return registry.startswith((OCI, DOCKER_ARCHIVE)) and not registry.startswith("oci://")


def path_of(registry: str) -> str:
    """The folder, or the file."""
    return registry.partition(":")[2]


def prefix_of(registry: str) -> str:
    """What `REPOSITORY:TAG` is written behind: `localhost:5000/`, and `oci:/folder//` with a slash that no path has."""
    return f"{registry}//" if is_local(registry) else f"{registry}/"


def own_repository(registry: str) -> str:
    """The repository of what has no other name: that of the folder or file, made to fit the grammar."""
    name = posixpath.basename(path_of(registry)).lower()
    for ending in _ENDINGS:
        name = name.removesuffix(ending)
    name = re.sub(r"[^a-z0-9]+", "-", name).strip("-")[:100].strip("-")
    return "image" if name in ("", "blobs") else name


def as_repository(name: str) -> str:
    """A repository with its registry in front, as archives name it, as a repository alone: no port has a colon then."""
    return name.replace(":", "-")


def split_name(name: str) -> tuple[str, str]:
    """The repository and the tag of `docker.io/library/debian:12`; either may be empty. They are not checked."""
    repository, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        return as_repository(name), ""
    return as_repository(repository), tag


def written(registry: str, repository: str, tag: str) -> str:
    """A reference without its digest, as skopeo understands it too where it has a tag."""
    if not tag:
        return prefix_of(registry) + repository if repository else registry
    if registry.startswith(OCI) and repository == own_repository(registry):
        return f"{registry}:{tag}"
    return f"{registry}:{repository}:{tag}"
