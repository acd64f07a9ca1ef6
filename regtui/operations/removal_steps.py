"""The steps of a removal. Each reads just before it writes and looks again afterwards: there are no transactions.

What remains is a window of one request, between the last read and its write.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from regtui.errors import ConnectionFailed, NotFound, PlanStale, StepFailed, Unsupported
from regtui.oci.digest import is_digest, short
from regtui.operations.looking import found, found_after, found_all, name, put_back, still_points
from regtui.operations.plan import Method, StepContext
from regtui.operations.throw_away import remove_by_throw_away
from regtui.registry.client import Client
from regtui.registry.pace import insisting
from regtui.registry.vendors import Removal
from regtui.store.rows import Saved

NEW_TAGS_LIMIT = 1000
"""Tags that came since the plan and are looked at before a digest is deleted; with more, the plan is stale."""


@dataclass(frozen=True, slots=True)
class RemoveTag:
    """Takes one tag from a digest that stays."""

    tag: str
    original: Saved  # what the tag points to
    siblings: tuple[str, ...]  # tags that stay on the digest
    methods: tuple[Method, ...]  # VENDOR, TAG, THROW_AWAY: the next one where the registry refuses the first
    needs: tuple[int, ...] = ()
    below: tuple[Saved, ...] = ()  # what an index is made of, where a vendor may clean up what has no tags

    @property
    def saved(self) -> tuple[Saved, ...]:
        return (*self.below, self.original)

    def describe(self) -> str:
        return f"Delete {name(self.original.repository, self.tag)}"

    def intent(self) -> dict[str, str]:
        return {
            "verb": "remove tag",
            "repository": self.original.repository,
            "tag": self.tag,
            "digest": self.original.digest,
            "methods": " ".join(self.methods),
            "siblings": " ".join(self.siblings),
        }

    async def run(self, context: StepContext) -> None:
        await self._remove(context)
        await self._look_for_siblings(context.client)

    async def _remove(self, context: StepContext) -> None:
        for method in self.methods:
            try:
                if method in (Method.VENDOR, Method.TAG):
                    await self._by_name(context.client, method)
                else:
                    await remove_by_throw_away(context.client, context.note, self.tag, self.original)
                return
            except Unsupported:
                if method is self.methods[-1]:
                    raise

    async def _by_name(self, client: Client, method: Method) -> None:
        repository = self.original.repository
        if not await still_points(client, self.original, [self.tag]):
            return  # somebody else has deleted it
        if method is Method.VENDOR:
            await _delete_by_vendor(client, repository, self.tag)
        else:
            await _delete(client, repository, self.tag)
        left = await found_after(client, repository, self.tag, self.original.digest)
        if left is not None:
            now = "is still there" if left == self.original.digest else f"was pushed anew meanwhile, on {left}"
            raise StepFailed(f"{name(repository, self.tag)} was deleted, and {now}")

    async def _look_for_siblings(self, client: Client) -> None:
        """What shares the digest, and the manifest itself, may not have gone along. Vendors clean up the latter."""
        repository = self.original.repository
        itself = () if Method.VENDOR in self.methods else (self.original.digest,)
        kept = await found_all(client, repository, [*self.siblings, *itself])
        lost = [version for version, digest in kept.items() if digest is None]
        if lost:
            await _put_all_back(client, self.original, [tag for tag in self.siblings if tag in lost])
            raise StepFailed(
                f"{name(repository, self.tag)} was deleted, and {client.registry} deleted what it shares a digest with "
                f"along with it: {_named(lost)}. That was put back"
            )


@dataclass(frozen=True, slots=True)
class RemoveDigest:
    """Deletes a manifest with all its tags, which are the plan's; or one without tags."""

    original: Saved  # with the tags that go along
    known: frozenset[str]  # every tag that the repository had when the plan was made
    going: frozenset[str]  # those of them that the plan takes, on this digest or another
    what: str  # "image", "index", "signature": for people
    needs: tuple[int, ...] = ()

    @property
    def saved(self) -> tuple[Saved, ...]:
        return (self.original,)

    def describe(self) -> str:
        repository, tags = self.original.repository, self.original.tags
        if not tags:
            return f"Delete the {self.what} {repository}@{short(self.original.digest)}"
        return f"Delete {repository}:{_named(tags)} with the {self.what} {short(self.original.digest)}"

    def intent(self) -> dict[str, str]:
        return {
            "verb": "remove digest",
            "repository": self.original.repository,
            "digest": self.original.digest,
            "tags": " ".join(self.original.tags),
        }

    async def run(self, context: StepContext) -> None:
        client = context.client
        repository, digest = self.original.repository, self.original.digest
        await still_points(client, self.original, self.original.tags)
        if await found(client, repository, digest) is None:
            context.note("it was gone already")
            return
        before, seen = await context.names(repository), set(self.known)
        while new := [tag for tag in before if tag not in seen]:
            await self._needs_nothing(client, new)
            seen.update(new)
            before = await context.names(repository)
        await _delete(client, repository, digest)
        await self._look_again(context, before)

    async def _needs_nothing(self, client: Client, new: list[str]) -> None:
        """Raises `PlanStale` when a tag that the plan doesn't know points to the digest, or to an index that has it."""
        repository, digest = self.original.repository, self.original.digest
        if len(new) > NEW_TAGS_LIMIT:
            raise PlanStale(f"{len(new):,} tags were pushed to {repository} meanwhile", "Plan it anew.")
        for tag in new:
            if await found(client, repository, tag) is None:
                continue
            document = await client.manifest(repository, tag)
            if document.digest == digest or any(child.digest == digest for child in document.children):
                raise PlanStale(f"{name(repository, tag)} was pushed meanwhile, and needs {digest}", "Plan it anew.")

    async def _look_again(self, context: StepContext, before: list[str]) -> None:
        """A name that vanished and isn't the plan's pointed to this digest by then: it is put back."""
        client, repository, digest = context.client, self.original.repository, self.original.digest
        vanished = set(before) - set(await context.names(repository)) - self.going
        if vanished:
            there = await found_all(client, repository, sorted(vanished))
            lost = [tag for tag, found_there in there.items() if found_there is None]
            if lost:
                await _put_all_back(client, self.original, lost)
                raise StepFailed(
                    f"{_named(lost)} had been moved to {digest} meanwhile, and went with it. That was put back"
                )
        if await found_after(client, repository, digest, digest) is not None:
            raise StepFailed(
                f"{client.registry} said that {name(repository, digest)} is deleted, and it is still there"
            )


async def _delete(client: Client, repository: str, version: str) -> None:
    try:
        await client.delete_manifest(repository, version)
    except (ConnectionFailed, NotFound) as error:  # an answer that was lost may have been a yes
        if await found(client, repository, version) is None:
            return
        if isinstance(error, NotFound) and not is_digest(version):
            what = f"{client.registry} finds no tag {version} when it is to be deleted, though it is there"
            advice = "Its registry takes digests only: D deletes the digest with all its tags."
            raise Unsupported(what, advice, status=error.status, code=error.code) from error
        raise


async def _delete_by_vendor(client: Client, repository: str, tag: str) -> None:
    if not client.vendor.name:
        await client.ping()  # a client of the runner's own, which doesn't know yet whose registry it is
    try:
        way, why = await client.vendor.removal(repository, tag)  # what was safe when it was planned may take more now
        if way is not Removal.VERB:
            reason = f": {why}" if why else f" by {client.vendor.name}'s own API any more"
            raise PlanStale(f"{name(repository, tag)} can't be deleted{reason}", "Plan it anew.")
        await client.vendor.remove_tag(repository, tag)
    except (ConnectionFailed, NotFound):
        if await found(client, repository, tag) is not None:
            raise


async def _put_all_back(client: Client, original: Saved, tags: Iterable[str]) -> None:
    """Under these tags; without any, under its digest."""
    with insisting():
        for tag in list(tags) or [""]:
            await put_back(client, original, tag)


def _named(versions: Iterable[str]) -> str:
    listed = list(versions)
    return ", ".join(listed[:5]) + (f" and {len(listed) - 5:,} more" if len(listed) > 5 else "")
