"""Mirrors of a registry, as registries.conf lists them: they serve what a digest checks, and nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing
from typing import TypeVar

from regtui.errors import DigestMismatch, NotFound, RegtuiError, TooLarge
from regtui.oci.digest import Digest, Verifier
from regtui.registry.client import Client
from regtui.registry.routed import OpenClient
from regtui.registry.rules import Place, RegistriesConf

T = TypeVar("T")

REST = 300.0
"""Seconds that a mirror which failed is not asked again."""

PATIENCE = 5.0
"""Seconds that a mirror may take to say that it is there: the registry itself is waiting."""

READ_PATIENCE = 60.0
"""Seconds that a mirror may take for one manifest or config, however it drips: the registry itself is waiting."""


class Mirrors:
    """The mirrors of one registry. What fails here is passed over: the registry itself has everything."""

    def __init__(self, registry: str, conf: RegistriesConf, open_client: OpenClient) -> None:
        self._registry = registry
        self._conf = conf
        self._open_client = open_client
        self._known: dict[tuple[str, bool], _Mirror] = {}

    async def first(self, repository: str, read: Callable[[Client, str], Awaitable[T]]) -> T | None:
        """What the first mirror that has it gives to `read(client, repository there)`; None: ask the registry."""
        for mirror, name in self._of(repository):
            if (client := await mirror.client()) is None:
                continue
            try:
                async with asyncio.timeout(READ_PATIENCE):
                    return await read(client, name)
            except (NotFound, TooLarge):
                continue
            except (RegtuiError, TimeoutError):
                mirror.rest()
        return None

    async def blob(self, repository: str, digest: Digest, registry: Client) -> AsyncGenerator[bytes, None]:
        """A whole blob as it comes, checked at its end: from mirrors as far as they go, then from the registry.

        Raises what the registry's `Client.blob` does, and `DigestMismatch` where a mirror's bytes were wrong.
        """
        verifier, had = Verifier(digest), 0
        for mirror, name in self._of(repository):
            if (client := await mirror.client()) is None:
                continue
            try:
                async with aclosing(client.blob(name, digest, start=had)) as chunks:
                    async for chunk in chunks:
                        verifier.update(chunk)
                        had += len(chunk)
                        yield chunk
                verifier.check(f"{client.registry}/{name}@{digest}")
                return
            except NotFound:
                continue
            except DigestMismatch:  # what is handed out can't be taken back
                mirror.rest()
                raise
            except RegtuiError:
                mirror.rest()
        async with aclosing(registry.blob(repository, digest, start=had)) as chunks:
            async for chunk in chunks:
                verifier.update(chunk)
                yield chunk
        verifier.check(f"{self._registry}/{repository}@{digest}")

    def rest(self) -> None:
        """All are left alone for a while: what came was wrong, and nobody knows yet whose doing that is."""
        for mirror in self._known.values():
            mirror.rest()

    def _of(self, repository: str) -> Iterator[tuple[_Mirror, str]]:
        name = f"{self._registry}/{repository}"
        rule = self._conf.rule(name)
        for mirror in rule.mirrors if rule else ():
            if rule and mirror.for_digests:
                place = rule.mirrored(name, mirror)
                server = place.registry, place.insecure
                if server not in self._known:
                    self._known[server] = _Mirror(place, self._open_client)
                yield self._known[server], place.path

    async def aclose(self) -> None:
        for mirror in self._known.values():
            await mirror.aclose()


class _Mirror:
    """One mirror's server: opened when it is first needed, and left alone for a while after it failed."""

    def __init__(self, place: Place, open_client: OpenClient) -> None:
        self._place = place
        self._open_client = open_client
        self._client: Client | None = None
        self._asked_again = 0.0  # time.monotonic()
        self._opening = asyncio.Lock()

    async def client(self) -> Client | None:
        """None while it is left alone: also while it asks to wait, for the registry itself needn't."""
        async with self._opening:
            if time.monotonic() < self._asked_again:
                return None
            if self._client is None:
                try:
                    async with asyncio.timeout(PATIENCE):
                        self._client = await self._open()
                except (RegtuiError, TimeoutError):
                    self.rest()
            return None if self._client and self._client.paused_until else self._client

    async def _open(self) -> Client:
        client = await self._open_client(self._place)
        try:
            await client.ping()
        except BaseException:
            await client.aclose()
            raise
        return client

    def rest(self) -> None:
        self._asked_again = time.monotonic() + REST

    async def aclose(self) -> None:
        if self._client:
            await self._client.aclose()
