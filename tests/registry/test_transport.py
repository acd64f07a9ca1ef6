"""The wire: what goes out once, what comes back as it was, and what a broken peer becomes."""

from __future__ import annotations

import asyncio
import gc
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from regtui.registry.endpoint import Endpoint
from regtui.registry.transport import HEADER_LIMIT, Transport, open_transport
from tests.registry.wire import (
    OK,
    Authority,
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


@pytest.fixture
def no_garbage_collector() -> Iterator[None]:
    """It would close a forgotten socket too, some day, with a warning."""
    gc.disable()
    yield
    gc.enable()


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


# Kept connections


async def test_one_connection_serves_one_request_after_the_other(transport: Transport) -> None:
    async with raw_server(answers_forever) as server:
        for _ in range(3):
            await ask(transport, f"http://{server.host}/v2/")
    assert (len(server.heads), server.accepted) == (3, 1)


async def test_a_read_passes_over_a_connection_that_the_server_closed_meanwhile(transport: Transport) -> None:
    async with raw_server(answering(OK)) as server:
        await ask(transport, f"http://{server.host}/v2/")
        await server.until_open(0)
        assert (await ask(transport, f"http://{server.host}/v2/")).status_code == 200
    assert len(server.heads) == 2


async def test_a_read_is_sent_again_when_its_kept_connections_close_under_it(transport: Transport) -> None:
    meeting = asyncio.Barrier(3)

    async def closes_on_the_second(peer: Peer) -> None:
        await peer.request()
        if peer.number < 3:
            await meeting.wait()  # three at once: three connections
        await peer.send(OK)
        if peer.number < 3:
            await peer.request()

    async with raw_server(closes_on_the_second) as server:
        url = f"http://{server.host}/v2/"
        await asyncio.gather(*(ask(transport, url) for _ in range(3)))
        assert (await ask(transport, url)).status_code == 200
    # All three kept ones failed it, each gone from the pool then; the fourth was new.
    assert (server.accepted, len(server.heads)) == (4, 7)


async def test_a_read_on_a_new_connection_is_sent_once(transport: Transport) -> None:
    async with raw_server(answering(b"")) as server:
        with pytest.raises(httpx.RemoteProtocolError):
            await ask(transport, f"http://{server.host}/v2/")
        await server.until_open(0)
    assert len(server.heads) == 1


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


# Cancelling, closing, and the limit


async def test_a_cancelled_request_closes_its_connection(transport: Transport) -> None:
    async with raw_server(keeps_silent) as server:
        task = asyncio.create_task(ask(transport, f"http://{server.host}/"))
        await server.until_open(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.until_open(0)


async def test_a_request_that_is_cancelled_in_the_handshake_closes_its_connection(no_garbage_collector: None) -> None:
    greeted = asyncio.Event()

    async def silent_after_the_greeting(peer: Peer) -> None:
        await peer.reader.read(1)
        greeted.set()
        await peer.gone()

    async with Transport() as transport, raw_server(silent_after_the_greeting) as server:
        task = asyncio.create_task(ask(transport, f"https://{server.host}/"))
        await greeted.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.until_open(0)


async def test_a_response_that_is_closed_half_read_frees_its_connection() -> None:
    async def endless(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            await peer.send(b"x" * 100_000)

    async with Transport(connections=1) as transport, raw_server(endless) as server:
        for _ in range(2):
            request = httpx.Request("GET", f"http://{server.host}/", extensions={"timeout": {"pool": 1}})
            response = await transport.handle_async_request(request)
            async for _part in response.aiter_raw():
                break
            await response.aclose()
        await server.until_open(0)


async def test_requests_beyond_the_limit_wait_for_a_connection() -> None:
    go_on = asyncio.Event()

    async def on_command(peer: Peer) -> None:
        while True:
            await peer.request()
            await go_on.wait()
            await peer.send(OK)

    async with Transport(connections=2) as transport, raw_server(on_command) as server:
        waiting = [asyncio.create_task(ask(transport, f"http://{server.host}/")) for _ in range(6)]
        await server.until_open(2)
        with pytest.raises(httpx.PoolTimeout):
            await ask(transport, f"http://{server.host}/", pool=0.1)
        assert server.accepted == 2
        go_on.set()
        await asyncio.gather(*waiting)
    assert (server.accepted, len(server.heads)) == (2, 6)


async def test_closing_the_transport_closes_kept_connections() -> None:
    async with raw_server(answers_forever) as server:
        async with Transport() as transport:
            await ask(transport, f"http://{server.host}/")
            assert server.open == 1
        await server.until_open(0)


# Who we are


async def test_a_client_certificate_is_shown_to_its_host_and_not_elsewhere(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    shown = []

    async def notes_who_asks(peer: Peer) -> None:
        shown.append(bool(peer.writer.get_extra_info("peercert")))
        await peer.request()
        await peer.send(OK)

    tls = authority.server(wants_client=True)
    async with raw_server(notes_who_asks, tls) as server:
        endpoint = Endpoint(server.host, ca_file=authority.ca_file, client_cert=authority.client_cert)
        async with open_transport(endpoint) as own:
            await ask(own, f"{endpoint.base}/v2/")
        async with open_transport(endpoint.elsewhere()) as other:
            with pytest.raises(httpx.TransportError):
                await ask(other, f"{endpoint.base}/v2/")
    assert shown == [True]


async def test_the_tls_context_is_built_once_for_many_first_requests(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    built = []

    def build() -> ssl.SSLContext:
        built.append(authority.ca_file)
        return ssl.create_default_context(cafile=authority.ca_file)

    async with raw_server(answers_forever, authority.server()) as server, Transport(build) as transport:
        assert not built
        await asyncio.gather(*(ask(transport, f"https://{server.host}/v2/") for _ in range(4)))
    assert len(built) == 1
