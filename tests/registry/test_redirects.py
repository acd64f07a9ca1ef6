"""Redirects: what is followed, and what doesn't come along."""

from __future__ import annotations

import httpx
import pytest

from regtui.errors import (
    RegistryError,
)
from regtui.oci import media_types
from tests.registry.fakes import (
    BLOB,
    BLOB_DIGEST,
    DIGEST,
    HOST,
    MANIFEST,
    RAW,
    SOMEONE,
    Storage,
    basic,
    collect,
    headers,
    manifest,
    serve,
)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location",
    [
        "https://store.example/a%2Fb%3Ac?X-Amz-Signature=a%2Fb%3D",
        f"https://{HOST}:8443/blob",
        "http://store.example/blob",
        f"http://{HOST}/blob",
    ],
)
async def test_credentials_do_not_follow_a_blob_to_another_host_port_or_scheme(status: int, location: str) -> None:
    storage = Storage(location, status)
    server = basic(
        lambda request: storage.respond(request) if str(request.url) != location else Storage().respond(request)
    )
    assert await collect(server.client(SOMEONE).blob("team/app", BLOB_DIGEST, start=3, end=9)) == BLOB[3:9]
    last = server.requests[-1]
    assert str(last.url) == location, "a signed URL arrives as it was"
    assert "authorization" not in last.headers
    assert headers(last, "range") == "bytes=3-8"


async def test_credentials_follow_on_the_registry_itself() -> None:
    server = basic(
        lambda request: (
            Storage().respond(request)
            if request.url.path == "/other"
            else httpx.Response(307, headers={"Location": "/other"})
        )
    )
    assert await server.client(SOMEONE).blob_bytes("team/app", BLOB_DIGEST, 99_999) == BLOB
    assert "authorization" in server.requests[-1].headers


async def test_who_left_the_registry_does_not_come_back_with_credentials() -> None:
    def bounce(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/back":
            return Storage().respond(request)
        away = request.url.host == HOST
        return httpx.Response(307, headers={"Location": "https://evil.example/" if away else f"https://{HOST}/back"})

    server = basic(bounce)
    server._answer = bounce
    client = server.client(SOMEONE)
    assert await client.blob_bytes("team/app", BLOB_DIGEST, 99_999) == BLOB
    assert "authorization" not in server.requests[-1].headers


async def test_redirects_end() -> None:
    server = serve(httpx.Response(307, headers={"Location": "/v2/"}))
    with pytest.raises(RegistryError, match="redirects from one place to another without an end"):
        await server.client().ping()
    assert len(server.requests) == 6


@pytest.mark.parametrize("location", ["https://xn--a/", "https://xn--zz--.example/"])
async def test_a_name_that_stands_for_nothing_is_no_place(location: str) -> None:
    server = serve(httpx.Response(307, headers={"Location": location}))
    with pytest.raises(RegistryError, match="The registry names a URL that is none"):
        await server.client().ping()


@pytest.mark.parametrize("location", ["ftp://store.example/", "file:///etc/passwd", "javascript:alert(1)"])
async def test_redirects_lead_to_the_web_only(location: str) -> None:
    server = serve(httpx.Response(307, headers={"Location": location}))
    with pytest.raises(RegistryError, match="redirects to what is no place on the web"):
        await server.client().blob_bytes("team/app", DIGEST, 10)
    assert len(server.requests) == 1


async def test_what_no_digest_checks_is_not_taken_from_plain_http() -> None:
    server = serve(httpx.Response(307, headers={"Location": "http://store.example/"}), manifest())
    with pytest.raises(RegistryError, match=r"redirects from HTTPS to http://store.example"):
        await server.client().manifest("team/app", "1.0")
    server = serve(httpx.Response(307, headers={"Location": "http://store.example/"}), manifest())
    assert (await server.client().manifest("team/app", MANIFEST)).digest == MANIFEST


@pytest.mark.parametrize(
    ("status", "location", "followed"),
    [
        (307, "/elsewhere", True),
        (308, f"https://{HOST}/elsewhere", True),
        (302, "/elsewhere", False),
        (301, "/elsewhere", False),
        (307, "https://evil.example/", False),
        (307, f"https://{HOST}:8443/", False),
        (307, f"http://{HOST}/", False),
    ],
)
async def test_a_change_is_redirected_on_its_host_only(status: int, location: str, followed: bool) -> None:
    server = serve(httpx.Response(status, headers={"Location": location}), httpx.Response(201))
    put = server.client().put_manifest("team/app", "1.0", RAW, media_types.OCI_MANIFEST)
    if followed:
        assert await put == MANIFEST
        assert [request.content for request in server.requests] == [RAW, RAW]
    else:
        with pytest.raises(RegistryError, match="does not follow it"):
            await put
        assert len(server.requests) == 1
