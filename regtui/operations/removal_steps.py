"""The steps of a removal. Each reads just before it writes and looks again afterwards: there are no transactions.

What remains is a window of one request, between the last read and its write: for a tag the read of what it points to,
for a digest the list of tags. What somebody pushes just then may be lost. Where many steps run side by side, they take
turns at that (`Client.turn`), so that the window doesn't grow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from regtui.errors import Answered, ConnectionFailed, NotFound, PlanStale, StepFailed, Unsupported
from regtui.oci.digest import Digest, is_digest, short
from regtui.operations.at_once import each
from regtui.operations.looking import found, found_after, found_all, name, names, put_back, still_points
from regtui.operations.plan import Method, StepContext
from regtui.operations.throw_away import clear_names, remove_by_throw_away
from regtui.registry.client import Client
from regtui.registry.pace import insisting
from regtui.registry.turns import Turn
from regtui.registry.vendors import Removal
from regtui.store.rows import Saved

NEW_TAGS_LIMIT = 1000
"""Tags that came since the plan and are looked at before a digest is deleted; with more, the plan is stale."""

_ANEW = "Plan it anew."
_LOOKS = 16
"""Tags that are looked at one by one; more are looked for in the list of all."""


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
        }

    async def run(self, context: StepContext) -> None:
        before = await self._there(context)
        method = await self._remove(context)
        if method:
            await self._look_again(context, before, method)

    async def _remove(self, context: StepContext) -> Method | None:
        """How it went; None when somebody else had deleted the tag."""
        for method in self.methods:
            try:
                if method is Method.THROW_AWAY:
                    is_done = await remove_by_throw_away(context.client, context.note, self.tag, self.original)
                else:
                    is_done = await self._by_name(context.client, method)
            except Unsupported:
                if method is self.methods[-1]:
                    raise
            else:
                return method if is_done else None
        return None

    async def _by_name(self, client: Client, method: Method) -> bool:
        repository = self.original.repository
        async with client.turn(repository):
            if not await still_points(client, self.original, [self.tag]):
                return False
            if method is Method.VENDOR:
                await _delete_by_vendor(client, repository, self.tag)
            else:
                await _delete(client, repository, self.tag)
        left = await found_after(client, repository, self.tag, self.original.digest)
        if left is not None:
            now = "is still there" if left == self.original.digest else f"was pushed anew meanwhile, on {left}"
            raise StepFailed(f"{name(repository, self.tag)} was deleted, and {now}")
        return True

    async def _there(self, context: StepContext) -> set[str]:
        """Of the siblings and the manifest itself, what is there."""
        repository, digest = self.original.repository, self.original.digest
        if len(self.siblings) <= _LOOKS:
            looked = await found_all(context.client, repository, [*self.siblings, digest])
            return {version for version, there in looked.items() if there}
        itself = await found(context.client, repository, digest)
        listed = set(await context.names(repository)).intersection(self.siblings)
        return listed | ({digest} if itself else set())

    async def _look_again(self, context: StepContext, before: set[str], method: Method) -> None:
        """What shared the digest, and the manifest itself, may have gone along: then it is put back.

        A sibling that went while the manifest stayed was deleted by somebody else, unless all went at once, which a
        throw-away manifest can't do. Vendors clean up a manifest without tags.
        """
        lost = before - await self._there(context)
        digest = self.original.digest
        tags = [tag for tag in self.siblings if tag in lost]
        all_went = len(tags) == sum(tag in before for tag in self.siblings) and method is not Method.THROW_AWAY
        if (tags and (digest in lost or all_went)) or (digest in lost and method is not Method.VENDOR):
            await _put_all_back(context.client, self.original, tags)
            raise StepFailed(
                f"{name(self.original.repository, self.tag)} was deleted, and what it shares a digest with went at the "
                f"same time: {_named(tags or [digest])}. That was put back"
            )


@dataclass(frozen=True, slots=True)
class RemoveDigest:
    """Deletes a manifest with all its tags, which are the plan's; or one without tags."""

    original: Saved  # with the tags that go along
    known: Mapping[str, Digest | None]  # every tag that there was when the plan was made; None: it can't be read
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
            "methods": Method.DIGEST,
            "tags": " ".join(self.original.tags),
        }

    async def run(self, context: StepContext) -> None:
        client, repository, digest = context.client, self.original.repository, self.original.digest
        is_there = await still_points(client, self.original, self.original.tags)
        if not is_there and await found(client, repository, digest) is None:
            context.note("it was gone already")
            return
        await self._others_stayed(client)
        async with client.turn(repository) as turn:
            before = await self._tags_before(client, turn)
            await _delete(client, repository, digest)
            turn.listed = after = await names(client, repository)
            moved = await self._moved(context, turn)
        await self._look_again(client, set(before).difference(after), moved)

    async def _others_stayed(self, client: Client) -> None:
        """Raises `PlanStale` when a tag that the plan takes from another digest was moved to this one. Where there are
        many, nobody looks: a step for each would look at all. Then it is told afterwards."""
        others = self.going.difference(self.original.tags)
        if len(others) <= _LOOKS:
            for tag, now in (await found_all(client, self.original.repository, others)).items():
                if now == self.original.digest:
                    raise PlanStale(f"{name(self.original.repository, tag)} was moved to {now} meanwhile", _ANEW)

    async def _tags_before(self, client: Client, turn: Turn) -> list[str]:
        """Every tag, listed last of all. Raises `PlanStale` when one that the plan doesn't know needs the digest."""
        repository, digest = self.original.repository, self.original.digest
        listed = turn.listed or await names(client, repository)
        while unseen := [tag for tag in listed if tag not in self.known and tag not in turn.leads_to]:
            if len(unseen) + len(turn.leads_to) > NEW_TAGS_LIMIT:
                raise PlanStale(f"More than {NEW_TAGS_LIMIT:,} tags were pushed to {repository} meanwhile", _ANEW)
            await each(unseen, lambda tag: self._look_at(client, turn, tag), _LOOKS)
            listed = await names(client, repository)
        for tag, needed in turn.leads_to.items():
            if digest in needed:
                raise PlanStale(f"{name(repository, tag)} was pushed meanwhile, and needs {digest}", _ANEW)
        return listed

    async def _look_at(self, client: Client, turn: Turn, tag: str) -> None:
        try:
            document = await client.manifest(self.original.repository, tag)
        except NotFound:
            turn.leads_to[tag] = frozenset()
        else:
            children = (Digest(child.digest) for child in document.children)
            turn.leads_to[tag] = frozenset([document.digest, *children])

    async def _moved(self, context: StepContext, turn: Turn) -> list[str]:
        """Of its tags, those that are there still: they point to something else, which other steps are told.

        One that leads nowhere is deleted.
        """
        client = context.client
        left = set(turn.listed or ()).intersection(self.original.tags)
        if not left:
            return []
        turn.listed = None
        now = await found_all(client, self.original.repository, left)
        moved = {tag: there for tag, there in now.items() if there not in (None, self.original.digest)}
        turn.leads_to.update((tag, frozenset([there])) for tag, there in moved.items() if there)
        nowhere = [tag for tag, there in now.items() if there is None]
        await clear_names(client, context.note, nowhere, self.original)
        return sorted(moved)

    async def _look_again(self, client: Client, vanished: set[str], moved: list[str]) -> None:
        """Raises `StepFailed` when more went than should, or less."""
        repository, digest = self.original.repository, self.original.digest
        lost = await self._lost(client, vanished)
        if stays := [tag for tag in lost if tag not in self.going]:
            await _put_all_back(client, self.original, stays)
            raise StepFailed(
                f"{_named(stays)} had been moved to {digest} meanwhile, and went with it, or somebody else deleted it "
                "just then. It was put back there"
            )
        if lost:
            raise StepFailed(
                f"{_named(lost)}, to be deleted as well, went at the same time as {digest}: it had been moved there "
                "meanwhile, or somebody else deleted it",
                "regtui undo puts back what this deleted.",
            )
        if await found_after(client, repository, digest, digest) is not None:
            what = f"{client.registry} said that {name(repository, digest)} is deleted"
            raise StepFailed(f"{what}, and it is still there")
        if moved:
            what = f"{_named(moved)} in {repository} was pushed anew meanwhile, and stays"
            raise StepFailed(f"{what}. What it pointed to, {digest}, was deleted")

    async def _lost(self, client: Client, vanished: set[str]) -> list[str]:
        """Names that vanished with the digest and aren't of it: they had been moved to it since the plan was made.
        Where what the plan knew them to point to is gone, too, they went with that, by somebody else's doing."""
        lost = []
        for tag in sorted(vanished.difference(self.original.tags)):
            was = self.known.get(tag)
            is_elsewhere = was not in (None, self.original.digest)
            if is_elsewhere and await found(client, self.original.repository, str(was)) is None:
                continue
            if await found(client, self.original.repository, tag) is None:
                lost.append(tag)
        return lost


async def _delete(client: Client, repository: str, version: str) -> None:
    try:
        await client.delete_manifest(repository, version)
    except (ConnectionFailed, Answered) as error:  # an answer that was lost may have been a yes, and a 500 half of one
        if isinstance(error, Answered) and not isinstance(error, NotFound) and error.status < 500:
            raise
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
