"""What goes when tags go: decided on what was read, without any request (PROTOCOL.md, "Removing one tag")."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from regtui.oci.digest import Digest
from regtui.operations.usage import Usage


@dataclass(frozen=True, slots=True)
class Scope:
    """`tags` that go: those asked for, then those that belong to what goes. `digests`: manifests deleted as such.

    An index stands before its images, so that it is never there without them.
    """

    tags: tuple[str, ...]
    digests: tuple[Digest, ...]


def scope(
    usage: Usage,
    tags: Iterable[str],
    forced: Collection[Digest] = (),
    leftover: Collection[Digest] = (),
    *,
    by_digest: bool = True,
) -> Scope:
    """What goes with these tags, and with the digests that are `forced`, whatever uses them.

    Any other manifest, also one that is `leftover` of an earlier removal, goes when no tag, index or subject that stays
    needs it. When not all is known, or without `by_digest`, only what is forced does; the others lose their tag.
    """
    going = dict.fromkeys(tags)
    while True:
        gone = list(forced)
        if usage.is_known and by_digest:
            kept = usage.kept(going.keys())
            start = [*forced, *leftover, *(usage.tags[tag] for tag in going)]
            gone = [digest for digest in usage.below(start) if digest not in kept or digest in forced]
        more = [tag for digest in gone for tag in usage.companions(digest) if tag not in going]
        if not more:
            return Scope(tuple(going), tuple(_indexes_first(usage, gone)))
        going.update(dict.fromkeys(more))


def reclaimable(usage: Usage, digests: Collection[Digest]) -> int:
    """Bytes that plain garbage collection gives back in this repository when these manifests are gone: theirs, and
    those of blobs that no other manifest needs, each once."""
    needed = {blob for digest, links in usage.manifests.items() if digest not in digests for blob, _ in links.blobs}
    gone = [usage.manifests[digest] for digest in digests if digest in usage.manifests]
    blobs = {blob: size for links in gone for blob, size in links.blobs if blob not in needed}
    return sum(links.size for links in gone) + sum(blobs.values())


def parents(usage: Usage, digests: Collection[Digest]) -> dict[Digest, list[Digest]]:
    """Of each of these digests, which others must go first: the indexes that it is in, then what it is about."""
    found: dict[Digest, list[Digest]] = {digest: [] for digest in digests}
    for digest in digests:
        links = usage.manifests.get(digest)
        below = (*(links.children if links else ()), *usage.referrers.get(digest, ()))
        below += tuple(usage.tags[tag] for tag in usage.companions(digest))
        for child in dict.fromkeys(below):
            if child in found and child != digest:
                found[child].append(digest)
    return found


def _indexes_first(usage: Usage, digests: list[Digest]) -> Iterable[Digest]:
    """The order given, but for images that stand before an index they are in."""
    place = {digest: number for number, digest in enumerate(digests)}
    children = {
        digest: [child for child in usage.manifests[digest].children if child in place]
        for digest in digests
        if digest in usage.manifests
    }
    above = Counter(child for below in children.values() for child in below)
    ready = [place[digest] for digest in digests if not above[digest]]
    heapq.heapify(ready)
    while ready:
        digest = digests[heapq.heappop(ready)]
        yield digest
        for child in children.get(digest, ()):
            above[child] -= 1
            if not above[child]:
                heapq.heappush(ready, place[child])
