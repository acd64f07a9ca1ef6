"""Quay's API, as Quay's own source answers it.

Repositories, search, tags, deletion by tag and by digest, the token server's scopes, `/v2/`'s headers: quay/quay
(endpoints/api/{repository,search,tag}.py, endpoints/v2/{__init__,manifest,catalog,v2auth}.py, endpoints/exception.py),
and "Red Hat Quay API guide" (docs.redhat.com). A login of the user `$oauthtoken`: quay/quay, auth/credentials.py.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from regtui.errors import Answered, ContentError, RateLimited, Unsupported
from regtui.oci.digest import Digest
from regtui.registry.credentials import Credentials
from regtui.registry.vendors import Hit, Removal, VendorTag
from regtui.registry.vendors.quay import Quay
from tests.registry.vendors.server import HALF, SOMEONE, WEB_PAGE, Network, Reply, Seen, flat, pages

DIGEST = Digest("sha256:" + "2" * 64)
OWN = "quay.example.com"
OAUTH = Credentials("$oauthtoken", "application-token")
REPOSITORIES = "GET quay.io/api/v1/repository"
TAGS = "GET quay.io/api/v1/repository/team/app/tag/"


def quay(network: Network, login: Credentials | None = None, registry: str = "quay.io") -> Quay:
    return network.vendor(Quay, registry, login)


def repositories(*names: str, next_page: str | None = None) -> dict[str, Any]:
    found = [
        {"namespace": "team", "name": name, "description": None, "is_public": True, "kind": "image", "state": "NORMAL"}
        for name in names
    ]
    return {"repositories": found, **({"next_page": next_page} if next_page else {})}


def tag(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "reversion": False,
        "start_ts": 1609880813,
        "manifest_digest": DIGEST,
        "is_manifest_list": False,
        "size": 4096,
        "last_modified": "Tue, 05 Jan 2021 21:06:53 -0000",
        **fields,
    }


def tags(*found: dict[str, Any], more: bool = False, page: int = 1) -> dict[str, Any]:
    return {"tags": list(found), "page": page, "has_additional": more}


def problem(status: int, kind: str) -> Reply:
    return Reply(status, {"detail": kind, "error_message": kind, "error_type": kind, "title": kind, "status": status})


def registry(network: Network, host: str, **headers: str) -> None:
    """A Quay's `/v2/` and login server, which knows no other actions than push, pull and *."""

    def front(request: Seen) -> Reply:
        challenge = f'Bearer realm="https://{host}/v2/auth",service="{host}"'
        named = {"www_authenticate": challenge, "docker_distribution_api_version": "registry/2.0", **headers}
        return Reply(200 if request.authorization else 401, b"true", named)

    def login(request: Seen) -> Reply:
        scopes = httpx.QueryParams(request.query).get_list("scope")
        known = all(set(scope.rpartition(":")[2].split(",")) <= {"push", "pull", "*"} for scope in scopes)
        return (
            Reply(200, {"token": "t"}) if known else Reply(400, {"message": "Unable to decode repository and actions"})
        )

    network.on(f"GET {host}/v2/", front)
    network.on(f"GET {host}/v2/auth", login)


# --- Whose registry it is


@pytest.mark.parametrize("host", ["quay.io", OWN])
async def test_quay_is_known_by_its_name_or_by_its_login_server(network: Network, host: str) -> None:
    registry(network, host)
    client = network.client(host)
    await client.ping()
    assert isinstance(client.vendor, Quay)


def test_other_login_servers_are_not_quays() -> None:
    front = httpx.Headers({"www-authenticate": 'Bearer realm="https://git.example.com/v2/token",service="x"'})
    assert not Quay.recognises("git.example.com", front)
    assert Quay.recognises("own.example.com", httpx.Headers({"x-sparse-manifest-support": "false"}))


# --- Repositories


async def test_a_namespace_is_listed_page_by_page(network: Network) -> None:
    network.on(f"{REPOSITORIES}?namespace=team&public=true", repositories("app", "web", next_page="gAA/A="))
    network.on(f"{REPOSITORIES}?namespace=team&public=true&next_page=gAA%2FA%3D", repositories("web", "worker"))
    assert await flat(quay(network).repositories("team/")) == ["team/app", "team/web", "team/worker"]
    assert len(network.requests) == 2


async def test_quay_io_has_no_list_of_everything(network: Network) -> None:
    with pytest.raises(Unsupported, match=r"quay\.io lists repositories by namespace only"):
        await flat(quay(network).repositories())
    assert network.asked == []


async def test_ones_own_quay_lists_what_is_public(network: Network) -> None:
    network.on(f"GET {OWN}/api/v1/repository?public=true", repositories("app"))
    assert await flat(quay(network, registry=OWN).repositories()) == ["team/app"]


async def test_who_is_logged_in_sees_the_catalog_too(network: Network) -> None:
    registry(network, "quay.io")
    network.on("GET quay.io/v2/_catalog", lambda request: catalog(request, "team/secret", "team/app", "mine/x"))
    network.on(REPOSITORIES, repositories("app", "web"))
    vendor = quay(network, SOMEONE)
    assert await flat(vendor.repositories("team")) == ["team/secret", "team/app", "team/web"]
    assert await flat(vendor.repositories()) == ["team/secret", "team/app", "mine/x"]
    api = [seen for seen in network.requests if seen.path.startswith("/api/")]
    assert [seen.authorization for seen in api] == [""]  # a user's password is nothing for the API


def catalog(request: Seen, *names: str) -> Reply:
    if request.authorization:
        return Reply(200, {"repositories": list(names)})
    return Reply(401, {"errors": []}, {"www_authenticate": 'Bearer realm="https://quay.io/v2/auth",service="quay.io"'})


async def test_without_a_catalog_the_api_is_enough(network: Network) -> None:
    network.on("GET quay.io/v2/_catalog", Reply(404))
    network.on(REPOSITORIES, repositories("app"))
    assert await flat(quay(network, SOMEONE).repositories("team")) == ["team/app"]
    with pytest.raises(Answered):
        await flat(quay(network, SOMEONE).repositories())


async def test_an_applications_token_is_shown_to_the_api(network: Network) -> None:
    network.on("GET quay.io/v2/_catalog", Reply(404))
    network.on(REPOSITORIES, repositories("secret"))
    assert await flat(quay(network, OAUTH).repositories("team")) == ["team/secret"]
    assert network.last.authorization == "Bearer application-token"


# --- Search


async def test_search_goes_on_until_there_is_no_more(network: Network) -> None:
    def found(*names: str, more: bool) -> dict[str, Any]:
        results = [{"kind": "repository", "namespace": {"name": "team"}, "name": n, "description": None} for n in names]
        return {"results": [*results, {"name": "x"}], "has_additional": more, "page_size": 10}

    network.on("GET quay.io/api/v1/find/repositories", pages(found("a", "b", more=True), found("c", more=False)))
    assert await flat(quay(network).search("x y")) == [Hit("team/a"), Hit("team/b"), Hit("team/c")]
    assert network.asked == [f"GET quay.io/api/v1/find/repositories?query=x%20y&page={number}" for number in (1, 2)]


async def test_a_search_that_repeats_its_last_page_ends(network: Network) -> None:
    same = {"results": [{"namespace": {"name": "team"}, "name": "a"}], "has_additional": True}
    network.on("GET quay.io/api/v1/find/repositories", same)
    assert await flat(quay(network).search("a")) == [Hit("team/a")]
    assert len(network.requests) == 2


# --- Tags


async def test_tags_come_with_date_digest_and_size(network: Network) -> None:
    network.on(
        TAGS,
        pages(
            tags(tag("2", immutable=True), tag("latest", is_manifest_list=True, size=0), more=True),
            tags(tag("1", size=None)),
        ),
    )
    pushed = datetime(2021, 1, 5, 21, 6, 53, tzinfo=UTC)
    assert await flat(quay(network).tags("team/app")) == [
        VendorTag("2", DIGEST, size=4096, pushed=pushed, immutable=True),
        VendorTag("latest", DIGEST, pushed=pushed),
        VendorTag("1", DIGEST, pushed=pushed),
    ]
    assert network.asked == [f"{TAGS}?onlyActiveTags=true&limit=100&page={number}" for number in (1, 2)]


async def test_a_tag_that_tells_nothing_is_listed_all_the_same(network: Network) -> None:
    network.on(TAGS, tags({"name": "bare"}, dict.fromkeys(tag("")), tag("far", start_ts=1e99, manifest_digest="x:1")))
    assert await flat(quay(network).tags("team/app")) == [VendorTag("bare"), VendorTag("far", size=4096)]


@pytest.mark.parametrize("status", [401, 403, 404, 429])
async def test_what_may_not_be_seen_is_an_error(network: Network, status: int) -> None:
    network.on(TAGS, problem(status, "insufficient_scope"))
    with pytest.raises(Answered) as caught:
        await flat(quay(network).tags("team/app"))
    assert caught.value.status == status
    assert isinstance(caught.value, RateLimited) == (status == 429)


@pytest.mark.parametrize("answer", [WEB_PAGE, HALF, Reply(200, b"[]")])
async def test_what_is_no_list_is_an_error(network: Network, answer: object) -> None:
    network.on(TAGS, answer)
    with pytest.raises((Answered, ContentError)):
        await flat(quay(network).tags("team/app"))


# --- Removal


async def test_a_locked_tag_stays_and_others_go_by_the_registry(network: Network) -> None:
    network.on(f"{TAGS}?onlyActiveTags=true&specificTag=1", tags(tag("1", immutable=True)))
    network.on(f"{TAGS}?onlyActiveTags=true&specificTag=2", tags(tag("2", immutable=False)))
    vendor = quay(network)
    assert (await vendor.removal("team/app", "1"))[0] is Removal.NONE
    assert await vendor.removal("team/app", "2") == (Removal.REGISTRY, "")
    assert await vendor.removal("team/private", "3") == (Removal.REGISTRY, "")  # the API doesn't show it


@pytest.mark.parametrize("pinged", [True, False])
async def test_the_token_to_delete_a_tag_asks_for_what_quays_login_server_knows(network: Network, pinged: bool) -> None:
    registry(network, OWN)
    asks = f'Bearer realm="https://{OWN}/v2/auth",service="{OWN}",scope="repository:team/app:pull"'

    def guarded(request: Seen) -> Reply:
        answer = Reply(202) if request.method == "DELETE" else Reply(200, {"tags": ["1"]})
        return answer if request.authorization else Reply(401, {"errors": []}, {"www_authenticate": asks})

    network.on(f"GET {OWN}/v2/team/app/tags/list", guarded)
    network.on(f"DELETE {OWN}/v2/team/app/manifests/1", guarded)
    client = network.client(OWN, SOMEONE)
    if pinged:
        await client.ping()
    assert await flat(client.tags("team/app")) == ["1"]  # a change looks first: that shows whose registry it is
    await client.delete_manifest("team/app", "1")
    scopes = [httpx.QueryParams(seen.query).get("scope") for seen in network.requests if seen.path == "/v2/auth"]
    assert scopes[-1] == "repository:team/app:pull,push"
