"""What a reference that is half typed could become, by what this machine knows. Nothing here asks a registry.

It runs at every press of Tab: it imports little, and what can't be read counts as empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from regtui.errors import ReferenceError
from regtui.oci.reference import DOCKER_HUB, Reference, check_host, is_repository, parse_reference
from regtui.oci.transports import is_local
from regtui.store import names

if TYPE_CHECKING:
    from regtui.config import Settings
    from regtui.operations.session import Session


class Wanted(Enum):
    """What is to be typed."""

    REGISTRY = auto()
    NAMESPACE = auto()  # a registry, or what repositories are below
    REPOSITORY = auto()
    VERSION = auto()  # a repository with a tag
    ANYTHING = auto()  # any of these


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a word could become. `goes_on`: more has to follow, or may, in the same word."""

    text: str
    goes_on: bool = False


def keep_repositories(session: Session, namespace: str, listed: Sequence[str]) -> None:
    """Remembers a complete list of a registry's repositories, or of those below a namespace. Returns at once."""
    session.cache.keep_names(session.registry, names.REPOSITORIES, namespace, listed)


def keep_tags(session: Session, repository: str, listed: Sequence[str]) -> None:
    """Remembers a complete list of a repository's tags. Returns at once."""
    session.cache.keep_names(session.registry, names.TAGS, repository, listed)


def references(settings: Settings, text: str, wanted: Wanted) -> list[Candidate]:
    """What a reference that begins with `text` could be: its registry, the next part of its repository, or its tag."""
    if is_local(text):
        return _of_files(settings, text, wanted)
    head, slash, rest = text.partition("/")
    if not slash:
        return [*_hosts(settings, text, wanted), *_of_docker_hub(settings, text, wanted)]
    is_host = head == "localhost" or any(mark in head for mark in ".:[")
    try:
        registry = check_host(head) if is_host else DOCKER_HUB
    except ReferenceError:
        return []
    typed, path = (f"{head}/", rest) if is_host else ("", text)
    repository, colon, tag = path.partition(":")
    if colon:
        return _tags(settings, registry, typed, repository, tag, wanted)
    return _repositories(settings, registry, typed, repository, wanted)


def tags_beside(settings: Settings, reference: str) -> list[str]:
    """The tags of a reference's repository, as they were last listed. Raises `ReferenceError`."""
    of = parse_reference(reference)
    return names.tags(settings.cache_dir, of.registry, of.repository)


def _hosts(settings: Settings, begun: str, wanted: Wanted) -> list[Candidate]:
    """Registries; unless they are what is wanted, with the slash that makes each a reference."""
    is_whole = wanted is Wanted.REGISTRY
    return [
        Candidate(known if is_whole or is_local(known) else f"{known}/", goes_on=not is_whole)
        for known in _registries(settings)
        if known.startswith(begun)
    ]


def _of_files(settings: Settings, text: str, wanted: Wanted) -> list[Candidate]:
    """Layouts and archives that were opened before, and once one is written, its tags as they were last listed."""
    found = _hosts(settings, text, wanted)
    try:
        of = parse_reference(text.removesuffix(":"))
    except ReferenceError:
        return found
    if wanted in (Wanted.VERSION, Wanted.ANYTHING) and ":" in text.partition(":")[2]:
        for repository in names.repositories(settings.cache_dir, of.registry):
            for tag in names.tags(settings.cache_dir, of.registry, repository):
                found.append(Candidate(str(Reference(of.registry, repository, tag))))
    return [candidate for candidate in found if candidate.text.startswith(text)]


def _of_docker_hub(settings: Settings, text: str, wanted: Wanted) -> list[Candidate]:
    """Tags of what stands for `docker.io/library/NAME`."""
    name, colon, tag = text.partition(":")
    if not colon or not is_repository(name) or "." in name or name == "localhost":
        return []
    return _tags(settings, DOCKER_HUB, "", name, tag, wanted)


def _tags(
    settings: Settings, registry: str, typed: str, repository: str, begun: str, wanted: Wanted
) -> list[Candidate]:
    if wanted not in (Wanted.VERSION, Wanted.ANYTHING):
        return []
    whole = f"library/{repository}" if registry == DOCKER_HUB and "/" not in repository else repository
    found = names.tags(settings.cache_dir, registry, whole)
    if not begun:  # signatures and their like are offered when their names are begun
        from regtui.oci.kinds import companion_of

        found = [name for name in found if not companion_of(name)]
    return [Candidate(f"{typed}{repository}:{name}") for name in found if name.startswith(begun)]


def _repositories(settings: Settings, registry: str, typed: str, begun: str, wanted: Wanted) -> list[Candidate]:
    """The next part of each repository's name, as a shell completes folders."""
    if wanted is Wanted.REGISTRY:
        return []
    found: dict[Candidate, None] = {}
    for name in sorted(names.repositories(settings.cache_dir, registry)):
        if not name.startswith(begun):
            continue
        part, slash, _ = name[len(begun) :].partition("/")
        if slash:
            found[Candidate(f"{typed}{begun}{part}/", goes_on=True)] = None
        elif wanted is Wanted.NAMESPACE:
            continue
        elif wanted is Wanted.VERSION:
            found[Candidate(f"{typed}{name}:", goes_on=True)] = None
        else:
            found[Candidate(typed + name, goes_on=wanted is Wanted.ANYTHING)] = None
    return list(found)


def _registries(settings: Settings) -> Iterable[str]:
    """Those of docker's and podman's files, those opened before, and those of which something was listed."""
    from regtui.operations.places import known_places

    known = known_places(settings)
    found: dict[str, None] = {}
    for place in (*known.logged_in, *known.opened, *names.registries(settings.cache_dir)):
        try:
            found[parse_reference(place if "/" in place else f"{place}/").registry] = None
        except ReferenceError:
            continue
    return found
