"""A registry that registries.conf spreads over several places: its client, which asks each where a repository is."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Container
from contextlib import aclosing

from regtui.errors import ConnectionFailed, RegtuiError, Unsupported
from regtui.oci.digest import Digest
from regtui.oci.manifest import Descriptor, Document
from regtui.registry.client import Client, Deletion
from regtui.registry.exchange import Exchange
from regtui.registry.rules import Place, RegistriesConf
from regtui.registry.turns import Turn
from regtui.registry.vendors import Removal, Vendor

OpenClient = Callable[[Place], Awaitable[Client]]
"""Opens a client for a place's registry. Its `ping` is still to come."""


class RoutedClient(Client):
    """See `Client`. Repositories have the names that people write; errors name the place that answered.

    `home` is the client for what no rule leads elsewhere, at `place`; `open_client` opens those of the other places,
    each when it is needed.
    """

    def __init__(
        self, registry: str, home: Client, place: Place, conf: RegistriesConf, open_client: OpenClient
    ) -> None:
        self.endpoint = home.endpoint
        self.registry = registry
        self.vendor = _RoutedVendor(self, home._exchange)
        self._exchange = home._exchange  # what is said of the connection as a whole is said of this one
        self._home = home
        self._place = place
        self._conf = conf
        self._open_client = open_client
        self._clients = {_server(place): home}
        self._opening = asyncio.Lock()
        self._turns = defaultdict(Turn)
        self.has_referrers_api = True

    async def ping(self) -> None:
        """The registry itself may be out of reach, as long as one of the other places answers."""
        try:
            await self._home.ping()
            return
        except ConnectionFailed as error:
            failure = error
        # Not while that failure is handled: what fails from here on would have it for its context.
        if not await self._answers_elsewhere():
            raise failure

    async def _answers_elsewhere(self) -> bool:
        for rule in self._conf.below(self.registry):
            try:
                if await self._client(rule.place(rule.prefix)) is not self._home:
                    return True
            except RegtuiError:
                continue
        return False

    async def repositories(self, namespace: str = "") -> AsyncGenerator[list[str], None]:
        """Of all places, one after the other. A place that can't list its own is the error at the end."""
        failure: RegtuiError | None = None
        for head in ("", *(rule.prefix.partition("/")[2] for rule in self._conf.below(self.registry))):
            try:
                async with aclosing(self._listed(head, namespace.strip("/"))) as pages:
                    async for page in pages:
                        yield page
            except RegtuiError as error:
                rule = self._conf.rule(self._name(head))
                failure = failure or (None if rule and rule.blocked else error)
        if failure:
            raise failure

    async def _listed(self, head: str, namespace: str) -> AsyncGenerator[list[str], None]:
        """The repositories of one rule, those below `head`, which the namespace begins."""
        rule, place = self._conf.rule(self._name(head)), self._conf.place(self._name(head))
        client = await self._client(place)
        is_same = not head and not place.path
        skip = len(place.path) + 1 if place.path else 0
        async with aclosing(client.repositories(namespace if is_same else place.path)) as pages:
            async for page in pages:
                names = [f"{head}/{name[skip:]}" if head else name[skip:] for name in page]
                names = [name for name in names if not namespace or name.startswith(f"{namespace}/")]
                if names := [name for name in names if self._conf.rule(self._name(name)) == rule]:
                    yield names

    async def tags(self, repository: str) -> AsyncGenerator[list[str], None]:
        client, name = await self.at(repository)
        async with aclosing(client.tags(name)) as pages:
            async for page in pages:
                yield page

    async def head(self, repository: str, version: str) -> Descriptor:
        client, name = await self.at(repository)
        return await client.head(name, version)

    async def manifest(self, repository: str, version: str) -> Document:
        client, name = await self.at(repository)
        return await client.manifest(name, version)

    async def put_manifest(self, repository: str, version: str, raw: bytes, media_type: str) -> Digest:
        client, name = await self.at(repository)
        return await client.put_manifest(name, version, raw, media_type)

    async def delete_manifest(self, repository: str, version: str) -> None:
        client, name = await self.at(repository)
        await client.delete_manifest(name, version)

    async def may_delete(self, repository: str) -> Deletion:
        client, name = await self.at(repository)
        return await client.may_delete(name)

    async def blob(
        self, repository: str, digest: Digest, *, start: int = 0, end: int | None = None, only_part: bool = False
    ) -> AsyncGenerator[bytes, None]:
        client, name = await self.at(repository)
        async with aclosing(client.blob(name, digest, start=start, end=end, only_part=only_part)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def blob_bytes(self, repository: str, digest: Digest, limit: int) -> bytes:
        client, name = await self.at(repository)
        return await client.blob_bytes(name, digest, limit)

    async def blob_size(self, repository: str, digest: Digest) -> int:
        client, name = await self.at(repository)
        return await client.blob_size(name, digest)

    async def mount_blob(self, repository: str, digest: Digest, source: str) -> bool:
        client, name = await self.at(repository)
        owner, source_name = await self.at(source)
        return owner is client and await client.mount_blob(name, digest, source_name)

    async def upload_blob(self, repository: str, digest: Digest, size: int, chunks: AsyncIterator[bytes]) -> None:
        client, name = await self.at(repository)
        await client.upload_blob(name, digest, size, chunks)

    async def referrers(self, repository: str, digest: Digest, tags: Container[str] | None = None) -> list[Descriptor]:
        client, name = await self.at(repository)
        found = await client.referrers(name, digest, tags)
        self.has_referrers_api = client.has_referrers_api
        return found

    async def aclose(self) -> None:
        for client in self._clients.values():
            await client.aclose()

    async def at(self, repository: str) -> tuple[Client, str]:
        """The client for the place where a repository is, and its name there. Raises as `Rule.place`."""
        place = self._conf.place(self._name(repository))
        return await self._client(place), place.path

    async def _client(self, place: Place) -> Client:
        async with self._opening:
            if _server(place) not in self._clients:
                client = await self._open_client(place)
                try:
                    await client.ping()
                except BaseException:
                    await client.aclose()
                    raise
                self._clients[_server(place)] = client
        return self._clients[_server(place)]

    def _name(self, repository: str) -> str:
        return f"{self.registry}/{repository}" if repository else self.registry


class _RoutedVendor(Vendor):
    """A vendor's API names repositories its own way: of what it can do, only what matters for safety is asked."""

    def __init__(self, client: RoutedClient, exchange: Exchange) -> None:
        super().__init__(exchange)
        self._client = client

    async def removal(self, repository: str, tag: str) -> tuple[Removal, str]:
        client, name = await self._client.at(repository)
        way, reason = await client.vendor.removal(name, tag)
        if way is Removal.VERB:
            written, there = f"{self._client.registry}/{repository}", f"{client.registry}/{name}"
            if written == there:
                what = (
                    f"{there} is deleted from by {client.vendor.name}'s own API, which a registry in parts is not asked"
                )
                advice = f"registries.conf has rules for parts of {client.registry}: delete without them."
            else:
                what = f"{written} is {there}, whose own API deletes its tags"
                advice = "Open that itself, by its own name."
            raise Unsupported(
                what,
                advice,
                status=405,
                code="UNSUPPORTED",
            )
        return way, reason


def _server(place: Place) -> tuple[str, bool]:
    return place.registry, place.insecure
