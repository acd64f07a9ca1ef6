"""Blobs: streamed, in part, whole, and how large they are."""

from __future__ import annotations

from contextlib import aclosing

import httpx
import pytest

from regtui.errors import (
    Answered,
    ConnectionFailed,
    ContentError,
    DigestMismatch,
    NoRanges,
    NotFound,
    RegistryError,
    TooLarge,
)
from regtui.oci.digest import digest_of
from regtui.registry.client import Client
from regtui.registry.endpoint import Endpoint
from regtui.registry.transport import Transport
from tests.registry.fakes import (
    BLOB,
    BLOB_DIGEST,
    DIGEST,
    HOST,
    Body,
    Storage,
    collect,
    headers,
    problem,
    serve,
)
from tests.registry.wire import answering, raw_server


async def test_a_blob_streams_and_is_checked_at_its_end() -> None:
    assert await collect(Storage().client().blob("team/app", BLOB_DIGEST)) == BLOB
    with pytest.raises(DigestMismatch, match=f"What came for {HOST}/team/app@{DIGEST}"):
        await collect(Storage().client().blob("team/app", DIGEST))


async def test_a_blob_that_nobody_reads_on_is_closed() -> None:
    body = Body(BLOB[:10], BLOB[10:])
    async with aclosing(serve(httpx.Response(200, stream=body)).client().blob("team/app", BLOB_DIGEST)) as blob:
        assert await blob.__anext__() == BLOB[:10]
    assert (body.read, body.closed) == (1, True)


@pytest.mark.parametrize("ranges", [True, False])
async def test_where_a_connection_breaks_that_brought_much_another_one_brings_the_rest(ranges: bool) -> None:
    big = bytes(range(256)) * 4000
    digest = digest_of(big)
    at = 700_000
    broken = httpx.Response(200, stream=Body(big[:at], error=_reset()))
    part = {"Content-Range": f"bytes {at}-{len(big) - 1}/{len(big)}"}
    rest = httpx.Response(206, stream=Body(big[at:]), headers=part) if ranges else httpx.Response(200, content=big)
    server = serve(broken, rest)
    assert await collect(server.client().blob("team/app", digest)) == big  # and its digest is checked
    assert [headers(request, "range") for request in server.requests] == ["", f"bytes={at}-"]

    wrong = httpx.Response(206, stream=Body(big[at:-1] + b"x"), headers=part)
    broken = httpx.Response(200, stream=Body(big[:at], error=_reset()))
    with pytest.raises(DigestMismatch):
        await collect(serve(broken, wrong).client().blob("team/app", digest))


async def test_a_connection_that_breaks_at_once_again_is_given_up() -> None:
    bodies = [Body(bytes(300_000), error=_reset()), Body(b"", error=_reset())]
    server = serve(*(httpx.Response(200, stream=body) for body in bodies))
    with pytest.raises(ConnectionFailed):
        await collect(server.client().blob("team/app", DIGEST))
    assert len(server.requests) == 2


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize(
    ("start", "end"),
    [(0, 5), (100, 200), (150, 350), (99, 101), (5000, None), (0, 10_240), (10_239, None), (7, 7), (9, 3)],
)
async def test_a_part_of_a_blob_is_the_same_with_and_without_ranges(ranges: bool, start: int, end: int | None) -> None:
    storage = Storage()
    storage.ranges = ranges
    assert await collect(storage.client().blob("team/app", BLOB_DIGEST, start=start, end=end)) == BLOB[start:end]
    for request in storage.requests:
        assert headers(request, "range") == f"bytes={start}-{'' if end is None else end - 1}"


async def test_without_ranges_nothing_is_read_beyond_the_part() -> None:
    body = Body(*[b"x" * 100] * 50)
    client = serve(httpx.Response(200, stream=body)).client()
    assert len(await collect(client.blob("team/app", BLOB_DIGEST, start=150, end=250))) == 100
    assert (body.read, body.closed) == (3, True)


async def test_whoever_wants_nothing_but_the_part_gets_no_byte_of_the_whole() -> None:
    body = Body(*[b"x" * 100] * 50)
    client = serve(httpx.Response(200, stream=body)).client()
    with pytest.raises(NoRanges, match="only as a whole"):
        await collect(client.blob("team/app", BLOB_DIGEST, start=150, end=250, only_part=True))
    assert (body.read, body.closed, client.has_ranges) == (0, True, False)
    with pytest.raises(NoRanges, match="only as a whole"):  # serve has one answer only: nothing is asked again
        await collect(client.blob("team/app", BLOB_DIGEST, start=150, end=250, only_part=True))


async def test_a_server_of_http_1_0_gives_a_part_up_to_where_it_closes_and_a_cut_one_is_noticed() -> None:
    head = b"HTTP/1.0 206 Partial Content\r\nContent-Range: bytes 150-249/10240\r\n\r\n"

    async def part(body: bytes) -> bytes:
        async with raw_server(answering(head + body)) as server:
            client = Client(Endpoint(server.host, scheme="http"), Transport(timeout=5, connections=1))
            try:
                return await collect(client.blob("team/app", BLOB_DIGEST, start=150, end=250, only_part=True))
            finally:
                await client.aclose()

    assert await part(BLOB[150:250]) == BLOB[150:250]
    with pytest.raises(ContentError, match="ends before the part"):
        await part(BLOB[150:200])


@pytest.mark.parametrize(("ranges", "start"), [(True, 150), (True, 0), (False, 0)])
async def test_what_begins_with_the_first_byte_needs_no_ranges(ranges: bool, start: int) -> None:
    storage = Storage()
    storage.ranges = ranges
    client = storage.client()
    part = client.blob("team/app", BLOB_DIGEST, start=start, end=250, only_part=True)
    assert await collect(part) == BLOB[start:250]
    assert client.has_ranges


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(206, content=BLOB[:10]),
        httpx.Response(206, content=BLOB[:10], headers={"Content-Range": "bytes 0-9/100"}),
        httpx.Response(206, content=BLOB[:10], headers={"Content-Range": "nonsense"}),
        httpx.Response(204),
    ],
)
async def test_another_part_than_the_one_asked_for_is_an_error(answer: httpx.Response) -> None:
    with pytest.raises(RegistryError, match="another part"):
        await collect(serve(answer).client().blob("team/app", BLOB_DIGEST, start=10, end=20))


async def test_a_part_beyond_the_end_is_an_error() -> None:
    storage = Storage()
    with pytest.raises(Answered, match="416"):
        await collect(storage.client().blob("team/app", BLOB_DIGEST, start=20_000))
    with pytest.raises(ContentError, match="ends before the part"):
        await collect(storage.client().blob("team/app", BLOB_DIGEST, start=10_000, end=20_000))
    storage.ranges = False
    with pytest.raises(ContentError, match="ends before the part"):
        await collect(storage.client().blob("team/app", BLOB_DIGEST, start=20_000))


async def test_a_stream_is_begun_again_after_a_passing_failure_but_not_in_its_middle() -> None:
    server = serve(httpx.Response(503), httpx.Response(200, stream=Body(BLOB)))
    assert await collect(server.client().blob("team/app", BLOB_DIGEST)) == BLOB
    broken = Body(BLOB[:10], error=httpx.ReadError("reset", request=httpx.Request("GET", f"https://{HOST}/")))
    server = serve(httpx.Response(200, stream=broken))
    with pytest.raises(ConnectionFailed, match=f"The connection to {HOST} broke"):
        await collect(server.client().blob("team/app", BLOB_DIGEST))
    assert len(server.requests) == 1
    with pytest.raises(NotFound, match=f"registry.example.com/team/app has no blob {DIGEST}"):
        await collect(serve(problem(404, "BLOB_UNKNOWN")).client().blob("team/app", DIGEST))


async def test_a_small_blob_comes_whole_or_not_at_all() -> None:
    client = Storage().client()
    assert await client.blob_bytes("team/app", BLOB_DIGEST, len(BLOB)) == BLOB
    with pytest.raises(TooLarge, match=r"more than 10,239 bytes"):
        await client.blob_bytes("team/app", BLOB_DIGEST, len(BLOB) - 1)
    with pytest.raises(DigestMismatch):
        await client.blob_bytes("team/app", DIGEST, len(BLOB))


async def test_the_size_of_a_blob_comes_from_head() -> None:
    server = serve(httpx.Response(200, headers={"Content-Length": "12345678901"}))
    assert await server.client().blob_size("team/app", DIGEST) == 12_345_678_901
    assert server.asked == [f"HEAD /v2/team/app/blobs/{DIGEST}"]
    with pytest.raises(NotFound, match="has no blob"):
        await serve(httpx.Response(404)).client().blob_size("team/app", DIGEST)


@pytest.mark.parametrize("bad", [httpx.Response(405), httpx.Response(403), httpx.Response(200, stream=Body())])
async def test_or_from_a_range_where_head_is_refused(bad: httpx.Response) -> None:
    body = Body(b"x")
    part = httpx.Response(206, stream=body, headers={"Content-Range": "bytes 0-0/4711"})
    server = serve(bad, part)
    assert await server.client().blob_size("team/app", DIGEST) == 4711
    assert headers(server.requests[-1], "range") == "bytes=0-0"
    assert body.closed
    with pytest.raises(RegistryError, match="does not tell the size"):
        await serve(bad, httpx.Response(200, stream=Body())).client().blob_size("team/app", DIGEST)


def _reset() -> httpx.ReadError:
    return httpx.ReadError("reset", request=httpx.Request("GET", f"https://{HOST}/"))
