"""Quay's own API (docs.redhat.com, "Red Hat Quay API guide"; quay/quay, endpoints/api): quay.io and one's own.

The API takes OAuth tokens of an application, and no other login: a user's or a robot's sees what is public there. The
token works as a password at the registry too, of a user named `$oauthtoken`; only then does the API hear of a login.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from typing import ClassVar, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from regtui.errors import Answered, Unsupported
from regtui.registry import lists
from regtui.registry.challenges import parse_challenges
from regtui.registry.exchange import Exchange
from regtui.registry.tokens import Access
from regtui.registry.vendors.api import bearer
from regtui.registry.vendors.locks import Locks
from regtui.registry.vendors.reading import digest, path_of, walk
from regtui.registry.vendors.vendor import Hit, Removal, Vendor, VendorTag

T = TypeVar("T")

QUAY_IO = "quay.io"
OAUTH_USER = "$oauthtoken"


class _Repository(msgspec.Struct):
    namespace: str | None = None
    name: str | None = None


class _Repositories(msgspec.Struct):
    repositories: list[_Repository] | None = None
    next_page: str | None = None


class _Namespace(msgspec.Struct):
    name: str | None = None


class _Found(msgspec.Struct):
    namespace: _Namespace | None = None
    name: str | None = None
    description: str | None = None


class _Results(msgspec.Struct):
    results: list[_Found] | None = None
    has_additional: bool | None = None


class _Tag(msgspec.Struct):
    name: str | None = None
    manifest_digest: str | None = None
    is_manifest_list: bool | None = None
    size: int | None = None
    start_ts: float | None = None
    immutable: bool | None = None


class _Tags(msgspec.Struct):
    tags: list[_Tag] | None = None
    has_additional: bool | None = None


class Quay(Vendor):
    """Quay. Its registry deletes a tag by its name, and its token server hands out `push` for that, not `delete`."""

    name: ClassVar[str] = "Quay"
    searches: ClassVar[bool] = True
    tells_tags: ClassVar[bool] = True
    delete_actions: ClassVar[str] = "pull,push"

    def __init__(self, exchange: Exchange, base: str = "") -> None:
        super().__init__(exchange, base)
        self._locks = Locks(self.tags)

    @classmethod
    def api_base(cls, exchange: Exchange) -> str:
        return f"{exchange.endpoint.base}/api/v1"

    @classmethod
    def recognises(cls, registry: str, front: httpx.Headers) -> bool:
        realms = (one.parameters.get("realm", "") for one in parse_challenges(front.get_list("www-authenticate")))
        return (
            registry == QUAY_IO
            or "x-sparse-manifest-support" in front
            or any(path_of(realm, "/v2/auth") == "/v2/auth" for realm in realms)
        )

    async def repositories(self, namespace: str = "") -> AsyncGenerator[list[str], None]:
        """What the user may see, by the catalog; then what the API tells: what is public, or below the namespace."""
        owner = namespace.strip("/")
        has_login = await self.exchange.credentials() is not None
        by_api = bool(owner) or self.exchange.registry != QUAY_IO
        if not has_login and not by_api:
            advice = "Open one by name, or a namespace: quay.io/NAMESPACE/"
            raise Unsupported("quay.io lists repositories by namespace only", advice, status=501)
        seen: set[str] = set()
        if has_login:
            with suppress(*((Answered,) if by_api else ())):
                async with aclosing(lists.catalog(self.exchange, Access())) as catalog:
                    async for names in catalog:
                        if mine := [name for name in names if not owner or name.startswith(f"{owner}/")]:
                            seen.update(mine)
                            yield mine
        if by_api:
            async with aclosing(self._listed(owner)) as pages:
                async for names in pages:
                    if fresh := [name for name in names if name not in seen]:
                        yield fresh

    def _listed(self, owner: str) -> AsyncGenerator[list[str], None]:
        of = f"namespace={quote(owner, safe='')}&" if owner else ""
        first = f"/repository?{of}public=true"
        subject = f"{self.exchange.registry}/{owner}" if owner else self.exchange.registry

        async def read(path: str) -> tuple[list[str], str | None]:
            page = await self._get(_Repositories, path, subject, f"{self.exchange.registry} has no namespace {owner}")
            names = [f"{one.namespace}/{one.name}" for one in page.repositories or () if one.namespace and one.name]
            return names, f"{first}&next_page={quote(page.next_page, safe='')}" if page.next_page else None

        return walk(first, read, str, f"list of repositories of {subject}")

    def search(self, words: str) -> AsyncGenerator[list[Hit], None]:
        first = f"/find/repositories?query={quote(words, safe='')}"

        async def read(path: str) -> tuple[list[Hit], str | None]:
            page = await self._get(_Results, path, self.exchange.registry)
            hits = [_hit(found) for found in page.results or () if found.name and found.namespace]
            return hits, _after(first, path) if page.has_additional else None

        return walk(f"{first}&page=1", read, lambda hit: hit.repository, "list of what was found")

    def tags(self, repository: str) -> AsyncGenerator[list[VendorTag], None]:
        first = f"/repository/{repository}/tag/?onlyActiveTags=true&limit=100"

        async def read(path: str) -> tuple[list[VendorTag], str | None]:
            page = await self._tags(path, repository)
            return [_vendor_tag(tag) for tag in page.tags or () if tag.name], (
                _after(first, path) if page.has_additional else None
            )

        subject = f"{self.exchange.registry}/{repository}"
        return walk(f"{first}&page=1", read, lambda tag: tag.name, f"list of tags of {subject}")

    async def removal(self, repository: str, tag: str) -> tuple[Removal, str]:
        """By the registry itself, unless the tag is locked. What the API doesn't show, the registry will say."""
        if await self._locks.frees(repository, tag):
            return Removal.REGISTRY, ""
        with suppress(Answered):
            path = f"/repository/{repository}/tag/?onlyActiveTags=true&specificTag={quote(tag, safe='')}"
            page = await self._tags(path, repository)
            if any(one.name == tag and one.immutable for one in page.tags or ()):
                return Removal.NONE, "it is immutable; who administers the repository can change that in Quay"
        return Removal.REGISTRY, ""

    async def _tags(self, path: str, repository: str) -> _Tags:
        registry = self.exchange.registry
        missing = f"{registry} has no repository {repository}, or its API does not show it"
        return await self._get(_Tags, path, f"{registry}/{repository}", missing)

    async def _get(self, kind: type[T], path: str, subject: str, missing: str = "") -> T:
        found = await self.exchange.credentials()
        token = bearer(found.password) if found and found.username == OAUTH_USER else ""
        return await self.api.get(kind, path, token, subject=subject, missing=missing)


def _after(first: str, path: str) -> str:
    """The path of the next page, counted from 1."""
    return f"{first}&page={int(path.rpartition('=')[2]) + 1}"


def _hit(found: _Found) -> Hit:
    owner = found.namespace.name if found.namespace else None
    return Hit(f"{owner}/{found.name}", found.description or "")


def _vendor_tag(tag: _Tag) -> VendorTag:
    """An index gets no size, for Quay tells none; what an image runs on is in none of its answers."""
    try:
        pushed = datetime.fromtimestamp(tag.start_ts, UTC) if tag.start_ts else None
    except (ValueError, OverflowError, OSError):
        pushed = None
    return VendorTag(
        name=tag.name or "",
        digest=digest(tag.manifest_digest),
        size=tag.size if tag.size and tag.size > 0 and not tag.is_manifest_list else None,
        pushed=pushed,
        immutable=bool(tag.immutable),
    )
