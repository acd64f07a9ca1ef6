"""Makes the plan of a removal out of what was read and decided: its steps, and what it says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from regtui.errors import RegtuiError
from regtui.oci.digest import Digest, short
from regtui.oci.kinds import Kind, companion_of
from regtui.operations.at_once import each
from regtui.operations.facts import TagFacts
from regtui.operations.plan import Method, Step
from regtui.operations.reading import document
from regtui.operations.removal_check import CheckWhatStays
from regtui.operations.removal_plan import Companion, RemovalPlan, TagOnDigest, listed, title_of
from regtui.operations.removal_scope import Scope, parents, reclaimable
from regtui.operations.removal_steps import RemoveDigest, RemoveTag
from regtui.operations.session import Session
from regtui.operations.tag_reader import TagReader
from regtui.operations.usage import Usage
from regtui.operations.versions import newest_version_first
from regtui.store.rows import Saved

_WARNINGS = 10
"""Warnings that are shown; how many more there are is told."""


@dataclass(slots=True)
class Draft:
    """`wanted` are the tags that were asked for or are on a digest that was (`forced`), all in `scope`."""

    session: Session
    repository: str
    usage: Usage
    scope: Scope
    wanted: Sequence[str]
    forced: Sequence[Digest]
    methods: tuple[Method, ...]  # for tags whose digest stays
    keep_images: bool = False
    _documents: dict[Digest, Saved] = field(default_factory=dict, init=False)
    _facts: dict[Digest, TagFacts] = field(default_factory=dict, init=False)

    async def plan(self) -> RemovalPlan:
        """Reads once more what undoes it. Raises what reading a manifest does: what can't be saved isn't deleted."""
        usage, going = self.usage, set(self.scope.tags)
        digests = dict.fromkeys(usage.tags[tag] for tag in self.wanted)
        saved = [*self.scope.digests, *(usage.tags[tag] for tag in self.scope.tags)]
        await each(
            dict.fromkeys([*saved, *(part for digest in saved for part in self._below(digest))]),
            self._save,
            self._at_once,
        )
        reader = TagReader(replace(self.session, mirrors=None), self.repository)  # a plan is of the registry itself
        await each(digests, lambda digest: self._read_facts(reader, digest), self._at_once)
        staying = {
            tag: digest for digest in digests for tag in newest_version_first(usage.tags_on(digest)) if tag not in going
        }
        left = {digest for digest in digests if digest not in self.scope.digests} - set(staying.values())
        indexes = self._indexes({*digests, *self.forced})
        users = tuple(dict.fromkeys(tag for digest in self.forced or left for tag in indexes.get(digest, ())))
        orphaned = self._orphaned()
        steps = self._steps()
        title, action = title_of(self.repository, len(self.wanted), self.forced)
        protects = self.session.settings.is_protected
        return RemovalPlan(
            self.session.registry,
            title,
            action,
            tuple(steps),
            repository=self.repository,
            going=tuple(self._tag(tag) for tag in self.wanted),
            companions=tuple(self._companions(set(digests) | set(self.forced))),
            staying=tuple(staying.items()),
            users=users,
            indexes=indexes,
            orphaned=orphaned,
            whole_digests=bool(self.forced),
            removed_digests=self.scope.digests,
            vendor=self.session.client.vendor.name if self._by_verb else "",
            afterwards=self.session.client.vendor.afterwards if self._by_verb else "",
            checked=usage.checked,
            total=len(usage.names),
            reclaimable=self._reclaimable(),
            protected=tuple(tag for tag in self.scope.tags if protects(self.session.registry, tag)),
            warnings=tuple(self._warnings(users, orphaned)),
            check=self._check(steps),
            request={
                "verb": "remove",
                "repository": self.repository,
                "tags": {tag: usage.tags[tag] for tag in self.wanted},
                "digests": list(self.forced),
                "keep_images": self.keep_images,
            },
        )

    @property
    def _by_verb(self) -> bool:
        return Method.VENDOR in self.methods

    def _below(self, digest: Digest) -> list[Digest]:
        """What is to be kept of an index beside itself, its parts first: when a vendor may clean up after its verb."""
        return [part for part in reversed(self.usage.below([digest])) if part != digest] if self._by_verb else []

    @property
    def _at_once(self) -> int:
        return self.session.concurrency

    async def _save(self, digest: Digest) -> None:
        if digest not in self._documents:
            found = await document(self.session, self.repository, digest)
            self._documents[digest] = Saved(self.repository, digest, found.media_type, found.raw)

    async def _read_facts(self, reader: TagReader, digest: Digest) -> None:
        with suppress(RegtuiError):  # a date that can't be read hinders no removal
            self._facts[digest] = await reader.complete(digest)

    def _saved(self, digest: Digest, tags: tuple[str, ...]) -> Saved:
        found = self._documents[digest]
        return Saved(self.repository, digest, found.media_type, found.raw, tags)

    def _steps(self) -> list[Step]:
        """Digests first, an index before its images; then tags whose digest stays."""
        steps: list[Step] = []
        number_of: dict[Digest, int] = {}
        above = parents(self.usage, self.scope.digests)
        known = {tag: self.usage.tags.get(tag) for tag in self.usage.names}
        going, wanted = frozenset(self.scope.tags), set(self.wanted)
        siblings: dict[Digest, tuple[str, ...]] = {}
        for digest in self.scope.digests:
            needs = tuple(number_of[other] for other in above[digest] if other in number_of)
            number_of[digest] = len(steps)
            saved = self._saved(digest, self.usage.tags_on(digest))
            steps.append(RemoveDigest(saved, known, going, str(self._kind(digest)), needs))
        for tag in self.scope.tags:
            digest = self.usage.tags[tag]
            if digest not in number_of:
                subject = companion_of(tag)
                needs = (number_of[subject],) if subject in number_of and tag not in wanted else ()
                if digest not in siblings:
                    siblings[digest] = tuple(other for other in self.usage.tags_on(digest) if other not in going)
                below = tuple(self._documents[part] for part in self._below(digest))
                steps.append(RemoveTag(tag, self._saved(digest, (tag,)), siblings[digest], self.methods, needs, below))
        return steps

    def _check(self, steps: Sequence[Step]) -> CheckWhatStays | None:
        removed = tuple(step.original for step in steps if isinstance(step, RemoveDigest))
        going = set(self.scope.tags)
        before = {tag: digest for tag, digest in self.usage.tags.items() if tag not in going}
        unread = frozenset(self.usage.names).difference(self.usage.tags)
        return CheckWhatStays(self.repository, before, unread, removed) if removed else None

    def _tag(self, tag: str) -> TagOnDigest:
        digest = self.usage.tags[tag]
        facts = self._facts.get(digest)
        methods = (Method.DIGEST,) if digest in self.scope.digests else self.methods
        created, size = (facts.created, facts.size) if facts else (None, 0)
        return TagOnDigest(tag, digest, self._kind(digest), created, size, methods)

    def _kind(self, digest: Digest) -> Kind:
        links = self.usage.manifests.get(digest)
        return links.kind if links else Kind.ARTIFACT

    def _companions(self, asked: set[Digest]) -> list[Companion]:
        parts = {child for digest in self.scope.digests for child in self._children(digest)}
        tags = self.scope.tags[len(self.wanted) :]
        digests = dict.fromkeys([*self.scope.digests, *(self.usage.tags[tag] for tag in tags)])
        return [
            Companion(
                digest,
                self._kind(digest),
                tuple(tag for tag in tags if self.usage.tags[tag] == digest),
                digest in parts and self._kind(digest) in (Kind.IMAGE, Kind.INDEX),
            )
            for digest in digests
            if digest not in asked
        ]

    def _children(self, digest: Digest) -> tuple[Digest, ...]:
        links = self.usage.manifests.get(digest)
        return links.children if links else ()

    def _reclaimable(self) -> int | None:
        if not self.scope.digests:
            return 0
        return reclaimable(self.usage, set(self.scope.digests)) if self.usage.is_known else None

    def _indexes(self, digests: set[Digest]) -> dict[Digest, tuple[str, ...]]:
        """Of each of these, the tags of indexes that have it and stay."""
        going = set(self.scope.tags)
        found = self.usage.indexes(digests)
        stays = {digest: tuple(tag for tag in tags if tag not in going) for digest, tags in found.items()}
        return {digest: tags for digest, tags in stays.items() if tags}

    def _orphaned(self) -> tuple[Digest, ...]:
        """What stays, and is about something that goes."""
        removed = set(self.scope.digests)
        about = (other for digest in self.scope.digests for other in self.usage.referrers.get(digest, ()))
        return tuple(dict.fromkeys(other for other in about if other not in removed))

    def _warnings(self, users: Sequence[str], orphaned: Sequence[Digest]) -> list[str]:
        usage = self.usage
        warnings = []
        if self.forced and users:
            them = ("has", "it") if len(users) == 1 else ("have", "they")
            warnings.append(f"{listed(users)} {them[0]} an image that goes: {them[1]} will be broken")
        for digest in orphaned:
            named = listed(usage.tags_on(digest), 5) or f"the {self._kind(digest)} {short(digest)}"
            warnings.append(f"{named} is about what goes, and stays")
        for tag, digest in usage.tags.items():
            links = usage.manifests.get(digest)
            if links and links.original and links.kind is Kind.THROW_AWAY:
                was = short(links.original)
                warnings.append(f"{tag} holds a throw-away manifest that a removal left over; before, it was {was}")
        warnings += [f"Not everything could be read, so what else is there stays: {what}" for what in usage.unread]
        more = len(warnings) - _WARNINGS
        return [*warnings[:_WARNINGS], f"… and {more:,} more like these"] if more > 0 else warnings
