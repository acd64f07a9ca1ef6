"""Uploads: where blobs are sent, and what of them."""

from __future__ import annotations

import httpx
import pytest

from regtui.errors import (
    Answered,
    ContentError,
    DigestMismatch,
    Forbidden,
    RegistryError,
)
from tests.registry.fakes import (
    BLOB,
    BLOB_DIGEST,
    DIGEST,
    HOST,
    SOMEONE,
    ZEROS,
    Server,
    headers,
    problem,
    serve,
    stream,
)


class Uploads(Server):
    """A registry that takes blobs at the place it names."""

    def __init__(self, location: str) -> None:
        super().__init__(self.respond)
        self.location = location

    def respond(self, request: httpx.Request) -> httpx.Response:
        if request.url.netloc.decode() == HOST and "authorization" not in request.headers:
            return problem(401, "UNAUTHORIZED", www_authenticate="Basic")
        if request.method == "POST":
            return httpx.Response(202, headers={"Location": self.location})
        return httpx.Response(201)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/v2/team/app/blobs/uploads/1", f"https://{HOST}/v2/team/app/blobs/uploads/1?digest={BLOB_DIGEST}"),
        ("1?_state=a%2Fb%3D", f"https://{HOST}/v2/team/app/blobs/uploads/1?_state=a%2Fb%3D&digest={BLOB_DIGEST}"),
        (f"https://{HOST}/up?x=1#y", f"https://{HOST}/up?x=1&digest={BLOB_DIGEST}"),
        (f"http://{HOST}/up", f"https://{HOST}/up?digest={BLOB_DIGEST}"),
    ],
)
async def test_a_blob_is_sent_to_the_place_the_registry_names(location: str, expected: str) -> None:
    server = Uploads(location)
    client = server.client(SOMEONE)
    await client.upload_blob("team/app", BLOB_DIGEST, len(BLOB), stream(BLOB[:5], BLOB[5:]))
    put = server.requests[-1]
    assert (put.method, str(put.url), put.content) == ("PUT", expected, BLOB)
    assert headers(put, "content-length") == str(len(BLOB))
    assert "transfer-encoding" not in put.headers
    assert "authorization" in put.headers


async def test_credentials_do_not_follow_an_upload_to_another_host() -> None:
    server = Uploads("https://store.example/up?signature=x")
    await server.client(SOMEONE).upload_blob("team/app", BLOB_DIGEST, len(BLOB), stream(BLOB))
    assert "authorization" not in server.requests[-1].headers
    assert server.asked[-1] == f"PUT store.example/up?signature=x&digest={BLOB_DIGEST}"


@pytest.mark.parametrize("location", ["", "ftp://x/", "http://store.example/", "https://a:b@store.example/"])
async def test_a_place_that_is_none_gets_no_bytes(location: str) -> None:
    server = Uploads(location)
    with pytest.raises(RegistryError):
        await server.client(SOMEONE).upload_blob("team/app", BLOB_DIGEST, len(BLOB), stream(BLOB))
    assert all(request.method == "POST" for request in server.requests)


@pytest.mark.parametrize(("chunks", "has"), [((b"abc",), r"3, not 4,"), ((b"abc", b"de"), "more than 4")])
async def test_content_of_another_size_is_not_sent_whole(chunks: tuple[bytes, ...], has: str) -> None:
    with pytest.raises(ContentError, match=f"has {has} bytes"):
        await Uploads("/up").client(SOMEONE).upload_blob("team/app", BLOB_DIGEST, 4, stream(*chunks))


async def test_an_upload_that_is_refused_says_so() -> None:
    begun = httpx.Response(202, headers={"Location": "/up"})
    for answer, words in ((problem(400, "DIGEST_INVALID"), "DIGEST_INVALID"), (problem(401, ""), "asked for a login")):
        with pytest.raises(Answered, match=words):
            await serve(begun, answer).client().upload_blob("team/app", DIGEST, 1, stream(b"x"))
    stored = httpx.Response(201, headers={"Docker-Content-Digest": ZEROS})
    with pytest.raises(DigestMismatch):
        await serve(begun, stored).client().upload_blob("team/app", DIGEST, 1, stream(b"x"))


async def test_a_blob_is_mounted_or_has_to_be_sent() -> None:
    server = serve(httpx.Response(201), httpx.Response(202, headers={"Location": "/up"}), problem(403, "DENIED"))
    client = server.client()
    assert await client.mount_blob("team/app", DIGEST, "team/other") is True
    assert await client.mount_blob("team/app", DIGEST, "team/other") is False
    with pytest.raises(Forbidden):
        await client.mount_blob("team/app", DIGEST, "team/other")
    assert server.asked[0] == f"POST /v2/team/app/blobs/uploads/?mount={DIGEST}&from=team/other"
