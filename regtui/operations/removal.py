"""Removing tags and digests: what goes, what stays, and how (PROTOCOL.md, "Removing one tag")."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from regtui.errors import Answered, Forbidden, LoginNeeded, NotFound, PlanStale, RateLimited, Unsupported
from regtui.oci.digest import Digest, short
from regtui.oci.kinds import companion_tags
from regtui.oci.reference import check_repository, check_tag, is_tag
from regtui.operations.at_once import each
from regtui.operations.looking import found, found_all, name
from regtui.operations.plan import Method, must_write
from regtui.operations.removal_draft import Draft
from regtui.operations.removal_plan import Companion, RemovalPlan, TagOnDigest, listed
from regtui.operations.removal_scope import Scope, scope
from regtui.operations.removal_vendor import has_verb, plan_by_verb
from regtui.operations.session import Session
from regtui.operations.usage import Usage
from regtui.operations.usage_reading import UsageReader
from regtui.operations.versions import newest_version_first, version_key
from regtui.patterns import Filter
from regtui.registry.client import SWITCH_ON, Deletion

__all__ = ["Companion", "RemovalPlan", "TagOnDigest", "plan_all", "plan_removal", "replan"]

FULL_CHECK = 1000
"""Tags up to which all are read for the removal of a single one. For several, and for digests, all are always read."""

NEIGHBOURS = 50
"""Tags before and after a single one that are read where there are more: those that most likely share its digest."""


async def plan_removal(
    session: Session,
    repository: str,
    tags: Sequence[str],
    *,
    whole_digests: bool = False,
    digest: Digest | None = None,
    expect: Mapping[str, Digest] = {},
    keep_images: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> RemovalPlan:
    """Plans the removal of tags; with `whole_digests`, or a `digest`, of the digests with every tag on them.

    It reads, and sends the probe; nothing is changed. `expect` are digests that tags must have. With `keep_images` only
    tags go, even an image's last. `progress` is told how many tags were read, of how many.

    Raises `ReadOnly`, `NotFound`, `PlanStale` when a tag has another digest than expected, `Unsupported` when the
    server deletes nothing, `Forbidden` when the user may not.
    """
    must_write(session)
    check_repository(repository)
    wanted = dict.fromkeys(check_tag(tag) for tag in tags)
    names = await _names(session, repository, must_exist=digest is None)
    asked = await _asked(session, repository, wanted)
    for version in [*(tag for tag in wanted if tag not in asked), *([digest] if digest else [])]:
        await session.client.head(repository, version)  # it says what is missing
    for tag, expected in expect.items():
        if asked.get(tag, expected) != expected:
            raise PlanStale(f"{name(repository, tag)} points to {asked[tag]}, not to {expected}")
    forced = list(dict.fromkeys([*([digest] if digest else []), *(asked.values() if whole_digests else [])]))
    return await _plan(session, repository, names, asked, forced, keep_images=keep_images, progress=progress)


async def plan_all(
    session: Session,
    repository: str,
    filters: Sequence[Filter] = (),
    *,
    progress: Callable[[int, int], None] | None = None,
) -> RemovalPlan:
    """Plans the removal of all tags of a repository, or of those that any of the filters keeps.

    Tags that lead nowhere can't be deleted: a warning names them. Without any tag to delete the plan has no steps.
    Raises what `plan_removal` does.
    """
    must_write(session)
    names = await _names(session, check_repository(repository), must_exist=True)
    kept = {index for each_filter in filters for index in each_filter.keep(names, range(len(names)))}
    chosen = (tag for index, tag in enumerate(names) if is_tag(tag) and (index in kept or not filters))
    wanted = newest_version_first(chosen)
    asked = await _asked(session, repository, wanted, progress)
    plan = await _plan(session, repository, names, asked, (), keep_images=False, progress=progress)
    nowhere = [tag for tag in wanted if tag not in asked]
    warnings = [f"{listed(nowhere, 5)} can't be deleted: nothing is there"] if nowhere else []
    return replace(plan, warnings=(*warnings, *plan.warnings))


async def replan(session: Session, request: Mapping[str, Any], undeleted: Sequence[Digest] = ()) -> RemovalPlan:
    """What is left to do of a removal that was begun, from its `Plan.request`; `undeleted` are digests that it was to
    delete and didn't.

    Tags that are gone are left out. What was moved or tagged since stays, and `warnings` say so: who asked didn't know
    it. Without anything left, the plan has no steps. Raises what `plan_removal` does.
    """
    must_write(session)
    repository, planned = request["repository"], request["tags"]
    names = await _names(session, repository, must_exist=False)
    now = await found_all(session.client, repository, planned)
    moved = {tag: there for tag, there in now.items() if there not in (None, planned[tag])}
    warnings = [f"{tag} was pushed anew since, and stays: it points to {short(there)}" for tag, there in moved.items()]
    asked = {tag: digest for tag in planned if tag not in moved and (digest := now[tag])}
    digests = list(dict.fromkeys([*map(Digest, request["digests"]), *undeleted]))
    there = {digest for digest in (await found_all(session.client, repository, digests)).values() if digest}
    gone = {*planned.values(), *digests}.difference(there, asked.values())
    asked |= await _along(session, repository, gone, names)
    forced: list[Digest] = [digest for digest in digests if digest in there and digest in request["digests"]]
    leftover = [digest for digest in digests if digest in there and digest not in request["digests"]]
    keep_images = request["keep_images"]
    plan = await _plan(session, repository, names, asked, forced, leftover=leftover, keep_images=keep_images)
    if new := [item for item in plan.going if item.tag not in asked and item.tag not in planned]:
        warnings += [f"{item.tag} was put on {short(item.digest)} since: that stays, with its tags" for item in new]
        stays = {item.digest for item in new}
        asked = {tag: digest for tag, digest in asked.items() if digest not in stays}
        forced = [digest for digest in forced if digest not in stays]
        plan = await _plan(session, repository, names, asked, forced, leftover=leftover, keep_images=keep_images)
    return replace(plan, request=request, warnings=(*warnings, *plan.warnings))


async def _along(
    session: Session, repository: str, gone: Iterable[Digest], names: Collection[str]
) -> dict[str, Digest]:
    """Tags that belong by their names to what is gone, and are still there."""
    return await _asked(
        session, repository, {tag for digest in gone for tag in companion_tags(digest)}.intersection(names)
    )


async def _plan(
    session: Session,
    repository: str,
    names: Sequence[str],
    asked: Mapping[str, Digest],
    forced: Sequence[Digest],
    *,
    leftover: Sequence[Digest] = (),
    keep_images: bool,
    progress: Callable[[int, int], None] | None = None,
) -> RemovalPlan:
    """`leftover` are digests that go as well, if nothing needs them."""
    if not asked and not forced and not leftover:
        return await Draft(session, repository, Usage(tuple(names)), Scope((), ()), (), (), ()).plan()
    if await has_verb(session, repository, asked, names):
        return await plan_by_verb(session, repository, names, asked, forced, progress)
    deletion = await _may_delete(session, repository)
    wanted = dict.fromkeys(asked)
    everything = bool(forced or leftover) or len(wanted) != 1 or len(names) <= FULL_CHECK
    usage = Usage(tuple(dict.fromkeys([*names, *wanted])), complete=everything)
    reader = UsageReader(session, repository, usage)
    await reader.tags(usage.names if everything else _neighbours(session, next(iter(wanted)), names), asked, progress)
    for digest in (*forced, *leftover):
        await reader.manifest(digest)
    wanted.update(dict.fromkeys(tag for digest in forced for tag in usage.tags_on(digest)))
    by_digest = bool(forced) or (deletion is Deletion.ON and not keep_images)
    await reader.surroundings(lambda: scope(usage, wanted, forced, leftover, by_digest=by_digest).digests)
    going = scope(usage, wanted, forced, leftover, by_digest=by_digest)
    removed = set(going.digests)
    methods: tuple[Method, ...] = (Method.TAG,)
    if deletion is Deletion.ON and any(usage.tags[tag] not in removed for tag in going.tags):
        methods = await _tag_methods(session, repository)
    draft = Draft(session, repository, usage, going, tuple(wanted), forced, methods, keep_images)
    return await draft.plan()


async def _names(session: Session, repository: str, *, must_exist: bool) -> list[str]:
    """The list of tags, fresh. A repository without any may be unknown to the server, though it has manifests."""
    try:
        return [tag async for page in session.client.tags(repository) for tag in page]
    except NotFound:
        if must_exist:
            raise
        return []


async def _asked(
    session: Session, repository: str, tags: Collection[str], progress: Callable[[int, int], None] | None = None
) -> dict[str, Digest]:
    """What these tags point to, in their order, without those that lead nowhere."""
    now: dict[str, Digest | None] = {}

    async def look(tag: str) -> None:
        now[tag] = await found(session.client, repository, tag)
        if progress:
            progress(len(now), len(tags))

    await each(tags, look, session.concurrency)
    return {tag: digest for tag in tags if (digest := now[tag])}


async def _may_delete(session: Session, repository: str) -> Deletion:
    """Sends the probe. Raises when it is known that nothing can be deleted."""
    deletion = await session.client.may_delete(repository)
    if deletion is Deletion.OFF:
        raise Unsupported(f"{session.registry} has deletion switched off", SWITCH_ON, status=405, code="UNSUPPORTED")
    if deletion is Deletion.FORBIDDEN:
        raise Forbidden(
            f"{session.registry} does not let you delete anything in {repository}",
            f"Log in as somebody who may: regtui login {session.registry}",
            status=403,
        )
    return deletion


async def _tag_methods(session: Session, repository: str) -> tuple[Method, ...]:
    """How this server, which deletes manifests, takes a tag from one: asked by a tag that nothing can have."""
    try:
        await session.client.delete_manifest(repository, f"regtui-probe-{secrets.token_hex(24)}")
    except Unsupported:
        return (Method.THROW_AWAY,)
    except NotFound:
        pass
    except Answered as error:
        if isinstance(error, LoginNeeded | Forbidden | RateLimited):
            raise
        return (Method.TAG, Method.THROW_AWAY)
    return (Method.TAG,)


def _neighbours(session: Session, tag: str, names: Sequence[str]) -> list[str]:
    """A few tags that may well share a digest with this one: protected ones, and those beside it by version."""
    ordered = sorted(names, key=version_key)
    place = ordered.index(tag) if tag in ordered else 0
    protected = [other for other in names if session.settings.is_protected(session.registry, other)]
    near = ordered[max(0, place - NEIGHBOURS) : place + NEIGHBOURS + 1]
    return list(dict.fromkeys([tag, *protected[: 2 * NEIGHBOURS], *near]))
