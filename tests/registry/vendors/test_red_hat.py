"""Red Hat's Ecosystem Catalog, in the shapes of its documentation and of Red Hat's own clients.

Fields: catalog.redhat.com/api/containers/docs (objects ContainerRepository, ContainerImage) and their Go twins in
quay/claircore, test/redhat/catalog, and redhat-openshift-ecosystem/openshift-preflight, internal/pyxis/types.go. Paths,
`filter`, `include`, `sort_by`, pages of 200 from 0: how Red Hat's projects ask (test-network-function's
cnf-certification-test; opendatahub-io's notes on the API).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from regtui.errors import Answered, ContentError, LoginNeeded, NotFound
from regtui.oci.digest import Digest
from regtui.registry.vendors import Hit, Removal, VendorTag
from regtui.registry.vendors import red_hat as module
from regtui.registry.vendors.red_hat import RedHat
from tests.registry.vendors.server import HALF, SOMEONE, WEB_PAGE, Network, Reply, Seen, flat

ACCESS = "registry.access.redhat.com"
API = "catalog.redhat.com/api/containers/v1"
REPOSITORIES = f"GET {API}/repositories"
IMAGES = f"GET {API}/repositories/registry/{ACCESS}/repository/ubi9/ubi/images"
NAMES = f"GET {ACCESS}/v2/ubi9/ubi/tags/list"
INDEX, OLDER, ALONE = (Digest("sha256:" + digit * 64) for digit in "123")


def red_hat(network: Network, registry: str = ACCESS) -> RedHat:
    return network.vendor(RedHat, registry, SOMEONE)


def counted(*pages: list[dict[str, Any]]) -> Any:
    """Pages by number, from 0; there is nothing beyond the last."""

    def answer(request: Seen) -> Reply:
        number = int(httpx.QueryParams(request.query)["page"])
        return Reply(200, {"data": pages[number] if number < len(pages) else []})

    return answer


def image(index: str | None, architecture: str, *tags: str, **fields: Any) -> dict[str, Any]:
    place = {
        "registry": ACCESS,
        "repository": "ubi9/ubi",
        "published": True,
        "push_date": fields.pop("push_date", "2024-05-01T10:00:00+00:00"),
        "manifest_list_digest": index,
        "manifest_schema2_digest": ALONE,
        "tags": [{"name": name, "added_date": fields.get("added", "2024-05-01T10:00:00+00:00")} for name in tags],
    }
    fields.pop("added", None)
    return {
        "architecture": architecture,
        "parsed_data": {"created": "2024-04-30T08:00:00.123456Z", "os": "linux"},
        "sum_layer_size_bytes": 100,
        "repositories": [{**place, "repository": "ubi9"}, place],
        **fields,
    }


# --- Repositories


async def test_the_catalog_is_read_to_its_end(network: Network) -> None:
    first = [{"repository": "ubi9/ubi", "published": True}, {"repository": "old", "published": False}, {}]
    network.on(REPOSITORIES, counted(first, [{"repository": "ubi9/nodejs-20"}]))
    assert await flat(red_hat(network).repositories()) == ["ubi9/ubi", "ubi9/nodejs-20"]
    asked = [httpx.QueryParams(seen.query) for seen in network.requests]
    assert [query["page"] for query in asked] == ["0", "1", "2"]
    assert asked[0]["filter"] == f"registry=={ACCESS}"
    assert (asked[0]["page_size"], asked[0]["sort_by"]) == ("200", "repository[asc]")
    assert {seen.authorization for seen in network.requests} == {""}


@pytest.mark.parametrize(
    ("registry", "catalogued"),
    [
        ("registry.redhat.io", ACCESS),
        ("registry.connect.redhat.com", "registry.connect.redhat.com"),
    ],
)
async def test_the_catalog_has_its_own_names_for_the_registries(
    network: Network, registry: str, catalogued: str
) -> None:
    network.on(REPOSITORIES, counted([{"repository": "rhbk/keycloak-rhel9"}]))
    network.on(f"GET {registry}/v2/", {})
    client = network.client(registry)
    await client.ping()
    assert isinstance(client.vendor, RedHat)
    assert await flat(client.repositories("rhbk/")) == ["rhbk/keycloak-rhel9"]
    assert httpx.QueryParams(network.last.query)["filter"] == f'registry=={catalogued};repository=regex="^rhbk/"'


async def test_a_page_that_repeats_is_the_last(network: Network) -> None:
    network.on(REPOSITORIES, {"data": [{"repository": "ubi9"}]})
    assert await flat(red_hat(network).repositories()) == ["ubi9"]
    assert len(network.requests) == 2


async def test_search_is_by_words_of_the_name_and_no_expression_gets_through(network: Network) -> None:
    node = {"repository": "ubi9/nodejs-20", "display_data": {"name": "Node.js 20", "short_description": None}}
    network.on(REPOSITORIES, counted([node, {"repository": "x", "display_data": None}]))
    found = await flat(red_hat(network).search('Node.js ".*(a+)+;x==y'))
    assert found == [Hit("ubi9/nodejs-20", "Node.js 20"), Hit("x")]
    conditions = httpx.QueryParams(network.requests[0].query)["filter"].split(";")
    assert conditions == [f"registry=={ACCESS}", 'repository=regex="node[.]js"', 'repository=regex="[.]axy"']


# --- Tags


async def test_an_index_is_put_together_from_its_images(network: Network) -> None:
    network.on(NAMES, {"tags": ["9.4", "latest", "9.3", "9.4-source", "sha256-1.sig"]})
    network.on(
        IMAGES,
        {
            "data": [
                image(INDEX, "amd64", "9.4", "latest", added="2024-05-01T10:00:00+00:00"),
                image(OLDER, "amd64", "9.3", "latest", added="2024-01-01T10:00:00+00:00", push_date=None),
                image(INDEX, "s390x", "9.4", "latest", sum_layer_size_bytes=80),
                image(None, "amd64", "gone"),
            ]
        },
    )
    latest, newest, older, *rest = await flat(red_hat(network).tags("ubi9/ubi"))
    pushed, created = datetime(2024, 5, 1, 10, tzinfo=UTC), datetime(2024, 4, 30, 8, 0, 0, 123456, UTC)
    assert newest == VendorTag(
        "latest",
        INDEX,
        size=180,
        created=created,
        pushed=pushed,
        platforms=("linux/amd64", "linux/s390x"),
    )
    assert (latest.name, latest.digest) == ("9.4", INDEX)
    assert (older.name, older.digest, older.size, older.pushed) == ("9.3", OLDER, 100, None)
    assert rest == [VendorTag("9.4-source"), VendorTag("sha256-1.sig")]  # only the registry knows of them
    assert [seen.authorization for seen in network.requests if seen.host != ACCESS] == [""]


async def test_the_registry_says_which_tags_there_are_and_its_errors_stand(network: Network) -> None:
    network.on(NAMES, Reply(401, {"errors": []}, {"www_authenticate": "Basic"}))
    with pytest.raises(LoginNeeded):
        await flat(red_hat(network).tags("ubi9/ubi"))


async def test_a_repository_that_the_catalog_does_not_have_is_named(network: Network) -> None:
    network.on(NAMES, {"tags": ["1"]})
    network.on(IMAGES, Reply(404, {"detail": "The requested resource was not found", "status": 404}))
    with pytest.raises(NotFound, match="Red Hat's catalog has no repository ubi9/ubi"):
        await flat(red_hat(network).tags("ubi9/ubi"))


async def test_an_image_that_tells_little_is_listed_all_the_same(network: Network) -> None:
    bare = {"repositories": [{"registry": ACCESS, "repository": "ubi9/ubi", "tags": [{"name": "1"}, {"name": None}]}]}
    nulls = dict.fromkeys(image(INDEX, "amd64"))
    digested = {"repositories": [{**bare["repositories"][0], "manifest_schema2_digest": ALONE}]}
    network.on(NAMES, {"tags": ["1"]})
    network.on(IMAGES, {"data": [bare, nulls, digested, {}]})
    assert await flat(red_hat(network).tags("ubi9/ubi")) == [VendorTag("1", ALONE, platforms=("linux/amd64",))]


async def test_many_images_are_read_some_pages_at_a_time_and_not_for_ever(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IMAGES_LIMIT", 1200)
    network.on(NAMES, {"tags": [f"v{number}" for number in range(3000)]})

    def answer(request: Seen) -> Reply:
        page = int(httpx.QueryParams(request.query)["page"])
        return Reply(200, {"data": [image(INDEX, "amd64", f"v{page * 200 + at}") for at in range(200)]})

    network.on(IMAGES, answer)
    tags = await flat(red_hat(network).tags("ubi9/ubi"))
    assert len(tags) == 3000
    assert sum(tag.digest is not None for tag in tags) == 1800  # pages 0, 1 to 4, 5 to 8: the limit is met on the way
    first = httpx.QueryParams(network.requests[1].query)
    assert first["sort_by"] == "creation_date[desc]"
    assert first["include"].split(",")[0] == "data.architecture"


@pytest.mark.parametrize("answer", [WEB_PAGE, HALF, Reply(200, b"[]"), Reply(403), Reply(429), Reply(500)])
async def test_what_is_no_list_is_an_error(network: Network, answer: object) -> None:
    network.on(NAMES, {"tags": ["1"]})
    network.on(IMAGES, answer)
    network.on(REPOSITORIES, answer)
    vendor = red_hat(network)
    with pytest.raises((Answered, ContentError)):
        await flat(vendor.tags("ubi9/ubi"))
    with pytest.raises((Answered, ContentError)):
        await flat(vendor.repositories())


async def test_nothing_is_deleted_there(network: Network) -> None:
    assert await red_hat(network).removal("ubi9/ubi", "1") == (Removal.NONE, "Red Hat's registry takes no deletions")
    assert network.asked == []
