"""The step that puts a manifest back as it was: the same bytes, under the same tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from regtui.errors import PlanStale
from regtui.oci.digest import Digest, short
from regtui.operations.looking import found_all, name, put_back
from regtui.operations.plan import Record
from regtui.registry.client import Client
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

    async def run(self, client: Client, record: Record) -> None:
        now = await found_all(client, self.manifest.repository, self.now)
        for place, digest in now.items():
            if digest not in (self.now[place], self.manifest.digest):
                raise PlanStale(
                    f"{name(self.manifest.repository, place)} points to {digest or 'nothing'} now", "Plan it anew."
                )
        for tag in self.manifest.tags or ("",):
            if now[tag or self.manifest.digest] != self.manifest.digest:
                await put_back(client, self.manifest, tag)
