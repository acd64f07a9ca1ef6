"""The steps of a copy: blobs first, then the manifests that need them, the tag last (PROTOCOL.md, "Writing")."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass

from regtui.errors import ConnectionFailed, NotFound, PlanStale, StepFailed, Unsupported
from regtui.oci.digest import Digest, short
from regtui.operations.looking import found, name
from regtui.operations.plan import StepContext
from regtui.registry.client import Client
from regtui.store.rows import Saved
from regtui.words import size

_PAUSES = (1.0, 5.0)
"""Seconds before a blob that broke off on its way is sent again from its beginning."""


@dataclass(frozen=True, slots=True)
class CopyBlob:
    """Brings a blob into a repository: mounted from another one of the registry, or read at the source and sent on.

    The source's digest is checked while it is read, the target checks what it gets; nothing is held in memory but what
    is on its way.
    """

    source: str  # repositories
    repository: str
    digest: Digest
    size: int  # bytes
    mounts: bool  # both are of one registry
    needs: tuple[int, ...] = ()

    @property
    def saved(self) -> tuple[Saved, ...]:
        return ()  # what nothing refers to is the garbage collection's

    def describe(self) -> str:
        return f"Copy {short(self.digest)}, {size(self.size)}"

    def intent(self) -> dict[str, str]:
        return {"verb": "copy blob", "repository": self.repository, "blob": self.digest, "size": str(self.size)}

    async def run(self, context: StepContext) -> None:
        for pause in _PAUSES:
            try:
                await self._bring(context)
            except ConnectionFailed:
                await asyncio.sleep(pause)
            else:
                return
        await self._bring(context)

    async def _bring(self, context: StepContext) -> None:
        client = context.client
        if self.mounts:
            with suppress(NotFound, Unsupported):  # some registries refuse to mount instead of asking for the bytes
                if await client.mount_blob(self.repository, self.digest, self.source):
                    return
        if await self._is_there(client):
            return
        async with aclosing(self._told(context)) as chunks:
            await client.upload_blob(self.repository, self.digest, self.size, chunks)

    async def _told(self, context: StepContext) -> AsyncGenerator[bytes, None]:
        sent = 0
        async with aclosing(context.source.blob(self.source, self.digest)) as chunks:
            async for chunk in chunks:
                context.go_on()
                yield chunk
                sent += len(chunk)
                context.tell(sent, self.size)

    async def _is_there(self, client: Client) -> bool:
        try:
            return await client.blob_size(self.repository, self.digest) == self.size
        except NotFound:
            return False


@dataclass(frozen=True, slots=True)
class CopyManifest:
    """Puts a manifest that no tag leads to: an image of an index, or what refers to one."""

    manifest: Saved  # in the target's repository
    needs: tuple[int, ...] = ()

    @property
    def saved(self) -> tuple[Saved, ...]:
        return ()  # it adds what no tag leads to

    def describe(self) -> str:
        return f"Copy {self.manifest.repository}@{short(self.manifest.digest)}"

    def intent(self) -> dict[str, str]:
        repository, digest = self.manifest.repository, self.manifest.digest
        return {"verb": "copy manifest", "repository": repository, "digest": digest}

    async def run(self, context: StepContext) -> None:
        async with context.client.turn(self.manifest.repository):
            await _put(context.client, self.manifest.digest, self.manifest)


@dataclass(frozen=True, slots=True)
class PointTag:
    """Points a tag to a manifest, all of whose parts are there."""

    tag: str
    manifest: Saved  # in the tag's repository
    replaces: Saved | None  # what the tag points to, when it is there
    needs: tuple[int, ...] = ()

    @property
    def saved(self) -> tuple[Saved, ...]:
        return (self.replaces,) if self.replaces else ()

    def describe(self) -> str:
        return f"Point {name(self.manifest.repository, self.tag)} to {short(self.manifest.digest)}"

    def intent(self) -> dict[str, str]:
        return {
            "verb": "point tag",
            "repository": self.manifest.repository,
            "tag": self.tag,
            "digest": self.manifest.digest,
            "made": "" if self.replaces else self.tag,
        }

    async def run(self, context: StepContext) -> None:
        repository = self.manifest.repository
        async with context.client.turn(repository):
            planned = self.replaces.digest if self.replaces else None
            now = await found(context.client, repository, self.tag)
            if now not in (planned, self.manifest.digest):
                where = f"points to {now} now" if now else "is gone"
                raise PlanStale(f"{name(repository, self.tag)} {where}, not as when this was planned", "Plan it anew.")
            if now != self.manifest.digest:
                await _put(context.client, self.tag, self.manifest)


async def _put(client: Client, version: str, manifest: Saved) -> None:
    repository = manifest.repository
    try:
        await client.put_manifest(repository, version, manifest.raw, manifest.media_type)
    except ConnectionFailed:  # an answer that was lost may have been a yes
        if await found(client, repository, version) != manifest.digest:
            raise
    now = await found(client, repository, version)
    if now != manifest.digest:
        raise StepFailed(f"{name(repository, version)} was put, and points to {now or 'nothing'} instead")
