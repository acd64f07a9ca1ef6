"""Copying and moving: a tag, or all that is behind it, to another place in its registry or in another one.

Nothing is encoded anew: the exact bytes are put under the new name, and the digest stays. Blobs come first, mounted
where the registry has them, then the images of an index, then what refers to them, and the tag last (distribution-spec,
"Push"; PROTOCOL.md, "Writing").
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from regtui import words
from regtui.errors import PlanStale, UsageError
from regtui.oci import media_types
from regtui.oci.digest import Digest, digest_of, parse_digest, short
from regtui.oci.kinds import kind_of, referrers_tag
from regtui.oci.manifest import Descriptor, Document, decode_document
from regtui.oci.reference import Reference, check_tag
from regtui.operations.looking import found, name
from regtui.operations.plan import Plan, Step, must_write
from regtui.operations.reading import digest_in, document
from regtui.operations.removal import plan_removal
from regtui.operations.removal_plan import RemovalPlan
from regtui.operations.session import Session
from regtui.operations.transfer_reading import Contents, blob_sizes, for_platform, is_foreign, missing, read_contents
from regtui.operations.transfer_steps import CopyBlob, CopyManifest, PointTag
from regtui.store.rows import Saved

__all__ = ["CopyPlan", "MovePlan", "plan_copy", "plan_move", "replan"]

_AT_ONCE = 4
"""Blobs that are on their way at a time, a connection each to the source and to the target."""


@dataclass(frozen=True, slots=True)
class CopyPlan(Plan):
    """One tag that is to point to `digest`, and all that has to come along. Sizes are in bytes."""

    source_reference: Reference
    target: Reference
    digest: Digest  # of what the tag will point to
    platform: str  # of the image that is taken out of an index, or empty
    replaces: Digest | None  # what the target points to now, when it exists
    same: bool  # all is there already: there is nothing to do
    size: int  # of all blobs
    present: int  # of those that the target has
    mounted: int  # of those that its registry takes over from the source's repository
    manifests: int
    referrers: tuple[str, ...]  # what comes along that refers to it: "signature", "SBOM"

    @property
    def to_send(self) -> int:
        return self.size - self.present - self.mounted

    @property
    def stays_inside(self) -> bool:
        """Whether it is only another name in the same repository."""
        return self.source_reference.at() == self.target.at()

    def lines(self) -> list[tuple[str, str]]:
        """Rows of the dialog and of `--dry-run`: a label, and what there is to say."""
        now = f"exists, and points to {short(self.replaces)} now" if self.replaces else "is new"
        whole = f", the image for {self.platform}" if self.platform else ", unchanged"
        rows = [("From", str(self.source_reference)), ("To", f"{self.target}, which {now}")]
        rows.append(("Digest", f"{self.digest}{whole}"))
        if self.referrers:
            kinds = {kind: self.referrers.count(kind) for kind in self.referrers}
            rows.append(("Along", ", ".join(words.count(number, kind) for kind, number in kinds.items())))
        if not self.stays_inside:
            rows.append(("Size", self._size()))
        key = "U" if self.source else "u"  # from where one copies to another registry, the history leads there
        return [*rows, ("Undo", f"{key} points it back" if self.replaces else f"{key} takes the tag back")]

    def as_json(self) -> dict[str, Any]:
        """Stable names; sizes in bytes."""
        return {
            **super(CopyPlan, self).as_json(),
            "source": str(self.source_reference),
            "target": str(self.target),
            "digest": self.digest,
            "platform": self.platform or None,
            "replaces": self.replaces,
            "same": self.same,
            "size_bytes": self.size,
            "present_bytes": self.present,
            "mounted_bytes": self.mounted,
            "manifests": self.manifests,
            "referrers": list(self.referrers),
        }

    def _size(self) -> str:
        parts = [f"{words.size(self.to_send)} to send"] * bool(self.to_send or not self.size)
        parts += [f"{words.size(self.present)} there already"] * bool(self.present)
        parts += [f"{words.size(self.mounted)} taken over within the registry"] * bool(self.mounted)
        return f"{words.size(self.size)}: {', '.join(parts)}" if len(parts) > 1 else parts[0]


@dataclass(frozen=True, slots=True)
class MovePlan:
    """A copy, and then, when all of it is done, the removal of the source's tag: two changes, in this order."""

    copy: CopyPlan
    removal: RemovalPlan

    @property
    def warnings(self) -> tuple[str, ...]:
        return (*self.copy.warnings, *self.removal.warnings)

    def lines(self) -> list[tuple[str, str]]:
        """Rows of the dialog and of `--dry-run`: what the copy says, then what goes at the source, and how."""
        skipped = {"Undo"} | ({"Stays", "Reclaims"} if self.copy.stays_inside else set())
        goes = [row for row in self.removal.lines() if row[0] not in skipped]
        copied = [row for row in self.copy.lines() if row[0] != "Undo"]
        undo = ("Undo", "U: first the deletion, then the copy")
        return [*copied, ("Then", self.removal.title), *goes, undo]

    def as_json(self) -> dict[str, Any]:
        return {"version": 1, "action": "move", "copy": self.copy.as_json(), "removal": self.removal.as_json()}


async def plan_copy(
    source: Session,
    reference: Reference,
    target: Session,
    to: Reference,
    *,
    platform: str = "",
    referrers: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> CopyPlan:
    """Reads what is to be copied, and what the target has of it. `source` may be `target`.

    With a `platform` ("os/architecture[/variant]"), only that image of an index is copied, and the tag points to it;
    `referrers` brings signatures, SBOMs and the like along. `progress` is told how many blobs were looked for.

    Raises `ReadOnly`, `NotFound` when the source, or anything that it is made of, is missing, `PlanStale` when the
    source's tag hasn't the digest that the reference names, `UsageError` when the target is no tag there.
    """
    must_write(target)
    if not reference.version or not to.tag or to.digest or to.registry != target.registry:
        raise UsageError(f"{to} is no tag to make in {target.registry}", "Write a tag, or REPOSITORY:TAG.")
    check_tag(to.tag)
    planning = _Planning(source, reference.repository, target, to, progress)
    tagged = reference.tag and reference.digest
    if tagged and await found(source.client, reference.repository, reference.tag) != reference.digest:
        raise PlanStale(f"{name(reference.repository, reference.tag)} does not point to {reference.digest}")
    digest = parse_digest((await source.client.head(reference.repository, reference.version)).digest)
    asked = digest
    top = None
    if platform:
        whole = await document(source, reference.repository, digest)
        top = await for_platform(source, reference.repository, whole, platform)
        platform = "" if top is whole else platform
        digest = top.digest
    replaces = await found(target.client, to.repository, to.tag)
    if replaces != digest or referrers:
        await planning.read(top or await document(source, reference.repository, digest), replaces, referrers)
    inside = planning.stays_inside
    source_name, target_name = name(reference.repository, reference.version), name(to.repository, to.tag)
    of, into = ("", "") if source is target else (f"{source.registry}/", f"{to.registry}/")
    return CopyPlan(
        target.registry,
        f"Point {target_name} to {source_name}" if inside else f"Copy {of}{source_name} to {into}{target_name}",
        ("Move the tag" if replaces else "Make the tag") if inside else "Copy",
        tuple(planning.steps),
        warnings=tuple(planning.warnings),
        source=None if source is target else source,
        at_once=_AT_ONCE,
        request={
            "verb": "copy",
            "source_registry": source.registry,
            "source": source_name,
            "digest": asked,
            "target": target_name,
            "replaces": replaces or "",
            "platform": platform,
            "referrers": referrers,
        },
        source_reference=reference,
        target=to,
        digest=digest,
        platform=platform,
        replaces=replaces,
        same=not planning.steps,
        size=planning.size,
        present=planning.present,
        mounted=planning.mounted,
        manifests=len(planning.contents.manifests),
        referrers=tuple(planning.about),
    )


async def plan_move(
    source: Session,
    reference: Reference,
    target: Session,
    to: Reference,
    *,
    referrers: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> MovePlan:
    """Plans to copy a tag with all that is behind it, and to remove it where it was.

    Raises what `plan_copy` and `plan_removal` do, and `UsageError` for what is no tag, or would be moved onto itself.
    """
    must_write(source)
    if not reference.tag:
        raise UsageError(f"{reference} is no tag, and only tags are moved", "Copy it instead.")
    if reference.at(reference.tag) == to:
        raise UsageError(f"{to} would be moved onto itself")
    inside = reference.at() == to.at()
    copy = await plan_copy(source, reference, target, to, referrers=referrers and not inside, progress=progress)
    removal = await plan_removal(
        source, reference.repository, [reference.tag], expect={reference.tag: copy.digest}, keep_images=inside
    )
    return MovePlan(copy, removal)


async def replan(
    session: Session, request: Mapping[str, Any], open_other: Callable[[str], Awaitable[Session]]
) -> CopyPlan:
    """Plans the rest of a copy that was cut off, by its `Plan.request`: what is there already isn't sent again.

    Raises `PlanStale` when the target was pushed anew since, and what `plan_copy` does.
    """
    registry = request["source_registry"]
    source = session if registry == session.registry else await open_other(registry)
    repository = request["source"].partition("@")[0].partition(":")[0]
    target, _, tag = request["target"].rpartition(":")
    plan = await plan_copy(
        source,
        Reference(registry, repository, digest=parse_digest(request["digest"])),
        session,
        Reference(session.registry, target, tag),
        platform=request["platform"],
        referrers=request["referrers"],
    )
    if plan.replaces not in (request["replaces"] or None, plan.digest):
        where = f"points to {plan.replaces} now" if plan.replaces else "is gone"
        raise PlanStale(f"{plan.target} {where}, not as when the copy was begun", "Copy it anew, if you still want it.")
    return plan


class _Planning:
    """Makes the steps, numbered as they come: blobs, manifests, what refers to them, the tag."""

    def __init__(
        self,
        source: Session,
        repository: str,
        target: Session,
        to: Reference,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._source = source
        self._repository = repository
        self._target = target
        self._to = to
        self._progress = progress
        self.stays_inside = source is target and repository == to.repository
        self.contents = Contents()
        self.steps: list[Step] = []
        self.warnings: list[str] = []
        self.about: list[str] = []
        self.size = self.present = self.mounted = 0
        self._numbers: dict[str, int] = {}  # of the steps that bring a digest

    async def read(self, top: Document, replaces: Digest | None, referrers: bool) -> None:
        if not self.stays_inside:
            self.contents = await read_contents(self._source, self._repository, top, referrers=referrers)
            await self._blobs()
            cosigns = {part.digest for part in self.contents.tags.values()}
            for digest, part in self.contents.manifests.items():
                if digest != top.digest and digest not in cosigns:
                    self._add(digest, CopyManifest(self._kept(part), self._needs(part)))
            for tag, part in self.contents.tags.items():
                self.about.append(str(kind_of(part)))
                await self._point(tag, part)
            for subject, listed in self.contents.referrers.items():
                self.about += [str(kind_of(self.contents.manifests[digest_in(referrer)])) for referrer in listed]
                await self._list(subject, listed)
        if replaces != top.digest:
            await self._point(self._to.tag, top, everything=True)

    async def _blobs(self) -> None:
        named = {digest_in(blob): blob for part in self.contents.manifests.values() for blob in part.blobs}
        there = await blob_sizes(self._target, self._to.repository, named, self._progress)
        absent = {digest: blob for digest, blob in named.items() if digest not in there}
        sizes = await blob_sizes(self._source, self._repository, absent)
        foreign = 0
        inside = self._source is self._target
        for digest, blob in named.items():
            if digest in there:
                self.present += there[digest]
                self.size += there[digest]
            elif digest in sizes:
                self.size += sizes[digest]
                self.mounted += sizes[digest] * inside
                step = CopyBlob(self._repository, self._to.repository, digest, sizes[digest], mounts=inside)
                self._add(digest, step)
            elif is_foreign(blob):
                foreign += 1
            else:
                raise missing(f"blob {digest}", self._repository)
        if foreign:
            self.warnings.append(f"{words.count(foreign, 'layer')} kept outside of registries: not copied")

    async def _point(self, tag: str, part: Document, *, everything: bool = False) -> None:
        """Points a tag of the target's repository to a manifest, unless it does already."""
        now = await found(self._target.client, self._to.repository, tag)
        if now == part.digest:
            return
        replaced = None
        if now:
            old = await document(self._target, self._to.repository, now)
            replaced = Saved(self._to.repository, old.digest, old.media_type, old.raw, (tag,))
        needs = tuple(range(len(self.steps))) if everything else self._needs(part)
        self._add(part.digest, PointTag(tag, self._kept(part), replaced, needs))

    async def _list(self, subject: Digest, listed: Sequence[Descriptor]) -> None:
        """Lists referrers under the referrers tag, where the target has no list of its own (distribution-spec,
        "Pushing Manifests with Subject")."""
        there = await self._target.client.referrers(self._to.repository, subject)
        known = {descriptor.digest for descriptor in there}
        new = [descriptor for descriptor in listed if descriptor.digest not in known]
        if self._target.client.has_referrers_api or not new:
            return
        entries = [msgspec.to_builtins(descriptor) for descriptor in (*there, *new)]
        index = {"schemaVersion": 2, "mediaType": media_types.OCI_INDEX, "manifests": entries}
        raw = msgspec.json.encode(index)
        await self._point(referrers_tag(subject), decode_document(raw, digest_of(raw), media_types.OCI_INDEX))

    def _add(self, digest: str, step: Step) -> None:
        self._numbers.setdefault(digest, len(self.steps))
        self.steps.append(step)

    def _needs(self, part: Document) -> tuple[int, ...]:
        below = (*part.blobs, *part.children)
        return tuple(self._numbers[each.digest] for each in below if each.digest in self._numbers)

    def _kept(self, part: Document) -> Saved:
        return Saved(self._to.repository, part.digest, part.media_type, part.raw)
