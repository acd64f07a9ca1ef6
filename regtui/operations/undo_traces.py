"""What a change took and what it put there, as the journal has it: no request is sent for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from regtui.oci.digest import Digest
from regtui.oci.manifest import decode_document
from regtui.store.rows import KeptStep, Saved

Place = tuple[str, str]
"""A repository, and a tag in it, or the digest of a manifest that has none."""


@dataclass(frozen=True, slots=True)
class Traces:
    """Of all steps of a change that may have been sent, also of those that a later step took up."""

    lost: tuple[Saved, ...]
    """Each manifest once, with all its tags: what was at these places before the change."""
    left: Mapping[Place, frozenset[Digest]]
    """What the change put, or found, at these places: whatever else is there came since."""
    made: Mapping[Place, Digest]
    """Tags that it made, with what it pointed them to."""
    restored: frozenset[str]
    """Repositories in which it only put back what another change had taken."""


def traces(steps: Iterable[tuple[KeptStep, Sequence[Saved]]]) -> Traces:
    """Of steps with what undoes them, the last first."""
    before: dict[Place, list[Saved]] = {}
    left: defaultdict[Place, set[Digest]] = defaultdict(set)
    put: defaultdict[Place, set[Digest]] = defaultdict(set)
    made: dict[Place, Digest] = {}
    only_restored: dict[str, bool] = {}
    for step, saved in steps:
        repository, digest = step.intent["repository"], Digest(step.intent["digest"])
        for manifest in saved:
            for version in manifest.tags or (manifest.digest,):
                before.setdefault((manifest.repository, version), []).append(manifest)
                left[manifest.repository, version].add(digest)
                if "made" in step.intent:  # it writes
                    put[manifest.repository, version].add(digest)
        for tag in step.intent.get("made", "").split():
            made.setdefault((repository, tag), digest)
            put[repository, tag].add(digest)
            only_restored[repository] = only_restored.get(repository, True) and step.intent["verb"] == "restore"
    # A step that took up another one found what that one had put there: that was not there before.
    first = {place: [each for each in saved if each.digest not in put[place]] for place, saved in before.items()}
    lost = {place: saved[0] for place, saved in first.items() if saved}
    return Traces(
        tuple(_joined(lost)),
        {place: frozenset(digests) for place, digests in left.items()},
        {place: digest for place, digest in made.items() if place not in lost},
        frozenset(repository for repository, only in only_restored.items() if only),
    )


def children_first(manifests: Sequence[Saved]) -> list[Saved]:
    """What an index is made of comes before it; else in the order given."""
    by_digest = {(saved.repository, saved.digest): saved for saved in manifests}
    ordered: dict[tuple[str, Digest], Saved] = {}
    waiting = [(saved, False) for saved in reversed(manifests)]
    while waiting:
        saved, is_ready = waiting.pop()
        key = (saved.repository, saved.digest)
        if key in ordered:
            continue
        if is_ready:
            ordered[key] = saved
            continue
        waiting.append((saved, True))
        below = decode_document(saved.raw, saved.digest, saved.media_type).children
        others = [by_digest.get((saved.repository, Digest(child.digest))) for child in below]
        waiting += [(other, False) for other in others if other]
    return list(ordered.values())


def _joined(lost: Mapping[Place, Saved]) -> Iterable[Saved]:
    """Manifests, each once in its repository, with all its places that are tags."""
    tags: dict[tuple[str, Digest], list[str]] = {}
    manifests: dict[tuple[str, Digest], Saved] = {}
    for (repository, version), saved in lost.items():
        manifests.setdefault((repository, saved.digest), saved)
        tags.setdefault((repository, saved.digest), []).extend([version] * (version != saved.digest))
    return (replace(saved, tags=tuple(tags[key])) for key, saved in manifests.items())
