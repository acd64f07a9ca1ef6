"""The wire: what goes out once, what comes back as it was, and what a broken peer becomes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from regtui.registry.transport import HEADER_LIMIT, Transport
from tests.registry.wire import (
    OK,
    Peer,
    answering,
    answers_forever,
    ask,
    keeps_silent,
    raw_server,
)

WRITES = ["PUT", "POST", "PATCH", "DELETE"]


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    """For plain HTTP; a peer may be silent for two seconds."""
    async with Transport(timeout=2, connections=4) as transport:
        yield transport


# What comes back


async def test_an_answer_arrives_with_its_status_headers_and_body(transport: Transport) -> None:
    async with raw_server(
        answering(b"HTTP/1.1 404 Not Found\r\nX-Thing: one\r\nContent-Length: 4\r\n\r\nnone")
    ) as server:
        response = await ask(transport, f"http://{server.host}/v2/")
    assert (response.status_code, response.headers["x-thing"], response.content) == (404, "one", b"none")


async def test_two_challenges_in_two_headers_are_both_kept(transport: Transport) -> None:
    challenges = b'WWW-Authenticate: Basic realm="a"\r\nWWW-Authenticate: Bearer realm="b"\r\n'
    async with raw_server(answering(b"HTTP/1.1 401 No\r\n" + challenges + b"Content-Length: 0\r\n\r\n")) as server:
        response = await ask(transport, f"http://{server.host}/v2/")
    assert response.headers.get_list("www-authenticate") == ['Basic realm="a"', 'Bearer realm="b"']


async def test_a_cookie_is_not_sent_back(transport: Transport) -> None:
    with_cookie = b"HTTP/1.1 200 OK\r\nSet-Cookie: session=secret\r\nContent-Length: 0\r\n\r\n"
    async with raw_server(answering(with_cookie, OK)) as server:
        await ask(transport, f"http://{server.host}/v2/")
        await ask(transport, f"http://{server.host}/v2/")
    assert len(server.heads) == 2
    assert b"cookie" not in server.heads[1].lower()


async def test_interim_answers_are_passed_over(transport: Transport) -> None:
    early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    async with raw_server(answering(early + OK)) as server:
        assert (await ask(transport, f"http://{server.host}/v2/")).status_code == 200


async def test_a_head_request_is_answered_without_a_body(transport: Transport) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    async with raw_server(answering(head, OK)) as server:
        response = await ask(transport, f"http://{server.host}/v2/", "HEAD")
        again = await ask(transport, f"http://{server.host}/v2/")
    assert (response.content, response.headers["content-length"], again.content) == (b"", "1000", b"ok")
    assert server.accepted == 1


async def test_headers_of_many_kilobytes_pass(transport: Transport) -> None:
    long = b"x" * (HEADER_LIMIT - 1000)
    async with raw_server(
        answering(b"HTTP/1.1 200 OK\r\nX-Long: " + long + b"\r\nContent-Length: 0\r\n\r\n")
    ) as server:
        response = await ask(transport, f"http://{server.host}/v2/")
    assert response.headers["x-long"].encode() == long


async def test_headers_without_an_end_are_an_error_of_the_server(transport: Transport) -> None:
    async def endless(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n")
        while True:
            await peer.send(b"X-Long: " + b"x" * 10_000 + b"\r\n")

    async with raw_server(endless) as server:
        with pytest.raises(httpx.RemoteProtocolError):
            await ask(transport, f"http://{server.host}/v2/")


async def test_a_body_streams_while_the_server_is_still_sending(transport: Transport) -> None:
    go_on = asyncio.Event()

    async def in_two_parts(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none")
        await go_on.wait()
        await peer.send(b"two")

    async with raw_server(in_two_parts) as server:
        response = await transport.handle_async_request(httpx.Request("GET", f"http://{server.host}/"))
        parts = []
        async for part in response.aiter_raw():
            parts.append(part)
            go_on.set()
        await response.aclose()
    assert parts == [b"one", b"two"]


async def test_it_works_under_a_client_of_httpx_too(transport: Transport) -> None:
    async with raw_server(answers_forever) as server, httpx.AsyncClient(transport=transport) as client:
        assert (await client.get(f"http://{server.host}/v2/")).text == "ok"


# What goes out


@pytest.mark.parametrize(
    "target",
    [
        "/bucket/sha256%3Aabc%2Fdata?X-Sig=a%2Fb%3D%3D&X-Cred=k%2F2024%2Fs3&e=",
        "/v2/a/blobs/uploads/1-2?_state=AbC_-%7E.%2B+x&digest=sha256:00",
        "/plain?",
    ],
)
async def test_a_signed_url_arrives_as_it_was(transport: Transport, target: str) -> None:
    async with raw_server(answers_forever) as server:
        await ask(transport, f"http://{server.host}{target}")
    assert server.heads[0].split(b" ")[1].decode() == target


@pytest.mark.parametrize("method", WRITES)
async def test_a_write_whose_connection_drops_is_not_sent_again(transport: Transport, method: str) -> None:
    async with raw_server(answering(b"")) as server:
        with pytest.raises(httpx.RemoteProtocolError):
            await ask(transport, f"http://{server.host}/v2/x", method, b"body")
        await server.until_open(0)
    assert len(server.heads) == 1


@pytest.mark.parametrize("method", WRITES)
async def test_a_write_on_a_kept_connection_that_drops_is_not_sent_again(transport: Transport, method: str) -> None:
    async with raw_server(answering(OK, b"")) as server:
        await ask(transport, f"http://{server.host}/v2/")
        with pytest.raises(httpx.RemoteProtocolError):
            await ask(transport, f"http://{server.host}/v2/x", method, b"body")
    assert len(server.heads) == 2


async def test_a_write_that_is_reset_is_not_sent_again(transport: Transport) -> None:
    async def reset(peer: Peer) -> None:
        await peer.request()
        peer.writer.transport.abort()

    async with raw_server(reset) as server:
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            await ask(transport, f"http://{server.host}/v2/x", "PUT", b"body")
    assert len(server.heads) == 1


async def test_an_upload_streams_from_its_source(transport: Transport) -> None:
    received = bytearray()

    async def slurp(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        received.extend(await peer.reader.readexactly(300_000))
        await peer.send(OK)

    async def source() -> AsyncIterator[bytes]:
        for letter in b"abc":
            yield bytes([letter]) * 100_000

    async with raw_server(slurp) as server:
        await ask(transport, f"http://{server.host}/u", "PUT", source(), {"Content-Length": "300000"})
    assert bytes(received) == b"a" * 100_000 + b"b" * 100_000 + b"c" * 100_000


async def test_an_upload_that_fails_at_its_source_raises_that_error(transport: Transport) -> None:
    async def source() -> AsyncIterator[bytes]:
        yield b"begun"
        raise LookupError("the source dried up")

    async with raw_server(keeps_silent) as server:
        with pytest.raises(LookupError, match="dried up"):
            await ask(transport, f"http://{server.host}/u", "PUT", source(), {"Content-Length": "10"})
        await server.until_open(0)


@pytest.mark.parametrize("length", ["3", "30"])
async def test_an_upload_of_another_length_than_it_says_is_our_own_error(transport: Transport, length: str) -> None:
    async with raw_server(keeps_silent) as server:
        with pytest.raises(httpx.LocalProtocolError):
            await ask(transport, f"http://{server.host}/u", "PUT", b"four", {"Content-Length": length})
        await server.until_open(0)


# Broken bodies


@pytest.mark.parametrize(
    "answer",
    [
        b"Content-Length: 10\r\n\r\nhalf",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\nnonsense\r\nhalf\r\n0\r\n\r\n",
    ],
    ids=["cut", "cut between chunks", "bad chunk"],
)
async def test_a_body_that_is_cut_or_garbled_is_an_error_in_the_body(transport: Transport, answer: bytes) -> None:
    async with raw_server(answering(b"HTTP/1.1 200 OK\r\n" + answer)) as server:
        response = await transport.handle_async_request(httpx.Request("GET", f"http://{server.host}/"))
        with pytest.raises(httpx.RemoteProtocolError) as caught:
            await response.aread()
        assert str(caught.value.request.url) == f"http://{server.host}/"
        await response.aclose()
        await server.until_open(0)


# Silence


async def test_a_server_that_never_answers_is_a_read_timeout(transport: Transport) -> None:
    async with raw_server(keeps_silent) as server:
        with pytest.raises(httpx.ReadTimeout):
            await ask(transport, f"http://{server.host}/", read=0.1)
        await server.until_open(0)


async def test_the_transports_own_timeout_holds_where_a_request_names_none() -> None:
    async with Transport(timeout=0.1) as transport, raw_server(keeps_silent) as server:
        with pytest.raises(httpx.ReadTimeout):
            await ask(transport, f"http://{server.host}/")


async def test_an_upload_to_a_server_that_stopped_reading_times_out(transport: Transport) -> None:
    async def stalls(peer: Peer) -> None:
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(5)

    async with raw_server(stalls) as server:
        with pytest.raises(httpx.WriteTimeout):
            await ask(transport, f"http://{server.host}/", "PUT", b"x" * 50_000_000, write=0.2)


async def test_a_slow_upload_that_goes_on_does_not_time_out(transport: Transport) -> None:
    step, steps = 300_000, 40  # far more than the system's buffers hold

    async def slow(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        for _ in range(steps):
            await peer.reader.readexactly(step)
            await asyncio.sleep(0.02)
        await peer.send(OK)

    async with raw_server(slow, receive_buffer=10_000) as server:
        response = await ask(transport, f"http://{server.host}/", "PUT", b"x" * step * steps, write=0.3, read=2)
    assert response.status_code == 200
