"""GitHub's container registry by GitHub's REST API (https://docs.github.com/rest/packages/packages).

The API wants a token even for what is public: a personal access token (classic) with `read:packages`, which is the
password of a login at the registry. It tells no sizes, so the registry lists the tags.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import ClassVar, TypeVar

import httpx
import msgspec

from regtui.errors import Answered, Forbidden, LoginNeeded, NotFound, Unsupported
from regtui.registry.answers import Answer
from regtui.registry.exchange import Exchange
from regtui.registry.paging import Pages, next_page
from regtui.registry.vendors.api import bearer
from regtui.registry.vendors.linked import linked, part, split, within
from regtui.registry.vendors.reading import limited_until
from regtui.registry.vendors.vendor import Removal, Vendor

T = TypeVar("T")

FRESH = 30.0
"""Seconds that a package's versions are believed while a removal is planned."""

SCOPES = "The token has to be a personal access token (classic): read:packages lists, delete:packages deletes."
_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_LOGIN = "regtui login ghcr.io"


class _Owner(msgspec.Struct):
    login: str | None = None


class _Package(msgspec.Struct):
    name: str | None = None
    owner: _Owner | None = None


class _Container(msgspec.Struct):
    tags: list[str] | None = None


class _Metadata(msgspec.Struct):
    container: _Container | None = None


class _Version(msgspec.Struct):
    id: int
    metadata: _Metadata | None = None

    @property
    def tags(self) -> list[str]:
        return (self.metadata and self.metadata.container and self.metadata.container.tags) or []


class GHCR(Vendor):
    """GitHub's container registry. Only the API deletes, and what it deletes is a manifest with all its tags."""

    name: ClassVar[str] = "GitHub"
    afterwards: ClassVar[str] = (
        "GitHub deletes the image with its last tag, also where an index needs it, and can restore it for 30 days"
    )

    def __init__(self, exchange: Exchange, base: str = "") -> None:
        super().__init__(exchange, base)
        self._homes: dict[str, str] = {}
        self._versions: dict[str, _Versions] = {}

    @classmethod
    def api_base(cls, exchange: Exchange) -> str:
        return "https://api.github.com"

    @classmethod
    def recognises(cls, registry: str, front: httpx.Headers) -> bool:
        return registry == "ghcr.io"

    async def repositories(self, namespace: str = "") -> AsyncGenerator[list[str], None]:
        """Those of an organization or a user; without a namespace, of the user that is logged in."""
        if not await self.api.secret():
            what = "GitHub lists packages only to those who are logged in"
            raise Unsupported(what, f"Log in: {_LOGIN}. Or open one by name.", status=401)
        owner = split(namespace.strip("/"))[0]
        home = await self._home(owner) if owner else "/user"
        subject = f"ghcr.io/{owner}" if owner else "ghcr.io"

        def read(answer: Answer) -> list[_Package]:
            return self._read(answer, list[_Package], subject)

        def make(package: _Package) -> list[str]:
            holder = owner or (package.owner.login if package.owner else "") or ""
            name = f"{holder}/{package.name}".lower()  # as the registry has them
            return [name] if holder and package.name and within(name, namespace) else []

        first = f"{home}/packages?package_type=container&per_page=100"
        async with aclosing(linked(first, self._get, read, lambda package: package.name or "", make)) as pages:
            async for page in pages:
                yield page

    async def removal(self, repository: str, tag: str) -> tuple[Removal, str]:
        if not await self.api.secret():
            return Removal.NONE, f"only GitHub's own API deletes, and nobody is logged in: {_LOGIN}"
        version, is_last = await self._known(repository).find(tag)
        if version is None:
            return Removal.NONE, "GitHub's API does not list it"
        if others := [other for other in version.tags if other != tag]:
            more = f" and {len(others) - 3:,} more" if len(others) > 3 else ""
            also = ", ".join(others[:3]) + more
            return Removal.NONE, f"GitHub deletes images with all their tags, and this one has {also} too"
        if is_last:
            return Removal.NONE, "GitHub keeps the last tag of a package; the package itself can be deleted on GitHub"
        return Removal.VERB, ""

    async def remove_tag(self, repository: str, tag: str) -> None:
        subject = f"ghcr.io/{repository}:{tag}"
        version, _ = await self._known(repository).find(tag)
        if version is None:
            raise NotFound(f"ghcr.io/{repository} has no tag {tag}", status=404)
        path = f"{await self._package(repository)}/versions/{version.id}"
        now = self._read(await self._get(path), _Version, subject)
        if now.tags != [tag]:
            self._versions.pop(repository, None)
            what = f"{subject} can't be deleted: the tags of its image have changed meanwhile"
            raise Unsupported(what, status=409)
        answer = await self._ask("DELETE", path)
        if answer.status not in (200, 202, 204) or answer.is_web_page:
            self._versions.pop(repository, None)
            raise self._refusal(answer, subject)
        self._known(repository).forget(version)

    def _known(self, repository: str) -> _Versions:
        known = self._versions.get(repository)
        if known is None or time.monotonic() - known.since > FRESH:
            known = self._versions[repository] = _Versions(self, repository)
        return known

    async def _page(self, path: str, repository: str) -> tuple[list[_Version], str | None]:
        answer = await self._get(path)
        versions = self._read(answer, list[_Version], f"ghcr.io/{repository}")
        return versions, next_page(answer.headers.get_list("link"), path)

    async def _package(self, repository: str) -> str:
        """Where the API has a package; its name's slashes are encoded."""
        owner, name = split(repository)
        return f"{await self._home(owner)}/packages/container/{part(name)}"

    async def _home(self, owner: str) -> str:
        """An owner is an organization or a user, and the API wants to be told which."""
        if owner not in self._homes:
            answer = await self._get(f"/orgs/{part(owner)}")
            if answer.status not in (200, 404):
                raise self._refusal(answer, f"ghcr.io/{owner}")
            self._homes[owner] = f"/{'orgs' if answer.status == 200 else 'users'}/{part(owner)}"
        return self._homes[owner]

    async def _get(self, path: str) -> Answer:
        return await self._ask("GET", path)

    async def _ask(self, method: str, path: str) -> Answer:
        answer = await self.api.ask(method, path, bearer(await self.api.secret()), headers=_HEADERS)
        is_limited = answer.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in answer.headers
        if answer.status in (403, 429) and is_limited:
            return limited_until(answer, answer.headers.get("x-ratelimit-reset", ""))
        return answer

    def _read(self, answer: Answer, kind: type[T], subject: str) -> T:
        if answer.status != 200 or answer.is_web_page:
            raise self._refusal(answer, subject)
        return self.api.read(answer, kind, subject)

    def _refusal(self, answer: Answer, subject: str) -> Answered:
        missing = f"GitHub's API shows no {subject}"
        error = self.exchange.refusal(answer, subject, missing=missing)
        if isinstance(error, LoginNeeded | Forbidden | NotFound):
            error.advice = SCOPES
        return error


class _Versions:
    """A package's versions, the newest first, read as far as it was needed."""

    def __init__(self, vendor: GHCR, repository: str) -> None:
        self.since = time.monotonic()
        self._vendor = vendor
        self._repository = repository
        self._next: str | None = ""
        self._pages = Pages("")
        self._by_tag: dict[str, _Version] = {}
        self._tagged: set[int] = set()
        self._reading = asyncio.Lock()

    async def find(self, tag: str) -> tuple[_Version | None, bool]:
        """The version with the tag, and whether no other version has any."""
        async with self._reading:
            while self._next is not None and (tag not in self._by_tag or len(self._tagged) < 2):
                await self._read()
        return self._by_tag.get(tag), len(self._tagged) < 2

    def forget(self, version: _Version) -> None:
        """It was deleted."""
        self._tagged.discard(version.id)
        for tag in version.tags:
            self._by_tag.pop(tag, None)

    async def _read(self) -> None:
        path = self._next or f"{await self._vendor._package(self._repository)}/versions?per_page=100"
        versions, link = await self._vendor._page(path, self._repository)
        self._pages.fresh([str(version.id) for version in versions])
        self._next = None if self._pages.endless else self._pages.follow(link)
        for version in versions:
            self._by_tag.update(dict.fromkeys(version.tags, version))
            self._tagged.update([version.id] if version.tags else ())
