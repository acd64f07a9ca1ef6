"""What people read when no answer comes: one sentence for what happened and to which host, one for what to do."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from regtui.errors import ConnectionFailed, ContentError, TimedOut, TLSFailed
from regtui.registry.endpoint import Endpoint
from regtui.registry.failures import connection_failure
from regtui.registry.transport import Transport, open_transport
from tests.registry.wire import OK, Authority, Peer, Script, answering, ask, keeps_silent, raw_server


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def failure(endpoint: Endpoint, *, connect: float | None = None, read: float | None = None) -> ConnectionFailed:
    """What a request to this endpoint fails with."""
    async with open_transport(endpoint, timeout=2) as transport:
        with pytest.raises(httpx.TransportError) as caught:
            await ask(transport, f"{endpoint.base}/v2/", connect=connect, read=read)
    return connection_failure(caught.value)


# No way to the host


async def test_an_unknown_host_is_told_from_one_that_refuses() -> None:
    error = await failure(Endpoint("no-such-host.invalid:5000"))
    assert type(error) is ConnectionFailed
    assert str(error) == (
        "There is no host named no-such-host.invalid. Check the name; some are known inside a VPN only."
    )


async def test_a_name_that_can_be_none_is_an_unknown_host(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_long(*_: object, **__: object) -> None:
        raise UnicodeError("label empty or too long")

    monkeypatch.setattr(socket, "getaddrinfo", too_long)
    error = await failure(Endpoint("a" * 70 + ".example"))
    assert error.what.startswith("There is no host named aaa")


async def test_a_name_service_that_does_not_answer_blames_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", offline)
    error = await failure(Endpoint("registry.example.com"))
    assert error.what == "The name registry.example.com can't be looked up now"
    assert "network" in error.advice


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_refused_connection_asks_whether_the_registry_runs(scheme: str) -> None:
    async with raw_server(keeps_silent) as gone:
        pass
    error = await failure(Endpoint(gone.host, scheme))
    assert type(error) is ConnectionFailed
    assert str(error) == f"{gone.host} refused the connection. Check that the registry runs, and the port."


async def test_a_proxy_is_named_and_its_password_is_not() -> None:
    environ = {"http_proxy": "http://me:secret@127.0.0.1:1"}
    async with Transport(environ=environ) as transport:
        with pytest.raises(httpx.ProxyError) as caught:
            await ask(transport, "http://registry.example.com/v2/")
    error = connection_failure(caught.value)
    assert error.what == "registry.example.com can't be reached: the proxy 127.0.0.1:1 can't be reached"
    assert "NO_PROXY" in error.advice
    assert "secret" not in str(error)


# Certificates


async def test_a_certificate_of_an_unknown_ca_is_not_trusted(authority: Authority) -> None:
    async with raw_server(answering(OK), authority.server()) as server:
        error = await failure(Endpoint(server.host))
    assert type(error) is TLSFailed
    assert error.what == f"The certificate of {server.host} is not trusted: unable to get local issuer certificate"
    assert "ca_file" in error.advice
    assert "--insecure-tls" in error.advice


async def test_the_same_certificate_is_trusted_with_its_ca_or_blindly(authority: Authority) -> None:
    async with raw_server(answering(OK), authority.server()) as server:
        for endpoint in (Endpoint(server.host, ca_file=authority.ca_file), Endpoint(server.host, insecure_tls=True)):
            async with open_transport(endpoint) as transport:
                assert (await ask(transport, f"{endpoint.base}/v2/")).text == "ok"


async def test_an_expired_certificate_is_called_expired(authority: Authority) -> None:
    async with raw_server(answering(OK), authority.server(expired=True)) as server:
        error = await failure(Endpoint(server.host, ca_file=authority.ca_file))
    assert type(error) is TLSFailed
    assert error.what == f"The certificate of {server.host} has expired"


@pytest.mark.parametrize("names", [("other.example.com",), ("10.0.0.1",)])
async def test_a_certificate_for_another_host_is_called_that(names: tuple[str, ...], authority: Authority) -> None:
    async with raw_server(answering(OK), authority.server(*names)) as server:
        port = server.host.rpartition(":")[2]
        for host in (server.host, f"localhost:{port}"):
            error = await failure(Endpoint(host, ca_file=authority.ca_file))
            assert type(error) is TLSFailed
            assert error.what == f"The certificate of {host} is for another host"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_server_that_wants_a_client_certificate_says_so(version: ssl.TLSVersion, authority: Authority) -> None:
    tls = authority.server(wants_client=True)
    tls.minimum_version = tls.maximum_version = version
    with refusing_the_handshake(tls) as host:
        error = await failure(Endpoint(host, ca_file=authority.ca_file))
    assert type(error) is TLSFailed
    assert "client_cert" in error.advice


# TLS where there is none, and none where there is


async def answers_400_to_anything(peer: Peer) -> None:
    await peer.reader.read(100)
    await peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


async def hangs_up(peer: Peer) -> None:
    await peer.reader.read(100)


@pytest.mark.parametrize("script", [answers_400_to_anything, hangs_up])
async def test_a_server_of_plain_http_is_pointed_to_plain_http(script: Script) -> None:
    async with raw_server(script) as server:
        error = await failure(Endpoint(server.host))
    assert type(error) is TLSFailed
    assert error.what == f"{server.host} speaks no TLS on this port"
    assert "--plain-http" in error.advice


async def test_a_server_that_resets_the_handshake_is_pointed_to_plain_http_too() -> None:
    async def resets(peer: Peer) -> None:
        await peer.reader.read(100)
        peer.writer.transport.abort()

    async with raw_server(resets) as server:
        error = await failure(Endpoint(server.host))
    assert type(error) is TLSFailed
    assert "--plain-http" in error.advice


async def test_a_server_of_https_asked_in_plain_http_is_pointed_back(authority: Authority) -> None:
    async with raw_server(answering(OK), authority.server()) as server:
        error = await failure(Endpoint(server.host, "http"))
    assert error.what == f"{server.host} closed the connection without an answer"
    assert error.advice == "If it speaks HTTPS, leave --plain-http out."


# Silence


async def test_silence_is_told_in_seconds() -> None:
    async with raw_server(keeps_silent) as server:
        error = await failure(Endpoint(server.host, "http"), read=0.1)
    assert type(error) is TimedOut
    assert error.what == f"{server.host} kept silent for 0.1 s"
    assert "--timeout" in error.advice


async def test_silence_in_the_handshake_is_told_from_silence_after_it() -> None:
    async with raw_server(keeps_silent) as server:
        error = await failure(Endpoint(server.host), connect=0.1)
    assert type(error) is TimedOut
    assert error.what == f"{server.host} kept silent for 0.1 s when TLS was to be spoken"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (httpx.ConnectTimeout, "registry.example.com took no connection for 30 s"),
        (httpx.WriteTimeout, "registry.example.com stopped taking data for 20 s"),
        (httpx.PoolTimeout, "No connection to registry.example.com became free for 10 s"),
    ],
)
def test_each_wait_has_its_words(kind: type[httpx.TransportError], words: str) -> None:
    timeouts = {"connect": 30.0, "write": 20.0, "pool": 10.0}
    request = httpx.Request("GET", "https://registry.example.com/v2/", extensions={"timeout": timeouts})
    error = connection_failure(kind("", request=request))
    assert (type(error), error.what) == (TimedOut, words)


# Answers that break


async def test_another_protocol_is_refused_before_anything_is_sent() -> None:
    error = await failure(Endpoint("registry.example.com", "ftp"))
    assert error.what.startswith("What is to be sent to registry.example.com can't be")


async def test_an_answer_that_is_cut_says_so() -> None:
    async with raw_server(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")) as server:
        error = await failure(Endpoint(server.host, "http"))
    assert error.what == f"{server.host} broke off in the middle of its answer"


async def test_an_answer_that_is_no_http_is_quoted_safely() -> None:
    async with raw_server(answering(b"SSH-2.0-\x1b[31mOpenSSH\r\n\r\n")) as server:
        error = await failure(Endpoint(server.host, "http"))
    assert error.what.startswith(f"{server.host} answered with what is no HTTP")
    assert "\x1b" not in str(error)


async def test_a_reset_says_that_the_connection_broke() -> None:
    async def resets(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        await asyncio.sleep(0.05)
        sock = peer.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")

    async with raw_server(resets) as server:
        error = await failure(Endpoint(server.host, "http"))
    assert error.what == f"The connection to {server.host} broke"


async def test_an_error_of_ours_behind_it_keeps_its_words() -> None:
    error = httpx.ReadError("the application failed", request=httpx.Request("GET", "http://demo.localhost/v2/"))
    error.__cause__ = ContentError("index.json is no JSON", "Make the layout again.")
    assert str(connection_failure(error)) == "demo.localhost failed: index.json is no JSON. Make the layout again."


class refusing_the_handshake:  # noqa: N801
    """A server in a thread that refuses the client in the handshake, and waits until its alert was read."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self._thread.join(5)
        self._listener.close()

    def _serve(self) -> None:
        plain, _ = self._listener.accept()
        plain.settimeout(5)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = self._tls.wrap_bio(incoming, outgoing, server_side=True)
        for _round in self._rounds(plain, incoming, outgoing):
            try:
                session.do_handshake()
                break
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError:
                plain.sendall(outgoing.read())
                break
        while plain.recv(65536):
            pass
        plain.close()

    def _rounds(self, plain: socket.socket, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO) -> Iterator[None]:
        while data := plain.recv(65536):
            incoming.write(data)
            yield
            plain.sendall(outgoing.read())
