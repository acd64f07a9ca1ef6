"""A session with a registry for the tests of changes, over a wire that is listened to and disturbed."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from regtui.config import RegistrySettings, Settings
from regtui.oci.digest import Digest, parse_digest
from regtui.operations.plan import Plan
from regtui.operations.runner import Finished, Runner, RunnerEvent, StepFailed_
from regtui.operations.session import Session
from regtui.registry.client import Client
from regtui.registry.endpoint import Endpoint
from regtui.store.cache import Cache
from regtui.store.journal import Journal
from tests.registry_servers.images import Layout

Json = dict[str, Any]
Action = Callable[[], Awaitable[httpx.Response | None]]


@dataclass(slots=True)
class Wire:
    """Notes every request as "DELETE /v2/team/app/manifests/1.0", and lets others act just before or after one."""

    requests: list[str] = field(default_factory=list)
    is_down: bool = False  # nothing gets through
    at: dict[int, Action] = field(default_factory=dict)  # before the request of this number, counted from 0
    _before: list[tuple[re.Pattern[str], Action]] = field(default_factory=list)
    _after: list[tuple[re.Pattern[str], Action]] = field(default_factory=list)

    def before(self, request: str, action: Action) -> None:
        """Once, before the next request that matches; an answer that it returns is taken instead of the registry's."""
        self._before.append((re.compile(request), action))

    def after(self, request: str, action: Action) -> None:
        """Once, when the registry has answered and before regtui knows; when it raises, the answer is lost; one that
        it returns is taken instead."""
        self._after.append((re.compile(request), action))

    @property
    def writes(self) -> list[str]:
        return [request for request in self.requests if request.split()[0] not in ("GET", "HEAD")]

    def around(self, transport: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
        return _Listening(self, transport)

    async def act(self, request: str, *, is_over: bool) -> httpx.Response | None:
        waiting = self._after if is_over else self._before
        for number, (pattern, action) in enumerate(waiting):
            if pattern.fullmatch(request):
                del waiting[number]
                return await action()
        return None


@dataclass(slots=True)
class _Listening(httpx.AsyncBaseTransport):
    wire: Wire
    inner: httpx.AsyncBaseTransport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        name = f"{request.method} {request.url.raw_path.decode().partition('?')[0]}"
        self.wire.requests.append(name)
        if self.wire.is_down:
            raise httpx.ConnectError("refused", request=request)
        if action := self.wire.at.pop(len(self.wire.requests) - 1, None):
            await action()
        instead = await self.wire.act(name, is_over=False)
        if instead is not None:
            return instead
        response = await self.inner.handle_async_request(request)
        try:
            instead = await self.wire.act(name, is_over=True)
        except ConnectionResetError as error:
            await response.aclose()
            raise httpx.ReadError("connection lost", request=request) from error
        if instead is not None:
            await response.aclose()
        return instead or response

    async def aclose(self) -> None:
        await self.inner.aclose()


def refusing(status: int, code: str = "UNSUPPORTED") -> Action:
    """An answer instead of the registry's."""

    async def refuse() -> httpx.Response:
        return httpx.Response(status, json={"errors": [{"code": code, "message": "no"}]})

    return refuse


def answering(content: Json) -> Action:
    """Another answer than the registry's."""

    async def answer() -> httpx.Response:
        return httpx.Response(200, json=content)

    return answer


async def cut_off() -> httpx.Response | None:
    """The connection is lost."""
    raise ConnectionResetError


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a plan."""

    events: list[RunnerEvent]

    @property
    def finished(self) -> Finished:
        assert isinstance(self.events[-1], Finished)
        return self.events[-1]

    @property
    def counts(self) -> tuple[int, int, int]:
        """Done, failed, left."""
        return self.finished.done, self.finished.failed, self.finished.left

    @property
    def error(self) -> str:
        """What the one step that failed says."""
        (failed,) = [event for event in self.events if isinstance(event, StepFailed_)]
        return str(failed.error)


class Stage:
    """One registry, a session with it, and somebody else who uses it at the same time."""

    def __init__(
        self, folder: Path, host: str, transport: Callable[[], httpx.AsyncBaseTransport], *, read_only: bool = False
    ) -> None:
        self.wire = Wire()
        self.folder = folder
        self._host = host
        self._transport = transport
        settings = Settings(
            folder / "config.toml",
            folder / "cache",
            folder / "state",
            registries={host: RegistrySettings(read_only=read_only)},
        )

        def new_client() -> Client:
            heard = self.wire.around(transport())
            return Client(Endpoint(host, "http"), heard, registry=host, read_only=read_only, timeout=5)

        cache = Cache(settings.cache_dir, settings.cache_size)
        journal = Journal(settings.state_dir, settings.journal_days)
        self.session = Session(host, new_client(), cache, journal, settings, read_only, new_client)

    async def run(self, plan: Plan, continues: int | None = None) -> Done:
        return Done([event async for event in Runner(self.session).execute(plan, continues)])

    @asynccontextmanager
    async def somebody(self) -> AsyncIterator[Client]:
        """A client that regtui knows nothing of."""
        client = Client(Endpoint(self._host, "http"), self._transport(), registry=self._host, timeout=5)
        try:
            yield client
        finally:
            await client.aclose()

    async def push(self, layout: Layout, described: Json, repository: str, *tags: str) -> Digest:
        """Pushes what a layout has, with all it is made of, under these tags; without any, under its digest."""
        digest = parse_digest(described["digest"])
        raw = _blob(layout, digest)
        content = json.loads(raw)
        for child in content.get("manifests", ()):
            await self.push(layout, child, repository)
        async with self.somebody() as client:
            for blob in [content["config"], *content["layers"]] if "config" in content else ():
                await _upload(client, repository, parse_digest(blob["digest"]), _blob(layout, blob["digest"]))
            for tag in tags or (digest,):
                await client.put_manifest(repository, tag, raw, described["mediaType"])
        return digest

    async def state(self, repository: str = "team/app") -> dict[str, str]:
        """Every tag with its digest, as anybody sees it."""
        async with self.somebody() as client:
            names = [tag async for page in client.tags(repository) for tag in page]
            return {tag: (await client.head(repository, tag)).digest for tag in sorted(names)}

    async def has(self, digest: str, repository: str = "team/app") -> bool:
        async with self.somebody() as client:
            try:
                await client.head(repository, digest)
            except Exception:
                return False
            return True

    def pointing(self, layout: Layout, described: Json, *tags: str, repository: str = "team/app") -> Action:
        """Somebody points tags to what the registry has already."""

        async def point() -> None:
            async with self.somebody() as client:
                for tag in tags:
                    await client.put_manifest(
                        repository, tag, _blob(layout, described["digest"]), described["mediaType"]
                    )

        return point

    def pushing(self, layout: Layout, described: Json, *tags: str, repository: str = "team/app") -> Action:
        """Somebody pushes something."""

        async def push() -> None:
            await self.push(layout, described, repository, *tags)

        return push


def _blob(layout: Layout, digest: str) -> bytes:
    return (layout.folder / "blobs" / digest.replace(":", "/")).read_bytes()


async def _upload(client: Client, repository: str, digest: Digest, data: bytes) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield data

    await client.upload_blob(repository, digest, len(data), chunks())
