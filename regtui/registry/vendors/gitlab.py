"""GitLab's container registry: its lists by REST, its tags by GraphQL, on the host that the registry logs in at."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

import httpx
import msgspec

from regtui.errors import Forbidden, LoginNeeded, NotFound, Unsupported
from regtui.oci import media_types
from regtui.oci.config import build_date
from regtui.registry.answers import Answer
from regtui.registry.challenges import parse_challenges
from regtui.registry.exchange import Exchange
from regtui.registry.vendors.api import bearer
from regtui.registry.vendors.linked import linked, part, within
from regtui.registry.vendors.reading import digest, walk
from regtui.registry.vendors.removed import check_removed
from regtui.registry.vendors.vendor import Removal, Vendor, VendorTag
from regtui.text import shown

_LOGIN = "/jwt/auth"
_BELOW = 3  # a repository is its project's path, with up to two parts more
_NO_NAMES = ("gitlab+deploy-token", "gitlab-ci-token")  # logins that the API doesn't take as tokens,
_NO_TOKENS = ("gldt-", "glcbt-")  # and tokens of deployments and jobs, whatever the login's name
_MEMBERS = "groups?min_access_level=10&per_page=100"
_TAGS = """query tags($id: ContainerRepositoryID!, $after: String) {
  containerRepository(id: $id) {
    tags(first: 20, after: $after, sort: PUBLISHED_AT_DESC) {
      nodes { name digest mediaType totalSize createdAt publishedAt }
      pageInfo { hasNextPage endCursor }
    }
  }
}"""
"""GitLab gives 20 tags at a time: of a longer page it cuts off the rest, and the next one begins behind that."""


class _Repository(msgspec.Struct):
    id: int
    path: str


class _Place(msgspec.Struct):
    """A group or a project."""

    id: int
    full_path: str = ""
    path_with_namespace: str = ""


class _Tag(msgspec.Struct, rename="camel"):
    name: str
    digest: str | None = None
    media_type: str | None = None
    total_size: int | str | None = None  # GraphQL's BigInt is a string
    created_at: str | None = None
    published_at: str | None = None


class _PageInfo(msgspec.Struct, rename="camel"):
    has_next_page: bool = False
    end_cursor: str | None = None


class _Tags(msgspec.Struct, rename="camel"):
    nodes: list[_Tag | None] | None = None
    page_info: _PageInfo | None = None


class _Container(msgspec.Struct):
    tags: _Tags | None = None


class _Data(msgspec.Struct, rename="camel"):
    container_repository: _Container | None = None


class _Problem(msgspec.Struct):
    message: str = ""


class _Result(msgspec.Struct):
    data: _Data | None = None
    errors: list[_Problem] | None = None


class GitLab(Vendor):
    """gitlab.com's and everybody's own. The API takes the login's password if that is an access token."""

    name = "GitLab"
    tells_tags = True
    afterwards = "the image stays, untagged, until GitLab's garbage collection takes it"

    def __init__(self, exchange: Exchange, base: str = "") -> None:
        super().__init__(exchange, base)
        self._found: dict[str, tuple[str, int]] = {}  # repositories' projects and numbers

    @classmethod
    def recognises(cls, registry: str, front: httpx.Headers) -> bool:
        return _realm(front) is not None

    @classmethod
    def api_base(cls, exchange: Exchange) -> str:
        realm = _realm(exchange.front)
        return exchange.endpoint.base if realm is None else f"{realm.scheme}://{realm.netloc.decode('ascii')}"

    async def repositories(self, namespace: str = "") -> AsyncGenerator[list[str], None]:
        """A group's with all below it, a project's, or a user's; without a namespace, all that the user belongs to."""
        name = namespace.strip("/")
        places = await self._named(name) if name else await self._own()
        done: list[str] = []
        for path, place in sorted(places.items()):
            if any(within(path, above) for above in done):
                continue  # a group's list has what is below it
            try:
                async with aclosing(self._listed(place)) as pages:
                    async for page in pages:
                        if names := [found.path for found in page if within(found.path, namespace)]:
                            yield names
            except (Forbidden, NotFound):
                continue  # a guest there, or it has no registry
            done.append(path)

    def tags(self, repository: str) -> AsyncGenerator[list[VendorTag], None]:
        async def read(after: str) -> tuple[list[VendorTag], str | None]:
            _, number = await self._find(repository)
            tags = await self._page(
                repository, {"id": f"gid://gitlab/ContainerRepository/{number}", "after": after or None}
            )
            info = tags.page_info or _PageInfo()
            found = [_vendor_tag(node) for node in tags.nodes or () if node is not None]
            return found, info.end_cursor if info.has_next_page else None

        return walk("", read, lambda tag: tag.name, f"list of tags of {self._subject(repository)}")

    async def removal(self, repository: str, tag: str) -> tuple[Removal, str]:
        """By the API with an access token; any other login takes the registry's own way."""
        if await self._authorization(repository):
            try:
                await self._find(repository)
            except (LoginNeeded, Forbidden, NotFound):
                return Removal.REGISTRY, ""
            return Removal.VERB, ""
        return Removal.REGISTRY, ""

    async def remove_tag(self, repository: str, tag: str) -> None:
        project, number = await self._find(repository)
        path = f"projects/{part(project)}/registry/repositories/{number}/tags/{part(tag)}"
        try:
            check_removed(self.exchange, await self._ask("DELETE", self._rest(path), repository), repository, tag)
        except Forbidden as error:
            error.advice = "A rule of the project may protect the tag, or the token may lack the right to it."
            raise

    async def _page(self, repository: str, variables: Mapping[str, str | None]) -> _Tags:
        subject = self._subject(repository)
        body = {"query": _TAGS, "variables": variables}
        answer = await self.api.ask(
            "POST", f"{self._prefix}/api/graphql", await self._authorization(repository), body=body, is_query=True
        )
        result = self.api.read(answer, _Result, subject)
        if result.errors:  # an older GitLab doesn't know all these fields
            said = shown(result.errors[0].message, 200)
            raise Unsupported(f"GitLab's API does not tell the tags of {subject} ({said})", status=answer.status)
        if result.data is None or result.data.container_repository is None:
            raise NotFound(f"GitLab's API has no {subject}", status=404)
        return result.data.container_repository.tags or _Tags()

    async def _find(self, repository: str) -> tuple[str, int]:
        """The project that a repository belongs to, and its number there: looked for once. Raises `NotFound`."""
        if repository in self._found:
            return self._found[repository]
        names = repository.split("/")
        for depth in range(len(names), max(len(names) - _BELOW, 1), -1):
            project = "/".join(names[:depth])
            try:
                async with aclosing(self._listed(f"projects/{part(project)}", repository)) as pages:
                    async for page in pages:
                        for found in page:
                            if found.path == repository:
                                self._found[repository] = project, found.id
                                return project, found.id
            except NotFound:
                continue
        raise NotFound(f"GitLab's API has no {self._subject(repository)}", status=404)

    async def _named(self, namespace: str) -> dict[str, str]:
        """A namespace is a group, a project or a user; what one may not see is none of them. Places by their paths."""
        for place in (f"groups/{part(namespace)}", f"projects/{part(namespace)}"):
            answer = await self._ask("GET", self._rest(f"{place}/registry/repositories?per_page=1"))
            if answer.status == 200:
                return {namespace: place}
        if answer.status in (403, 404) and (projects := await self._projects(namespace)):
            return projects
        missing = f"{self.exchange.registry} has no group, project or user {namespace}, or doesn't show it"
        raise self.exchange.refusal(answer, f"{self.exchange.registry}/{namespace}", missing=missing)

    async def _own(self) -> dict[str, str]:
        """The groups that the user is a member of, and the user's projects, by their paths.

        Raises `Unsupported` where nobody is known.
        """
        found = await self.exchange.credentials()
        if found is None or not await self._authorization():
            what = (
                f"{self.exchange.registry} lists repositories by group or project, or those of an access token's user"
            )
            raise Unsupported(what, "Name a group or project, or open a repository by name.", status=405)
        places = {group.full_path or str(group.id): f"groups/{group.id}" for group in await self._places(_MEMBERS)}
        return places | await self._projects(found.username)

    async def _projects(self, user: str) -> dict[str, str]:
        """A user's own projects by their paths; none, if there is no such user."""
        try:
            found = await self._places(f"users/{part(user)}/projects?simple=true&per_page=100")
        except (Forbidden, NotFound):
            return {}
        return {project.path_with_namespace or str(project.id): f"projects/{project.id}" for project in found}

    async def _places(self, path: str) -> list[_Place]:
        pages = linked(
            self._rest(path),
            lambda url: self._ask("GET", url),
            lambda answer: self.api.read(
                answer, list[_Place], "its groups", f"{self.exchange.registry} shows no groups"
            ),
            lambda place: str(place.id),
            lambda place: [place],
        )
        async with aclosing(pages):
            return [place async for page in pages for place in page]

    def _listed(self, place: str, repository: str = "") -> AsyncGenerator[list[_Repository], None]:
        def read(answer: Answer) -> list[_Repository]:
            missing = f"{self.exchange.registry} has no such group or project"
            return self.api.read(answer, list[_Repository], "its repositories", missing)

        return linked(
            self._rest(f"{place}/registry/repositories?per_page=100"),
            lambda url: self._ask("GET", url, repository),
            read,
            lambda found: str(found.id),
            lambda found: [found],
        )

    async def _ask(self, method: str, path: str, repository: str = "") -> Answer:
        return await self.api.ask(method, path, await self._authorization(repository))

    async def _authorization(self, repository: str = "") -> str:
        """The password as a token, if it may be one and the API's host may see it; or empty."""
        found = await self.exchange.credentials(repository)
        if found is None or found.username.startswith(_NO_NAMES) or found.password.startswith(_NO_TOKENS):
            return ""
        return bearer(await self.api.secret(repository)) if self.exchange.trusts(httpx.URL(self.api.base)) else ""

    def _rest(self, path: str) -> str:
        return f"{self._prefix}/api/v4/{path}"

    @property
    def _prefix(self) -> str:
        """The path that GitLab itself is at: mostly none."""
        realm = _realm(self.exchange.front)
        return realm.path.removesuffix(_LOGIN) if realm is not None else ""

    def _subject(self, repository: str) -> str:
        return f"{self.exchange.registry}/{repository}"


def _realm(front: httpx.Headers) -> httpx.URL | None:
    for challenge in parse_challenges(front.get_list("www-authenticate")):
        if challenge.scheme == "bearer" and challenge.parameters.get("service") == "container_registry":
            try:
                url = httpx.URL(challenge.parameters.get("realm", ""))
                host = url.host
            except (httpx.InvalidURL, UnicodeError):  # UnicodeError: `xn--` with nothing that it could stand for
                continue
            if url.scheme in ("http", "https") and host and not url.userinfo and url.path.endswith(_LOGIN):
                return url
    return None


def _vendor_tag(tag: _Tag) -> VendorTag:
    media_type = tag.media_type or ""
    told = str(tag.total_size or "")
    size = int(told) if told.isdecimal() and len(told) < 20 else 0
    return VendorTag(
        tag.name,
        digest(tag.digest),
        media_type,
        (size or None) if media_type in media_types.MANIFESTS else None,  # an index has 0, or nobody says what
        build_date(tag.created_at),
        build_date(tag.published_at),
    )
