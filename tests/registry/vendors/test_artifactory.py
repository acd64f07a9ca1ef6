"""Artifactory's REST API (jfrog.com/help, "JFrog REST APIs").

Read: "List Docker Repositories" (`/api/docker/{repo-key}/v2/_catalog`), "Get Folder Info", "Deletion and Cleanup of
Docker Tags and Repositories"; how images are named, by path, host or port ("Docker Repository URL Formats"). `Server`
and `X-Artifactory-Id`: containerd/containerd issue 2148; `X-JFrog-Version: Artifactory/7…` and the realm: recorded
answers in renovatebot/renovate and others; `api/repositories?packageType=docker`: goharbor/harbor,
src/pkg/reg/adapter/jfrog/client.go. Not looked up: the names of
manifests beside what JFrog's article on old artifacts says (`list.manifest.json`); deletion by a tag's name through
`/v2/` (by digest: 406 in 2019, done in 2025, containers/image issue 1009 and containers/skopeo issue 2497).
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from regtui.errors import Forbidden, NotFound, ReadOnly
from regtui.registry.credentials import Credentials
from regtui.registry.vendors import Removal
from regtui.registry.vendors.artifactory import Artifactory
from tests.registry.vendors.server import BASIC, HALF, SOMEONE, WEB_PAGE, Network, Reply, flat

HOST = "mine.jfrog.io"
CATALOG = f"GET {HOST}/v2/_catalog"
KEYS = f"GET {HOST}/artifactory/api/repositories?packageType=docker"
LOCAL = f"GET {HOST}/artifactory/api/docker/docker-local/v2/_catalog"
FOLDER = f"GET {HOST}/artifactory/api/storage/docker-local/team/app/1.0"


def artifactory(network: Network, login: Credentials | None = SOMEONE, **options: Any) -> Artifactory:
    return network.vendor(Artifactory, HOST, login, **options)


@pytest.mark.parametrize(
    "headers",
    [
        {"x-jfrog-version": "Artifactory/7.77.3 77703900"},
        {"x-artifactory-id": "ab:cd"},
        {"server": "Artifactory/5.8.4"},
        {"www-authenticate": 'Basic realm="Artifactory Realm"'},
    ],
)
def test_artifactory_is_known_by_its_headers(headers: dict[str, str]) -> None:
    assert Artifactory.recognises(HOST, httpx.Headers(headers))
    assert not Artifactory.recognises(HOST, httpx.Headers({"server": "nginx"}))


async def test_a_registry_with_a_catalog_is_listed_by_it(network: Network) -> None:
    network.on(CATALOG, {"repositories": ["app", "team/app"]})
    assert await flat(artifactory(network).repositories()) == ["app", "team/app"]
    assert len(network.asked) == 1


@pytest.mark.parametrize("catalog", [Reply(404, {"errors": []}), {"repositories": []}])
async def test_without_one_every_keys_catalog_is_listed(network: Network, catalog: object) -> None:
    network.on(CATALOG, catalog)
    network.on(KEYS, [{"key": "docker-local", "type": "LOCAL", "url": "x", "packageType": "Docker"}, {"key": "hub"}])
    link = '</artifactory/api/docker/docker-local/v2/_catalog?last=app&n=1000>; rel="next"'
    network.on(f"{LOCAL}?n=1000", Reply(200, {"repositories": ["app"]}, {"link": link}))
    network.on(f"{LOCAL}?last=app&n=1000", {"repositories": ["team/app"]})
    network.on(f"GET {HOST}/artifactory/api/docker/hub/v2/_catalog", {"repositories": None})
    found = await flat(artifactory(network).repositories())
    assert found == ["docker-local/app", "docker-local/team/app"]
    assert network.last.authorization == BASIC


async def test_where_nothing_lists_them_the_catalogs_own_refusal_stands(network: Network) -> None:
    network.on(CATALOG, Reply(403, {"errors": [{"code": "DENIED", "message": "not for you"}]}))
    network.on(KEYS, Reply(404, WEB_PAGE.body, WEB_PAGE.headers))
    with pytest.raises(Forbidden, match="not for you"):
        await flat(artifactory(network).repositories())


async def test_a_namespace_begins_with_the_key(network: Network) -> None:
    network.on(LOCAL, {"repositories": ["app", "team/app"]})
    assert await flat(artifactory(network).repositories("docker-local/team")) == ["docker-local/team/app"]
    assert CATALOG not in network.asked


async def test_or_is_one_of_the_only_key(network: Network) -> None:
    """Where host or port stand for the key, names have none."""
    network.on(CATALOG, {"repositories": ["app", "team/app"]})
    assert await flat(artifactory(network).repositories("team")) == ["team/app"]


@pytest.mark.parametrize("manifest", ["manifest.json", "list.manifest.json"])
async def test_a_tags_folder_is_removed(network: Network, manifest: str) -> None:
    children = [{"uri": f"/{manifest}", "folder": "false"}, {"uri": "/sha256__12", "folder": False}]
    network.on(FOLDER, {"repo": "docker-local", "path": "/team/app/1.0", "children": children})
    network.on(f"DELETE {HOST}/artifactory/docker-local/team/app/1.0", Reply(204))
    vendor = artifactory(network)
    assert await vendor.removal("docker-local/team/app", "1.0") == (Removal.VERB, "")
    await vendor.remove_tag("docker-local/team/app", "1.0")
    assert network.last.method == "DELETE"
    assert network.last.authorization == BASIC


@pytest.mark.parametrize(
    "folder",
    [
        {"children": [{"uri": "/1.0", "folder": "true"}]},  # of a tag, or an image: nothing below is taken away
        {"children": [{"uri": "/manifest.json"}, {"uri": "/below", "folder": "true"}]},  # an image too
        {"children": None},
        {"uri": "x", "size": "12"},
        Reply(404, {"errors": [{"status": 404, "message": "Unable to find item"}]}),
        Reply(401, {"errors": [{"status": 401, "message": "Bad credentials"}]}),
        WEB_PAGE,
        HALF,
    ],
)
async def test_what_is_no_tags_folder_is_left_to_the_registry(network: Network, folder: object) -> None:
    network.on(FOLDER, folder)
    assert await artifactory(network).removal("docker-local/team/app", "1.0") == (Removal.REGISTRY, "")


async def test_what_is_refused_is_an_error(network: Network) -> None:
    said = {"errors": [{"status": 403, "message": "Not enough permissions to delete/overwrite artifact"}]}
    network.on(f"DELETE {HOST}/artifactory/docker-local/team/app/1.0", Reply(403, said), Reply(404, {"errors": []}))
    with pytest.raises(Forbidden, match="Not enough permissions"):
        await artifactory(network).remove_tag("docker-local/team/app", "1.0")
    with pytest.raises(NotFound, match="has no tag"):
        await artifactory(network).remove_tag("docker-local/team/app", "1.0")
    with pytest.raises(ReadOnly):
        await artifactory(network, read_only=True).remove_tag("docker-local/team/app", "1.0")


@pytest.mark.parametrize("answer", [Reply(403, {"errors": []}), Reply(404), Reply(500, {"errors": []}), WEB_PAGE])
async def test_a_key_that_is_closed_does_not_hide_the_others(network: Network, answer: Reply) -> None:
    network.on(CATALOG, Reply(404))
    network.on(KEYS, [{"key": "docker-remote"}, {"key": "docker-local"}])
    network.on(f"GET {HOST}/artifactory/api/docker/docker-remote/v2/_catalog", answer)
    network.on(LOCAL, {"repositories": ["app"]})
    assert await flat(artifactory(network).repositories()) == ["docker-local/app"]
