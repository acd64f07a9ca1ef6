"""What a tag pointed to before: as regtui saw it on this machine, and as its own changes left it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from regtui.errors import UsageError
from regtui.oci.digest import Digest
from regtui.oci.reference import Reference
from regtui.operations.looking import found, found_all
from regtui.operations.session import Session
from regtui.store.rows import KeptChange, KeptStep
from regtui.store.sightings import Sighting

__all__ = ["KeptChange", "TagEvent", "tag_log"]

_SOON = timedelta(minutes=5)
"""How long after a change the tag is seen with what the change put there, when regtui itself looks."""


@dataclass(frozen=True, slots=True)
class TagEvent:
    """The tag on one digest, between the times at which it was first and last seen there, UTC; on none: deleted."""

    digest: Digest | None
    first: datetime
    last: datetime
    by: (
        KeptChange | None
    )  # the change of this machine that put it there, or deleted it; None: somebody else, or unknown
    is_now: bool = False
    is_there: bool | None = None  # whether the registry still has the manifest; None of a deletion


async def tag_log(session: Session, reference: Reference) -> list[TagEvent]:
    """Every digest that a tag is known to have pointed to, the newest first; what it points to now is asked for.

    Raises `UsageError` for what is no tag, `StoreError` when the journal can't be read, and what the client does.
    """
    if not reference.tag:
        raise UsageError(f"{reference} names no tag", f"Write {reference.at()}:TAG.")
    repository, tag = reference.repository, reference.tag
    now = await found(session.client, repository, tag)
    if now:
        session.saw(repository, tag, now)
    seen = await session.cache.sightings(session.registry, repository, tag)
    done = await asyncio.to_thread(session.journal.of_tag, session.registry, repository, tag)
    events = _joined(seen, done)
    there = await found_all(session.client, repository, {event.digest for event in events if event.digest})
    current = next((event for event in events if event.digest == now), None) if now else None
    return [
        replace(
            event,
            is_now=event is current,
            is_there=there[event.digest] is not None if event.digest else None,
        )
        for event in events
    ]


def _joined(seen: Sequence[Sighting], done: Sequence[tuple[KeptChange, KeptStep, Digest | None]]) -> list[TagEvent]:
    """Sightings and changes as one history, the newest first. A change explains the sighting that follows on it."""
    events = [TagEvent(sighting.digest, sighting.first, sighting.last, None) for sighting in seen]
    for change, step, before in done:
        when = change.time
        puts = step.intent["verb"] in ("point tag", "restore")
        after = Digest(step.intent["digest"]) if puts else None
        place = next((number for number, event in enumerate(events) if _follows(event, after, when)), None)
        if place is None:
            events.append(TagEvent(after, when, when, change))
        else:
            events[place] = replace(events[place], first=min(events[place].first, when), by=change)
        if before and not any(event.digest == before and event.first <= when for event in events):
            earlier = when - timedelta(microseconds=1)
            events.append(TagEvent(before, earlier, earlier, None))
    return sorted(events, key=lambda event: (event.first, event.last), reverse=True)


def _follows(event: TagEvent, digest: Digest | None, when: datetime) -> bool:
    """Whether a sighting is of what a change put there: seen first shortly after it, and by no other change yet."""
    is_soon_after = when - timedelta(milliseconds=1) <= event.first <= when + _SOON
    return event.by is None and event.digest == digest and is_soon_after
