"""Removal by a vendor's own verb: the one that takes a tag and nothing else (PROTOCOL.md, "Removing one tag", 1)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import aclosing

from regtui.errors import RegtuiError, Unsupported
from regtui.oci.digest import Digest
from regtui.operations.at_once import each
from regtui.operations.looking import found, name
from regtui.operations.plan import Method
from regtui.operations.removal_draft import Draft
from regtui.operations.removal_plan import RemovalPlan
from regtui.operations.removal_scope import Scope
from regtui.operations.session import Session
from regtui.operations.usage import Usage
from regtui.operations.usage_reading import UsageReader
from regtui.registry.vendors import Removal, Vendor

LOOKS = 1000
"""Tags whose digest the vendor doesn't tell that are looked at, one request each; for all tags of a digest, all are."""


async def has_verb(session: Session, repository: str, tags: Collection[str], others: Sequence[str] = ()) -> bool:
    """Whether the vendor's own verb takes these tags; without any, whether it would take `others`.

    Raises `Unsupported` for one that can't be removed at all, and for one that the verb is not for, beside others that
    it takes: it could take more there than the tag.
    """
    ways = await _ways(session, repository, tags or others[:1])
    if not tags:
        has_one = type(session.client.vendor).remove_tag is not Vendor.remove_tag
        return has_one and any(way is not Removal.REGISTRY for way, _ in ways.values())
    for tag, (way, why) in ways.items():
        if way is Removal.NONE:
            raise _refusal(session, repository, tag, why)
    of_registry = [tag for tag, (way, _) in ways.items() if way is Removal.REGISTRY]
    if 0 < len(of_registry) < len(ways):
        why = f"{session.client.vendor.name}'s own API, which takes those, is not for it"
        raise _refusal(session, repository, of_registry[0], why, beside=True)
    return not of_registry


async def plan_by_verb(
    session: Session,
    repository: str,
    names: Sequence[str],
    asked: Mapping[str, Digest],
    forced: Sequence[Digest],
    progress: Callable[[int, int], None] | None,
) -> RemovalPlan:
    """Plans the removal of the tags in `asked`, and of all tags on the digests that are `forced`.

    No manifest is deleted: what becomes of an image without tags is the vendor's affair, and the plan says it. What
    undoes it is read and kept with all that it is made of, for some vendors clean up at once.
    """
    usage = Usage(tuple(dict.fromkeys([*names, *asked])), complete=True)
    await _digests(session, repository, usage, asked, None if forced else LOOKS, progress)
    wanted = dict.fromkeys(asked)
    wanted.update(dict.fromkeys(tag for digest in forced for tag in usage.tags_on(digest)))
    if not wanted:
        what = f"{session.registry}/{repository} has no tag on that digest, and only tags can be deleted there"
        raise Unsupported(what, status=405, code="UNSUPPORTED")
    if forced and not await has_verb(session, repository, wanted):
        why = f"{session.client.vendor.name}'s own API is not for it"
        raise _refusal(session, repository, next(iter(wanted)), why, beside=True)
    reader = UsageReader(session, repository, usage)
    await each(dict.fromkeys(usage.tags[tag] for tag in wanted), reader.manifest, session.concurrency)
    usage.complete = False  # what uses these images is not known: other manifests were not read
    going = dict.fromkeys(wanted)
    along: dict[str, None] = {}
    for digest in dict.fromkeys(usage.tags[tag] for tag in wanted):
        if usage.checked == len(usage.names) and wanted.keys() >= set(usage.tags_on(digest)):
            along.update(dict.fromkeys(tag for tag in usage.companions(digest) if tag not in going))
    ways = await _ways(session, repository, along)
    going.update(dict.fromkeys(tag for tag, (way, _) in ways.items() if way is Removal.VERB))
    await each(dict.fromkeys(usage.tags[tag] for tag in going), reader.manifest, session.concurrency)
    draft = Draft(session, repository, usage, Scope(tuple(going), ()), tuple(wanted), forced, (Method.VENDOR,))
    return await draft.plan()


async def _ways(session: Session, repository: str, tags: Collection[str]) -> dict[str, tuple[Removal, str]]:
    """How each tag is removed, and why it can't be; in the order given."""
    ways: dict[str, tuple[Removal, str]] = {}

    async def ask(tag: str) -> None:
        ways[tag] = await session.client.vendor.removal(repository, tag)

    await each(tags, ask, session.concurrency)
    return {tag: ways[tag] for tag in tags}


def _refusal(session: Session, repository: str, tag: str, why: str, *, beside: bool = False) -> Unsupported:
    what = f"{session.registry}/{name(repository, tag)} can't be deleted{' along with the others' if beside else ''}"
    advice = "Delete it on its own." if beside else ""
    return Unsupported(f"{what}: {why}", advice, status=405, code="UNSUPPORTED")


async def _digests(
    session: Session,
    repository: str,
    usage: Usage,
    asked: Mapping[str, Digest],
    looks: int | None,
    progress: Callable[[int, int], None] | None,
) -> None:
    """What every tag points to: as the vendor tells it, else by a request for each, for `looks` tags at most."""
    for tag, digest in asked.items():
        usage.point(tag, digest)
    listed = set(usage.names)
    if session.client.vendor.tells_tags:
        try:
            async with aclosing(session.client.vendor.tags(repository)) as pages:
                async for page in pages:
                    for told in page:
                        if told.digest and told.name in listed and told.name not in usage.tags:
                            usage.point(told.name, told.digest)
        except RegtuiError:
            pass  # then they are looked at
    unknown = [tag for tag in usage.names if tag not in usage.tags]
    usage.checked = len(usage.names) - len(unknown)

    async def look(tag: str) -> None:
        digest = await found(session.client, repository, tag)
        usage.checked += 1
        if digest:
            usage.point(tag, digest)
        if progress:
            progress(usage.checked, len(usage.names))

    await each(unknown[:looks], look, session.concurrency)
