"""Removing tags and digests: what goes, what stays, and how (PROTOCOL.md, "Removing one tag")."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence

from regtui.errors import Answered, Forbidden, LoginNeeded, NotFound, PlanStale, RateLimited, Unsupported
from regtui.oci.digest import Digest, parse_digest
from regtui.oci.reference import check_repository, check_tag
from regtui.operations.at_once import each
from regtui.operations.looking import name
from regtui.operations.plan import Method, must_write
from regtui.operations.removal_draft import Draft
from regtui.operations.removal_plan import Companion, RemovalPlan, TagOnDigest
from regtui.operations.removal_scope import scope
from regtui.operations.removal_vendor import has_verb, plan_by_verb
from regtui.operations.session import Session
from regtui.operations.usage import Usage
from regtui.operations.usage_reading import UsageReader
from regtui.operations.versions import version_key
from regtui.registry.client import SWITCH_ON, Deletion

__all__ = ["Companion", "RemovalPlan", "TagOnDigest", "plan_removal"]

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
    names = await _names(session, repository, with_tags=digest is None)
    asked = await _asked(session, repository, wanted, expect)
    if digest is not None:
        await session.client.head(repository, digest)
    forced = list(dict.fromkeys([*([digest] if digest else []), *(asked.values() if whole_digests else [])]))
    if await has_verb(session, repository, asked, names):
        return await plan_by_verb(session, repository, names, asked, forced, progress)
    deletion = await _may_delete(session, repository)
    everything = bool(forced) or len(wanted) != 1 or len(names) <= FULL_CHECK
    usage = Usage(tuple(dict.fromkeys([*names, *wanted])), complete=everything)
    reader = UsageReader(session, repository, usage)
    read = usage.names if everything else _neighbours(session, tags[0], names)
    await reader.tags(read, asked, progress)
    for forced_digest in forced:
        await reader.manifest(forced_digest)
        wanted.update(dict.fromkeys(usage.tags_on(forced_digest)))
    by_digest = bool(forced) or (deletion is Deletion.ON and not keep_images)
    await reader.surroundings(lambda: scope(usage, wanted, forced, by_digest=by_digest).digests)
    going = scope(usage, wanted, forced, by_digest=by_digest)
    removed = set(going.digests)
    methods: tuple[Method, ...] = (Method.TAG,)
    if deletion is Deletion.ON and any(usage.tags[tag] not in removed for tag in going.tags):
        methods = await _tag_methods(session, repository)
    return await Draft(session, repository, usage, going, tuple(wanted), forced, methods).plan()


async def _names(session: Session, repository: str, *, with_tags: bool) -> list[str]:
    """The list of tags, fresh. A repository without any may be unknown to the server, though it has manifests."""
    try:
        return [tag async for page in session.client.tags(repository) for tag in page]
    except NotFound:
        if with_tags:
            raise
        return []


async def _asked(
    session: Session, repository: str, tags: Iterable[str], expect: Mapping[str, Digest]
) -> dict[str, Digest]:
    asked: dict[str, Digest] = {}

    async def look(tag: str) -> None:
        asked[tag] = parse_digest((await session.client.head(repository, tag)).digest)

    await each(tags, look, session.concurrency)
    for tag, digest in expect.items():
        if asked.get(tag, digest) != digest:
            raise PlanStale(f"{name(repository, tag)} points to {asked[tag]}, not to {digest}")
    return asked


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
