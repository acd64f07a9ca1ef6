"""Docker Hub's API, in the shapes that Docker documents.

Namespaces, repositories, tags, immutable tags, `POST /v2/auth/token`, limits: docs.docker.com/reference/api/hub/latest
(docker/docs, content/reference/api/hub/latest.yaml). The removal of a tag and `/v2/user/orgs/`, which are not in there:
Docker's own client (docker/hub-tool, pkg/hub/tags.go and organizations.go); a tag's `digest`, `media_type` and
`content_type`: Docker's docker/hub-mcp, src/repos.ts. Rules of immutable tags are of Go's regexp (docker/docs,
hub-images/immutable-tags.md); that they fit whole tags is taken from the API's examples (`v.*`, `.*-RELEASE`): if they
need not, Docker Hub refuses what was planned. The search (`/v2/search/repositories/`) is what the site itself used for
years; nobody documents it.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from regtui.errors import (
    Answered,
    ContentError,
    Forbidden,
    NotFound,
    RateLimited,
    ReadOnly,
    RegistryError,
    RegtuiError,
    Unsupported,
)
from regtui.oci.digest import Digest
from regtui.registry.credentials import Credentials
from regtui.registry.vendors import Hit, Removal, VendorTag
from regtui.registry.vendors.docker_hub import DockerHub
from tests.registry.vendors.server import HALF, SOMEONE, WEB_PAGE, Network, Reply, flat

HUB = "hub.docker.com"
INDEX = Digest("sha256:" + "1" * 64)
LIBRARY = f"GET {HUB}/v2/namespaces/library/repositories"
DEBIAN = f"{LIBRARY}/debian"
TAGS = f"{DEBIAN}/tags"
TOKEN = f"POST {HUB}/v2/auth/token"


def hub(network: Network, login: Credentials | None = None, **options: Any) -> DockerHub:
    return network.vendor(DockerHub, "docker.io", login, **options)


def settings(*rules: str, enabled: bool = True) -> dict[str, Any]:
    return {"name": "debian", "immutable_tags_settings": {"enabled": enabled, "rules": list(rules)}}


def page(*results: dict[str, Any], next: str | None = None) -> dict[str, Any]:
    return {"count": len(results), "next": next, "previous": None, "results": list(results)}


def tag(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "creator": 1234,
        "id": 12345,
        "images": [
            {"architecture": "amd64", "os": "linux", "variant": None, "size": 100, "status": "active"},
            {"architecture": "arm", "os": "linux", "variant": "v7", "size": 80, "status": "inactive"},
            {"architecture": "unknown", "os": "unknown", "variant": None, "size": 7, "status": "active"},
        ],
        "last_updated": "2021-01-05T21:06:53.506400Z",
        "name": name,
        "full_size": 100,
        "v2": True,
        "tag_status": "active",
        "tag_last_pulled": "2021-03-05T21:06:53.506400Z",
        "tag_last_pushed": "2021-01-05T21:06:53.506400Z",
        "media_type": "application/vnd.oci.image.index.v1+json",
        "content_type": "image",
        "digest": INDEX,
        **fields,
    }


# --- Repositories


async def test_a_namespace_is_listed_page_by_page(network: Network) -> None:
    more = f"https://{HUB}/v2/namespaces/library/repositories?page=2&page_size=100"
    network.on(LIBRARY, page({"name": "alpine"}, {"name": "debian"}, next=more))
    network.on(f"{LIBRARY}?page=2&page_size=100", page({"name": "debian"}, {"name": None}, {"name": "nginx"}))
    pages = [names async for names in hub(network).repositories("library/")]
    assert pages == [["library/alpine", "library/debian"], ["library/nginx"]]
    assert network.asked == [f"{LIBRARY}?page_size=100&ordering=name", f"{LIBRARY}?page=2&page_size=100"]
    assert [request.authorization for request in network.requests] == ["", ""]


async def test_the_registry_is_known_by_its_name(network: Network) -> None:
    client = network.client("docker.io")
    network.on("GET registry-1.docker.io/v2/", {})
    network.on(LIBRARY, page({"name": "debian"}))
    await client.ping()
    assert isinstance(client.vendor, DockerHub)
    assert await flat(client.repositories("library")) == ["library/debian"]


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example.com/v2/namespaces/library/repositories?page=2",
        "http://hub.docker.com/v2/namespaces/library/repositories?page=2",
    ],
)
async def test_the_next_page_is_asked_of_the_hub_whatever_host_it_names(network: Network, link: str) -> None:
    network.on(LIBRARY, page({"name": "a"}, next=link))
    network.on(f"{LIBRARY}?page=2", page({"name": "b"}))
    assert await flat(hub(network).repositories("library")) == ["library/a", "library/b"]
    assert {(seen.scheme, seen.host) for seen in network.requests} == {("https", HUB)}


@pytest.mark.parametrize("link", [f"https://{HUB}/other", "nonsense", "https://[", ""])
async def test_a_next_page_elsewhere_is_none(network: Network, link: str) -> None:
    network.on(LIBRARY, page({"name": "a"}, next=link))
    assert await flat(hub(network).repositories("library")) == ["library/a"]


async def test_a_page_that_repeats_is_the_last(network: Network) -> None:
    def again(number: int) -> str:
        return f"https://{HUB}/v2/namespaces/library/repositories?page={number}"

    network.on(LIBRARY, *(page({"name": "a"}, next=again(number)) for number in range(9)))
    assert await flat(hub(network).repositories("library")) == ["library/a"]
    assert len(network.requests) == 2


async def test_without_a_namespace_nobody_is_told_how_to_name_one(network: Network) -> None:
    with pytest.raises(Unsupported) as caught:
        await flat(hub(network).repositories())
    assert str(caught.value) == (
        "Docker Hub lists repositories by namespace only. Open one by name, or a namespace: docker.io/library/"
    )
    assert network.asked == []


async def test_who_is_logged_in_sees_their_own_and_their_organizations_repositories(network: Network) -> None:
    network.on(TOKEN, {"access_token": "jwt"})
    network.on(f"GET {HUB}/v2/user/orgs/", page({"orgname": "team"}, {"orgname": None}))
    network.on(f"GET {HUB}/v2/namespaces/someone/repositories", page({"name": "mine"}))
    network.on(f"GET {HUB}/v2/namespaces/team/repositories", page({"name": "app"}))
    assert await flat(hub(network, SOMEONE).repositories()) == ["someone/mine", "team/app"]
    assert network.requests[0].json == {"identifier": "someone", "secret": "pass:wörd"}
    assert [seen.authorization for seen in network.requests] == ["", *["Bearer jwt"] * 3]
    assert {seen.host for seen in network.requests} == {HUB}


async def test_an_organizations_token_has_no_organizations_to_list(network: Network) -> None:
    network.on(TOKEN, {"access_token": "jwt"})
    network.on(f"GET {HUB}/v2/user/orgs/", Reply(403, {"message": "permission denied"}))
    network.on(f"GET {HUB}/v2/namespaces/someone/repositories", page({"name": "mine"}))
    assert await flat(hub(network, SOMEONE).repositories()) == ["someone/mine"]


async def test_a_namespace_that_is_not_there_is_named(network: Network) -> None:
    network.on(f"GET {HUB}/v2/namespaces/nobody/repositories", Reply(404, {"message": "object not found"}))
    with pytest.raises(NotFound, match="Docker Hub has no namespace nobody"):
        await flat(hub(network).repositories("nobody"))


# --- The login


async def test_one_token_serves_until_its_end(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    network.on(TOKEN, {"access_token": "first"}, {"access_token": "second"})
    network.on(LIBRARY, page({"name": "debian"}))
    vendor = hub(network, SOMEONE)
    for _ in range(2):
        await flat(vendor.repositories("library"))
    monkeypatch.setattr(vendor._login, "_until", time.monotonic())
    await flat(vendor.repositories("library"))
    assert [seen.authorization for seen in network.requests if seen.method == "GET"] == [
        "Bearer first",
        "Bearer first",
        "Bearer second",
    ]


async def test_a_token_that_is_refused_is_made_anew_once(network: Network) -> None:
    network.on(TOKEN, {"access_token": "first"}, {"access_token": "second"})
    network.on(LIBRARY, Reply(401, {"message": "token expired"}))
    with pytest.raises(Answered):
        await flat(hub(network, SOMEONE).repositories("library"))
    assert [seen.authorization for seen in network.requests if seen.method == "GET"] == [
        "Bearer first",
        "Bearer second",
    ]


async def test_many_requests_with_a_token_that_is_refused_share_a_new_one(network: Network) -> None:
    network.on(TOKEN, {"access_token": "first"}, {"access_token": "second"}, {"access_token": "third"})
    fresh = "Bearer second"
    network.on(LIBRARY, lambda request: Reply(200, page()) if request.authorization == fresh else Reply(401))
    vendor = hub(network, SOMEONE)
    await asyncio.gather(*(flat(vendor.repositories("library")) for _ in range(20)))
    assert [seen.method for seen in network.requests].count("POST") == 2


async def test_a_login_that_the_api_does_not_take_still_shows_what_is_public(network: Network) -> None:
    network.on(TOKEN, Reply(401, {"detail": "Incorrect authentication credentials"}))
    network.on(LIBRARY, page({"name": "debian"}))
    vendor = hub(network, SOMEONE)
    for _ in range(2):
        assert await flat(vendor.repositories("library")) == ["library/debian"]
    assert [seen.method for seen in network.requests] == ["POST", "GET", "GET"]  # a wrong password is tried once
    with pytest.raises(Unsupported, match="its API did not take the login: a personal access token is what it takes"):
        await flat(vendor.repositories())


@pytest.mark.parametrize("body", [{}, {"access_token": None}, {"access_token": "sec\nret"}, HALF])
async def test_an_answer_without_a_token_is_not_quoted(network: Network, body: object) -> None:
    network.on(TOKEN, body)
    with pytest.raises(RegistryError, match=r"gave no token for docker\.io") as caught:
        await flat(hub(network, SOMEONE).repositories("library"))
    assert "sec" not in str(caught.value)


# --- Search


async def test_search_finds_the_official_ones_under_library(network: Network) -> None:
    search = f"GET {HUB}/v2/search/repositories/"
    nginx = {"repo_name": "nginx", "short_description": "Official", "star_count": 20000, "is_official": True}
    other = {"repo_name": "team/nginx", "short_description": None, "star_count": None}
    network.on(search, page(nginx, other, {"repo_name": None}))
    assert await flat(hub(network).search("nginx & co")) == [
        Hit("library/nginx", "Official", 20000),
        Hit("team/nginx", "", None),
    ]
    assert network.asked == [f"{search}?query=nginx%20%26%20co&page_size=100"]


# --- Tags


async def test_a_tag_comes_with_its_facts(network: Network) -> None:
    network.on(DEBIAN, settings(enabled=False))
    network.on(TAGS, page(tag("12")))
    assert await flat(hub(network).tags("library/debian")) == [
        VendorTag(
            name="12",
            digest=INDEX,
            media_type="application/vnd.oci.image.index.v1+json",
            size=180,  # without the attestation
            pushed=datetime(2021, 1, 5, 21, 6, 53, 506400, UTC),
            pulled=datetime(2021, 3, 5, 21, 6, 53, 506400, UTC),
            platforms=("linux/amd64", "linux/arm/v7"),
        )
    ]
    assert network.asked == [DEBIAN, f"{TAGS}?page_size=100"]


async def test_a_tag_that_tells_little_is_listed_all_the_same(network: Network) -> None:
    nothing = dict.fromkeys(tag("x"))
    network.on(DEBIAN, {"name": "debian", "immutable_tags_settings": None})
    network.on(TAGS, page({"name": "bare"}, nothing | {"name": "null"}, nothing, tag("odd", digest="md5:1", size="x")))
    bare, null, odd = await flat(hub(network).tags("library/debian"))
    assert (bare, null) == (VendorTag("bare"), VendorTag("null"))
    assert (odd.digest, odd.size) == (None, 180)


async def test_what_is_no_image_has_no_size_so_that_its_manifest_is_read(network: Network) -> None:
    network.on(DEBIAN, settings(enabled=False))
    network.on(TAGS, page(tag("chart", content_type="helm", images=[]), tag("old", images=None)))
    chart, old = await flat(hub(network).tags("library/debian"))
    assert (chart.size, old.size) == (None, 100)


async def test_many_tags_come_in_pages_of_100(network: Network) -> None:
    def answer(request: Any) -> Reply:
        number = int(request.query.rpartition("=")[2]) if "page=" in request.query else 1
        more = f"https://{HUB}{request.path}?page_size=100&page={number + 1}" if number < 120 else None
        return Reply(200, page(*(tag(f"v{number}.{at}") for at in range(100)), next=more))

    network.on(DEBIAN, settings(enabled=False))
    network.on(TAGS, answer)
    pages = [len(tags) async for tags in hub(network).tags("library/debian")]
    assert pages == [100] * 120


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_what_may_not_be_seen_is_an_error_before_the_first_page(network: Network, status: int) -> None:
    network.on(DEBIAN, Reply(status, {"errinfo": None, "message": "not found"}))
    with pytest.raises(Answered) as caught:
        await flat(hub(network).tags("library/debian"))
    assert caught.value.status == status


async def test_a_repository_that_is_private_or_absent_is_named(network: Network) -> None:
    network.on(TOKEN, Reply(401))
    with pytest.raises(NotFound) as caught:
        await flat(hub(network, SOMEONE).tags("team/secret"))
    assert str(caught.value) == (
        "Docker Hub has no repository team/secret, or shows it only to those who may see it; "
        "its API did not take the login: a personal access token is what it takes"
    )


@pytest.mark.parametrize("headers", [{"x_retry_after": "{0}"}, {"retry_after": "42"}, {}, {"x_retry_after": "soon"}])
async def test_the_apis_own_limit_says_how_long_to_wait(network: Network, headers: dict[str, str]) -> None:
    named = {name: value.format(int(time.time()) + 42) for name, value in headers.items()}
    network.on(DEBIAN, settings(enabled=False))
    network.on(TAGS, Reply(429, {"detail": "Rate limit exceeded", "error": False}, named))
    with pytest.raises(RateLimited) as caught:
        await flat(hub(network).tags("library/debian"))
    wait = caught.value.retry_after
    assert (wait is not None and 38 <= wait <= 42) if "42" in str(named.values()) or "{0}" in str(headers) else not wait


@pytest.mark.parametrize("answer", [WEB_PAGE, HALF, Reply(200, b"[]"), page({"name": 7}), Reply(200, b"")])
async def test_what_is_no_list_is_an_error_for_people(network: Network, answer: object) -> None:
    network.on(DEBIAN, settings(enabled=False))
    network.on(TAGS, answer)
    with pytest.raises(RegtuiError) as caught:
        await flat(hub(network).tags("library/debian"))
    assert isinstance(caught.value, Answered | ContentError)


# --- Removal


async def test_only_who_is_logged_in_may_delete(network: Network) -> None:
    assert await hub(network).removal("team/app", "1") == (
        Removal.NONE,
        "only Docker Hub's own API deletes tags, and nobody is logged in: regtui login docker.io",
    )
    network.on(TOKEN, Reply(401))
    way, why = await hub(network, SOMEONE).removal("team/app", "1")
    assert (way, why.endswith("a personal access token is what it takes")) == (Removal.NONE, True)


async def test_a_tag_goes_by_the_hubs_own_verb(network: Network) -> None:
    network.on(TOKEN, {"access_token": "jwt"})
    network.on(f"GET {HUB}/v2/namespaces/team/repositories/app", settings(enabled=False))
    network.on(f"DELETE {HUB}/v2/repositories/team/app/tags/1.0/", Reply(204))
    vendor = hub(network, SOMEONE)
    ways = await asyncio.gather(*(vendor.removal("team/app", name) for name in ("1.0", "2.0", "3.0")))
    assert ways == [(Removal.VERB, "")] * 3
    await vendor.remove_tag("team/app", "1.0")
    assert [str(seen).split()[0] for seen in network.requests] == ["POST", "GET", "DELETE"]  # settings are read once
    assert network.last.authorization == "Bearer jwt"


async def test_immutable_tags_are_marked_and_stay(network: Network) -> None:
    network.on(TOKEN, {"access_token": "jwt"})
    network.on(DEBIAN, settings(r"v.*", r"[0-9]+\.[0-9]+(-rc[0-9]+)?", "(", "(a+)+"))
    network.on(TAGS, page(*map(tag, ("v1", "12.4", "12.4-rc1", "12", "dev1", "aaaa"))))
    vendor = hub(network, SOMEONE)
    locked = [found.name for found in await flat(vendor.tags("library/debian")) if found.immutable]
    assert locked == ["v1", "12.4", "12.4-rc1"]
    assert await vendor.removal("library/debian", "12") == (Removal.VERB, "")
    assert await vendor.removal("library/debian", "v1") == (
        Removal.NONE,
        "the repository's settings on Docker Hub make this tag immutable",
    )


@pytest.mark.parametrize(("status", "error"), [(403, Forbidden), (404, NotFound), (429, RateLimited), (500, Answered)])
async def test_a_deletion_that_is_refused_is_an_error(network: Network, status: int, error: type[Exception]) -> None:
    network.on(TOKEN, {"access_token": "jwt"})
    network.on(f"DELETE {HUB}/v2/repositories/team/app/tags/1/", Reply(status, {"message": "access denied"}))
    with pytest.raises(error):
        await hub(network, SOMEONE).remove_tag("team/app", "1")


async def test_read_only_lets_one_log_in_and_read_but_not_delete(network: Network) -> None:
    network.on(TOKEN, {"access_token": "jwt"})
    network.on(f"GET {HUB}/v2/namespaces/team/repositories", page({"name": "app"}))
    vendor = hub(network, SOMEONE, read_only=True)
    assert await flat(vendor.repositories("team")) == ["team/app"]
    with pytest.raises(ReadOnly):
        await vendor.remove_tag("team/app", "1")
    assert "DELETE" not in {seen.method for seen in network.requests}
