"""Google's registries.

Read: `tags/list` with `child` and `manifest`, its numbers as strings or numbers, and `n=10000`
(google/go-containerregistry, pkg/v1/google/list.go; pull request 1645: Artifact Registry's limit); that a tag
is deleted by its name (202), and a digest with tags is not (genuinetools/reg issue 136 and fluxcd/pkg 328, of gcr.io;
enix/kube-image-keeper issue 636, of Artifact Registry; sethvargo/gcr-cleaner, pkg/gcrcleaner/cleaner.go, deletes the
tags of both first, by their names); that it lists repositories by the catalog (the same file,
`ListChildRepositories`); `immutableTags`: "all tags", of modifying, moving, deleting (DockerRepositoryConfig, client
reference). Not looked up: that its REST path takes the login's token as Bearer; whether a project lists its
repositories as `child` there; repositories of more than 10,000 manifests.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from regtui.errors import Forbidden, NotFound, RateLimited, ReadOnly, Unsupported
from regtui.oci import media_types
from regtui.oci.digest import Digest
from regtui.registry.credentials import Credentials
from regtui.registry.vendors import Removal, VendorTag
from regtui.registry.vendors.google import Google
from tests.registry.vendors.server import BASIC, SOMEONE, Network, Reply, flat

HOST = "europe-west9-docker.pkg.dev"
SETTINGS = "artifactregistry.googleapis.com/v1/projects/mine/locations/europe-west9/repositories/repo"
ONE, TWO = Digest("sha256:" + "1" * 64), Digest("sha256:" + "2" * 64)
TOKEN = Credentials("oauth2accesstoken", "ya29.token")


def google(network: Network, login: Credentials | None = TOKEN, host: str = HOST, **options: Any) -> Google:
    return network.vendor(Google, host, login, **options)


def manifest(*tags: str, **fields: Any) -> dict[str, Any]:
    return {
        "imageSizeBytes": "4096",
        "layerId": "",
        "mediaType": media_types.DOCKER_MANIFEST,
        "tag": list(tags),
        "timeCreatedMs": "1600000000000",
        "timeUploadedMs": "1700000000000",
        **fields,
    }


def test_google_is_known_by_its_hosts() -> None:
    for host in (HOST, "gcr.io", "eu.gcr.io"):
        assert Google.recognises(host, httpx.Headers())
    for host in ("gcr.io.example.com", "mygcr.io", "europe-west9-npm.pkg.dev"):
        assert not Google.recognises(host, httpx.Headers())


async def test_tags_come_with_their_manifests(network: Network) -> None:
    manifests = {
        ONE: manifest("old", timeUploadedMs="1650000000000", timeCreatedMs="0"),
        TWO: manifest("1", "latest", timeUploadedMs=1700000000000),
        "sha256:" + "3" * 64: manifest("multi", mediaType=media_types.OCI_INDEX, timeCreatedMs=""),
        "sha256:" + "4" * 64: manifest(tag=None),
    }
    listing = {"child": [], "manifest": manifests, "name": "mine/repo/app", "tags": ["1", "bare", "latest", "old"]}
    network.on(f"GET {HOST}/v2/mine/repo/app/tags/list", listing)
    tags = await flat(google(network).tags("mine/repo/app"))
    assert [tag.name for tag in tags] == ["1", "latest", "multi", "old", "bare"]
    pushed = datetime.fromtimestamp(1_700_000_000, UTC)
    created = datetime.fromtimestamp(1_600_000_000, UTC)
    assert tags[0] == VendorTag("1", TWO, media_types.DOCKER_MANIFEST, 4096, created, pushed)
    assert (tags[2].size, tags[2].created) == (None, None)  # an index: nobody says what its size counts
    assert tags[3].created is None  # a reproducible build has no date worth showing
    assert tags[4] == VendorTag("bare")


async def test_numbers_that_are_none_are_left_out(network: Network) -> None:
    odd = manifest("x", imageSizeBytes="many", timeCreatedMs="9" * 40, timeUploadedMs=9999999999999999)
    network.on(f"GET {HOST}/v2/mine/repo/app/tags/list", {"manifest": {"none": odd}, "tags": None})
    assert await flat(google(network).tags("mine/repo/app")) == [VendorTag("x", None, media_types.DOCKER_MANIFEST)]


async def test_a_project_is_walked_down_to_its_repositories(network: Network) -> None:
    network.on(f"GET {HOST}/v2/mine/tags/list", {"child": ["repo", "BAD NAME", "hidden"], "manifest": {}, "tags": []})
    network.on(f"GET {HOST}/v2/mine/repo/tags/list", {"child": ["app", "lib"], "tags": []})
    network.on(f"GET {HOST}/v2/mine/repo/app/tags/list", {"child": ["debug"], "manifest": {ONE: manifest("1")}})
    network.on(f"GET {HOST}/v2/mine/repo/lib/tags/list", {"child": None, "tags": ["1"]})
    network.on(f"GET {HOST}/v2/mine/repo/app/debug/tags/list", {"tags": ["1"]})
    network.on(f"GET {HOST}/v2/mine/hidden/tags/list", Reply(403, {"errors": [{"code": "DENIED", "message": "no"}]}))
    found = await flat(google(network).repositories("mine/"))
    assert found == ["mine/repo/app", "mine/repo/lib", "mine/repo/app/debug"]


async def test_a_service_accounts_key_names_its_project(network: Network) -> None:
    key = Credentials("_json_key", json.dumps({"type": "service_account", "project_id": "mine"}))
    network.on(f"GET {HOST}/v2/mine/tags/list", {"child": [], "tags": ["1"]})
    assert await flat(google(network, key).repositories()) == ["mine"]


@pytest.mark.parametrize("secret", ["no JSON", '{"project_id": 7}', '{"project_id": "a/../b"}', "[]", "{}"])
async def test_a_broken_key_is_no_project_and_not_shown(network: Network, secret: str) -> None:
    network.on(f"GET {HOST}/v2/_catalog", Reply(404, {"errors": [{"code": "UNSUPPORTED", "message": "no"}]}))
    with pytest.raises(NotFound) as caught:
        await flat(google(network, Credentials("_json_key", secret)).repositories())
    assert "Open one by name" in str(caught.value)
    assert secret not in str(caught.value)


async def test_without_a_project_the_catalog_is_asked(network: Network) -> None:
    network.on("GET gcr.io/v2/_catalog", {"repositories": ["mine/app"]})
    assert await flat(google(network, None, "gcr.io").repositories()) == ["mine/app"]
    network.on("GET gcr.io/v2/_catalog", Reply(405, {"errors": []}))
    with pytest.raises(Unsupported):
        await flat(google(network, None, "gcr.io").repositories())


async def test_a_tag_is_removed_by_its_name(network: Network) -> None:
    network.on(f"GET {SETTINGS}", {"name": "x", "format": "DOCKER", "dockerConfig": {}})
    network.on(f"DELETE {HOST}/v2/mine/repo/app/manifests/1", Reply(202))
    vendor = google(network)
    assert await vendor.removal("mine/repo/app", "1") == (Removal.VERB, "")
    await vendor.remove_tag("mine/repo/app", "1")
    assert network.asked[-1] == f"DELETE {HOST}/v2/mine/repo/app/manifests/1"


async def test_as_many_are_asked_for_as_google_tells_at_once(network: Network) -> None:
    """Google's own client follows no link to a next page; it asks for 10,000."""
    network.on(f"GET {HOST}/v2/mine/repo/app/tags/list?n=10000", {"tags": ["1"], "child": ["x", "x"]})
    network.on(f"GET {HOST}/v2/mine/repo/app/x/tags/list?n=10000", {"tags": ["1"]})
    assert await flat(google(network).tags("mine/repo/app")) == [VendorTag("1")]
    assert await flat(google(network).repositories("mine/repo/app")) == ["mine/repo/app", "mine/repo/app/x"]


async def test_the_settings_are_read_once_for_many_tags(network: Network) -> None:
    network.on(f"GET {SETTINGS}", {"dockerConfig": {"immutableTags": True}})
    vendor = google(network)
    ways = await asyncio.gather(*(vendor.removal(f"mine/repo/app{n % 2}", str(n)) for n in range(100)))
    assert {way for way, _ in ways} == {Removal.NONE}
    assert len(network.requests) == 1


async def test_immutable_tags_stay(network: Network) -> None:
    network.on(f"GET {SETTINGS}", {"dockerConfig": {"immutableTags": True}})
    way, why = await google(network).removal("mine/repo/app", "1")
    assert (way, why) == (Removal.NONE, "its repository's tags are immutable")
    assert network.last.authorization == "Bearer ya29.token"


async def test_only_an_access_token_is_shown_to_the_api(network: Network) -> None:
    for login in (SOMEONE, Credentials("_json_key", "{}")):
        assert await google(network, login).removal("mine/repo/app", "1") == (Removal.VERB, "")
    assert await google(network, TOKEN, "gcr.io").removal("mine/repo/app", "1") == (Removal.VERB, "")
    assert network.asked == []
    network.on(f"GET {SETTINGS}", Reply(403, {"error": {"code": 403, "message": "no", "status": "PERMISSION_DENIED"}}))
    assert await google(network).removal("mine/repo/app", "1") == (Removal.VERB, "")


async def test_the_registrys_login_goes_to_no_other_host(network: Network) -> None:
    challenge = {"www_authenticate": f'Basic realm="{HOST}"'}
    listing = Reply(200, {"tags": ["1"]}, {"link": '<https://evil.example.com/v2/x/tags/list?n=2>; rel="next"'})
    network.on(f"GET {HOST}/v2/mine/app/tags/list", Reply(401, {"errors": []}, challenge), listing)
    network.on(f"GET {HOST}/v2/x/tags/list?n=2", {"tags": ["2"]})
    assert [tag.name for tag in await flat(google(network, SOMEONE).tags("mine/app"))] == ["1", "2"]
    assert {request.host for request in network.requests} == {HOST}
    assert network.last.authorization == BASIC


async def test_what_is_refused_is_an_error(network: Network) -> None:
    dangling = {"errors": [{"code": "DENIED", "message": "Permission artifactregistry.tags.delete denied"}]}
    network.on(f"DELETE {HOST}/v2/mine/repo/app/manifests/1", Reply(403, dangling))
    network.on(f"GET {HOST}/v2/mine/repo/app/tags/list", Reply(429, {"errors": []}, {"retry_after": "60"}))
    with pytest.raises(Forbidden, match=r"artifactregistry\.tags\.delete denied"):
        await google(network).remove_tag("mine/repo/app", "1")
    with pytest.raises(RateLimited):
        await flat(google(network).tags("mine/repo/app"))
    with pytest.raises(ReadOnly):
        await google(network, read_only=True).remove_tag("mine/repo/app", "1")
