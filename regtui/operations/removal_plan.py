"""What a removal says of itself before it is done: in the dialog, by `--dry-run`, as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from regtui import words
from regtui.oci.digest import Digest, short
from regtui.oci.kinds import Kind
from regtui.operations.plan import Method, Plan

MANY = 20
"""Tags beyond which a yes is not enough."""
_NAMED = 5
"""Tags that a line names at most."""

_BY_DIGEST = "by digest: nothing that stays needs"
_BY_NAME = "the registry deletes a tag by its name"
_BY_THROW_AWAY = "this registry can't delete a tag by name: a throw-away manifest takes its place and is deleted"
_BY_EITHER = "by name; if the registry refuses that, a throw-away manifest takes the tag's place and is deleted"


@dataclass(frozen=True, slots=True)
class TagOnDigest:
    """A tag that goes, as it is now. `size` is in bytes, `created` UTC; of what can't be read 0 and None."""

    tag: str
    digest: Digest
    kind: Kind
    created: datetime | None
    size: int
    methods: tuple[Method, ...]  # tried in this order


@dataclass(frozen=True, slots=True)
class Companion:
    """What goes along: an image of an index, a signature, an SBOM. `tags` are its names, if it has any.

    `digest` stays, without these tags, unless the plan's `removed_digests` have it.
    """

    digest: Digest
    kind: Kind
    tags: tuple[str, ...]
    is_part: bool  # of an index; else it is about what goes


@dataclass(frozen=True, slots=True)
class RemovalPlan(Plan):
    """Tags, or digests with all their tags, that are to go from one repository."""

    repository: str
    going: tuple[TagOnDigest, ...]  # that were asked for, or are on a digest that was
    companions: tuple[Companion, ...]
    staying: tuple[tuple[str, Digest], ...]  # tags that stay though they share a digest with one that goes
    users: tuple[str, ...]  # tags of indexes or subjects that need an image of which all tags go
    indexes: Mapping[Digest, tuple[str, ...]]  # tags of indexes that stay, by what they hold of that which goes
    orphaned: tuple[Digest, ...]  # manifests that stay, and are about one that goes
    whole_digests: bool  # digests were asked for, whatever uses them: `users` will be broken
    removed_digests: tuple[Digest, ...]  # manifests that are deleted, an index before its images
    checked: int  # tags whose digests were read for this plan
    total: int  # tags in the repository
    reclaimable: int | None  # bytes, in this repository, by plain garbage collection; None: can't be said
    protected: tuple[str, ...]  # tags that go though the settings protect them
    vendor: str = ""  # whose own API takes the tags ("Harbor"), if it does
    afterwards: str = ""  # what becomes there of images without tags

    @property
    def method(self) -> Method | None:
        """How the tags go, when all go the same way; tried first."""
        methods = {item.methods[0] for item in self.going if item.methods}
        if not self.going and self.removed_digests:
            return Method.DIGEST
        return methods.pop() if len(methods) == 1 else None

    @property
    def to_type(self) -> str:
        """What has to be typed before it is done: a protected tag, or how many tags go; empty when a yes is enough."""
        if len(self.protected) == 1:
            return self.protected[0]
        return str(len(self.going)) if self.protected or len(self.going) > MANY else ""

    def lines(self) -> list[tuple[str, str]]:
        """Rows of the dialog and of `--dry-run`: a label, and what there is to say."""
        if not self.steps:
            return [("Left", "nothing: all that was to go is gone, or was pushed anew")]
        rows = [("Stays", f"{self._stays()}; {self._checked()}"), ("How", self._how())]
        if self.companions:
            rows.insert(0, ("Along", self._along()))
        if self.protected:
            rows.insert(0, ("Protected", f"{listed(self.protected, _NAMED)}, by the settings"))
        return [*rows, ("Reclaims", self._reclaims()), ("Undo", "u, until the registry's garbage collection runs")]

    def as_json(self) -> dict[str, Any]:
        """Stable names; sizes in bytes, times in UTC."""
        return {
            **super(RemovalPlan, self).as_json(),  # slots: a bare super() doesn't find the class
            "repository": self.repository,
            "tags": [
                {
                    "tag": item.tag,
                    "digest": item.digest,
                    "kind": str(item.kind),
                    "created": item.created.isoformat().replace("+00:00", "Z") if item.created else None,
                    "size_bytes": item.size,
                    "methods": [str(method) for method in item.methods],
                    "in_indexes": list(self.indexes.get(item.digest, ())),
                }
                for item in self.going
            ],
            "companions": [
                {"digest": item.digest, "kind": str(item.kind), "tags": list(item.tags), "is_part": item.is_part}
                for item in self.companions
            ],
            "stays": [{"tag": tag, "digest": digest} for tag, digest in self.staying],
            "removed_digests": list(self.removed_digests),
            "orphaned": list(self.orphaned),
            "tags_checked": self.checked,
            "tags_total": self.total,
            "breaks": list(self.users) if self.whole_digests else [],
            "reclaimable_bytes": self.reclaimable,  # in this repository
            "protected": list(self.protected),
        }

    def _along(self) -> str:
        kinds = Counter(("image" if item.is_part else "") or str(item.kind) for item in self.companions)
        parts = [words.count(number, kind) for kind, number in kinds.items()]
        tags = [tag for item in self.companions for tag in item.tags]
        return listed(parts) + (f" ({listed(tags, _NAMED)})" if tags else "")

    def _stays(self) -> str:
        shared = [tag for tag, _ in self.staying]
        parts = [f"{listed(shared, _NAMED)} (same digest)"] if shared else []
        untagged = len(self._digests.difference(self.removed_digests, (digest for _, digest in self.staying)))
        if untagged:
            image = "the image" if len(self._digests) == 1 else words.count(untagged, "image")
            needs = (
                f": {listed(self.users, _NAMED)} {'needs' if len(self.users) == 1 else 'need'}" if self.users else ""
            )
            parts.append(f"{image}, untagged{needs}{(' it' if untagged == 1 else ' them') if needs else ''}")
        return "; ".join(parts) or "nothing that shares a digest"

    @property
    def _digests(self) -> set[Digest]:
        return {item.digest for item in self.going}

    @property
    def _images(self) -> str:
        return "the image" if len(self._digests) == 1 else "the images"

    def _checked(self) -> str:
        if self.checked >= self.total:
            return f"checked all {words.count(self.total, 'tag')}" if self.total != 1 else "checked the only tag"
        return f"checked {self.checked:,} of {words.count(self.total, 'tag')}"

    def _how(self) -> str:
        if self.whole_digests and not self.vendor:
            return "by digest, with every tag on it"
        words_of = {
            (Method.DIGEST,): f"{_BY_DIGEST} {self._images}",
            (Method.VENDOR,): f"by {self.vendor}'s own API, one tag at a time",
            (Method.TAG,): _BY_NAME,
            (Method.THROW_AWAY,): _BY_THROW_AWAY,
            (Method.TAG, Method.THROW_AWAY): _BY_EITHER,
        }
        ways = Counter(item.methods for item in self.going)
        if len(ways) == 1:
            return words_of[self.going[0].methods]
        return "; ".join(f"{words.count(number, 'tag')}: {words_of[methods]}" for methods, number in ways.items())

    def _reclaims(self) -> str:
        if self.vendor and not self.staying:
            return self.afterwards or f"what {self.vendor} cleans up by itself"
        if self.reclaimable is None:
            return "not known: not everything in the repository could be read"
        if self.reclaimable:
            return f"{words.size(self.reclaimable)} in this repository, when its garbage collection runs"
        users = [tag for tag, _ in self.staying] or list(self.users)
        if users:
            return f"nothing: {listed(users, _NAMED)} {'uses' if len(users) == 1 else 'use'} {self._images}"
        return f"nothing: {self._images} {'stays' if len(self._digests) == 1 else 'stay'}, untagged"


def listed(names: Sequence[str], limit: int = 100) -> str:
    """`latest, 1.4 and 1`; beyond the limit `and 12 more`."""
    if len(names) > limit:
        return f"{', '.join(names[:limit])} and {len(names) - limit:,} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def title_of(repository: str, tags: int, digests: Sequence[Digest]) -> tuple[str, str]:
    """The dialog's title and its button; `digests` are those that were asked for as such."""
    if not digests:
        return f"Delete {words.count(tags, 'tag')} from {repository}", f"Delete {words.count(tags, 'tag')}"
    one = len(digests) == 1
    what = f"{short(digests[0]) if one else words.count(len(digests), 'digest')}"
    along = f" and {'its' if one else 'their'} {words.count(tags, 'tag')}" if tags else ""
    return f"Delete {what}{along} from {repository}", f"Delete {words.count(tags, 'tag') if tags else '1 digest'}"
