"""Azure Container Registry: dates, sizes and locks of tags by its API, which is on the registry itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import httpx
import msgspec

from regtui.oci import media_types
from regtui.oci.config import build_date
from regtui.registry.answers import Answer
from regtui.registry.exchange import Exchange
from regtui.registry.tokens import access
from regtui.registry.vendors.api import ANSWER_LIMIT
from regtui.registry.vendors.linked import linked
from regtui.registry.vendors.locks import Locks
from regtui.registry.vendors.reading import digest
from regtui.registry.vendors.removed import check_removed
from regtui.registry.vendors.vendor import Removal, Vendor, VendorTag

_PAGE = 100
_HOSTS = (".azurecr.io", ".azurecr.cn", ".azurecr.us")


class _Changeable(msgspec.Struct, rename="camel"):
    delete_enabled: bool | None = None
    write_enabled: bool | None = None  # of writing and deleting

    @property
    def is_locked(self) -> bool:
        return self.delete_enabled is False or self.write_enabled is False


class _Tag(msgspec.Struct, rename="camel"):
    name: str = ""
    digest: str = ""
    last_update_time: str | None = None
    changeable_attributes: _Changeable | None = None

    @property
    def is_locked(self) -> bool:
        return self.changeable_attributes is not None and self.changeable_attributes.is_locked


class _Tags(msgspec.Struct):
    tags: list[_Tag] | None = None


class _TagAnswer(msgspec.Struct):
    tag: _Tag


class _Manifest(msgspec.Struct, rename="camel"):
    digest: str = ""
    image_size: int | None = None
    media_type: str | None = None
    architecture: str | None = None
    os: str | None = None


class _Manifests(msgspec.Struct):
    manifests: list[_Manifest] | None = None


class Azure(Vendor):
    """Known by its hosts. Its API takes the registry's own tokens, with scopes of their own."""

    name = "Azure"
    tells_tags = True
    afterwards = "the image stays, untagged, until a retention policy or a user deletes it"

    def __init__(self, exchange: Exchange, base: str = "") -> None:
        super().__init__(exchange, base)
        self._locks = Locks(self._names)

    @classmethod
    def recognises(cls, registry: str, front: httpx.Headers) -> bool:
        return registry.endswith(_HOSTS)

    async def tags(self, repository: str) -> AsyncGenerator[list[VendorTag], None]:
        """Sizes are told by manifest, in a list of its own: it is read as far as the tags so far need it."""
        known: dict[str, _Manifest] = {}
        async with aclosing(self._manifests(repository)) as manifests, aclosing(self._tags(repository)) as pages:
            async for page in pages:
                while any(tag.digest not in known for tag in page):
                    more = await anext(manifests, None)
                    if more is None:
                        break
                    known.update((manifest.digest, manifest) for manifest in more)
                yield [_vendor_tag(tag, known.get(tag.digest)) for tag in page]

    async def removal(self, repository: str, tag: str) -> tuple[Removal, str]:
        if why := await self.nobody(repository):
            return Removal.NONE, why
        if await self._locks.frees(repository, tag):
            return Removal.VERB, ""
        answer = await self._ask("GET", f"/acr/v1/{repository}/_tags/{tag}", repository, "metadata_read")
        subject = f"{self.exchange.registry}/{repository}"
        told = self.api.read(answer, _TagAnswer, f"{subject}:{tag}", f"{subject} has no tag {tag}").tag
        if told.is_locked:
            name = self.exchange.registry.partition(".")[0].partition("-")[0]  # NAME or NAME-hash; no name has a "-"
            unlock = f"az acr repository update --name {name} --image {repository}:{tag}"
            return Removal.NONE, f"it is locked ({unlock} --write-enabled true --delete-enabled true unlocks it)"
        return Removal.VERB, ""

    async def remove_tag(self, repository: str, tag: str) -> None:
        answer = await self._ask("DELETE", f"/acr/v1/{repository}/_tags/{tag}", repository, "delete")
        check_removed(self.exchange, answer, repository, tag)

    async def _names(self, repository: str) -> AsyncGenerator[list[VendorTag], None]:
        """The tags without what their manifests tell."""
        async with aclosing(self._tags(repository)) as pages:
            async for page in pages:
                yield [_vendor_tag(tag, None) for tag in page]

    def _tags(self, repository: str) -> AsyncGenerator[list[_Tag], None]:
        return linked(
            f"/acr/v1/{repository}/_tags?orderby=timedesc&n={_PAGE}",
            lambda url: self._ask("GET", url, repository, "metadata_read"),
            lambda answer: self.api.read(answer, _Tags, *self._subject(repository)).tags or [],
            lambda tag: tag.name,
            lambda tag: [tag],
        )

    def _manifests(self, repository: str) -> AsyncGenerator[list[_Manifest], None]:
        return linked(
            f"/acr/v1/{repository}/_manifests?orderby=timedesc&n={_PAGE}",
            lambda url: self._ask("GET", url, repository, "metadata_read"),
            lambda answer: self.api.read(answer, _Manifests, *self._subject(repository)).manifests or [],
            lambda manifest: manifest.digest,
            lambda manifest: [manifest],
        )

    async def _ask(self, method: str, path: str, repository: str, actions: str) -> Answer:
        return await self.exchange.send(method, path, access(repository, actions), limit=ANSWER_LIMIT)

    def _subject(self, repository: str) -> tuple[str, str]:
        return f"{self.exchange.registry}/{repository}", f"{self.exchange.registry} has no repository {repository}"


def _vendor_tag(tag: _Tag, manifest: _Manifest | None) -> VendorTag:
    found = manifest or _Manifest()
    media_type = found.media_type or ""
    is_image = media_type in media_types.MANIFESTS  # of an index nobody says what its size counts
    return VendorTag(
        tag.name,
        digest(tag.digest),
        media_type,
        found.image_size if is_image else None,
        pushed=build_date(tag.last_update_time),
        platforms=(f"{found.os}/{found.architecture}",) if is_image and found.os and found.architecture else (),
        immutable=tag.is_locked,
    )
