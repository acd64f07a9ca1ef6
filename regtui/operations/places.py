"""Where one can go: registries that a login is kept for, and what was opened before."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from regtui.config import Settings
from regtui.errors import ReferenceError
from regtui.oci.reference import check_repository
from regtui.oci.transports import prefix_of
from regtui.registry.credentials import known_registries
from regtui.store.places import Places


@dataclass(frozen=True, slots=True)
class KnownPlaces:
    """References as one types them, each in one of the lists."""

    logged_in: tuple[str, ...]  # registries of docker's and podman's files
    opened: tuple[str, ...]  # registries and references, the newest first


def known_places(settings: Settings, environ: Mapping[str, str] = os.environ) -> KnownPlaces:
    """Reads small files of this machine, nothing else. What can't be read counts as empty."""
    logged_in = tuple(known_registries(environ))
    opened = tuple(place for place in Places(settings.state_dir).recent() if place not in logged_in)
    return KnownPlaces(logged_in, opened)


def opened_in(settings: Settings, registry: str) -> list[str]:
    """The repositories of a registry that were opened before, the newest first. Reads one small file."""
    prefix = prefix_of(registry)
    recent = (place for place in Places(settings.state_dir).recent() if place.startswith(prefix))
    found = dict.fromkeys(re.split("[:@]", place.removeprefix(prefix))[0] for place in recent)
    return [name for name in found if _is_repository(name)]


def _is_repository(name: str) -> bool:
    try:
        return bool(check_repository(name))
    except ReferenceError:
        return False


def remember(settings: Settings, reference: str) -> None:
    """Puts a reference, as one types it, at the top of what was opened before."""
    Places(settings.state_dir).remember(reference)
