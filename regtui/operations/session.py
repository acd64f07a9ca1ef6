"""One registry, opened: the client for it, what is kept on this machine, and what may be done."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from regtui.oci.reference import Reference
from regtui.registry.credentials import Credentials

if TYPE_CHECKING:
    from regtui.config import Settings
    from regtui.registry.client import Client
    from regtui.store.cache import Cache
    from regtui.store.journal import Journal

__all__ = ["DEMO", "Credentials", "Session", "open_session"]

DEMO = "demo.localhost"
"""The demo's registry. A reference to it opens the embedded one, everywhere; no request for it leaves the process."""


@dataclass(frozen=True, slots=True)
class Session:
    """The one object that is handed down. Close it: that ends its requests and removes the demo's folder."""

    registry: str  # as people write it: "docker.io", "localhost:5000"
    client: Client
    cache: Cache
    journal: Journal
    settings: Settings
    read_only: bool
    new_client: Callable[[], Client]
    """A client of its own for another event loop, such as the runner's. Who makes one closes it."""
    folder: tempfile.TemporaryDirectory[str] | None = field(default=None, repr=False)

    @property
    def concurrency(self) -> int:
        """Requests at a time."""
        return self.settings.for_registry(self.registry).concurrency

    async def aclose(self) -> None:
        await self.client.aclose()
        await self.cache.close()
        self.journal.close()
        if self.folder is not None:
            await asyncio.to_thread(self.folder.cleanup)


async def open_session(registry: str, settings: Settings, *, credentials: Credentials | None = None) -> Session:
    """Opens a registry, named as people write it, and sees that it answers. `DEMO` opens the demo.

    Without `credentials`, those of docker's and podman's files are used. Raises `RegistryError` when the registry can't
    be reached, `LoginNeeded` when it lets nobody in without (other) credentials, `ConfigError` for files of no use.
    """
    if registry == DEMO:
        return await _open_demo(settings)
    from regtui.registry.client import Client
    from regtui.registry.credentials import find_credentials
    from regtui.registry.endpoint import find_endpoint
    from regtui.registry.transport import open_transport
    from regtui.store.places import Places

    own = settings.for_registry(registry)
    endpoint = await find_endpoint(
        Reference(registry).host,
        plain_http=own.plain_http,
        insecure_tls=own.insecure_tls,
        ca_file=own.ca_file,
        client_cert=own.client_cert,
        timeout=settings.timeout,
    )

    async def login(repository: str) -> Credentials | None:
        return credentials or await find_credentials(registry, repository)

    def new_client() -> Client:
        return Client(
            endpoint,
            open_transport(endpoint, connections=own.concurrency, timeout=settings.timeout),
            registry=registry,
            credentials=login,
            read_only=own.read_only,
            concurrency=own.concurrency,
            timeout=settings.timeout,
        )

    session = await _join(registry, settings, new_client)
    await asyncio.to_thread(Places(settings.state_dir).remember, registry)
    return session


async def _open_demo(settings: Settings) -> Session:
    from regtui.embedded.demo import demo_app
    from regtui.registry.asgi import StreamingASGITransport
    from regtui.registry.client import Client
    from regtui.registry.endpoint import Endpoint

    own = settings.for_registry(DEMO)
    folder = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="regtui-demo-", ignore_cleanup_errors=True)
    app = await asyncio.to_thread(demo_app, Path(folder.name))

    def new_client() -> Client:
        return Client(
            Endpoint(DEMO, "http"),
            StreamingASGITransport(app),
            registry=DEMO,
            read_only=own.read_only,
            concurrency=own.concurrency,
            timeout=settings.timeout,
        )

    return await _join(DEMO, settings, new_client, folder)


async def _join(
    registry: str,
    settings: Settings,
    new_client: Callable[[], Client],
    folder: tempfile.TemporaryDirectory[str] | None = None,
) -> Session:
    from regtui.store.cache import Cache
    from regtui.store.journal import Journal

    session = Session(
        registry,
        new_client(),
        Cache(settings.cache_dir, settings.cache_size),
        Journal(settings.state_dir, settings.journal_days),
        settings,
        settings.for_registry(registry).read_only,
        new_client,
        folder,
    )
    try:
        await session.client.ping()
    except BaseException:
        await session.aclose()
        raise
    return session
