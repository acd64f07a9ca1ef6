"""Red Hat's registries by the API of its Ecosystem Catalog (https://catalog.redhat.com/api/containers/docs/)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import quote

import httpx
import msgspec

from regtui.oci.config import build_date, parse_date
from regtui.oci.digest import Digest
from regtui.oci.manifest import Platform
from regtui.registry import lists
from regtui.registry.exchange import Exchange
from regtui.registry.vendors.reading import digest, walk
from regtui.registry.vendors.vendor import Hit, Removal, Vendor, VendorTag

PAGE_SIZE = 200
"""Entries asked for at once: the most that the catalog gives."""

IMAGES_LIMIT = 20_000
"""Images of one repository that are read; there is one for each architecture of each build."""

_AT_ONCE = 4  # pages
_CATALOG_NAMES = {
    "registry.access.redhat.com": "registry.access.redhat.com",
    "registry.redhat.io": "registry.access.redhat.com",  # the same images
    "registry.connect.redhat.com": "registry.connect.redhat.com",
}
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_IMAGE_FIELDS = "architecture", "parsed_data.created", "parsed_data.os", "sum_layer_size_bytes", "repositories"


class _Display(msgspec.Struct):
    name: str | None = None
    short_description: str | None = None


class _Repository(msgspec.Struct):
    repository: str | None = None
    published: bool | None = None
    display_data: _Display | None = None


class _Repositories(msgspec.Struct):
    data: list[_Repository] | None = None


class _TagName(msgspec.Struct):
    name: str | None = None
    added_date: str | None = None


class _Place(msgspec.Struct):
    registry: str | None = None
    repository: str | None = None
    push_date: str | None = None
    manifest_list_digest: str | None = None
    manifest_schema2_digest: str | None = None
    tags: list[_TagName] | None = None


class _Parsed(msgspec.Struct):
    created: str | None = None
    os: str | None = None


class _Image(msgspec.Struct):
    architecture: str | None = None
    parsed_data: _Parsed | None = None
    sum_layer_size_bytes: int | None = None
    repositories: list[_Place] | None = None


class _Images(msgspec.Struct):
    data: list[_Image] | None = None


class RedHat(Vendor):
    """Red Hat's registries. The catalog is open to everybody: it gets no login."""

    name: ClassVar[str] = "Red Hat"
    searches: ClassVar[bool] = True
    tells_tags: ClassVar[bool] = True

    @classmethod
    def api_base(cls, exchange: Exchange) -> str:
        return "https://catalog.redhat.com/api/containers/v1"

    @classmethod
    def recognises(cls, registry: str, front: httpx.Headers) -> bool:
        return registry in _CATALOG_NAMES

    async def repositories(self, namespace: str = "") -> AsyncGenerator[list[str], None]:
        below = [f'repository=regex="^{_pattern(namespace.strip("/"))}/"'] if namespace else []
        async with aclosing(self._found(below, "data.repository,data.published")) as pages:
            async for page in pages:
                yield [found.repository for found in page if found.repository]

    async def search(self, words: str) -> AsyncGenerator[list[Hit], None]:
        """Repositories with all the words in their names."""
        wanted = [f'repository=regex="{_pattern(word)}"' for word in words.lower().split()]
        async with aclosing(self._found(wanted, "data.repository,data.published,data.display_data")) as pages:
            async for page in pages:
                yield [_hit(found) for found in page]

    async def tags(self, repository: str) -> AsyncGenerator[list[VendorTag], None]:
        """The registry's tags, all of them, with what the catalog knows: it has neither sources nor signatures."""
        names: dict[str, None] = {}
        async with aclosing(lists.tags(self.exchange, repository)) as pages:
            async for page in pages:
                names.update(dict.fromkeys(page))
        builds = await self._builds(repository)
        known = [tag for tag in builds.tags() if tag.name in names]
        rest = names.keys() - {tag.name for tag in known}
        yield [*known, *(VendorTag(name) for name in names if name in rest)]

    async def removal(self, repository: str, tag: str) -> tuple[Removal, str]:
        return Removal.NONE, "Red Hat's registry takes no deletions"

    @property
    def _registry(self) -> str:
        return _CATALOG_NAMES.get(self.exchange.registry, self.exchange.registry)

    def _found(self, conditions: list[str], fields: str) -> AsyncGenerator[list[_Repository], None]:
        condition = quote(";".join([f"registry=={self._registry}", *conditions]), safe="")
        first = (
            f"/repositories?filter={condition}&include={fields}&sort_by=repository%5Basc%5D&page_size={PAGE_SIZE}&page="
        )

        async def read(path: str) -> tuple[list[_Repository], str | None]:
            page = (await self.api.get(_Repositories, path, subject="its catalog")).data or []
            number = int(path.rpartition("=")[2])
            found = [one for one in page if one.repository and one.published is not False]
            return found, f"{first}{number + 1}" if page else None

        return walk(f"{first}0", read, lambda found: found.repository or "", "Red Hat's catalog")

    async def _builds(self, repository: str) -> _Builds:
        """All that the catalog has of a repository: an index's images may stand on different pages."""
        builds, page, at_once = _Builds(self._registry, repository), 0, 1
        while page * PAGE_SIZE < IMAGES_LIMIT:
            numbers = range(page, page + at_once)
            read = await asyncio.gather(*(self._images(repository, n) for n in numbers), return_exceptions=True)
            for images in read:
                if isinstance(images, BaseException):
                    raise images
                builds.add(images)
                if len(images) < PAGE_SIZE:
                    return builds
            page, at_once = page + at_once, _AT_ONCE
        return builds

    async def _images(self, repository: str, page: int) -> list[_Image]:
        fields = ",".join(f"data.{field}" for field in _IMAGE_FIELDS)
        place = f"/repositories/registry/{self._registry}/repository/{quote(repository)}/images"
        path = f"{place}?include={fields}&sort_by=creation_date%5Bdesc%5D&page_size={PAGE_SIZE}&page={page}"
        missing = f"Red Hat's catalog has no repository {repository}"
        subject = f"{self.exchange.registry}/{repository}"
        return (await self.api.get(_Images, path, subject=subject, missing=missing)).data or []


@dataclass
class _Build:
    """What one tag stands for: an image, or those of an index, one for each architecture."""

    created: datetime | None = None
    pushed: datetime | None = None
    sizes: dict[str, int] = field(default_factory=dict)  # by platform


class _Builds:
    """Puts images together that belong to one index, and finds the latest for each tag."""

    def __init__(self, registry: str, repository: str) -> None:
        self._place = registry, repository
        self._builds: dict[Digest, _Build] = {}
        self._tags: dict[str, tuple[datetime, Digest]] = {}

    def add(self, images: list[_Image]) -> None:
        for image in images:
            for place in image.repositories or ():
                key = digest(place.manifest_list_digest) or digest(place.manifest_schema2_digest)
                if key and (place.registry, place.repository) == self._place:
                    self._add(image, place, key)

    def _add(self, image: _Image, place: _Place, key: Digest) -> None:
        build = self._builds.setdefault(key, _Build())
        parsed = image.parsed_data or _Parsed()
        platform = str(Platform(image.architecture or "amd64", parsed.os or "linux"))
        build.sizes[platform] = image.sum_layer_size_bytes or 0
        pushed = parse_date(place.push_date)
        build.pushed = max(filter(None, (build.pushed, pushed)), default=None)
        build.created = max(filter(None, (build.created, build_date(parsed.created))), default=None)
        for tag in place.tags or ():
            since = parse_date(tag.added_date) or pushed or _LONG_AGO
            if tag.name and (tag.name not in self._tags or self._tags[tag.name][0] < since):
                self._tags[tag.name] = since, key

    def tags(self) -> list[VendorTag]:
        """The latest push first."""
        found = [self._tag(name, key) for name, (_, key) in self._tags.items()]
        return sorted(found, key=lambda tag: tag.pushed or _LONG_AGO, reverse=True)

    def _tag(self, name: str, key: Digest) -> VendorTag:
        build = self._builds[key]
        sizes = build.sizes.values()
        return VendorTag(
            name=name,
            digest=key,
            size=sum(sizes) if min(sizes) > 0 else None,
            created=build.created,
            pushed=build.pushed,
            platforms=tuple(sorted(build.sizes)),
        )


def _pattern(text: str) -> str:
    """The text as an expression of the catalog's filter: only what names of repositories are made of."""
    return re.sub(r"[^a-z0-9._/-]", "", text.lower()).replace(".", "[.]")


def _hit(found: _Repository) -> Hit:
    display = found.display_data or _Display()
    return Hit(found.repository or "", display.short_description or display.name or "")
