"""The step that puts a manifest back as it was: the same bytes, under the same tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from regtui.errors import PlanStale
from regtui.oci.digest import Digest, short
from regtui.operations.looking import found, name, put_back
from regtui.operations.plan import StepContext
from regtui.store.rows import Saved


@dataclass(frozen=True, slots=True)
class RestoreManifest:
    manifest: Saved
    now: Mapping[str, Digest | None]  # what its tags point to, or its own digest without tags, when this was planned
    saved: tuple[Saved, ...]  # what is on these tags instead
    needs: tuple[int, ...] = ()

    def describe(self) -> str:
        where = ", ".join(name(self.manifest.repository, tag) for tag in self.manifest.tags[:5])
        return f"Put {short(self.manifest.digest)} back" + (f" as {where}" if where else "")

    def intent(self) -> dict[str, str]:
        return {
            "verb": "restore",
            "repository": self.manifest.repository,
            "digest": self.manifest.digest,
            "tags": " ".join(self.manifest.tags),
            "made": " ".join(tag for tag in self.manifest.tags if self.now[tag] is None),
        }

    async def run(self, context: StepContext) -> None:
        client = context.client
        repository, digest = self.manifest.repository, self.manifest.digest
        for place, planned in self.now.items():
            there = await found(client, repository, place)
            if there not in (planned, digest):
                raise PlanStale(f"{name(repository, place)} points to {there or 'nothing'} now", "Plan it anew.")
            if there != digest:
                await put_back(client, self.manifest, "" if place == digest else place)
