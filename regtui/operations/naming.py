"""What a name means that people type: short ones by podman's registries.conf, as podman and buildah do it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace

from regtui.errors import UsageError
from regtui.oci.reference import (
    DOCKER_HUB,
    Reference,
    check_host,
    check_repository,
    check_tag,
    parse_reference,
    short_name,
)
from regtui.oci.transports import is_local, own_repository, prefix_of
from regtui.text import shown


def resolve(text: str, environ: Mapping[str, str] = os.environ) -> Reference:
    """The whole reference that a user means. It reads podman's files, if the name has no registry in it.

    A short name is its alias, or else of the one registry that short names are looked for in; of several it is Docker
    Hub, if that is among them, and so it is where podman's files say nothing. Raises `ReferenceError`, `UsageError`
    with the candidates where several registries could be meant, `ConfigError` for a file that can't be used.
    Paths behind `oci:` and `docker-archive:` are of the folder that regtui was started in.
    """
    if is_local(text.strip()):
        return parse_reference(_absolute(text.strip()))
    short = short_name(text)
    if short is None:
        return parse_reference(text)
    from regtui.registry.registries_conf import read_registries_conf

    conf = read_registries_conf(environ)
    repository, version = short
    if alias := conf.aliases.get(repository):
        return parse_reference(f"{alias}{version}")
    if not conf.search or DOCKER_HUB in conf.search:
        return parse_reference(text)
    if len(conf.search) > 1:
        candidates = ", ".join(f"{registry}/{text.strip()}" for registry in conf.search)
        raise UsageError(
            f"{shown(text, 200)!r} could be of several registries ({shown(conf.search_file, 200)})",
            f"Write one of: {shown(candidates, 600)}",
        )
    return parse_reference(f"{conf.search[0]}/{repository}{version}")


def target_beside(text: str, source: Reference) -> Reference:
    """Where something is to be brought: a TAG, REPOSITORY[:TAG] in the source's registry, or HOST/[REPOSITORY][:TAG].

    What it leaves out is as in the source. Raises `UsageError`, `ReferenceError`.
    """
    head, slash, _ = text.partition("/")
    if is_local(text) or (slash and (head == "localhost" or any(mark in head for mark in ".:["))):
        target = resolve(text)
    elif not slash and ":" not in text and "@" not in text:
        target = source.at(check_tag(text))
    else:
        target = resolve(prefix_of(source.registry) + text)
    return completed(target, source)


def completed(target: Reference, source: Reference) -> Reference:
    """A target with the repository and the tag of the source, where it has none. Raises `UsageError`."""
    if target.digest:
        raise UsageError(f"{target} has a digest, which follows from what is copied", "Write a tag.")
    own = own_repository(target.registry) if is_local(target.registry) else source.repository
    target = replace(target, repository=target.repository or own, tag=target.tag or source.tag)
    if not target.tag:
        raise UsageError(f"{target} names no tag, and {source} has none to take over", f"Write {target}:TAG.")
    return target


def resolve_place(text: str) -> tuple[Reference, str]:
    """As `resolve`; with a slash at its end it is a namespace (`docker.io/library/`): its registry, and its name."""
    if is_local(text.strip()):
        return resolve(text), ""
    host, slash, path = text.strip().removeprefix("https://").removeprefix("http://").partition("/")
    if slash and path.endswith("/") and path.strip("/") not in ("", "v2"):
        return Reference(check_host(host)), check_repository(path.rstrip("/"))
    return resolve(text), ""


def _absolute(text: str) -> str:
    """The same with an absolute path. Raises `UsageError`."""
    transport, _, rest = text.partition(":")
    path = re.match(r"/*(?:(?!//)[^:@])*", rest)
    assert path
    if not path[0]:
        raise UsageError(f"{transport}: names nothing", f"Write {transport}:PATH.")
    absolute = os.path.abspath(os.path.expanduser(path[0]))
    if ":" in absolute or "@" in absolute:
        raise UsageError(
            f"A path with a colon or an @ in it can't be written behind {transport}: ({shown(absolute, 200)})",
            "Name it by a symbolic link that has none.",
        )
    return f"{transport}:{absolute}{rest[path.end() :]}"


def server_of(registry: str, environ: Mapping[str, str] = os.environ) -> str:
    """The registry whose login counts: the one itself, or where registries.conf leads from it. Raises `RegtuiError`."""
    from regtui.registry.registries_conf import read_registries_conf

    return read_registries_conf(environ).home(registry).registry
