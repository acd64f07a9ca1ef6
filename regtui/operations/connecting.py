"""How a session is opened: over the network, or to the registry inside this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from regtui.config import Settings
from regtui.oci.reference import Reference
from regtui.operations.login import confirmed_realms
from regtui.operations.session import DEMO, Credentials, Session
from regtui.registry.client import Client
from regtui.registry.credentials import find_credentials
from regtui.registry.endpoint import Endpoint, find_endpoint
from regtui.registry.transport import open_transport
from regtui.store.cache import Cache
from regtui.store.journal import Journal
from regtui.store.places import Places


async def connect(registry: str, settings: Settings, credentials: Credentials | None) -> Session:
    """See `session.open_session`."""
    if registry == DEMO:
        return await _connect_demo(settings)
    own = settings.for_registry(registry)
    endpoint = await find_registry(registry, settings)

    async def login(repository: str) -> Credentials | None:
        return credentials or await find_credentials(registry, repository)

    def new_client() -> Client:
        return Client(
            endpoint,
            # blobs stream beside the small requests, each on a connection of its own
            open_transport(endpoint, connections=own.concurrency + 4, timeout=settings.timeout),
            registry=registry,
            credentials=login,
            read_only=own.read_only,
            concurrency=own.concurrency,
            timeout=settings.timeout,
            realms=confirmed_realms(settings, registry),
        )

    session = await _join(registry, settings, new_client)
    await asyncio.to_thread(Places(settings.state_dir).remember, registry)
    return session


async def find_registry(registry: str, settings: Settings) -> Endpoint:
    """Where a registry answers, by its settings. Raises what `find_endpoint` does."""
    own = settings.for_registry(registry)
    return await find_endpoint(
        Reference(registry).host,
        plain_http=own.plain_http,
        insecure_tls=own.insecure_tls,
        ca_file=own.ca_file,
        client_cert=own.client_cert,
        timeout=settings.timeout,
    )


async def _connect_demo(settings: Settings) -> Session:
    from regtui.embedded.demo import demo_app
    from regtui.registry.asgi import StreamingASGITransport

    own = settings.for_registry(DEMO)
    demo = await asyncio.to_thread(demo_app)

    def new_client() -> Client:
        return Client(
            Endpoint(DEMO, "http"),
            StreamingASGITransport(demo.app),
            registry=DEMO,
            read_only=own.read_only,
            concurrency=own.concurrency,
            timeout=settings.timeout,
        )

    # what is done to the demo is gone with it, so it is not written into the user's journal
    own_folders = replace(settings, cache_dir=demo.folder / ".cache", state_dir=demo.folder / ".state")
    return await _join(DEMO, own_folders, new_client, demo.close)


async def _join(
    registry: str,
    settings: Settings,
    new_client: Callable[[], Client],
    remove: Callable[[], None] | None = None,
) -> Session:
    session = Session(
        registry,
        new_client(),
        Cache(settings.cache_dir, settings.cache_size),
        Journal(settings.state_dir, settings.journal_days),
        settings,
        settings.for_registry(registry).read_only,
        new_client,
        remove,
    )
    try:
        await session.client.ping()
    except BaseException:
        await session.aclose()
        raise
    return session
