"""Gitea and Forgejo: an owner's repositories, and searches among them, by their packages API."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import httpx
import msgspec

from regtui.errors import Unsupported
from regtui.registry.answers import Answer
from regtui.registry.challenges import parse_challenges
from regtui.registry.vendors.linked import linked, part, split, within
from regtui.registry.vendors.vendor import Hit, Vendor

_TOKEN = "/v2/token"
_PAGE = 50  # what Gitea gives at most unless its owner says otherwise


class _Package(msgspec.Struct):
    name: str
    version: str = ""


class Gitea(Vendor):
    """Known by its challenge. The registry itself lists all that one may see, and takes away a tag by its name.

    The packages API tells neither digests nor sizes of tags, so they are read from the registry.
    """

    name = "Gitea/Forgejo"
    searches = True

    @classmethod
    def recognises(cls, registry: str, front: httpx.Headers) -> bool:
        return _prefix(front) is not None

    def repositories(self, namespace: str = "") -> AsyncGenerator[list[str], None]:
        owner, _ = split(namespace.strip("/"))
        return self._listed(owner, "", namespace) if owner else super().repositories()

    async def search(self, words: str) -> AsyncGenerator[list[Hit], None]:
        """`owner/words` among an owner's, else among the user's own."""
        owner, name = split(words.strip()) if "/" in words else (await self._user(), words.strip())
        async with aclosing(self._listed(owner, name, owner)) as pages:
            async for page in pages:
                yield [Hit(repository) for repository in page]

    async def _user(self) -> str:
        found = await self.exchange.credentials()
        if found is None:
            what = f"{self.exchange.registry} searches among one owner's repositories"
            raise Unsupported(what, "Put the owner before the words: owner/words.", status=405)
        return found.username

    def _listed(self, owner: str, words: str, namespace: str) -> AsyncGenerator[list[str], None]:
        """An owner's repositories; the API lists every version of each, which are its tags and digests."""
        seen: set[str] = set()

        def read(answer: Answer) -> list[_Package]:
            missing = f"{self.exchange.registry} has no user or organisation {owner}"
            return self.api.read(answer, list[_Package], f"the packages of {owner}", missing)

        def make(package: _Package) -> list[str]:
            name = f"{owner}/{package.name}".lower()  # as the registry has it
            is_new = name not in seen and within(name, namespace.lower())
            seen.add(name)
            return [name] if is_new else []

        below = _prefix(self.exchange.front) or ""  # Gitea may live below a path, its registry never does
        first = f"{below}/api/v1/packages/{part(owner)}?type=container&page=1&limit={_PAGE}"
        first += f"&q={part(words)}" if words else ""
        key = "{0.name}:{0.version}".format
        return linked(first, self._ask, read, key, make)

    async def _ask(self, path: str) -> Answer:
        return await self.api.ask("GET", path, await self.api.basic())


def _prefix(front: httpx.Headers) -> str | None:
    """The path that Gitea itself is at, mostly none (""), as its challenge tells; None for what is no Gitea."""
    for challenge in parse_challenges(front.get_list("www-authenticate")):
        if challenge.scheme == "bearer" and challenge.parameters.get("service") == "container_registry":
            try:
                path = httpx.URL(challenge.parameters.get("realm", "")).path
            except httpx.InvalidURL:
                continue
            if path.endswith(_TOKEN):
                return path.removesuffix(_TOKEN)
    return None
