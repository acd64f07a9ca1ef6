"""The way to a host: names below localhost, and proxies."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from regtui.registry.endpoint import Endpoint
from regtui.registry.tls import ssl_context
from regtui.registry.transport import Transport
from tests.registry.wire import (
    OK,
    Authority,
    Peer,
    RawServer,
    answering,
    answers_forever,
    ask,
    keeps_silent,
    raw_server,
)


@asynccontextmanager
async def tunnel_to(target: RawServer, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawServer]:
    """A proxy that takes every `CONNECT`, whatever it names, to the one server."""

    async def script(peer: Peer) -> None:
        await peer.request()
        reader, writer = await asyncio.open_connection(*target.host.rsplit(":", 1))
        await peer.send(b"HTTP/1.1 200 Go ahead\r\n\r\n")
        await asyncio.gather(pump(peer.reader, writer), pump(reader, peer.writer))

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()

    async with raw_server(script, tls) as proxy:
        yield proxy


def through(proxy: str, authority: Authority | None = None, connections: int = 4) -> Transport:
    endpoint = Endpoint("registry.example.com", ca_file=authority.ca_file if authority else "")
    environ = {"https_proxy": proxy, "http_proxy": proxy}
    return Transport(lambda: ssl_context(endpoint), environ=environ, connections=connections, timeout=2)


async def test_a_name_below_localhost_is_this_machine() -> None:
    async with raw_server(answers_forever) as server, Transport(timeout=2) as transport:
        port = server.host.rpartition(":")[2]
        assert (await ask(transport, f"http://registry.localhost:{port}/")).text == "ok"
    assert f"Host: registry.localhost:{port}".encode() in server.heads[0]


async def test_https_goes_through_a_tunnel_and_tls_is_spoken_with_the_registry(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    tls = authority.server("registry.example.com")
    async with (
        raw_server(answers_forever, tls) as server,
        tunnel_to(server) as proxy,
        through(f"http://me:p%40ss@{proxy.host}", authority) as transport,
    ):
        for _ in range(2):
            assert (await ask(transport, "https://registry.example.com/v2/")).text == "ok"
    assert len(server.heads) == 2
    assert b"proxy" not in server.heads[0].lower()
    assert len(proxy.heads) == 1
    assert proxy.heads[0].startswith(b"CONNECT registry.example.com:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic bWU6cEBzcw==\r\n" in proxy.heads[0]


async def test_an_ipv6_address_is_in_brackets_for_the_proxy(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with (
        raw_server(answers_forever, authority.server("2001:db8::1")) as server,
        tunnel_to(server) as proxy,
        through(f"http://{proxy.host}", authority) as transport,
    ):
        assert (await ask(transport, "https://[2001:db8::1]:5000/v2/")).text == "ok"
    assert proxy.heads[0].startswith(b"CONNECT [2001:db8::1]:5000 HTTP/1.1\r\n")


async def test_plain_http_is_asked_of_the_proxy_by_its_whole_url() -> None:
    async with raw_server(answers_forever) as proxy, through(f"http://me:pass@{proxy.host}") as transport:
        await ask(transport, "http://[2001:db8::1]:5000/v2/a%2Fb?n=1")
    head = proxy.heads[0]
    assert head.startswith(b"GET http://[2001:db8::1]:5000/v2/a%2Fb?n=1 HTTP/1.1\r\n")
    assert b"Host: [2001:db8::1]:5000\r\n" in head
    assert b"Proxy-Authorization: Basic bWU6cGFzcw==\r\n" in head


async def test_a_proxy_may_speak_tls_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", authority.ca_file)
    async with (
        raw_server(answers_forever, authority.server("registry.example.com")) as server,
        tunnel_to(server, authority.server()) as proxy,
        through(f"https://{proxy.host}") as transport,
    ):
        for _ in range(2):
            assert (await ask(transport, "https://registry.example.com/v2/")).text == "ok"
    assert (len(proxy.heads), len(server.heads)) == (1, 2)


async def test_a_tunnel_whose_tls_fails_leaves_its_place_to_others(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with (
        raw_server(answers_forever, authority.server("other.example.com")) as server,
        tunnel_to(server) as proxy,
        through(f"http://{proxy.host}", authority, connections=1) as transport,
    ):
        for _ in range(2):
            with pytest.raises(httpx.ConnectError, match="Hostname mismatch"):
                await ask(transport, "https://registry.example.com/v2/", pool=1, connect=1)
        await proxy.until_open(0)
        assert (await ask(transport, "https://other.example.com/v2/", pool=1)).text == "ok"


async def test_a_proxy_that_wants_a_login_or_refuses_is_the_proxys_error() -> None:
    async with raw_server(answering(b"HTTP/1.1 407 Login Needed\r\nContent-Length: 0\r\n\r\n")) as proxy:
        async with through(f"http://me:secret@{proxy.host}") as transport:
            with pytest.raises(httpx.ProxyError, match=f"the proxy {proxy.host} answered 407 Login Needed"):
                await ask(transport, "https://registry.example.com/v2/")
        await proxy.until_open(0)


async def test_a_proxy_that_is_not_there_is_the_proxys_error() -> None:
    async with raw_server(keeps_silent) as gone:
        pass
    async with through(f"http://{gone.host}") as transport:
        for scheme in ("http", "https"):
            with pytest.raises(httpx.ProxyError, match="can't be reached"):
                await ask(transport, f"{scheme}://registry.example.com/v2/")


async def test_a_proxy_that_keeps_silent_is_the_proxys_error() -> None:
    async with raw_server(keeps_silent) as proxy, through(f"http://{proxy.host}") as transport:
        with pytest.raises(httpx.ProxyError, match="gave no answer"):
            await ask(transport, "https://registry.example.com/v2/", connect=0.1)
        await proxy.until_open(0)


async def test_a_request_cancelled_while_the_proxy_connects_closes_the_way() -> None:
    async with raw_server(keeps_silent) as proxy, through(f"http://{proxy.host}") as transport:
        task = asyncio.create_task(ask(transport, "https://registry.example.com/v2/"))
        await proxy.until_open(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await proxy.until_open(0)


async def test_this_machine_is_reached_without_the_proxy() -> None:
    async with raw_server(answering(OK)) as server, through("http://127.0.0.1:1") as transport:
        assert (await ask(transport, f"http://{server.host}/v2/")).text == "ok"
