"""Harbor: projects, artifacts with push and pull times, immutable tags (its API v2.0)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from regtui.errors import Forbidden, NotFound
from regtui.oci.config import build_date
from regtui.registry.answers import Answer
from regtui.registry.challenges import parse_challenges
from regtui.registry.exchange import Exchange
from regtui.registry.vendors.linked import linked, part, split, within
from regtui.registry.vendors.locks import Locks
from regtui.registry.vendors.reading import digest
from regtui.registry.vendors.removed import check_removed
from regtui.registry.vendors.vendor import Hit, Removal, Vendor, VendorTag

_PAGE = 100  # what Harbor gives at most; for more it answers 422
_UNKNOWN = "unknown/unknown"  # the platform of attestations


class _Named(msgspec.Struct):
    name: str


class _Found(msgspec.Struct):
    repository_name: str


class _Search(msgspec.Struct):
    repository: list[_Found] | None = None


class _Platform(msgspec.Struct):
    architecture: str | None = None
    os: str | None = None
    variant: str | None = None

    def __str__(self) -> str:
        return "/".join(name for name in (self.os, self.architecture, self.variant) if name)


class _Reference(msgspec.Struct):
    platform: _Platform | None = None


class _Tag(msgspec.Struct):
    name: str
    push_time: str | None = None
    pull_time: str | None = None
    immutable: bool | None = None


class _Artifact(msgspec.Struct):
    digest: str = ""
    size: int | None = None
    manifest_media_type: str | None = None
    push_time: str | None = None
    pull_time: str | None = None
    extra_attrs: dict[str, Any] | None = None
    references: list[_Reference] | None = None
    tags: list[_Tag] | None = None


class Harbor(Vendor):
    """Known by its challenge. The API takes the docker login as Basic, robot accounts too."""

    name = "Harbor"
    searches = True
    tells_tags = True
    afterwards = "the image stays, untagged, until Harbor's tag retention or a user deletes it"

    def __init__(self, exchange: Exchange, base: str = "") -> None:
        super().__init__(exchange, base)
        self._locks = Locks(self.tags)

    @classmethod
    def recognises(cls, registry: str, front: httpx.Headers) -> bool:
        return any(
            challenge.parameters.get("service") == "harbor-registry"
            and challenge.parameters.get("realm", "").endswith("/service/token")
            for challenge in parse_challenges(front.get_list("www-authenticate"))
        )

    async def repositories(self, namespace: str = "") -> AsyncGenerator[list[str], None]:
        """A project's, or all that one may see: by one list (since 2.3), project by project, or by the catalog."""
        project, _ = split(namespace.strip("/"))
        if project:
            sources = [self._of_project(project, namespace)]
        else:
            sources = [self._listed("repositories"), self._of_projects(), super().repositories()]
        begun, refused = False, None
        for pages in sources:
            try:
                async with aclosing(pages):
                    async for page in pages:
                        begun = True
                        yield page
                return
            except (Forbidden, NotFound) as error:
                refused = refused or error
                if begun or pages is sources[-1]:
                    raise refused from error

    async def search(self, words: str) -> AsyncGenerator[list[Hit], None]:
        answer = await self._ask(f"/api/v2.0/search?q={quote(words, safe='')}")
        found = self.api.read(answer, _Search, "its search").repository or []
        if hits := [Hit(repository.repository_name) for repository in found]:
            yield hits

    def tags(self, repository: str) -> AsyncGenerator[list[VendorTag], None]:
        def read(answer: Answer) -> list[_Artifact]:
            return self.api.read(answer, list[_Artifact], *self._subject(repository))

        query = f"with_tag=true&with_immutable_status=true&sort=-push_time&page=1&page_size={_PAGE}"
        return linked(
            f"{self._path(repository)}/artifacts?{query}",
            lambda path: self._ask(path, repository),
            read,
            lambda artifact: artifact.digest,
            lambda artifact: [_vendor_tag(artifact, tag) for tag in artifact.tags or ()],
        )

    async def removal(self, repository: str, tag: str) -> tuple[Removal, str]:
        if why := await self.nobody(repository):
            return Removal.NONE, why
        if await self._locks.frees(repository, tag):
            return Removal.VERB, ""
        artifact = await self._artifact(repository, tag)
        if any(each.name == tag and each.immutable for each in artifact.tags or ()):
            return Removal.NONE, "an immutability rule of its project protects it"
        return Removal.VERB, ""

    async def remove_tag(self, repository: str, tag: str) -> None:
        path = f"{self._path(repository)}/artifacts/{part(tag)}/tags/{part(tag)}"
        answer = await self.api.ask("DELETE", path, await self.api.basic(repository))
        check_removed(self.exchange, answer, repository, tag)

    async def _of_projects(self) -> AsyncGenerator[list[str], None]:
        async with aclosing(self._listed("projects", "its projects")) as projects:
            async for names in projects:
                for name in names:
                    try:
                        async with aclosing(self._of_project(name, name)) as pages:
                            async for page in pages:
                                yield page
                    except (Forbidden, NotFound):
                        continue  # one project that is closed doesn't hide the others

    def _of_project(self, project: str, namespace: str) -> AsyncGenerator[list[str], None]:
        missing = f"{self.exchange.registry} has no project {project}"
        return self._listed(f"projects/{part(project)}/repositories", "its repositories", missing, namespace)

    def _listed(
        self, place: str, subject: str = "its repositories", missing: str = "", namespace: str = ""
    ) -> AsyncGenerator[list[str], None]:
        """The names of what is listed at a place of the API, of those below the namespace."""
        return linked(
            f"/api/v2.0/{place}?sort=name&page=1&page_size={_PAGE}",
            self._ask,
            lambda answer: self.api.read(answer, list[_Named], subject, missing),
            lambda found: found.name,
            lambda found: [found.name] if within(found.name, namespace) else [],
        )

    async def _artifact(self, repository: str, tag: str) -> _Artifact:
        query = "with_tag=true&with_immutable_status=true"
        answer = await self._ask(f"{self._path(repository)}/artifacts/{part(tag)}?{query}", repository)
        subject, _ = self._subject(repository)
        return self.api.read(answer, _Artifact, f"{subject}:{tag}", f"{subject} has no tag {tag}")

    async def _ask(self, path: str, repository: str = "") -> Answer:
        return await self.api.ask("GET", path, await self.api.basic(repository))

    def _path(self, repository: str) -> str:
        project, name = split(repository)
        return f"/api/v2.0/projects/{part(project)}/repositories/{part(part(name))}"  # twice, as Harbor documents it

    def _subject(self, repository: str) -> tuple[str, str]:
        return f"{self.exchange.registry}/{repository}", f"{self.exchange.registry} has no repository {repository}"


def _vendor_tag(artifact: _Artifact, tag: _Tag) -> VendorTag:
    attributes = artifact.extra_attrs or {}
    if artifact.references:
        platforms = [str(reference.platform) for reference in artifact.references if reference.platform]
    else:
        names = [attributes.get("os"), attributes.get("architecture")]
        told = [name for name in names if isinstance(name, str) and name]
        platforms = ["/".join(told)] if len(told) == len(names) else []
    created = attributes.get("created")
    return VendorTag(
        tag.name,
        digest(artifact.digest),
        artifact.manifest_media_type or "",
        artifact.size,
        build_date(created) if isinstance(created, str) else None,
        build_date(tag.push_time or artifact.push_time),
        build_date(tag.pull_time) or build_date(artifact.pull_time),  # "0001-01-01" where nobody pulled it yet
        tuple(dict.fromkeys(name for name in platforms if name and name != _UNKNOWN)),
        bool(tag.immutable),
    )
