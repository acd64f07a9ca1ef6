"""Changes that were cut off: killed, or the machine lost its power. They are finished, put back, or left as they are.

What was cut off is in the journal: what was asked for, each step with what undoes it, and which of them may have been
sent. Nothing is resumed by itself. Putting back is `undo.plan_undo`, a change of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from regtui import words
from regtui.config import Settings
from regtui.errors import NotFound, StoreError, UsageError
from regtui.oci.digest import Digest, parse_digest, short
from regtui.oci.kinds import THROW_AWAY, THROW_AWAY_DIGEST
from regtui.operations import history
from regtui.operations.looking import found_all, name
from regtui.operations.plan import Plan, Step, StepContext, must_write
from regtui.operations.removal import replan as replan_removal
from regtui.operations.removal_plan import listed
from regtui.operations.restoring import RestoreManifest
from regtui.operations.session import Session
from regtui.operations.throw_away import finish_throw_away
from regtui.operations.transfer import replan as replan_copy
from regtui.operations.undo import plan_undo
from regtui.operations.wholeness import must_be_whole
from regtui.store.rows import SENT, KeptChange, KeptStep, Outcome, Saved, State

__all__ = ["KeptChange", "cut_off", "leave", "plan_left_over", "plan_rest"]

OpenOther = Callable[[str], Awaitable[Session]]
"""Opens another registry, such as the one that a copy reads from."""

_LATEST = 10_000
_NAMED = 5


def cut_off(of: Settings | Session) -> list[KeptChange]:
    """Changes in any registry whose process ended in the middle of them, the newest first.

    What has been put back since is done with; what is being put back by a change that was cut off itself is not named:
    that one is. Raises `StoreError`.
    """
    with history.journal_of(of) as journal:
        waiting = journal.cut_off()
        if not waiting:
            return []
        undoing = {history.undoes(change): change.state for change in reversed(journal.changes(_LATEST))}
        for change in waiting:
            if undoing.get(change.id) is State.DONE:
                journal.settle(change.id)
    return [change for change in waiting if undoing.get(change.id) not in (State.DONE, State.RUNNING)]


def leave(of: Settings | Session, change: KeptChange) -> None:
    """Leaves it as it is, and says no more of it; it can still be undone. Raises `StoreError`."""
    with history.journal_of(of) as journal:
        journal.settle(change.id)


@dataclass(frozen=True, slots=True)
class RestPlan(Plan):
    """What is left to do of a change, to be executed as its continuation, so that one undo covers all of it."""

    change: KeptChange
    finished: tuple[str, ...]  # tags that hold a throw-away manifest: their removal is ended first
    anew: Plan  # what was asked for, planned anew

    @property
    def to_send(self) -> int:
        return self.anew.to_send

    def lines(self) -> list[tuple[str, str]]:
        """Rows of the dialog and of `--dry-run`: a label, and what there is to say."""
        rows = [("Finishes", f"change {self.change.id}: {self.change.title}, {words.ago(self.change.time)}")]
        if self.finished:
            holds = "holds a throw-away manifest" if len(self.finished) == 1 else "hold throw-away manifests"
            rows.append(("Left over", f"{listed(self.finished, _NAMED)} {holds}: deleted first"))
        return rows + (self.anew.lines() if self.anew.steps else [])

    def as_json(self) -> dict[str, Any]:
        return {**super(RestPlan, self).as_json(), "change": self.change.id}


async def plan_rest(session: Session, change: KeptChange, open_other: OpenOther) -> RestPlan:
    """Plans what is left of a change that was cut off or not done whole: execute it with `continues=change.id`.

    Where a throw-away manifest was left on a tag, that removal is ended first. What is done already is left out; what
    was moved since stays, and `warnings` name it. Raises `StoreError` for a change that still runs, `UsageError` for
    one that can only be put back, and what planning it anew raises.
    """
    must_write(session)
    if change.lives:
        raise StoreError(f"Change {change.id} is still running", "Wait until it is done, or stop it.")
    steps = await asyncio.to_thread(session.journal.steps, change.id)
    endings = await _endings(session, change, steps)
    anew = await _replan(session, change, steps, {ending.tag for ending in endings}, open_other)
    later = [replace(step, needs=tuple(len(endings) + need for need in step.needs)) for step in anew.steps]
    return RestPlan(
        session.registry,
        f"Finish: {change.title}",
        "Finish",
        (*endings, *later),
        change,
        tuple(name(ending.original.repository, ending.tag) for ending in endings),
        anew,
        warnings=anew.warnings,
        check=anew.check,
        source=anew.source,
        at_once=anew.at_once,
        request=change.request,
    )


@dataclass(frozen=True, slots=True)
class EndRemoval:
    """Ends a removal that was cut off with its throw-away manifest on the tag; if that fails, the tag is put back."""

    tag: str
    original: Saved  # what the tag pointed to
    throw_away: Digest
    needs: tuple[int, ...] = ()

    @property
    def saved(self) -> tuple[Saved, ...]:
        return (self.original,)

    def describe(self) -> str:
        return f"Delete {name(self.original.repository, self.tag)}, which holds a throw-away manifest"

    def intent(self) -> dict[str, str]:
        return {
            "verb": "remove tag",
            "repository": self.original.repository,
            "tag": self.tag,
            "digest": self.original.digest,
        }

    async def run(self, context: StepContext) -> None:
        context.note(f"{THROW_AWAY} {self.throw_away}")
        await finish_throw_away(context.client, self.tag, self.original, self.throw_away)


async def _endings(session: Session, change: KeptChange, steps: Sequence[KeptStep]) -> list[EndRemoval]:
    """For the tags that hold a throw-away manifest of this change now."""
    endings: dict[tuple[str, str], EndRemoval] = {}
    for step in steps:
        ours = history.throw_aways(step) if step.outcome in SENT and step.outcome is not Outcome.DONE else []
        if not ours:
            continue
        repository, tag = step.intent["repository"], step.intent["tag"]
        now = (await found_all(session.client, repository, [tag]))[tag]
        if now in ours:
            saved = await asyncio.to_thread(session.journal.saved, change.id, step.number)
            endings[repository, tag] = EndRemoval(tag, saved[-1], now)
    return list(endings.values())


async def _replan(
    session: Session, change: KeptChange, steps: Sequence[KeptStep], ending: set[str], open_other: OpenOther
) -> Plan:
    request = change.request
    match request.get("verb"):
        case "remove":
            tags = {tag: digest for tag, digest in request["tags"].items() if tag not in ending}
            return await replan_removal(session, {**request, "tags": tags}, _undeleted(steps))
        case "copy":
            return await replan_copy(session, request, open_other)
        case "undo":
            return await plan_undo(session, request["change"], force=request["force"])
        case "put back":
            there = await session.client.manifest(request["repository"], request["tag"])
            if THROW_AWAY in there.annotations:
                return await plan_left_over(session, request["repository"], request["tag"])
            return Plan(session.registry, change.title, "Put back", ())
    raise UsageError(
        f"Change {change.id} was begun by a regtui that didn't write down what was asked for",
        f"It can be put back: regtui resume {change.id} --put-back",
    )


def _undeleted(steps: Sequence[KeptStep]) -> list[Digest]:
    """Digests that were to be deleted as such, and of which it isn't known that they were."""
    of_digests = [step for step in steps if step.intent["verb"] == "remove digest"]
    gone = {step.intent["digest"] for step in of_digests if step.outcome is Outcome.DONE}
    return [Digest(digest) for step in of_digests if (digest := step.intent["digest"]) not in gone]


async def plan_left_over(session: Session, repository: str, tag: str) -> Plan:
    """Plans to put back what a throw-away manifest stands for that a removal, on whatever machine, left on a tag.

    Raises `UsageError` when the tag holds none, `NotFound` when the registry doesn't have the original any more.
    """
    must_write(session)
    reference = name(repository, tag)
    there = await session.client.manifest(repository, tag)
    if THROW_AWAY not in there.annotations or THROW_AWAY_DIGEST not in there.annotations:
        raise UsageError(f"{reference} holds no throw-away manifest", "There is nothing to put back on it.")
    digest = parse_digest(there.annotations[THROW_AWAY_DIGEST])
    try:
        original = await session.client.manifest(repository, digest)
    except NotFound as error:
        raise NotFound(
            f"{reference} was {digest}, which {session.registry} doesn't have any more",
            "Where the removal was begun, regtui undo has it in its journal. Else push it anew, or delete the tag.",
            status=error.status,
            code=error.code,
        ) from error
    saved = Saved(repository, original.digest, original.media_type, original.raw, (tag,))
    await must_be_whole(session, [saved])
    step: Step = RestoreManifest(saved, {tag: there.digest}, (), frozenset([there.digest]))
    return Plan(
        session.registry,
        f"Put {reference} back to {short(digest)}",
        "Put back",
        (step,),
        request={"verb": "put back", "repository": repository, "tag": tag},
    )
