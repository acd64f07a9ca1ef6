"""Gitea's and Forgejo's packages API.

Read: `GET /api/v1/packages/{owner}` (go-gitea/gitea, routers/api/v1/packages/package.go and
services/convert/package.go: a list of versions, tags and digests alike, with when each was made and no more); the
challenge, with Gitea's own address in its realm, the catalog by hundreds, and that `DELETE manifests/<tag>` takes that
version only: routers/api/packages/container/container.go, of Gitea and (a fork's copy) of Forgejo. Dates alone are of
no use: a tag's digest and size have to be read anyway.
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from regtui.errors import NotFound, Unsupported
from regtui.registry.credentials import Credentials
from regtui.registry.vendors import Hit, Removal
from regtui.registry.vendors.gitea import Gitea
from tests.registry.vendors.server import BASIC, SOMEONE, Network, Reply, flat

HOST = "git.example.com"
CHALLENGE = f'Bearer realm="https://{HOST}/v2/token",service="container_registry",scope="*"'
PACKAGES = f"GET {HOST}/api/v1/packages/Team"


def gitea(network: Network, login: Credentials | None = SOMEONE) -> Gitea:
    return network.vendor(Gitea, HOST, login)


def package(name: str, version: str) -> dict[str, Any]:
    return {
        "id": 1,
        "owner": {"id": 2, "login": "Team"},
        "repository": None,
        "creator": {"id": 3, "login": "someone"},
        "type": "container",
        "name": name,
        "version": version,
        "html_url": f"https://{HOST}/Team/-/packages/container/{name}/{version}",
        "created_at": "2024-01-02T03:04:05Z",
    }


def test_gitea_is_known_by_its_challenge() -> None:
    assert Gitea.recognises(HOST, httpx.Headers({"www-authenticate": CHALLENGE}))
    others = (
        f'Bearer realm="https://{HOST}/jwt/auth",service="container_registry"',  # GitLab
        f'Bearer realm="https://{HOST}/v2/token",service="{HOST}"',  # Artifactory
        "Basic",
    )
    for other in others:
        assert not Gitea.recognises(HOST, httpx.Headers({"www-authenticate": other}))


async def test_gitea_may_live_below_a_path(network: Network) -> None:
    challenge = f'Bearer realm="https://{HOST}/git/v2/token",service="container_registry",scope="*"'
    network.on(f"GET {HOST}/v2/", Reply(401, {"errors": []}, {"www_authenticate": challenge}))
    network.on(f"GET {HOST}/git/v2/token", {"token": "t"})
    link = f'<https://{HOST}/git/api/v1/packages/Team?page=2>; rel="next"'
    first = f"GET {HOST}/git/api/v1/packages/Team?type=container&page=1&limit=50"
    network.on(first, Reply(200, [package("app", "1.0")], {"link": link}))
    network.on(f"GET {HOST}/git/api/v1/packages/Team?page=2", [package("lib", "1.0")])
    client = network.client(HOST)
    await client.ping()
    assert await flat(client.repositories("Team")) == ["team/app", "team/lib"]


async def test_an_owners_repositories_are_listed_once_each(network: Network) -> None:
    first = f"{PACKAGES}?type=container&page=1&limit=50"
    link = f'<https://{HOST}/api/v1/packages/Team?limit=50&page=2&type=container>; rel="next"'
    versions = [package("app", "1.0"), package("app", "latest"), package("tools/Lint", "sha256:12")]
    network.on(first, Reply(200, versions, {"link": link}))
    second = [package("app", "0.9"), package("lib", "1")]
    network.on(f"{PACKAGES}?limit=50&page=2&type=container", Reply(200, second, {"link": link}))
    assert await flat(gitea(network).repositories("Team")) == ["team/app", "team/tools/lint", "team/lib"]
    assert {request.authorization for request in network.requests} == {BASIC}
    assert await flat(gitea(network).repositories("Team/tools/")) == ["team/tools/lint"]
    with pytest.raises(NotFound, match="no user or organisation nobody"):
        await flat(gitea(network).repositories("nobody"))


async def test_without_an_owner_the_registrys_catalog_is_asked(network: Network) -> None:
    network.on(f"GET {HOST}/v2/_catalog", {"repositories": ["team/app"]})
    assert await flat(gitea(network).repositories()) == ["team/app"]


async def test_it_searches_among_an_owners(network: Network) -> None:
    network.on(f"{PACKAGES}?type=container&page=1&limit=50&q=a%20%26p", [package("a &p", "1")])
    network.on(f"GET {HOST}/api/v1/packages/someone?type=container&page=1&limit=50&q=mine", [package("mine", "1")])
    assert await flat(gitea(network).search("Team/a &p")) == [Hit("team/a &p")]
    assert await flat(gitea(network).search("mine")) == [Hit("someone/mine")]
    with pytest.raises(Unsupported) as caught:
        await flat(gitea(network, None).search("mine"))
    assert caught.value.advice == "Put the owner before the words: owner/words."


async def test_a_tag_is_the_registrys_to_remove(network: Network) -> None:
    assert await gitea(network).removal("team/app", "1.0") == (Removal.REGISTRY, "")
