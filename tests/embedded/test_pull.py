"""Pulling (distribution-spec, "Pull"): manifests and blobs, whole, in part and only looked at."""

from __future__ import annotations

import httpx
import pytest

from regtui.embedded.blobs import byte_range
from regtui.embedded.refusals import Refused
from regtui.oci import media_types
from regtui.oci.digest import digest_of
from tests.embedded.content import NOTHING, codes, push_blob, push_image, put_manifest


async def test_the_registry_says_what_it_speaks(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v2/")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["docker-distribution-api-version"] == "registry/2.0"
    assert (await client.get("/v2")).status_code == 200


@pytest.mark.parametrize("by", ["tag", "digest"])
async def test_a_manifest_comes_back_byte_for_byte_by_tag_and_by_digest(client: httpx.AsyncClient, by: str) -> None:
    raw = await push_image(client, "team/app", "1.0")
    url = f"/v2/team/app/manifests/{'1.0' if by == 'tag' else digest_of(raw)}"
    got, head = await client.get(url), await client.head(url)
    assert got.content == raw
    assert head.content == b""
    for answer in (got, head):
        assert answer.status_code == 200
        assert answer.headers["content-type"] == media_types.OCI_MANIFEST
        assert answer.headers["content-length"] == str(len(raw))
        assert answer.headers["docker-content-digest"] == digest_of(raw)


async def test_the_content_type_is_the_one_that_was_pushed(client: httpx.AsyncClient) -> None:
    raw = b'{"schemaVersion":2,"mediaType":"application/vnd.example.thing.v1+json","of":"mine"}'
    await put_manifest(client, "things", "one", raw)
    assert (await client.get("/v2/things/manifests/one")).headers["content-type"] == (
        "application/vnd.example.thing.v1+json"
    )


async def test_what_is_not_there_is_a_404_that_says_what_is_missing(client: httpx.AsyncClient) -> None:
    await push_image(client, "team/app", "1.0")
    for path, code in (
        ("nowhere/manifests/1.0", "NAME_UNKNOWN"),
        ("team/app/manifests/2.0", "MANIFEST_UNKNOWN"),
        (f"team/app/manifests/{NOTHING}", "MANIFEST_UNKNOWN"),
        (f"team/app/blobs/{NOTHING}", "BLOB_UNKNOWN"),
        (f"nowhere/blobs/{NOTHING}", "BLOB_UNKNOWN"),
    ):
        answer = await client.get(f"/v2/{path}")
        assert (answer.status_code, codes(answer)) == (404, [code])
        assert (await client.head(f"/v2/{path}")).status_code == 404


async def test_a_blob_that_is_no_manifest_is_not_served_as_one(client: httpx.AsyncClient) -> None:
    layer = b"only a layer"
    await push_image(client, "app", "1", layer=layer)
    assert codes(await client.get(f"/v2/app/manifests/{digest_of(layer)}")) == ["MANIFEST_UNKNOWN"]


async def test_a_blob_comes_whole_and_head_tells_its_size(client: httpx.AsyncClient) -> None:
    content = bytes(range(256)) * 4096  # more than one piece
    digest = await push_blob(client, "app", content)
    got, head = await client.get(f"/v2/app/blobs/{digest}"), await client.head(f"/v2/app/blobs/{digest}")
    assert (got.content, head.content) == (content, b"")
    for answer in (got, head):
        assert answer.headers["content-length"] == str(len(content))
        assert answer.headers["docker-content-digest"] == digest
        assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("500-1499", 500, 1500), ("500-", 500, 2048), ("-500", 1548, 2048), ("2000-5000", 2000, 2048)],
)
async def test_a_range_of_a_blob(client: httpx.AsyncClient, asked: str, start: int, end: int) -> None:
    content = bytes(n % 251 for n in range(2048))
    digest = await push_blob(client, "app", content)
    answer = await client.get(f"/v2/app/blobs/{digest}", headers={"Range": f"bytes={asked}"})
    assert (answer.status_code, answer.content) == (206, content[start:end])
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/2048"
    assert answer.headers["content-length"] == str(end - start)


@pytest.mark.parametrize("asked", ["5000-10000", "500-0", "-0"])
async def test_a_range_outside_the_blob_is_a_416(client: httpx.AsyncClient, asked: str) -> None:
    digest = await push_blob(client, "app", b"x" * 2048)
    answer = await client.get(f"/v2/app/blobs/{digest}", headers={"Range": f"bytes={asked}"})
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */2048")


@pytest.mark.parametrize("header", ["", "bytes=-", "bytes=0-1,5-6", "lines=1-2", "bytes=a-b", f"bytes={'9' * 400}-"])
def test_several_ranges_and_nonsense_are_left_aside(header: str) -> None:
    assert byte_range(header, 100) is None


def test_an_empty_blob_has_no_range() -> None:
    with pytest.raises(Refused):
        byte_range("bytes=0-", 0)


@pytest.mark.parametrize(
    "name",
    ["Team/app", "team//app", "team/blobs/app", "index.json", "a/oci-layout", "%2e%2e", "a/%2e%2e%2fb", "x" * 256],
)
async def test_names_that_no_repository_can_have_are_refused(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get(f"/v2/{name}/tags/list")
    assert (answer.status_code, codes(answer)) == (400, ["NAME_INVALID"])


async def test_a_malformed_digest_is_refused(client: httpx.AsyncClient) -> None:
    assert codes(await client.get("/v2/app/blobs/sha256:short")) == ["DIGEST_INVALID"]


async def test_no_such_path_and_no_such_method_are_answered_in_the_specifications_json(
    client: httpx.AsyncClient,
) -> None:
    for method, path, status in (("GET", "/v2/app", 404), ("POST", "/v2/app/tags/list", 405), ("PUT", "/v2/", 405)):
        answer = await client.request(method, path)
        assert (answer.status_code, codes(answer)) == (status, ["UNSUPPORTED"])
