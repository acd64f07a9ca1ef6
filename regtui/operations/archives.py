"""Layouts and archives on this machine that are read like registries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from regtui.errors import RegtuiError, UsageError
from regtui.oci.reference import Reference
from regtui.oci.transports import OCI, is_local, own_repository, path_of
from regtui.text import shown

if TYPE_CHECKING:
    from regtui.embedded.repositories import Readable
    from regtui.registry.asgi import App

_NAMED = 10  # tags that a message names


@dataclass(frozen=True, slots=True)
class Files:
    """A layout or an archive, as an application. `close` when nobody asks it any more."""

    app: App
    read_only: bool
    close: Callable[[], None]


def open_files(registry: str, *, as_target: bool = False) -> Files:
    """What `oci:/folder` or `docker-archive:/file.tar` holds. Blocks. Raises `ContentError` for what is neither.

    `as_target`: where there is nothing yet, the first write makes a layout.
    """
    repositories = _repositories(registry, as_target=as_target)
    from regtui.embedded.app import reading_app, registry_app
    from regtui.embedded.one_layout import OneLayout

    if isinstance(repositories, OneLayout):
        return Files(registry_app(repositories), False, repositories.close)
    return Files(reading_app(repositories), True, lambda: None)


def place_in(reference: Reference) -> Reference:
    """Where a layout or archive opens: at its repository, if it has one only. Others stay as they are. Blocks."""
    if not is_local(reference.registry) or reference.repository:
        return reference
    names = _repositories(reference.registry).names()
    return Reference(reference.registry, names[0]) if len(names) == 1 else reference


def only_repository(reference: Reference) -> Reference:
    """A layout or archive alone means its repository, if it has one only. Others stay as they are. Blocks."""
    found = place_in(reference)
    if is_local(found.registry) and not found.repository:
        names = _repositories(found.registry).names()
        listed = ", ".join(str(Reference(found.registry, name)) for name in names[:_NAMED])
        raise UsageError(f"{found} holds {len(names):,} repositories", f"Name one: {shown(listed, 2000)}")
    return found


def only_manifest(reference: Reference) -> Reference:
    """A layout or archive alone means what it holds, if that is one tag only. Others stay as they are. Blocks."""
    if not is_local(reference.registry) or reference.version:
        return reference
    repositories = _repositories(reference.registry)
    names = [reference.repository] if reference.repository else repositories.names()
    tags = [Reference(reference.registry, name, tag) for name in names for tag in repositories.tags(name) or ()]
    if len(tags) == 1:
        return tags[0]
    if not tags:
        raise UsageError(f"{reference} holds no image")
    named = ", ".join(map(str, tags[:_NAMED]))
    raise UsageError(f"{reference} holds {len(tags):,} tags", f"Name one: {shown(named, 2000)}")


def _repositories(registry: str, *, as_target: bool = False) -> Readable:
    path = Path(path_of(registry))
    try:
        if registry.startswith(OCI):
            from regtui.embedded.one_layout import open_layout, open_target

            return (open_target if as_target else open_layout)(path, own_repository(registry))
        from regtui.embedded.docker_archive import open_archive

        return open_archive(path, own_repository(registry))
    except OSError as error:
        raise RegtuiError(f"{shown(str(path), 300)} can't be read: {error.strerror}") from error
