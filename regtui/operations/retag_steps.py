"""The steps of a retag: manifests into another repository of the registry, and the tag itself at the end."""

from __future__ import annotations

from contextlib import aclosing, suppress
from dataclasses import dataclass

from regtui.errors import ConnectionFailed, NotFound, PlanStale, StepFailed, Unsupported
from regtui.oci.digest import Digest, short
from regtui.operations.at_once import each
from regtui.operations.looking import found, name
from regtui.operations.plan import StepContext
from regtui.registry.client import Client
from regtui.store.rows import Saved

_AT_ONCE = 4
"""Blobs of one manifest that are brought over at a time."""


@dataclass(frozen=True, slots=True)
class Blob:
    digest: Digest
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class CopyManifest:
    """Brings a manifest that an index needs into another repository: its blobs first, then itself, without a tag."""

    source: str  # repositories
    target: str
    manifest: Saved  # as it is in the source
    blobs: tuple[Blob, ...]
    needs: tuple[int, ...] = ()

    @property
    def saved(self) -> tuple[Saved, ...]:
        return ()  # it adds what no tag leads to

    def describe(self) -> str:
        return f"Copy {short(self.manifest.digest)} from {self.source} to {self.target}"

    def intent(self) -> dict[str, str]:
        return {
            "verb": "copy manifest",
            "source": self.source,
            "repository": self.target,
            "digest": self.manifest.digest,
        }

    async def run(self, context: StepContext) -> None:
        client = context.client
        await _bring(client, self.blobs, self.source, self.target)
        await _put(client, self.target, self.manifest.digest, self.manifest)


@dataclass(frozen=True, slots=True)
class PointTag:
    """Points a tag to a manifest, whose blobs come first where they are in another repository."""

    repository: str
    tag: str
    manifest: Saved  # as it is in the source
    source: str  # repository
    blobs: tuple[Blob, ...]
    replaces: Saved | None  # what the tag points to, when it is there
    needs: tuple[int, ...] = ()

    @property
    def saved(self) -> tuple[Saved, ...]:
        return (self.replaces,) if self.replaces else ()

    def describe(self) -> str:
        return f"Point {name(self.repository, self.tag)} to {short(self.manifest.digest)}"

    def intent(self) -> dict[str, str]:
        return {
            "verb": "point tag",
            "repository": self.repository,
            "tag": self.tag,
            "digest": self.manifest.digest,
            "made": "" if self.replaces else self.tag,
        }

    async def run(self, context: StepContext) -> None:
        client = context.client
        await self._is_as_planned(client)
        if self.blobs:
            await _bring(client, self.blobs, self.source, self.repository)
            await self._is_as_planned(client)
        await _put(client, self.repository, self.tag, self.manifest)

    async def _is_as_planned(self, client: Client) -> None:
        planned = self.replaces.digest if self.replaces else None
        now = await found(client, self.repository, self.tag)
        if now not in (planned, self.manifest.digest):
            where = f"points to {now} now" if now else "is gone"
            raise PlanStale(f"{name(self.repository, self.tag)} {where}, not as when this was planned", "Plan it anew.")


async def _bring(client: Client, blobs: tuple[Blob, ...], source: str, target: str) -> None:
    async def bring(blob: Blob) -> None:
        with suppress(NotFound, Unsupported):  # some registries refuse to mount instead of asking for the bytes
            if await client.mount_blob(target, blob.digest, source):
                return
        if await _has(client, target, blob):
            return
        async with aclosing(client.blob(source, blob.digest)) as chunks:
            await client.upload_blob(target, blob.digest, blob.size, chunks)

    await each(blobs, bring, _AT_ONCE)


async def _has(client: Client, repository: str, blob: Blob) -> bool:
    try:
        return await client.blob_size(repository, blob.digest) == blob.size
    except NotFound:
        return False


async def _put(client: Client, repository: str, version: str, manifest: Saved) -> None:
    try:
        await client.put_manifest(repository, version, manifest.raw, manifest.media_type)
    except ConnectionFailed:  # an answer that was lost may have been a yes
        if await found(client, repository, version) != manifest.digest:
            raise
    now = await found(client, repository, version)
    if now != manifest.digest:
        raise StepFailed(f"{name(repository, version)} was put, and points to {now or 'nothing'} instead")
