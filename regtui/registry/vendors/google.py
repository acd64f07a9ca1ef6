"""Google's Artifact Registry and gcr.io: their tags/list tells dates, sizes and what is below a name."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from datetime import UTC, datetime

import httpx
import msgspec

from regtui.errors import ContentError, Forbidden, LoginNeeded, NotFound, ReferenceError, RegtuiError, TooLarge
from regtui.oci import media_types
from regtui.oci.decode import decode
from regtui.oci.reference import check_repository
from regtui.registry import lists
from regtui.registry.answers import Answer
from regtui.registry.exchange import Exchange
from regtui.registry.tokens import access
from regtui.registry.vendors import reading
from regtui.registry.vendors.api import PAGES, bearer
from regtui.registry.vendors.linked import linked, part
from regtui.registry.vendors.removed import check_removed
from regtui.registry.vendors.vendor import Removal, Vendor, VendorTag

_DOCKER = "-docker.pkg.dev"
_API = "https://artifactregistry.googleapis.com/v1"
_PAGE = 10_000  # the most that Artifact Registry tells at once
_YEAR_2000 = 946_684_800_000  # in milliseconds; reproducible builds have a date before

FRESH = 30.0
"""Seconds that a repository's settings are believed while a removal is planned."""


class _Manifest(msgspec.Struct, rename="camel"):
    image_size_bytes: str | int | None = None
    media_type: str | None = None
    time_created_ms: str | int | None = None
    time_uploaded_ms: str | int | None = None
    tag: list[str] | None = None


class _Listing(msgspec.Struct):
    child: list[str] | None = None
    manifest: dict[str, _Manifest] | None = None
    tags: list[str] | None = None


class _Key(msgspec.Struct):
    project_id: str = ""


class _DockerConfig(msgspec.Struct, rename="camel"):
    immutable_tags: bool | None = None


class _Place(msgspec.Struct, rename="camel"):
    docker_config: _DockerConfig | None = None


class Google(Vendor):
    """Known by its hosts. Lists and tags need no more than the registry's own login, `_json_key` and tokens alike."""

    name = "Google Artifact Registry"
    tells_tags = True
    afterwards = "the image stays, untagged, until a cleanup policy or a user deletes it"

    def __init__(self, exchange: Exchange, base: str = "") -> None:
        super().__init__(exchange, base)
        self._immutable: dict[str, tuple[float, bool]] = {}  # by the settings' address, with when they were read
        self._reading = asyncio.Lock()

    @classmethod
    def recognises(cls, registry: str, front: httpx.Headers) -> bool:
        return registry == "gcr.io" or registry.endswith((".gcr.io", _DOCKER))

    async def repositories(self, namespace: str = "") -> AsyncGenerator[list[str], None]:
        """What lies below a namespace, or below the project of the login's key; else the catalog."""
        place = namespace.strip("/") or await self._project()
        async with aclosing(self._below(place) if place else super().repositories()) as pages:
            async for page in pages:
                yield page

    def tags(self, repository: str) -> AsyncGenerator[list[VendorTag], None]:
        return linked(
            f"/v2/{repository}/tags/list?n={_PAGE}",
            lambda url: self._list(url, repository),
            lambda answer: list(_vendor_tags(self._read(answer, repository))),
            lambda tag: tag.name,
            lambda tag: [tag],
        )

    async def removal(self, repository: str, tag: str) -> tuple[Removal, str]:
        if why := await self.nobody(repository):
            return Removal.NONE, why
        if await self._is_immutable(repository):
            return Removal.NONE, "its repository's tags are immutable"
        return Removal.VERB, ""

    async def remove_tag(self, repository: str, tag: str) -> None:
        """By the distribution API, which here takes a tag by its name, and no digest that still has tags."""
        url, needed = f"/v2/{repository}/manifests/{tag}", access(repository, self.delete_actions)
        answer = await self.exchange.send("DELETE", url, needed, limit=lists.PAGE_LIMIT)
        check_removed(self.exchange, answer, repository, tag)

    async def _below(self, place: str) -> AsyncGenerator[list[str], None]:
        waiting, asked = deque([place]), 0
        while waiting:
            name = waiting.popleft()
            asked += 1
            if asked > PAGES:
                raise TooLarge(f"The list of what is below {place} goes on without an end; regtui stops reading it")
            try:
                listing = self._read(await self._list(f"/v2/{name}/tags/list?n={_PAGE}", name), name)
            except (LoginNeeded, Forbidden, NotFound):
                if name == place:
                    raise
                continue
            waiting.extend(_children(name, listing))
            if listing.tags or listing.manifest:
                yield [name]

    async def _list(self, url: str, repository: str) -> Answer:
        needed = access(repository)
        return await self.exchange.send("GET", url, needed, limit=lists.PAGE_LIMIT, name="list of tags")

    def _read(self, answer: Answer, repository: str) -> _Listing:
        subject = f"{self.exchange.registry}/{repository}"
        if answer.status != 200 or answer.is_web_page:
            missing = f"{self.exchange.registry} has no repository {repository}"
            raise self.exchange.refusal(answer, subject, repository, missing)
        return decode(answer.body, _Listing, f"list of tags of {subject}", lists.PAGE_LIMIT)

    async def _project(self) -> str:
        """The project that a service account's key belongs to, when that is the login."""
        found = await self.exchange.credentials()
        if found is None or found.username != "_json_key":
            return ""
        try:
            key = decode(found.password.encode("utf-8", "surrogateescape"), _Key, "key", 64 * 1024)
            return check_repository(key.project_id)
        except (ContentError, ReferenceError):  # no key; its text stays out of messages
            return ""

    async def _is_immutable(self, repository: str) -> bool:
        """Whether the repository's settings forbid it, which only an access token may read."""
        host, names = self.exchange.registry, repository.split("/")
        found = await self.exchange.credentials()
        if found is None or found.username != "oauth2accesstoken" or not host.endswith(_DOCKER) or len(names) < 3:
            return False
        location = host.removesuffix(_DOCKER)
        url = f"{_API}/projects/{part(names[0])}/locations/{part(location)}/repositories/{part(names[1])}"
        async with self._reading:  # whoever removes many tags asks for each
            since, is_immutable = self._immutable.get(url, (-FRESH, False))
            if time.monotonic() - since >= FRESH:
                is_immutable = await self._read_settings(url, bearer(found.password))
                self._immutable[url] = time.monotonic(), is_immutable
        return is_immutable

    async def _read_settings(self, url: str, authorization: str) -> bool:
        try:
            config = (await self.api.get(_Place, url, authorization, subject="the repository's settings")).docker_config
        except RegtuiError:
            return False
        return config is not None and bool(config.immutable_tags)


def _children(name: str, listing: _Listing) -> Iterator[str]:
    for child in dict.fromkeys(listing.child or ()):
        try:
            yield check_repository(f"{name}/{child}")
        except ReferenceError:
            continue


def _vendor_tags(listing: _Listing) -> Iterator[VendorTag]:
    """The tags that a manifest is told for, the newest push first, then the others."""
    told: dict[str, VendorTag] = {}
    for digest, manifest in (listing.manifest or {}).items():
        for name in manifest.tag or ():
            told[name] = _vendor_tag(name, digest, manifest)
    oldest = datetime.min.replace(tzinfo=UTC)
    yield from sorted(told.values(), key=lambda tag: tag.pushed or oldest, reverse=True)
    yield from (VendorTag(name) for name in listing.tags or () if name not in told)


def _vendor_tag(name: str, digest: str, manifest: _Manifest) -> VendorTag:
    media_type = manifest.media_type or ""
    size = _number(manifest.image_size_bytes)
    return VendorTag(
        name,
        reading.digest(digest),
        media_type,
        (size or None) if media_type in media_types.MANIFESTS else None,  # of an index nobody says what is counted
        _moment(manifest.time_created_ms),
        _moment(manifest.time_uploaded_ms),
    )


def _moment(told: str | int | None) -> datetime | None:
    number = _number(told)
    try:
        return datetime.fromtimestamp(number / 1000, UTC) if number >= _YEAR_2000 else None
    except (OverflowError, ValueError, OSError):
        return None


def _number(told: str | int | None) -> int:
    """gcr.io writes numbers as strings, Artifact Registry some as numbers."""
    text = str(told or "")
    return int(text) if text.isdecimal() and len(text) < 20 else 0
