"""Where one is and was: what Backspace goes back along."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from regtui.oci.digest import Digest, short
from regtui.oci.reference import Reference
from regtui.operations.naming import resolve_place
from regtui.tui.arrangement import DETAILS, REPOSITORIES, TAGS

_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Link:
    """What was followed from an index, or from any descriptor: where to, and what the first line calls it."""

    label: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class Spot:
    """A place: a tag or digest, the links followed from there, the pane, and where in the details."""

    reference: Reference
    links: tuple[Link, ...] = ()
    pane: int = REPOSITORIES
    tab: str = ""
    cursor: int = 0
    namespace: str = ""
    """Of the registry; its repositories are listed though the registry may not list all of its own."""

    @property
    def registry(self) -> str:
        return self.reference.registry

    @property
    def shown(self) -> Reference:
        """What the details show: the end of the links."""
        return self.reference.at(digest=self.links[-1].digest) if self.links else self.reference

    @property
    def parts(self) -> tuple[str, ...]:
        """What the first line says."""
        reference = self.reference
        version = reference.tag or (short(reference.digest) if reference.digest else "")
        parts = (reference.registry, reference.repository, version, *(link.label for link in self.links))
        return tuple(part for part in parts if part)

    def follow(self, link: Link) -> Spot:
        return replace(self, links=(*self.links, link), tab="", cursor=0)


def spot_of(reference: Reference, namespace: str = "") -> Spot:
    """Where a reference opens: a tag or digest in the details, a repository in its tags, a registry at a namespace."""
    pane = DETAILS if reference.version else TAGS if reference.repository else REPOSITORIES
    return Spot(reference, pane=pane, namespace=namespace)


def typed_spot(text: str) -> Spot:
    """A reference as a user writes it, or with a slash at its end a namespace (`docker.io/library/`).

    Raises `UsageError`.
    """
    return spot_of(*resolve_place(text))


@dataclass(slots=True)
class History:
    """Spots that were left by going somewhere else; moving a cursor is no going. One for all registries."""

    stood: dict[str, Spot] = field(default_factory=dict)
    """Where one left each registry for another, the one that was left last at the end."""
    _left: list[Spot] = field(default_factory=list)

    def leave(self, spot: Spot) -> None:
        if not self._left or self._left[-1] != spot:
            self._left = [*self._left[-_LIMIT:], spot]

    def back(self) -> Spot | None:
        """The spot that was left last, taken off."""
        return self._left.pop() if self._left else None
