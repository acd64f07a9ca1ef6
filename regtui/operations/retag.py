"""A new tag for what is there: in the same repository, or in another one of the registry, with the same digest.

Nothing is encoded anew: the exact bytes are put under the new name. For another repository, blobs are mounted, the
images of an index come first, and the manifest last (PROTOCOL.md, "Writing").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from regtui.errors import ContentError, NotFound, PlanStale, UsageError
from regtui.oci.digest import Digest, parse_digest
from regtui.oci.manifest import Descriptor, Document, Index, Manifest
from regtui.oci.media_types import FOREIGN
from regtui.oci.reference import Reference, check_tag
from regtui.operations.at_once import each
from regtui.operations.looking import found, name
from regtui.operations.plan import Plan, Step, must_write
from regtui.operations.reading import digest_in, document
from regtui.operations.retag_steps import Blob, CopyManifest, PointTag
from regtui.operations.session import Session
from regtui.store.rows import Saved

__all__ = ["RetagPlan", "plan_retag"]

_NESTING = 8
"""Indexes inside of each other that are copied."""


@dataclass(frozen=True, slots=True)
class RetagPlan(Plan):
    """One tag that is to point to `digest`."""

    source_reference: Reference
    target: Reference
    digest: Digest
    replaces: Digest | None  # what the target points to now, when it exists
    same: bool  # it points there already: there is nothing to do


async def plan_retag(
    session: Session, source: Reference, target: Reference, *, progress: Callable[[int, int], None] | None = None
) -> RetagPlan:
    """Reads what is to be tagged and what the tag points to now. `progress` is told how many blobs were looked for.

    Raises `ReadOnly`, `NotFound` when the source, or anything that it is made of, is missing, `UsageError` when the
    target is no tag in this registry.
    """
    must_write(session)
    if not source.version or not target.tag or target.digest or target.registry != session.registry:
        raise UsageError(f"{target} is no tag to make in {session.registry}", "Write a tag, or REPOSITORY:TAG.")
    check_tag(target.tag)
    client = session.client
    if source.tag and source.digest and await found(client, source.repository, source.tag) != source.digest:
        raise PlanStale(f"{name(source.repository, source.tag)} does not point to {source.digest}")
    digest = parse_digest((await client.head(source.repository, source.version)).digest)
    replaces = await found(client, target.repository, target.tag)
    if replaces == digest:
        return _plan(session, source, target, digest, replaces, ())
    top = await document(session, source.repository, digest)
    replaced = await document(session, target.repository, replaces) if replaces else None
    below: list[Document] = []
    blobs: dict[str, Blob] = {}
    if target.repository != source.repository:
        below = await _below(session, source.repository, top)
        blobs = await _blobs(session, source.repository, [*below, top], progress)
    place = {part.digest: number for number, part in enumerate(below)}
    copies = [
        CopyManifest(
            source.repository,
            target.repository,
            _saved(source, part),
            _of(part, blobs),
            tuple(place[digest_in(child)] for child in part.children),
        )
        for part in below
    ]
    point = PointTag(
        target.repository,
        target.tag,
        _saved(source, top),
        source.repository,
        _of(top, blobs),
        _saved(target, replaced) if replaced else None,
        tuple(range(len(copies))),
    )
    return _plan(session, source, target, digest, replaces, (*copies, point))


def _plan(
    session: Session,
    source: Reference,
    target: Reference,
    digest: Digest,
    replaces: Digest | None,
    steps: Sequence[Step],
) -> RetagPlan:
    title = f"Point {name(target.repository, target.tag)} to {name(source.repository, source.version)}"
    action = "Move the tag" if replaces else "Make the tag"
    return RetagPlan(
        session.registry, title, action, tuple(steps), source, target, digest, replaces, same=replaces == digest
    )


async def _below(session: Session, repository: str, top: Document) -> list[Document]:
    """All that an index is made of, what is deepest first. Raises `NotFound` when some of it is missing."""
    order: dict[Digest, Document] = {}

    async def visit(parent: Document, depth: int) -> None:
        if depth > _NESTING or not isinstance(parent.content, Manifest | Index):
            raise ContentError(f"{name(repository, parent.digest)} is nothing that regtui can copy")
        for child in parent.children:
            digest = digest_in(child)
            if digest not in order:
                try:
                    part = await document(session, repository, digest)
                except NotFound as error:
                    raise _missing(error, f"manifest {digest}", repository) from error
                await visit(part, depth + 1)
                order[digest] = part

    await visit(top, 0)
    return list(order.values())


async def _blobs(
    session: Session, repository: str, documents: Sequence[Document], progress: Callable[[int, int], None] | None
) -> dict[str, Blob]:
    """Config and layers of these, each once, with their true sizes. Raises `NotFound` when one is missing."""
    needed = {blob.digest: blob for part in documents for blob in part.blobs}
    there: dict[str, Blob] = {}
    done = 0

    async def look(blob: Descriptor) -> None:
        nonlocal done
        digest = digest_in(blob)
        try:
            there[digest] = Blob(digest, await session.client.blob_size(repository, digest))
        except NotFound as error:
            if not blob.urls and not blob.media_type.startswith(FOREIGN):
                raise _missing(error, f"blob {digest}", repository) from error
        done += 1
        if progress:
            progress(done, len(needed))

    await each(needed.values(), look, session.concurrency)
    return there


def _of(part: Document, blobs: dict[str, Blob]) -> tuple[Blob, ...]:
    return tuple(dict.fromkeys(blobs[blob.digest] for blob in part.blobs if blob.digest in blobs))


def _saved(reference: Reference, found: Document) -> Saved:
    return Saved(
        reference.repository, found.digest, found.media_type, found.raw, (reference.tag,) * bool(reference.tag)
    )


def _missing(error: NotFound, what: str, repository: str) -> NotFound:
    return NotFound(
        f"The {what} is missing in {repository}, so it can't be copied; nothing was written",
        "Push the image anew, or copy another one.",
        status=error.status,
        code=error.code,
    )
