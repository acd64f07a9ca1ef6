"""The step that puts a manifest back as it was: the same bytes, under the same tags."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from regtui.errors import ConnectionFailed, PlanStale, RegtuiError, StepFailed
from regtui.oci.digest import Digest, short
from regtui.operations.looking import found, name
from regtui.operations.plan import StepContext
from regtui.registry.client import Client
from regtui.store.rows import Saved


@dataclass(frozen=True, slots=True)
class RestoreManifest:
    manifest: Saved
    now: Mapping[str, Digest | None]  # what its tags point to, or its own digest without tags, when this was planned
    saved: tuple[Saved, ...]  # what is on these tags instead, but for throw-away manifests
    throw_aways: frozenset[Digest] = frozenset()  # those of `now` that a cut-off removal left
    needs: tuple[int, ...] = ()

    def describe(self) -> str:
        tags = self.manifest.tags
        more = f" and {len(tags) - 5:,} more" if len(tags) > 5 else ""
        where = ", ".join(name(self.manifest.repository, tag) for tag in tags[:5]) + more
        return f"Put {short(self.manifest.digest)} back" + (f" as {where}" if where else "")

    def intent(self) -> dict[str, str]:
        new = [tag for tag in self.manifest.tags if self.now[tag] is None or self.now[tag] in self.throw_aways]
        return {
            "verb": "restore",
            "repository": self.manifest.repository,
            "digest": self.manifest.digest,
            "tags": " ".join(self.manifest.tags),
            "made": " ".join(new),
        }

    async def run(self, context: StepContext) -> None:
        client = context.client
        for place, planned in self.now.items():
            if await self._put(client, place, planned):
                there = await found(client, self.manifest.repository, place)
                if there != self.manifest.digest:
                    where = name(self.manifest.repository, place)
                    raise StepFailed(f"{where} was put back, and points to {there or 'nothing'}")
            if planned and planned in self.throw_aways:
                with suppress(RegtuiError):  # no tag is on it any more: it is in nobody's way
                    await client.delete_manifest(self.manifest.repository, planned)

    async def _put(self, client: Client, place: str, planned: Digest | None) -> bool:
        """False when it is as it was already. Raises `PlanStale` when it is neither that nor as planned."""
        repository, digest = self.manifest.repository, self.manifest.digest
        async with client.turn(repository):
            there = await found(client, repository, place)
            if there == digest:
                return False
            if there != planned:
                raise PlanStale(f"{name(repository, place)} points to {there or 'nothing'} now", "Plan it anew.")
            try:
                await client.put_manifest(repository, place, self.manifest.raw, self.manifest.media_type)
            except ConnectionFailed:  # an answer that was lost may have been a yes
                if await found(client, repository, place) != digest:
                    raise
        return True
