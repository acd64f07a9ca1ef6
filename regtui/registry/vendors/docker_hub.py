"""Docker Hub's own API (https://docs.docker.com/reference/api/hub/latest/): namespaces, search, tags, their removal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import ClassVar, Generic, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from regtui.errors import Answered, ContentError, RegistryError, Unsupported
from regtui.oci.config import parse_date
from regtui.oci.manifest import Platform
from regtui.oci.reference import DOCKER_HUB
from regtui.registry.answers import Answer
from regtui.registry.exchange import Exchange
from regtui.registry.vendors.api import Api, bearer
from regtui.registry.vendors.reading import digest, limited_until, path_of, walk
from regtui.registry.vendors.tag_rules import TagRules
from regtui.registry.vendors.vendor import Hit, Removal, Vendor, VendorTag

T = TypeVar("T")

TOKEN_LIFETIME = 9 * 60.0
"""Seconds after which the API's token is made anew: it lasts ten minutes."""

FRESH = 30.0
"""Seconds that a repository's settings are believed while a removal is planned."""

BY_NAMESPACE = "Docker Hub lists repositories by namespace only"
_OPEN = "Open one by name, or a namespace: docker.io/library/"


class _Page(msgspec.Struct, Generic[T]):
    results: list[T] | None = None
    next: str | None = None


class _Organization(msgspec.Struct):
    orgname: str | None = None


class _Locks(msgspec.Struct):
    enabled: bool | None = None
    rules: list[str] | None = None


class _Repository(msgspec.Struct):
    name: str | None = None
    immutable_tags_settings: _Locks | None = None


class _Found(msgspec.Struct):
    repo_name: str | None = None
    short_description: str | None = None
    star_count: int | None = None


class _Image(msgspec.Struct):
    architecture: str | None = None
    os: str | None = None
    variant: str | None = None
    size: int | None = None


class _Tag(msgspec.Struct):
    name: str | None = None
    digest: str | None = None
    media_type: str | None = None
    content_type: str | None = None
    full_size: int | None = None
    images: list[_Image] | None = None
    tag_last_pushed: str | None = None
    tag_last_pulled: str | None = None
    last_updated: str | None = None


class DockerHub(Vendor):
    """Docker Hub. Its registry has neither a catalog nor a way to delete; its API has both, by namespace."""

    name: ClassVar[str] = "Docker Hub"
    searches: ClassVar[bool] = True
    tells_tags: ClassVar[bool] = True

    def __init__(self, exchange: Exchange, base: str = "") -> None:
        super().__init__(exchange, base)
        self._login = _Login(self.api)
        self._rules: dict[str, tuple[float, TagRules]] = {}  # with when they were read
        self._reading = asyncio.Lock()

    @classmethod
    def api_base(cls, exchange: Exchange) -> str:
        return "https://hub.docker.com"

    @classmethod
    def recognises(cls, registry: str, front: httpx.Headers) -> bool:
        return registry == DOCKER_HUB

    async def repositories(self, namespace: str = "") -> AsyncGenerator[list[str], None]:
        """Those of the namespace; without one, those of the user that is logged in, and of their organizations."""
        owners = [namespace.strip("/")] if namespace else await self._own_namespaces()
        for owner in owners:
            first = f"/v2/namespaces/{quote(owner, safe='')}/repositories?page_size=100&ordering=name"
            missing = f"Docker Hub has no namespace {owner}"
            listed = self._pages(_Page[_Repository], first, owner, missing, lambda found: found.name or "")
            async with aclosing(listed) as pages:
                async for page in pages:
                    yield [f"{owner}/{found.name}" for found in page]

    async def search(self, words: str) -> AsyncGenerator[list[Hit], None]:
        first = f"/v2/search/repositories/?query={quote(words, safe='')}&page_size=100"
        found = self._pages(_Page[_Found], first, "its search", "", lambda found: found.repo_name or "")
        async with aclosing(found) as pages:
            async for page in pages:
                yield [_hit(found) for found in page]

    async def tags(self, repository: str) -> AsyncGenerator[list[VendorTag], None]:
        rules = await self._read_rules(repository)
        first = f"{_path(repository)}/tags?page_size=100"
        listed = self._pages(_Page[_Tag], first, repository, self._missing(repository), lambda tag: tag.name or "")
        async with aclosing(listed) as pages:
            async for page in pages:
                yield [_vendor_tag(tag, rules.lock(tag.name or "")) for tag in page]

    async def removal(self, repository: str, tag: str) -> tuple[Removal, str]:
        if not await self._login.bearer():
            why = self._login.refusal or "nobody is logged in: regtui login docker.io"
            return Removal.NONE, f"only Docker Hub's own API deletes tags, and {why}"
        async with self._reading:
            since, rules = self._rules.get(repository, (-FRESH, TagRules()))
            if time.monotonic() - since >= FRESH:
                rules = await self._read_rules(repository)
                self._rules[repository] = time.monotonic(), rules
        if rules.lock(tag):
            return Removal.NONE, "the repository's settings on Docker Hub make this tag immutable"
        return Removal.VERB, ""

    async def remove_tag(self, repository: str, tag: str) -> None:
        answer = await self._ask("DELETE", f"/v2/repositories/{repository}/tags/{tag}/")
        if answer.status not in (200, 202, 204) or answer.is_web_page:
            missing = f"docker.io/{repository} has no tag {tag}"
            raise self.exchange.refusal(answer, f"docker.io/{repository}:{tag}", missing=missing)

    async def _own_namespaces(self) -> list[str]:
        """The user's and their organizations'. Raises `Unsupported` when nobody is logged in."""
        if not (await self._login.bearer()):
            reason = f", and {self._login.refusal}" if self._login.refusal else ""
            raise Unsupported(f"{BY_NAMESPACE}{reason}", _OPEN, status=501)
        owners = [self._login.username]
        try:
            organizations = self._pages(
                _Page[_Organization],
                "/v2/user/orgs/?page_size=100",
                "the user's organizations",
                "",
                lambda one: one.orgname or "",
            )
            async for page in organizations:
                owners += [one.orgname for one in page if one.orgname]
        except Answered as error:
            if error.status not in (401, 403, 404):  # a token of an organization has no user
                raise
        return list(dict.fromkeys(owners))

    async def _read_rules(self, repository: str) -> TagRules:
        answer = await self._ask("GET", _path(repository))
        settings = self.api.read(answer, _Repository, f"docker.io/{repository}", self._missing(repository))
        locks = settings.immutable_tags_settings
        return TagRules(locks.rules or () if locks and locks.enabled else ())

    def _missing(self, repository: str) -> str:
        but = f"; {self._login.refusal}" if self._login.refusal else ""
        return f"Docker Hub has no repository {repository}, or shows it only to those who may see it{but}"

    def _pages(
        self, kind: type[_Page[T]], first: str, subject: str, missing: str, name: Callable[[T], str]
    ) -> AsyncGenerator[list[T], None]:
        async def read(path: str) -> tuple[list[T], str | None]:
            page = self.api.read(await self._ask("GET", path), kind, f"docker.io ({subject})", missing)
            return [item for item in page.results or () if name(item)], path_of(page.next, "/v2/")

        return walk(first, read, name, f"list of {subject} on Docker Hub")

    async def _ask(self, method: str, path: str) -> Answer:
        authorization = await self._login.bearer()
        answer = await self.api.ask(method, path, authorization)
        if answer.status == 401 and authorization:
            self._login.forget(authorization)
            answer = await self.api.ask(method, path, await self._login.bearer())
        return limited_until(answer, answer.headers.get("x-retry-after", "")) if answer.status == 429 else answer


class _Login:
    """The API's own token, made of the registry's login ("Create access token"), one at a time."""

    def __init__(self, api: Api) -> None:
        self.username = ""
        self.refusal = ""
        """What happened to a login that the API doesn't take, as the second half of a sentence."""
        self._api = api
        self._token = ""
        self._until = 0.0
        self._making = asyncio.Lock()

    async def bearer(self) -> str:
        """The `Authorization`, or empty: nobody is logged in, or the API doesn't take the login."""
        async with self._making:
            if self._until <= time.monotonic() and not self.refusal:
                self._token = await self._make()
                self._until = time.monotonic() + TOKEN_LIFETIME
        return bearer(self._token)

    def forget(self, refused: str) -> None:
        """Makes the next one anew, unless another request has done so meanwhile."""
        if refused == bearer(self._token):
            self._until = 0.0

    async def _make(self) -> str:
        found = await self._api.exchange.credentials()
        if not found:
            return ""
        self.username = found.username
        secret = {"identifier": found.username, "secret": found.identity_token or found.password}
        answer = await self._api.ask("POST", "/v2/auth/token", body=secret, is_query=True)
        if answer.status in (400, 401, 403):
            self.refusal = "its API did not take the login: a personal access token is what it takes"
            return ""
        if answer.status == 429:
            answer = limited_until(answer, answer.headers.get("x-retry-after", ""))
        try:
            token = self._api.read(answer, dict[str, object], "docker.io").get("access_token")
        except ContentError:  # its text may quote the token
            token = None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise RegistryError(f"{answer.place} gave no token for docker.io")
        return token


def _path(repository: str) -> str:
    namespace, _, name = repository.partition("/")
    return f"/v2/namespaces/{namespace}/repositories/{quote(name, safe='')}"


def _hit(found: _Found) -> Hit:
    name = found.repo_name or ""
    return Hit(name if "/" in name else f"library/{name}", found.short_description or "", found.star_count)


def _vendor_tag(tag: _Tag, immutable: bool) -> VendorTag:
    """What has no images (a chart, an artifact) gets no size: its manifest tells what it is."""
    images = [image for image in tag.images or () if image.os != "unknown" or image.architecture != "unknown"]
    is_image = tag.content_type in (None, "", "image")
    size = sum(image.size or 0 for image in images) or tag.full_size or 0
    return VendorTag(
        name=tag.name or "",
        digest=digest(tag.digest),
        media_type=tag.media_type or "",
        size=size if is_image and size > 0 else None,
        pushed=parse_date(tag.tag_last_pushed) or parse_date(tag.last_updated),
        pulled=parse_date(tag.tag_last_pulled),
        platforms=tuple(
            dict.fromkeys(
                str(Platform(image.architecture or "", image.os or "", image.variant or ""))
                for image in images
                if image.architecture
            )
        ),
        immutable=immutable,
    )
