"""How a session is opened: over the network, or to the registry inside this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from regtui.config import Settings
from regtui.errors import ConnectionFailed, RegtuiError, TLSFailed
from regtui.oci.reference import Reference
from regtui.oci.transports import is_local, path_of
from regtui.operations.login import confirmed_realms
from regtui.operations.mirrors import PATIENCE, Mirrors
from regtui.operations.session import DEMO, Credentials, Session
from regtui.registry.asgi import App, StreamingASGITransport
from regtui.registry.client import Client
from regtui.registry.credentials import Told, find_credentials
from regtui.registry.endpoint import Endpoint, find_endpoint
from regtui.registry.registries_conf import read_registries_conf
from regtui.registry.request_log import RequestLog
from regtui.registry.routed import OpenClient, RoutedClient
from regtui.registry.rules import Place, RegistriesConf, Rule
from regtui.registry.transport import open_transport
from regtui.store.cache import Cache
from regtui.store.journal import Journal
from regtui.store.places import Places

NewClient = Callable[[], Client]


async def connect(registry: str, settings: Settings, credentials: Credentials | None, log: RequestLog) -> Session:
    """See `session.open_session`."""
    if registry == DEMO:
        return await _connect_demo(settings, log)
    if is_local(registry):
        return await _connect_files(registry, settings, log)
    conf = await asyncio.to_thread(read_registries_conf)
    others = settings.for_others()
    read_only = settings.for_registry(registry).read_only

    async def open_other(place: Place) -> Client:
        return (await _clients(place, others, log, read_only=read_only))()

    place = conf.home(registry)
    session: Session | None = None
    try:
        new_client = await _clients(place, settings, log, credentials, read_only=read_only)
        if place.path or conf.is_split(registry):
            new_client = _routed(registry, place, conf, new_client, open_other)
        mirrors = Mirrors(registry, conf, open_other) if conf.is_mirrored(registry) else None
        session = await _join(registry, settings, new_client, log, mirrors=mirrors)
    except TLSFailed:
        raise  # a certificate that isn't trusted is for the user to see, and no reason to go elsewhere
    except ConnectionFailed as error:
        failure = error
    # Not while that failure is handled: what fails from here on would have it for its context.
    session = session or await _connect_mirror(registry, conf, settings, others, log)
    if session is None:
        raise failure
    await asyncio.to_thread(Places(settings.state_dir).remember, registry)
    return session


async def find_registry(
    registry: str, settings: Settings, log: RequestLog, *, insecure: bool | None = None
) -> Endpoint:
    """Where a registry answers, by its settings. `insecure` is registries.conf's, which is asked unless it is given.

    Raises what `find_endpoint` does, and `RegistryError` for a registry that registries.conf blocks.
    """
    own = settings.for_registry(registry)
    if insecure is None:
        rule = (await asyncio.to_thread(read_registries_conf)).rule(registry)
        insecure = rule is not None and rule.place(registry).insecure
    return await find_endpoint(
        Reference(registry).host,
        plain_http=own.plain_http,
        insecure_tls=own.insecure_tls,
        insecure=insecure,
        ca_file=own.ca_file,
        client_cert=own.client_cert,
        timeout=settings.timeout,
        log=log,
    )


async def _clients(
    place: Place, settings: Settings, log: RequestLog, credentials: Credentials | None = None, *, read_only: bool
) -> NewClient:
    """What makes clients for a place's registry: with its own settings, its own logins, its own certificates."""
    registry = place.registry
    own = settings.for_registry(registry)
    endpoint = await find_registry(registry, settings, log, insecure=place.insecure)

    def new_client() -> Client:
        told: Told = {}  # of thousands of repositories, each is looked for, and a helper may take a second

        async def login(repository: str) -> Credentials | None:
            return credentials or await find_credentials(registry, repository, told=told)

        return Client(
            endpoint,
            # blobs stream beside the small requests, each on a connection of its own
            open_transport(endpoint, connections=own.concurrency + 4, timeout=settings.timeout),
            registry=registry,
            credentials=login,
            read_only=read_only or own.read_only,
            concurrency=own.concurrency,
            timeout=settings.timeout,
            realms=confirmed_realms(settings, registry),
            log=log,
        )

    return new_client


def _routed(
    registry: str, place: Place, conf: RegistriesConf, new_home: NewClient, open_other: OpenClient
) -> NewClient:
    return lambda: RoutedClient(registry, new_home(), place, conf, open_other)


async def _connect_mirror(
    registry: str, conf: RegistriesConf, settings: Settings, others: Settings, log: RequestLog
) -> Session | None:
    """A session on the first mirror that answers, for a registry that doesn't: read-only. None: none does."""
    for place in conf.mirrors(registry):
        try:
            async with asyncio.timeout(PATIENCE):
                new_client = await _clients(place, others, log, read_only=True)
                if place.path:
                    only = RegistriesConf((Rule(registry, str(place), "", place.insecure),))
                    new_client = _routed(registry, place, only, new_client, _nowhere)
                return await _join(registry, settings, new_client, log, mirror=str(place))
        except (RegtuiError, TimeoutError):
            continue
    return None


async def _nowhere(place: Place) -> Client:
    raise AssertionError(f"no rule leads to {place}")


async def _connect_demo(settings: Settings, log: RequestLog) -> Session:
    from regtui.embedded.demo import demo_app

    demo = await asyncio.to_thread(demo_app)
    # what is done to the demo is gone with it, so it is not written into the user's journal
    own_folders = replace(settings, cache_dir=demo.folder / ".cache", state_dir=demo.folder / ".state")
    new_client = _embedded(DEMO, DEMO, demo.app, settings, log)
    return await _join(DEMO, own_folders, new_client, log, remove=demo.close)


async def connect_target(registry: str, settings: Settings, log: RequestLog) -> Session:
    """See `session.open_target`."""
    return await _connect_files(registry, replace(settings, read_only=False), log, as_target=True)


async def _connect_files(registry: str, settings: Settings, log: RequestLog, *, as_target: bool = False) -> Session:
    """A layout, or an archive, which nobody changes. Raises `ContentError` for what is neither."""
    from regtui.operations.archives import open_files

    files = await asyncio.to_thread(open_files, registry, as_target=as_target)
    new_client = _embedded(registry, "files.localhost", files.app, settings, log, read_only=files.read_only)
    session = await _join(registry, settings, new_client, log, remove=files.close, read_only=files.read_only)
    is_own = path_of(registry).startswith(str(settings.cache_dir))  # it goes again
    if not as_target and not is_own:
        await asyncio.to_thread(Places(settings.state_dir).remember, registry)
    return session


def _embedded(
    registry: str, host: str, app: App, settings: Settings, log: RequestLog, *, read_only: bool = False
) -> NewClient:
    """What makes clients for a registry inside this process."""
    own = settings.for_registry(registry)
    return lambda: Client(
        Endpoint(host, "http"),
        StreamingASGITransport(app),
        registry=registry,
        read_only=read_only or own.read_only,
        concurrency=own.concurrency,
        timeout=settings.timeout,
        log=log,
    )


async def _join(
    registry: str,
    settings: Settings,
    new_client: NewClient,
    log: RequestLog,
    *,
    remove: Callable[[], None] | None = None,
    mirrors: Mirrors | None = None,
    mirror: str = "",
    read_only: bool = False,
) -> Session:
    session = Session(
        registry,
        new_client(),
        Cache(settings.cache_dir, settings.cache_size),
        Journal(settings.state_dir, settings.journal_days),
        settings,
        bool(mirror) or read_only or settings.for_registry(registry).read_only,
        new_client,
        remove,
        mirrors,
        mirror,
        log,
    )
    try:
        await session.client.ping()
    except BaseException:
        await session.aclose()
        raise
    return session
