"""Connections: kept, freed, limited, and whose certificate they show."""

from __future__ import annotations

import asyncio
import gc
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from regtui.registry.endpoint import Endpoint
from regtui.registry.transport import Transport, open_transport
from tests.registry.wire import OK, Authority, Peer, answering, answers_forever, ask, keeps_silent, raw_server


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


async def test_closing_the_transport_ends_a_read_under_way_for_good() -> None:
    asked = asyncio.Event()

    async def silent_on_the_second(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await peer.request()
        asked.set()
        await peer.gone()

    transport = Transport(timeout=2)
    async with raw_server(silent_on_the_second) as server:
        await ask(transport, f"http://{server.host}/")
        task = asyncio.create_task(ask(transport, f"http://{server.host}/"))
        await asked.wait()
        await transport.aclose()
        with pytest.raises(httpx.TransportError):
            await task
    assert (server.accepted, len(server.heads)) == (1, 2)


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
