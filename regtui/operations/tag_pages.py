"""A repository's tags page by page: by the vendor's own API where that tells dates and sizes, or by name only."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime

from regtui.errors import RegtuiError
from regtui.oci import media_types
from regtui.oci.digest import Digest, is_digest
from regtui.oci.kinds import Kind, kind_of_tag
from regtui.operations.completing import keep_tags
from regtui.operations.facts import TagFacts
from regtui.operations.session import Session
from regtui.registry.vendors import VendorTag

_LATE = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TagPage:
    """Names in the registry's order; of some or all of them what they are, and which ones the registry locks."""

    names: list[str]
    facts: dict[str, TagFacts] = field(default_factory=dict)
    immutable: frozenset[str] = frozenset()


async def tag_pages(session: Session, repository: str) -> AsyncGenerator[TagPage, None]:
    """Every tag, each once. Raises `RegtuiError` when the list can't be read, or not to its end.

    Where the vendor's API fails (a login that it doesn't take, an outage), the registry's own list goes on.
    """
    seen: dict[str, None] = {}  # in the registry's order
    if session.client.vendor.tells_tags:
        facts: dict[Digest, TagFacts] = {}
        try:
            async with aclosing(session.client.vendor.tags(repository)) as told:
                async for some in told:
                    fresh = [tag for tag in some if tag.name not in seen]
                    seen.update(dict.fromkeys(tag.name for tag in fresh))
                    page = _page(fresh, facts)
                    for name, told_facts in page.facts.items():
                        session.saw(repository, name, told_facts.digest)
                    yield page
            keep_tags(session, repository, list(seen))
            return
        except RegtuiError:
            pass  # the registry itself may know better, or say it better
    async with aclosing(session.client.tags(repository)) as pages:
        async for names in pages:
            if fresh_names := [name for name in names if name not in seen]:
                seen.update(dict.fromkeys(fresh_names))
                yield TagPage(fresh_names)
    keep_tags(session, repository, list(seen))


def _page(tags: list[VendorTag], known: dict[Digest, TagFacts]) -> TagPage:
    page: dict[str, TagFacts] = {}
    for tag in tags:
        if tag.size is None or not tag.digest or not is_digest(tag.digest):
            continue  # its manifest has to be read
        facts = _facts(tag, tag.digest, tag.size)
        before = known.get(facts.digest)
        if before and (before.pushed or _LATE) <= (facts.pushed or _LATE):
            facts = before  # a digest is as old as the first tag that was pushed with it
        page[tag.name] = known[facts.digest] = facts
    return TagPage([tag.name for tag in tags], page, frozenset(tag.name for tag in tags if tag.immutable))


def _facts(tag: VendorTag, digest: Digest, size: int) -> TagFacts:
    is_index = tag.media_type in media_types.INDEXES or len(tag.platforms) > 1
    return TagFacts(
        digest,
        tag.media_type,
        kind_of_tag(tag.name) or (Kind.INDEX if is_index else Kind.IMAGE),
        tag.created or tag.pushed,
        "vendor" if tag.created else "pushed" if tag.pushed else "",
        size,
        tag.platforms,
        pushed=tag.pushed,
        pulled=tag.pulled,
    )
