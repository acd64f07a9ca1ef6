"""Lists: the catalog, tags and referrers, from servers of every kind."""

from __future__ import annotations

import json

import httpx
import pytest

from regtui.errors import (
    Answered,
    ContentError,
    Forbidden,
    LoginNeeded,
    NotFound,
    RegtuiError,
    TooLarge,
    Unsupported,
)
from regtui.oci import media_types
from regtui.registry import lists
from tests.registry.fakes import (
    BLOB_DIGEST,
    DIGEST,
    HOST,
    MANIFEST,
    Body,
    Server,
    manifest,
    names,
    problem,
    serve,
)

# --- Lists


async def test_a_list_is_read_page_by_page() -> None:
    server = serve(
        httpx.Response(
            200, json={"tags": ["a", "b"]}, headers={"Link": '</v2/team/app/tags/list?last=b&n=2>; rel="next"'}
        ),
        httpx.Response(200, json={"tags": None}, headers={"Link": f"<https://{HOST}/v2/team/app/tags/list?last=x>"}),
        httpx.Response(200, json={"tags": ["b", "c"]}),
    )
    assert [page async for page in server.client().tags("team/app")] == [["a", "b"], ["c"]]
    path = "GET /v2/team/app/tags/list"
    assert server.asked == [f"{path}?n=1000", f"{path}?last=b&n=2", f"{path}?last=x"]


async def test_a_server_that_ignores_the_size_and_does_not_sort_is_understood() -> None:
    everything = [f"v{number * 7919 % 100_000}" for number in range(100_000)]
    server = serve(httpx.Response(200, json={"tags": everything}))
    assert await names(server.client().tags("team/app")) == everything


async def test_a_page_that_is_too_large_is_asked_for_without_a_size() -> None:
    server = serve(problem(400, "PAGINATION_NUMBER_INVALID"), httpx.Response(200, json={"repositories": ["a"]}))
    assert await names(server.client().repositories()) == ["a"]
    assert server.asked == ["GET /v2/_catalog?n=1000", "GET /v2/_catalog"]
    with pytest.raises(Answered, match="400"):
        await names(serve(problem(400, "PAGINATION_NUMBER_INVALID")).client().repositories())


async def test_a_server_that_sends_one_page_for_ever_is_left() -> None:
    link = {"Link": '<?last=a>; rel="next"'}
    server = serve(httpx.Response(200, json={"tags": ["a"]}, headers=link))
    assert await names(server.client().tags("team/app")) == ["a"]
    assert len(server.requests) == 2


async def test_a_list_without_an_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regtui.registry.paging.PAGES_LIMIT", 20)

    def more(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params.get("last", 0)) + 1
        return httpx.Response(200, json={"tags": [str(number)]}, headers={"Link": f"<?last={number}>"})

    with pytest.raises(TooLarge, match=r"list of tags of registry.example.com/team/app goes on without an end"):
        await names(Server(more).client().tags("team/app"))


async def test_a_page_beyond_the_bound_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "PAGE_LIMIT", 100)
    body = Body(*[b"x" * 60] * 9)
    with pytest.raises(TooLarge, match=r"catalog of registry.example.com has more than 100 bytes"):
        await names(serve(httpx.Response(200, stream=body)).client().repositories())
    assert (body.read, body.closed) == (2, True)


@pytest.mark.parametrize("body", [b"[]", b'{"tags":{}}', b'{"tags":[1]}', b"\xff", b"[" * 9999, b""])
async def test_a_list_that_is_none_is_an_error(body: bytes) -> None:
    with pytest.raises(ContentError, match=r"list of tags of registry.example.com/team/app can't be read"):
        await names(serve(httpx.Response(200, content=body)).client().tags("team/app"))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (problem(404, "UNSUPPORTED"), NotFound),
        (problem(401, "UNAUTHORIZED"), LoginNeeded),
        (problem(403, "DENIED"), Forbidden),
        (httpx.Response(405), Unsupported),
        (httpx.Response(404, html="x"), NotFound),
    ],
)
async def test_where_there_is_no_catalog_one_can_open_by_name(answer: httpx.Response, kind: type[RegtuiError]) -> None:
    with pytest.raises(kind) as caught:
        await names(serve(answer).client().repositories())
    assert " by name." in caught.value.advice
    refused = kind in (LoginNeeded, Forbidden)  # others may see it
    assert ("This registry doesn't list its repositories." in caught.value.advice) is not refused


async def test_a_repository_that_is_not_there_is_named() -> None:
    with pytest.raises(NotFound, match=r"registry.example.com has no repository team/app"):
        await names(serve(problem(404, "NAME_UNKNOWN")).client().tags("team/app"))


# --- Referrers


def index(*digests: str) -> bytes:
    manifests = [{"mediaType": media_types.OCI_MANIFEST, "digest": digest, "size": 1} for digest in digests]
    return json.dumps({"schemaVersion": 2, "mediaType": media_types.OCI_INDEX, "manifests": manifests}).encode()


async def test_referrers_come_from_the_api_in_pages() -> None:
    server = serve(
        httpx.Response(200, content=index(DIGEST, "nonsense"), headers={"Link": '<?last=1>; rel="next"'}),
        httpx.Response(200, content=index(DIGEST, MANIFEST)),
    )
    found = await server.client().referrers("team/app", BLOB_DIGEST)
    assert [descriptor.digest for descriptor in found] == [DIGEST, MANIFEST]
    path = f"GET /v2/team/app/referrers/{BLOB_DIGEST}"
    assert server.asked == [path, f"{path}?last=1"]


@pytest.mark.parametrize("no_api", [httpx.Response(404), httpx.Response(405), httpx.Response(200, html="<html>")])
async def test_without_the_api_they_come_from_the_tag_and_the_api_is_not_asked_again(no_api: httpx.Response) -> None:
    server = serve(no_api, manifest(index(DIGEST), media_types.OCI_INDEX), problem(404, "MANIFEST_UNKNOWN"))
    client = server.client()
    assert [found.digest for found in await client.referrers("team/app", BLOB_DIGEST)] == [DIGEST]
    assert await client.referrers("team/app", BLOB_DIGEST) == []
    tag = f"GET /v2/team/app/manifests/{BLOB_DIGEST.replace(':', '-')}"
    assert server.asked == [f"GET /v2/team/app/referrers/{BLOB_DIGEST}", tag, tag]


async def test_a_repository_that_is_not_there_has_no_referrers_and_says_nothing_about_the_api() -> None:
    server = serve(problem(404, "NAME_UNKNOWN"), httpx.Response(200, content=index(DIGEST)))
    client = server.client()
    assert await client.referrers("team/none", BLOB_DIGEST) == []
    assert len(await client.referrers("team/app", BLOB_DIGEST)) == 1


async def test_referrers_that_are_refused_are_an_error() -> None:
    with pytest.raises(Forbidden):
        await serve(problem(403, "DENIED")).client().referrers("team/app", DIGEST)
