"""Who uses what in a repository: tags, indexes and referrers as a graph of digests. Pure: `usage_reading` fills it."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass, field

from regtui.oci.digest import Digest, is_digest
from regtui.oci.kinds import THROW_AWAY, THROW_AWAY_DIGEST, Kind, companion_tags, kind_of
from regtui.oci.manifest import Document, Index, Manifest

_ANY_DIGEST = re.compile(rb"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


@dataclass(frozen=True, slots=True)
class Links:
    """What a manifest is, and what it needs. Sizes are in bytes."""

    kind: Kind
    media_type: str
    size: int  # of the manifest itself
    children: tuple[Digest, ...] = ()  # manifests that it breaks without
    subject: Digest | None = None  # the manifest that it is about: it does without
    blobs: tuple[tuple[str, int], ...] = ()  # digest and size of config and layers that the registry keeps
    original: Digest | None = None  # of a left-over throw-away manifest: what its tag pointed to before


def links_of(document: Document) -> Links:
    """Of a media type that nobody knows, every digest in its bytes counts as needed."""
    content = document.content
    subject = content.subject.digest if isinstance(content, Manifest | Index) and content.subject else ""
    children = [child.digest for child in document.children]
    blobs = {blob.digest: max(blob.size, 0) for blob in document.blobs if not blob.urls}
    if not isinstance(content, Manifest | Index):
        named = {match.decode() for match in _ANY_DIGEST.findall(document.raw)} - {document.digest}
        children, blobs = sorted(named), dict.fromkeys(sorted(named), 0)
    original = document.annotations.get(THROW_AWAY_DIGEST, "") if THROW_AWAY in document.annotations else ""
    return Links(
        kind_of(document),
        document.media_type,
        len(document.raw),
        tuple(Digest(child) for child in dict.fromkeys(children) if is_digest(child)),
        Digest(subject) if is_digest(subject) else None,
        tuple(blobs.items()),
        Digest(original) if is_digest(original) else None,
    )


@dataclass(slots=True)
class Usage:
    """A repository as it was read just now."""

    names: tuple[str, ...]  # every tag that the registry lists
    tags: dict[str, Digest] = field(default_factory=dict, init=False)  # those whose digests were read; see `point`
    manifests: dict[Digest, Links] = field(default_factory=dict)
    referrers: dict[Digest, list[Digest]] = field(default_factory=dict)  # subject → what is about it
    untagged_subjects: set[Digest] = field(default_factory=set)  # subjects that are there, though no tag leads to them
    unread: list[str] = field(default_factory=list)  # what can't be read, a sentence each
    complete: bool = False  # whether all tags were asked for
    checked: int = 0  # tags of which is known what they point to, or that they lead nowhere
    _on: dict[Digest, list[str]] = field(default_factory=dict, init=False)

    @property
    def is_known(self) -> bool:
        """Whether it can be said what uses a digest, and what doesn't."""
        return self.complete and not self.unread

    def add(self, digest: Digest, links: Links) -> None:
        self.manifests[digest] = links
        if links.subject:
            self.refers(digest, links.subject)

    def refers(self, referrer: Digest, subject: Digest) -> None:
        known = self.referrers.setdefault(subject, [])
        if referrer not in known:
            known.append(referrer)

    def point(self, tag: str, digest: Digest) -> None:
        self.tags[tag] = digest
        self._on.setdefault(digest, []).append(tag)

    def tags_on(self, digest: Digest) -> tuple[str, ...]:
        return tuple(self._on.get(digest, ()))

    def indexes(self, digests: Set[Digest]) -> dict[Digest, tuple[str, ...]]:
        """Of each of these digests, the tags of indexes that have it among their images, however deep; if any do."""

        def children(digest: Digest) -> Iterable[Digest]:
            links = self.manifests.get(digest)
            return links.children if links else ()

        found: dict[Digest, list[str]] = {}
        for top, tags in self._on.items():
            for digest in _reach([top], children).keys() & digests:
                if digest != top:
                    found.setdefault(digest, []).extend(tags)
        return {digest: tuple(tags) for digest, tags in found.items()}

    def companions(self, digest: Digest) -> tuple[str, ...]:
        """Tags that belong to a digest by their names: cosign's, and the referrers tag."""
        return tuple(tag for tag in companion_tags(digest) if tag in self.tags)

    def kept(self, going: Set[str]) -> set[Digest]:
        """What stays needed when these tags are gone: what a tag, an index or a subject that stays leads to."""

        def needed(digest: Digest) -> Iterable[Digest]:
            links = self.manifests.get(digest)
            yield from self.referrers.get(digest, ())
            if links:
                yield from links.children
                if links.original:
                    yield links.original

        roots = [digest for tag, digest in self.tags.items() if tag not in going]
        return set(_reach([*roots, *self.untagged_subjects], needed))

    def below(self, digests: Iterable[Digest]) -> list[Digest]:
        """Of these, what they are made of and what is about them, all that is there; in the order of its discovery."""

        def belonging(digest: Digest) -> Iterable[Digest]:
            links = self.manifests.get(digest)
            yield from links.children if links else ()
            yield from self.referrers.get(digest, ())
            yield from (self.tags[tag] for tag in self.companions(digest))

        return [digest for digest in _reach(digests, belonging) if digest in self.manifests]


def _reach(start: Iterable[Digest], following: Callable[[Digest], Iterable[Digest]]) -> dict[Digest, None]:
    found = dict.fromkeys(start)
    waiting = deque(found)
    while waiting:
        for digest in following(waiting.popleft()):
            if digest not in found:
                found[digest] = None
                waiting.append(digest)
    return found
