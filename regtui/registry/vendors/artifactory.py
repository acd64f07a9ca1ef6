"""JFrog Artifactory: a registry of many repositories, each with its key before the images' names."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import httpx
import msgspec

from regtui.errors import Answered, Forbidden, LoginNeeded, NotFound, RateLimited, RegtuiError, Unsupported
from regtui.registry.answers import Answer
from regtui.registry.vendors.linked import linked, part, split, within
from regtui.registry.vendors.removed import check_removed
from regtui.registry.vendors.vendor import Removal, Vendor

_MANIFESTS = frozenset({"/manifest.json", "/list.manifest.json"})  # what makes a folder a tag


class _Key(msgspec.Struct):
    key: str


class _Names(msgspec.Struct):
    repositories: list[str] | None = None


class _Child(msgspec.Struct):
    uri: str = ""
    folder: bool | str = False


class _Folder(msgspec.Struct):
    children: list[_Child] | None = None


class Artifactory(Vendor):
    """Known by its headers. Where images are named `KEY/image`, lists and removals go by Artifactory's own API.

    With a host or port for each key the names have no key, and everything goes by the distribution API.
    """

    name = "Artifactory"
    afterwards = "Artifactory removes layers that no other tag uses"

    @classmethod
    def recognises(cls, registry: str, front: httpx.Headers) -> bool:
        return (
            "x-jfrog-version" in front
            or "x-artifactory-id" in front
            or front.get("server", "").startswith("Artifactory/")
            or "Artifactory Realm" in front.get("www-authenticate", "")
        )

    async def repositories(self, namespace: str = "") -> AsyncGenerator[list[str], None]:
        """The catalog, or where a key is named or there is no catalog of all, the catalogs of the keys."""
        key, _ = split(namespace.strip("/"))
        begun = False
        try:
            async with aclosing(self._of_key(key, namespace) if key else super().repositories()) as pages:
                async for page in pages:
                    begun = True
                    yield page
            if begun or key:
                return
        except (LoginNeeded, Forbidden, NotFound, Unsupported) as error:
            if begun:
                raise
            refused: RegtuiError | None = error
        else:
            refused = None
        async with aclosing(super().repositories(namespace) if key else self._of_keys(refused)) as others:
            async for page in others:
                yield page

    async def removal(self, repository: str, tag: str) -> tuple[Removal, str]:
        """By Artifactory's API if the tag's folder is where the name says; else it is the registry's affair."""
        try:
            path = f"/artifactory/api/storage/{_path(repository)}/{part(tag)}"
            folder = await self.api.get(_Folder, path, await self.api.basic(repository), subject=f"{repository}:{tag}")
        except RegtuiError:
            return Removal.REGISTRY, ""
        children = folder.children or ()
        is_tag = any(child.uri in _MANIFESTS for child in children)
        has_more = any(str(child.folder).lower() == "true" for child in children)  # an image of this name, or its parts
        return (Removal.VERB if is_tag and not has_more else Removal.REGISTRY), ""

    async def remove_tag(self, repository: str, tag: str) -> None:
        answer = await self.api.ask(
            "DELETE", f"/artifactory/{_path(repository)}/{part(tag)}", await self.api.basic(repository)
        )
        check_removed(self.exchange, answer, repository, tag)

    async def _of_keys(self, refused: RegtuiError | None) -> AsyncGenerator[list[str], None]:
        """The images of every repository of docker's kind; raises what the catalog was refused with, if that fails."""
        try:
            path = "/artifactory/api/repositories?packageType=docker"
            keys = await self.api.get(list[_Key], path, await self.api.basic(), subject="its repositories")
        except RegtuiError as error:
            raise refused or error from error
        for key in keys:
            try:
                async with aclosing(self._of_key(key.key, "")) as pages:
                    async for page in pages:
                        yield page
            except RateLimited:
                raise
            except Answered:
                continue  # a key that is closed, or whose remote registry has no catalog, doesn't hide the others

    def _of_key(self, key: str, namespace: str) -> AsyncGenerator[list[str], None]:
        def read(answer: Answer) -> list[str]:
            missing = f"{self.exchange.registry} has no repository {key}"
            return self.api.read(answer, _Names, f"the catalog of {key}", missing).repositories or []

        return linked(
            f"/artifactory/api/docker/{part(key)}/v2/_catalog?n=1000",
            self._ask,
            read,
            lambda name: name,
            lambda name: [f"{key}/{name}"] if within(f"{key}/{name}", namespace) else [],
        )

    async def _ask(self, path: str) -> Answer:
        return await self.api.ask("GET", path, await self.api.basic())


def _path(repository: str) -> str:
    return "/".join(part(name) for name in repository.split("/"))
