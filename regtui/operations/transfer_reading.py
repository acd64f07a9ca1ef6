"""What is to be copied, as it is at its source: manifests, what refers to them, and their blobs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from regtui.errors import ContentError, NotFound, RegtuiError, TooLarge
from regtui.oci.digest import Digest
from regtui.oci.kinds import COSIGN_ENDINGS, referrers_tag
from regtui.oci.manifest import Descriptor, Document, Index, Manifest
from regtui.oci.media_types import FOREIGN
from regtui.operations.at_once import each
from regtui.operations.inspect import find_image
from regtui.operations.looking import name
from regtui.operations.reading import digest_in, document
from regtui.operations.session import Session
from regtui.text import shown

_NESTING = 8
"""Indexes inside of each other, and referrers of referrers, that are copied."""
_REFERRERS = 1000
"""Referrers that are copied along at most."""


@dataclass(slots=True)
class Contents:
    """Manifests by digest, each after all that it needs, as found in one repository."""

    manifests: dict[Digest, Document] = field(default_factory=dict)  # the one that was asked for is among them
    referrers: dict[Digest, list[Descriptor]] = field(default_factory=dict)  # by their subject
    tags: dict[str, Document] = field(default_factory=dict)  # cosign's, that belong to a manifest by their name


async def read_contents(session: Session, repository: str, top: Document, *, referrers: bool) -> Contents:
    """All that a manifest is made of, and with `referrers` what is about any part of it.

    Raises `NotFound` when some of it is missing, `ContentError` for what can't be copied whole, `TooLarge`.
    """
    contents = Contents()
    await _visit(session, repository, top, contents, 0)
    if referrers:
        waiting = list(contents.manifests)
        while waiting:
            await _read_about(session, repository, digest := waiting.pop(), contents)
            for referrer in contents.referrers.get(digest, ()):
                if (about := digest_in(referrer)) not in contents.manifests:
                    part = await document(session, repository, about)
                    await _visit(session, repository, part, contents, 0)
                    waiting.append(about)
    return contents


async def for_platform(session: Session, repository: str, top: Document, platform: str) -> Document:
    """The image of an index for "os/architecture[/variant]". Raises `RegtuiError` when it has none."""
    for _ in range(_NESTING):
        if not isinstance(top.content, Index):
            return top
        image = find_image(top.content, platform)
        if image is None:
            has = ", ".join(sorted({str(child.platform) for child in top.content.images if child.platform}))
            what = f"{name(repository, top.digest)} has no image for {shown(platform, 100)}"
            raise RegtuiError(what, f"It has {has}." if has else "")
        top = await document(session, repository, digest_in(image))
    raise ContentError(f"{name(repository, top.digest)} is nested too deeply")


async def blob_sizes(
    session: Session,
    repository: str,
    blobs: dict[Digest, Descriptor],
    progress: Callable[[int, int], None] | None = None,
) -> dict[Digest, int]:
    """The true sizes, in bytes, of those that are in a repository."""
    there: dict[Digest, int] = {}
    done = 0

    async def look(digest: Digest) -> None:
        nonlocal done
        with suppress(NotFound):
            there[digest] = await session.client.blob_size(repository, digest)
        done += 1
        if progress:
            progress(done, len(blobs))

    await each(blobs, look, session.concurrency)
    return there


def is_foreign(blob: Descriptor) -> bool:
    """Whether it may be kept elsewhere than in a registry, by its `urls` or its media type."""
    return bool(blob.urls) or blob.media_type.startswith(FOREIGN)


def missing(what: str, repository: str, error: NotFound | None = None) -> NotFound:
    return NotFound(
        f"The {what} is missing in {repository}, so it can't be copied; nothing was written",
        "Push the image anew, or copy another one.",
        status=error.status if error else 404,
        code=error.code if error else "",
    )


async def _visit(session: Session, repository: str, parent: Document, contents: Contents, depth: int) -> None:
    if depth > _NESTING or not isinstance(parent.content, Manifest | Index):
        raise ContentError(f"{name(repository, parent.digest)} is nothing that regtui can copy")
    for child in parent.children:
        digest = digest_in(child)
        if digest not in contents.manifests:
            try:
                part = await document(session, repository, digest)
            except NotFound as error:
                raise missing(f"manifest {digest}", repository, error) from error
            await _visit(session, repository, part, contents, depth + 1)
    contents.manifests[parent.digest] = parent


async def _read_about(session: Session, repository: str, digest: Digest, contents: Contents) -> None:
    async def by_tag(ending: str) -> None:
        tag = referrers_tag(digest) + ending
        try:
            found = await document(session, repository, tag)
        except NotFound:
            return
        await _visit(session, repository, found, contents, 0)
        contents.tags[tag] = found

    listed, *_ = await asyncio.gather(
        session.client.referrers(repository, digest), *(by_tag(ending) for ending in COSIGN_ENDINGS)
    )
    if listed:
        contents.referrers[digest] = listed
    if sum(map(len, contents.referrers.values())) > _REFERRERS:
        raise TooLarge(f"More than {_REFERRERS:,} manifests refer to {name(repository, digest)} and its parts")
