"""Lists of a registry, page by page: the catalog, tags, referrers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

import msgspec

from regtui.errors import Answered, Forbidden, LoginNeeded, NotFound, RealmNotTrusted, TooLarge, Unsupported
from regtui.oci.decode import decode
from regtui.oci.digest import Digest, is_digest
from regtui.oci.manifest import MANIFEST_LIMIT, Descriptor, Index
from regtui.registry.answers import Answer
from regtui.registry.exchange import Exchange
from regtui.registry.paging import PAGE_SIZE, Pages, next_page
from regtui.registry.tokens import CATALOG, Access, access

PAGE_LIMIT = 32 * 1024 * 1024
"""Bytes of one page of a list at most: some servers send 100,000 tags in one."""

REFERRERS_LIMIT = 10_000
"""Referrers of one manifest at most."""

NO_CATALOG = "This registry doesn't list its repositories. Open one by name."


class _Names(msgspec.Struct):
    repositories: list[str] | None = None
    tags: list[str] | None = None


async def catalog(exchange: Exchange, needed: Access = CATALOG) -> AsyncGenerator[list[str], None]:
    """See `Client.repositories`. `needed` is for registries whose login server doesn't know the catalog's scope."""

    def refuse(answer: Answer) -> Answered:
        return exchange.refusal(answer, "its catalog", missing=f"{exchange.registry} has no catalog")

    try:
        async for page in _names(exchange, "/v2/_catalog", needed, "catalog", refuse):
            yield page
    except (LoginNeeded, Forbidden, NotFound, Unsupported) as error:  # from the registry or its login server
        if isinstance(error, LoginNeeded | Forbidden):
            other = "" if exchange.login("").is_anonymous else " as another user"
            advice = f"Open a repository by name. Or log in{other}: regtui login {exchange.registry}"
        else:
            advice = NO_CATALOG
        if not isinstance(error, RealmNotTrusted):  # that can be helped
            error.advice = advice
        raise


def tags(exchange: Exchange, repository: str) -> AsyncGenerator[list[str], None]:
    """See `Client.tags`."""
    subject = f"{exchange.registry}/{repository}"

    def refuse(answer: Answer) -> Answered:
        missing = f"{exchange.registry} has no repository {repository}"
        return exchange.refusal(answer, subject, repository, missing)

    return _names(exchange, f"/v2/{repository}/tags/list", access(repository), f"list of tags of {subject}", refuse)


async def _names(
    exchange: Exchange, path: str, needed: Access, name: str, refuse: Callable[[Answer], Answered]
) -> AsyncGenerator[list[str], None]:
    url: str | None = f"{path}?n={PAGE_SIZE}"
    pages = Pages(path)
    while url is not None:
        answer = await exchange.send("GET", url, needed, limit=PAGE_LIMIT, name=name)
        if answer.status == 400 and url != path and not pages.begun:
            url = path  # no page of this size here: then all at once, or as the server likes
            continue
        if answer.status != 200 or answer.is_web_page:
            raise refuse(answer)
        page = decode(answer.body, _Names, name, PAGE_LIMIT)
        fresh = pages.fresh((page.tags if needed.repository else page.repositories) or [])
        if pages.endless:
            raise TooLarge(f"The {name} goes on without an end; regtui stops reading it")
        if fresh:
            yield fresh
        url = pages.follow(next_page(answer.headers.get_list("link"), url))


async def referrers(exchange: Exchange, repository: str, digest: Digest) -> list[Descriptor] | None:
    """The referrers API's answer, or None where a server has no such API."""
    first = f"/v2/{repository}/referrers/{digest}"
    subject = f"{exchange.registry}/{repository}@{digest}"
    pages = Pages(first)
    found: list[Descriptor] = []
    url: str | None = first
    while url is not None:
        answer = await exchange.send("GET", url, access(repository), limit=MANIFEST_LIMIT, name="list of referrers")
        if answer.code == "NAME_UNKNOWN":
            return []
        if answer.status in (400, 404, 405, 406, 501) or answer.is_web_page:
            return None
        if answer.status != 200:
            raise exchange.refusal(answer, subject, repository)
        index = decode(answer.body, Index, "list of referrers", MANIFEST_LIMIT)
        fresh = set(pages.fresh([child.digest for child in index.manifests or () if is_digest(child.digest)]))
        found += [child for child in index.manifests or () if child.digest in fresh]
        if pages.endless or len(found) > REFERRERS_LIMIT:
            raise TooLarge(f"The list of referrers of {subject} goes on without an end; regtui stops reading it")
        url = pages.follow(next_page(answer.headers.get_list("link"), url))
    return found
