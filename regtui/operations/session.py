"""One registry, opened: the client for it, what is kept on this machine, and what may be done."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from regtui.operations.recent import Recent
from regtui.registry.credentials import Credentials
from regtui.registry.request_log import RequestLog, RequestRecord

if TYPE_CHECKING:
    from regtui.config import Settings
    from regtui.oci.digest import Digest
    from regtui.operations.mirrors import Mirrors
    from regtui.registry.client import Client
    from regtui.store.cache import Cache
    from regtui.store.journal import Journal

__all__ = ["DEMO", "Credentials", "RequestLog", "RequestRecord", "Session", "open_session", "open_target"]

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
    remove: Callable[[], None] | None = None
    """What removes the demo's folder."""
    mirrors: Mirrors | None = None
    """What else may serve content that a digest checks; only on the session's own loop."""
    mirror: str = ""
    """The mirror that this session is on, read-only, because the registry itself could not be reached."""

    log: RequestLog = field(default_factory=RequestLog)
    """What was asked of whom, by all clients of the session, and what came out of the cache."""
    recent: Recent = field(default_factory=Recent)
    """Files that were opened last: going back to one costs no request."""

    @property
    def concurrency(self) -> int:
        """Requests at a time."""
        return self.settings.for_registry(self.registry).concurrency

    def saw(self, repository: str, tag: str, digest: Digest) -> None:
        """Keeps in mind what a tag points to now: see `tag_log`."""
        self.cache.saw(self.registry, repository, tag, digest)

    async def aclose(self) -> None:
        try:
            await self.client.aclose()
            if self.mirrors:
                await self.mirrors.aclose()
            await self.cache.close()
        finally:
            self.journal.close()
            if self.remove is not None:
                await asyncio.to_thread(self.remove)


async def open_target(registry: str, settings: Settings, *, log: RequestLog | None = None) -> Session:
    """Opens `oci:/folder` to pull to: where there is nothing yet, the first write makes the layout.

    `--read-only` isn't meant for it, for no registry is changed; a table of its own in the settings is. Raises
    `ContentError` for a folder that is no layout.
    """
    connecting = await asyncio.to_thread(importlib.import_module, "regtui.operations.connecting")
    session: Session = await connecting.connect_target(registry, settings, log or RequestLog(settings.log))
    return session


async def open_session(
    registry: str, settings: Settings, *, credentials: Credentials | None = None, log: RequestLog | None = None
) -> Session:
    """Opens a registry, named as people write it, and sees that it answers. `DEMO` opens the demo.

    Without `credentials`, those of docker's and podman's files are used. Requests are noted in `log`, or in one of the
    session's own, from the first on. Raises `RegistryError` when the registry can't
    be reached, `LoginNeeded` when it lets nobody in without (other) credentials, `ConfigError` for files of no use.
    """
    # The client's libraries take a quarter of a second to import: not on the loop, and not before the first frame.
    connecting = await asyncio.to_thread(importlib.import_module, "regtui.operations.connecting")
    session: Session = await connecting.connect(registry, settings, credentials, log or RequestLog(settings.log))
    return session
