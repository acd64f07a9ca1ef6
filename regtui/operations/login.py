"""Logging in and out: a login is tried, then kept where docker or podman would find it."""

from __future__ import annotations

import asyncio
import importlib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from regtui.config import RegistrySettings
from regtui.errors import LoginNeeded, RealmNotTrusted, RegtuiError, UsageError
from regtui.oci.reference import check_host, check_repository
from regtui.registry import logins
from regtui.store.realms import Realms

if TYPE_CHECKING:
    from regtui.config import Settings
    from regtui.registry.identity import Credentials


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a login is kept: `where` is a helper (`docker-credential-pass`) or a file's path."""

    where: str
    is_plain: bool
    """Whether who reads the file can read the password."""
    is_checked: bool = True
    """False when the registry asked for no login: then nobody knows yet whether this one is good."""
    shadowed_by: str = ""
    """A file, helper or environment variable that is read first and holds another login for the same."""


async def log_in(
    registry: str, credentials: Credentials, settings: Settings, *, keep: bool = True, realm: str = ""
) -> Stored | None:
    """Tries a login at the registry (`HOST`, or podman's `HOST/NAMESPACE`), and keeps it when it is good.

    `realm` confirms a login server, and is remembered with the login. Gives where the login is kept, or None unless it
    is to `keep`. Raises `LoginNeeded` when it is refused, `RealmNotTrusted` when it would have to go to a login server
    that nobody confirmed; `RegistryError`, `ContentError` for what stands in the way of keeping it.
    """
    place = check_place(registry)
    host = place.partition("/")[0]
    if ":" in credentials.username:
        raise UsageError("A user name can't hold a colon")
    if realm:
        realm = check_place(realm).partition("/")[0]  # its URL will do
        own = replace(settings.registries.get(host, RegistrySettings()), realm=realm)
        settings = replace(settings, registries={**settings.registries, host: own})
    # the client's libraries take a quarter of a second to import: not on the loop
    checking = await asyncio.to_thread(importlib.import_module, "regtui.operations.login_check")
    try:
        is_checked: bool = await checking.check_login(host, credentials, settings)
    except LoginNeeded as error:
        if not isinstance(error, RealmNotTrusted):
            error.advice = "Check the user name and the password. Nothing was kept."
        raise
    if realm:
        await asyncio.to_thread(trust_realm, settings, host, realm)
    if not keep:
        return None
    kept = await logins.store(place, credentials)
    return Stored(kept.where, kept.is_plain, is_checked, kept.shadowed_by)


async def log_out(registry: str) -> tuple[str, ...]:
    """Takes the logins for `HOST`, or podman's `HOST/NAMESPACE`, from all files and helpers; says from which.

    Raises `RegtuiError` when one may be left, after taking away the others.
    """
    place = check_place(registry)
    erased = await logins.erase(place)
    if erased.left:
        done = f"A login for {place} was removed from {' and '.join(erased.removed)}. " if erased.removed else ""
        raise RegtuiError(f"{done}{'. '.join(erased.left)}", f"A login for {place} may be left there.")
    return erased.removed


def trust_realm(settings: Settings, registry: str, realm: str) -> None:
    """Remembers that `realm` (`HOST` or `HOST:PORT`) may see this registry's credentials. Raises `StoreError`."""
    Realms(settings.state_dir).trust(registry, check_host(realm))


def confirmed_realms(settings: Settings, registry: str) -> frozenset[str]:
    """The login servers that the user confirmed: by a question, on the command line, or in the settings file."""
    own = settings.for_registry(registry).realm
    return Realms(settings.state_dir).of(registry) | ({own} if own else frozenset())


def check_place(text: str) -> str:
    """What one logs in to, as docker and podman let one write it: `https://HOST/`, `HOST:PORT`, `HOST/NAMESPACE`.

    Raises `UsageError`.
    """
    host, _, path = re.sub(r"^https?://", "", text.strip()).partition("/")
    path = path.strip("/")
    registry = check_host(host)
    return registry if path in ("", "v1", "v2") else f"{registry}/{check_repository(path)}"
