"""The last look of a removal that deleted digests: did anything come to need one of them since the plan was made?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from regtui.errors import ContentError, NotFound, StepFailed
from regtui.oci.digest import Digest, is_digest
from regtui.oci.manifest import Document, decode_document
from regtui.operations.at_once import each
from regtui.operations.looking import found, names, put_back
from regtui.operations.plan import StepContext
from regtui.registry.client import Client
from regtui.store.rows import Saved

_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class CheckWhatStays:
    """Reads again what every tag points to. An index that was pushed or moved meanwhile may need a manifest that went,
    as one of its images: that is put back."""

    repository: str
    before: Mapping[str, Digest]  # what the tags that stay pointed to
    unread: frozenset[str]  # tags that could not be read before: what they need, nobody knows
    removed: tuple[Saved, ...]  # in the order in which they went: an index before its images
    needs: tuple[int, ...] = ()

    @property
    def saved(self) -> tuple[Saved, ...]:
        return ()

    def describe(self) -> str:
        return f"Check that what stays in {self.repository} is whole"

    def intent(self) -> dict[str, str]:
        return {"verb": "check", "repository": self.repository}

    async def run(self, context: StepContext) -> None:
        """Raises `StepFailed` when it had to put something back."""
        client = context.client
        users = await self._users(client)
        needed = [saved for saved in reversed(self.removed) if saved.digest in users]
        gone: set[Digest] = set()

        async def look(saved: Saved) -> None:
            if await found(client, self.repository, saved.digest) is None:
                gone.add(saved.digest)

        await each(needed, look, _AT_ONCE)  # many after a stop: all that was not begun
        lost = [saved for saved in needed if saved.digest in gone]
        for saved in lost:
            await put_back(client, saved)
        if lost:
            tags = ", ".join(sorted({users[saved.digest] for saved in lost}))
            raise StepFailed(f"{tags} came to need what was being deleted: {len(lost)} manifests were put back")

    async def _users(self, client: Client) -> dict[str, str]:
        """Of every digest that a new or moved tag leads to, one such tag."""
        users: dict[str, str] = {}
        removed = {saved.digest: decode_document(saved.raw, saved.digest, saved.media_type) for saved in self.removed}

        async def look(tag: str) -> None:
            digest = None if tag in self.unread else await found(client, self.repository, tag)
            waiting = [digest] if digest and digest != self.before.get(tag) else []
            while waiting:
                digest = waiting.pop()
                if digest in users or not is_digest(digest):
                    continue
                users[digest] = tag
                document = removed.get(digest) or await self._manifest(client, digest)
                waiting += [Digest(child.digest) for child in document.children] if document else []

        await each(await names(client, self.repository), look, _AT_ONCE)
        return users

    async def _manifest(self, client: Client, digest: Digest) -> Document | None:
        try:
            return await client.manifest(self.repository, digest)
        except (NotFound, ContentError):
            return None
