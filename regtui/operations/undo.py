"""Undoing a change from the journal: tags come back with identical digests while the registry still has the blobs.

All is looked for before anything is written: a byte of every blob is read, for a `HEAD` can lie (PROTOCOL.md).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from regtui import words
from regtui.errors import PlanStale, StoreError, UsageError
from regtui.oci.digest import Digest, short
from regtui.oci.kinds import THROW_AWAY_DIGEST
from regtui.oci.manifest import decode_document
from regtui.operations.at_once import each
from regtui.operations.looking import found_all, name
from regtui.operations.plan import Plan, Step, must_write
from regtui.operations.reading import document
from regtui.operations.removal import plan_removal
from regtui.operations.removal_plan import RemovalPlan, listed
from regtui.operations.restoring import RestoreManifest
from regtui.operations.session import Session
from regtui.operations.undo_traces import Place, Traces, children_first, traces
from regtui.operations.wholeness import must_be_whole
from regtui.store.rows import SENT, KeptChange, KeptStep, Saved

__all__ = ["UndoPlan", "plan_undo"]

_LATEST = 1000
_NAMED = 5


@dataclass(frozen=True, slots=True)
class UndoPlan(Plan):
    """Puts back what a change took, and takes back what it added. Without steps there is nothing to do any more."""

    change: KeptChange
    restored: tuple[tuple[str, Digest], ...]  # "team/app:1.4" and what it points to again; "team/app@…" has no tag
    removed: tuple[str, ...]  # tags that the change made
    along: tuple[str, ...]  # what goes with them, in words

    def lines(self) -> list[tuple[str, str]]:
        """Rows of the dialog and of `--dry-run`: a label, and what there is to say."""
        rows = [("Undoes", f"change {self.change.id}: {self.change.title}, {words.ago(self.change.time)}")]
        back: dict[Digest, list[str]] = {}
        for place, digest in self.restored:
            back.setdefault(digest, []).append(place)
        rows += [("Back", f"{listed(places, _NAMED)} on {short(digest)}") for digest, places in back.items()]
        rows += [("Goes", listed(self.removed, _NAMED))] * bool(self.removed)
        return rows + [("Along", text) for text in self.along]

    def as_json(self) -> dict[str, Any]:
        return {
            **super(UndoPlan, self).as_json(),
            "change": self.change.id,
            "restored": [
                {"reference": f"{self.registry}/{place}", "digest": digest} for place, digest in self.restored
            ],
            "removed": [f"{self.registry}/{place}" for place in self.removed],
        }


async def plan_undo(
    session: Session,
    change: int | None = None,
    *,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> UndoPlan:
    """Plans to undo a change, or the last one in this registry; one that was cut off as far as it came.

    `progress` is told how many blobs and manifests were read, of how many. What was pushed anew since stays, and
    `warnings` name it; with `force` it goes.

    Raises `StoreError` for one that the journal doesn't have or that still runs, `NotFound` when what it took can't be
    put back whole, `PlanStale` when all that there is to undo was pushed anew since.
    """
    must_write(session)
    undone = await asyncio.to_thread(_change, session, change)
    was = traces(await asyncio.to_thread(_sent, session, undone.id))
    taken, newer = await _taken(session, was, force)
    await must_be_whole(session, [item.manifest for item in taken], progress)
    going, moved = await _going(session, was)
    newer |= moved
    if newer and not taken and not going:
        place, digest = next(iter(newer.items()))
        raise PlanStale(
            f"{name(*place)} was pushed anew since: it points to {digest}",
            "On the command line, regtui undo --force takes that back, too." if place not in moved else "",
        )
    removals = await _removals(session, was, going)
    steps = [step for removal in removals for step in removal.steps]
    steps += await _restoring(session, taken, len(steps))
    stays = [f"{name(*place)} was pushed anew since, and stays on {digest}" for place, digest in newer.items()]
    return UndoPlan(
        session.registry,
        f"Undo: {undone.title}",
        "Undo",
        tuple(steps),
        undone,
        tuple((name(item.manifest.repository, at), item.manifest.digest) for item in taken for at in item.now),
        tuple(name(repository, tag) for repository, tags in going.items() for tag in tags),
        tuple(text for removal in removals for label, text in removal.lines() if label == "Along"),
        warnings=(*stays, *(warning for removal in removals for warning in removal.warnings)),
        check=next((removal.check for removal in removals if removal.check), None),
        request={"verb": "undo", "change": undone.id, "force": force},
    )


@dataclass(frozen=True, slots=True)
class _Taken:
    """A manifest that is to come back, and what is in its places now: under its tags, or its digest without any."""

    manifest: Saved
    now: Mapping[str, Digest | None]
    throw_aways: frozenset[Digest]  # those of `now` that a cut-off removal left there


def _change(session: Session, number: int | None) -> KeptChange:
    journal = session.journal
    if number is None:
        own = (change for change in journal.changes(_LATEST) if change.registry == session.registry)
        found_change = next(own, None)
        if found_change is None:
            raise StoreError(f"The journal has no change of {session.registry}")
    else:
        found_change = journal.change(number)
    if found_change.registry != session.registry:
        raise UsageError(f"Change {number} was made in {found_change.registry}, not in {session.registry}")
    if found_change.lives:
        raise StoreError(f"Change {found_change.id} is still running", "Wait until it is done, or stop it.")
    return found_change


def _sent(session: Session, change: int) -> list[tuple[KeptStep, list[Saved]]]:
    """The steps that may have changed something, the last first, each with what undoes it."""
    steps = [step for step in session.journal.steps(change) if step.outcome in SENT and "digest" in step.intent]
    return [(step, session.journal.saved(change, step.number)) for step in reversed(steps)]


async def _taken(session: Session, was: Traces, force: bool) -> tuple[list[_Taken], dict[Place, Digest]]:
    """Manifests whose places are not as they were, an index after its images; and places that are newer.

    A throw-away manifest that a cut-off removal left on its tag is not newer: it says what it stands for.
    """
    lost = children_first(was.lost)
    looked: dict[int, tuple[dict[str, Digest | None], set[Digest], dict[Place, Digest]]] = {}

    async def look(number: int) -> None:
        manifest = lost[number]
        repository = manifest.repository
        places = await found_all(session.client, repository, manifest.tags or (manifest.digest,))
        other = {place: digest for place, digest in places.items() if digest != manifest.digest}
        strange = {
            place: digest
            for place, digest in other.items()
            if digest is not None and digest not in was.left[repository, place]
        }
        throw_aways = {digest for digest in strange.values() if await _stands_for(session, manifest, digest)}
        kept = {place: digest for place, digest in strange.items() if digest not in throw_aways and not force}
        now = {place: digest for place, digest in other.items() if place not in kept}
        looked[number] = (now, throw_aways, {(repository, place): digest for place, digest in kept.items()})

    await each(range(len(lost)), look, session.concurrency)
    taken: list[_Taken] = []
    newer: dict[Place, Digest] = {}
    for number, manifest in enumerate(lost):
        now, throw_aways, kept = looked[number]
        newer |= kept
        if now:
            tags = tuple(tag for tag in manifest.tags if tag in now)
            taken.append(_Taken(replace(manifest, tags=tags), now, frozenset(throw_aways)))
    return taken, newer


async def _stands_for(session: Session, original: Saved, digest: Digest) -> bool:
    there = await document(session, original.repository, digest)
    return there.annotations.get(THROW_AWAY_DIGEST) == original.digest


async def _going(session: Session, was: Traces) -> tuple[dict[str, list[str]], dict[Place, Digest]]:
    """Tags that the change made and that are as it made them, by repository; and those that were moved since."""
    made: defaultdict[str, list[str]] = defaultdict(list)
    for repository, tag in was.made:
        made[repository].append(tag)
    going: dict[str, list[str]] = {}
    moved: dict[Place, Digest] = {}
    for repository, tags in made.items():
        there = await found_all(session.client, repository, tags)
        as_made = [tag for tag in tags if there[tag] == was.made[repository, tag]]
        if as_made:
            going[repository] = as_made
        moved |= {(repository, tag): digest for tag, digest in there.items() if digest and tag not in as_made}
    return going, moved


async def _removals(session: Session, was: Traces, going: Mapping[str, Sequence[str]]) -> list[RemovalPlan]:
    """Plans to take tags back, their steps numbered on. What was copied stays, but for its tag: the registry may have
    had it before; what an undo put back goes again as a whole."""
    plans: list[RemovalPlan] = []
    start = 0
    for repository, tags in going.items():
        plan = await plan_removal(session, repository, tags, keep_images=repository not in was.restored)
        moved_on = [replace(step, needs=tuple(start + number for number in step.needs)) for step in plan.steps]
        plans.append(replace(plan, steps=tuple(moved_on)))
        start += len(plan.steps)
    return plans


async def _restoring(session: Session, taken: Sequence[_Taken], start: int) -> list[Step]:
    """The steps, numbered from `start`, each index needing its images."""
    replaced: dict[Place, Saved] = {}

    async def read(place: tuple[str, str, Digest]) -> None:
        repository, tag, digest = place
        there = await document(session, repository, digest)
        replaced[repository, tag] = Saved(repository, there.digest, there.media_type, there.raw, (tag,))

    others = [
        (item.manifest.repository, tag, digest)
        for item in taken
        for tag, digest in item.now.items()
        if digest is not None and digest not in item.throw_aways
    ]
    await each(others, read, session.concurrency)
    steps: list[Step] = []
    number_of: dict[Place, int] = {}
    for item in taken:
        saved = item.manifest
        below = decode_document(saved.raw, saved.digest, saved.media_type).children
        places = [(saved.repository, child.digest) for child in below]
        needs = tuple(number_of[place] for place in places if place in number_of)
        number_of[saved.repository, saved.digest] = start + len(steps)
        on_tags = tuple(replaced[saved.repository, tag] for tag in item.now if (saved.repository, tag) in replaced)
        steps.append(RestoreManifest(saved, dict(item.now), on_tags, item.throw_aways, needs))
    return steps
