"""Undoing a change from the journal: tags come back with identical digests while the registry still has the blobs.

All is looked for before anything is written: a byte of every blob is read, for a `HEAD` can lie (PROTOCOL.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from regtui.errors import ConnectionFailed, ContentError, NotFound, PlanStale, StoreError, UsageError
from regtui.oci.digest import Digest
from regtui.oci.kinds import THROW_AWAY_DIGEST
from regtui.oci.manifest import decode_document
from regtui.operations.at_once import each
from regtui.operations.looking import found, found_all, name
from regtui.operations.plan import Plan, Step, must_write
from regtui.operations.reading import digest_in, document
from regtui.operations.removal import plan_removal
from regtui.operations.restoring import RestoreManifest
from regtui.operations.session import Session
from regtui.store.rows import KeptChange, KeptStep, Outcome, Saved

__all__ = ["UndoPlan", "plan_undo"]

_LATEST = 1000
_SENT = (Outcome.STARTED, Outcome.DONE, Outcome.FAILED)
"""Outcomes of steps that may have changed something."""


@dataclass(frozen=True, slots=True)
class UndoPlan(Plan):
    """Puts back what a change took, and takes back what it added. Without steps there is nothing to do any more."""

    change: KeptChange
    restored: tuple[tuple[str, Digest], ...]  # "team/app:1.4" and what it points to again; "team/app@…" has no tag
    removed: tuple[str, ...]  # tags that the change made


async def plan_undo(session: Session, change: int | None = None, *, force: bool = False) -> UndoPlan:
    """Plans to undo a change, or the last one in this registry.

    Raises `StoreError` for one that the journal doesn't have or that still runs, `NotFound` when what it took can't be
    put back whole, `PlanStale` when a tag was pushed anew since: with `force` that push is undone, too.
    """
    must_write(session)
    undone = await asyncio.to_thread(_change, session, change)
    lost: list[tuple[Saved, str]] = []
    made: dict[str, Digest] = {}
    repository, keep_images = "", False
    for step, saved in await asyncio.to_thread(_sent, session, undone.id):
        repository = step.intent["repository"]
        lost += [(manifest, step.intent["digest"]) for manifest in saved]
        made |= {tag: Digest(step.intent["digest"]) for tag in step.intent.get("made", "").split()}
        keep_images |= step.intent["verb"] == "point tag"
    taken = await _taken(session, lost)
    await _nothing_newer(session, taken, force)
    await _is_whole(session, taken)
    there = await found_all(session.client, repository, made)
    going = [tag for tag, digest in there.items() if digest == made[tag]]
    removal = await plan_removal(session, repository, going, keep_images=keep_images) if going else None
    steps: list[Step] = list(removal.steps) if removal else []
    steps += await _restoring(session, taken, len(steps))
    return UndoPlan(
        session.registry,
        f"Undo: {undone.title}",
        "Undo",
        tuple(steps),
        undone,
        tuple((name(item.manifest.repository, at), item.manifest.digest) for item in taken for at in item.now),
        tuple(name(repository, tag) for tag in going),
        check=removal.check if removal else None,
    )


@dataclass(frozen=True, slots=True)
class _Taken:
    """A manifest that is to come back, and what is in its places now: under its tags, or its digest without any."""

    manifest: Saved
    left: str  # what the change left there
    now: Mapping[str, Digest | None]


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
    steps = [step for step in session.journal.steps(change) if step.outcome in _SENT and "digest" in step.intent]
    return [(step, session.journal.saved(change, step.number)) for step in reversed(steps)]


async def _taken(session: Session, lost: Sequence[tuple[Saved, str]]) -> list[_Taken]:
    """Those that are not as they were, in the order given."""
    looked: dict[int, _Taken] = {}

    async def look(number: int) -> None:
        manifest, left = lost[number]
        places = manifest.tags or (manifest.digest,)
        looked[number] = _Taken(manifest, left, await found_all(session.client, manifest.repository, places))

    await each(range(len(lost)), look, session.concurrency)
    ordered = (looked[number] for number in range(len(lost)))
    return [item for item in ordered if any(digest != item.manifest.digest for digest in item.now.values())]


async def _nothing_newer(session: Session, taken: Sequence[_Taken], force: bool) -> None:
    """A throw-away manifest that a cut-off removal left on its tag is not newer: it says what it stands for."""
    for item in taken:
        for tag, digest in item.now.items():
            if digest in (None, item.left, item.manifest.digest) or force:
                continue
            repository = item.manifest.repository
            there = await document(session, repository, str(digest))
            if there.annotations.get(THROW_AWAY_DIGEST) != item.manifest.digest:
                raise PlanStale(
                    f"{name(repository, tag)} was pushed anew since: it points to {digest}",
                    "On the command line, regtui undo --force takes that back, too.",
                )


async def _is_whole(session: Session, taken: Sequence[_Taken]) -> None:
    """Raises `NotFound` naming what is gone of that which these manifests need."""
    coming = {item.manifest.digest for item in taken}
    blobs: dict[tuple[str, Digest], None] = {}
    children: dict[tuple[str, Digest], None] = {}
    for item in taken:
        saved = item.manifest
        content = decode_document(saved.raw, saved.digest, saved.media_type)
        kept = [blob for blob in content.blobs if blob.size and not blob.urls]
        blobs |= dict.fromkeys((saved.repository, digest_in(blob)) for blob in kept)
        below = map(digest_in, content.children)
        children |= dict.fromkeys((saved.repository, child) for child in below if child not in coming)
    gone: list[str] = []

    async def read_a_byte(place: tuple[str, Digest]) -> None:
        try:
            async with aclosing(session.client.blob(*place, start=0, end=1)) as chunks:
                if [chunk async for chunk in chunks]:
                    return
        except ConnectionFailed:  # a server that remembers a blob's size, and has no bytes to send, breaks off
            await session.client.ping()
        except (NotFound, ContentError):
            pass
        gone.append(place[1])

    async def find(place: tuple[str, Digest]) -> None:
        if await found(session.client, *place) is None:
            gone.append(place[1])

    await each(blobs, read_a_byte, session.concurrency)
    await each(children, find, session.concurrency)
    if gone:
        raise NotFound(
            f"This can't be undone: {session.registry} can't give {', '.join(sorted(gone)[:3])} any more"
            + (f" (and {len(gone) - 3:,} others)" if len(gone) > 3 else ""),
            "Nothing was changed. Its garbage collection has run, or another change took it (regtui history): "
            "undo that, or push the image anew.",
            status=404,
        )


async def _restoring(session: Session, taken: Sequence[_Taken], start: int) -> list[Step]:
    """The steps, numbered from `start`: what an index is made of comes before it, as it went after it."""
    steps: list[Step] = []
    number_of: dict[Digest, int] = {}
    for item in taken:
        saved = item.manifest
        content = decode_document(saved.raw, saved.digest, saved.media_type)
        needs = tuple(number_of[Digest(child.digest)] for child in content.children if child.digest in number_of)
        replaced = [
            await _saved(session, saved.repository, digest, tag)
            for tag, digest in item.now.items()
            if digest not in (None, saved.digest)
        ]
        number_of[saved.digest] = start + len(steps)
        steps.append(RestoreManifest(saved, dict(item.now), tuple(replaced), needs))
    return steps


async def _saved(session: Session, repository: str, digest: Digest | None, tag: str) -> Saved:
    there = await document(session, repository, str(digest))
    return Saved(repository, there.digest, there.media_type, there.raw, (tag,))
