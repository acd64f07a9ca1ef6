"""How a registry is spoken to, when only its host is known."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from regtui.errors import ConfigError, ConnectionFailed, TLSFailed
from regtui.registry.endpoint import Endpoint, find_endpoint
from tests.registry.wire import OK, Authority, Peer, RawServer, answering, keeps_silent, raw_server

UNAUTHORIZED = b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"


async def find(
    host: str, *, plain_http: bool = False, insecure_tls: bool = False, ca_file: str = "", timeout: float = 2.0
) -> Endpoint:
    return await find_endpoint(
        host, plain_http=plain_http, insecure_tls=insecure_tls, ca_file=ca_file, client_cert="", timeout=timeout
    )


def test_an_endpoint_is_what_paths_are_put_behind() -> None:
    assert Endpoint("registry-1.docker.io").base == "https://registry-1.docker.io"
    assert Endpoint("[::1]:5000", "http").base == "http://[::1]:5000"


def test_elsewhere_the_same_cas_are_trusted_but_the_client_stays_unknown() -> None:
    endpoint = Endpoint("registry.example.com", ca_file="ca.pem", client_cert="me.pem")
    assert endpoint.elsewhere() == Endpoint("registry.example.com", ca_file="ca.pem")


async def test_a_host_elsewhere_speaks_https_and_is_not_asked() -> None:
    assert await find("no-such-host.invalid") == Endpoint("no-such-host.invalid")
    assert await find("no-such-host.invalid", plain_http=True) == Endpoint("no-such-host.invalid", "http")


async def test_https_on_this_machine_is_found_by_any_answer(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with raw_server(answering(UNAUTHORIZED), authority.server()) as server:
        found = await find(server.host, ca_file=authority.ca_file)
    assert found == Endpoint(server.host, ca_file=authority.ca_file)
    assert server.heads[0].startswith(b"GET /v2/ HTTP/1.1\r\n")
    assert b"authorization" not in server.heads[0].lower()


async def answers_anything(peer: Peer) -> None:
    """As Go's server does: TLS is a bad request."""
    data = await peer.reader.read(1000)
    if data.startswith(b"GET"):
        peer.server.heads.append(data)
        await peer.send(UNAUTHORIZED)
    else:
        await peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


async def waits_for_a_line(peer: Peer) -> None:
    """As many small servers do: TLS is a line that isn't over yet."""
    data = await peer.reader.read(3)
    if data == b"GET":
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(OK)
    else:
        await peer.gone()


async def hangs_up(peer: Peer) -> None:
    data = await peer.reader.read(1000)
    if data.startswith(b"GET"):
        await peer.send(OK)


async def test_plain_http_on_this_machine_is_found_where_tls_is_not_understood() -> None:
    for script in (answers_anything, hangs_up):
        async with raw_server(script) as server:
            assert await find(server.host) == Endpoint(server.host, "http")


async def test_plain_http_on_this_machine_is_found_where_tls_meets_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regtui.registry.endpoint._HANDSHAKE", 0.2)
    async with raw_server(waits_for_a_line) as server:
        assert await find(server.host) == Endpoint(server.host, "http")


@pytest.mark.parametrize("name", ["localhost", "registry.localhost"])
async def test_names_of_this_machine_are_tried_in_the_same_way(name: str) -> None:
    async with raw_server(answers_anything) as server:
        host = f"{name}:{server.host.rpartition(':')[2]}"
        assert await find(host) == Endpoint(host, "http")


async def test_ipv6_loopback_is_this_machine_too() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    async with raw_server(answers_anything, address="::1") as server:
        assert await find(server.host) == Endpoint(server.host, "http")
    assert f"Host: {server.host}".encode() in server.heads[0]


async def test_a_refused_port_443_leaves_port_80(monkeypatch: pytest.MonkeyPatch) -> None:
    async with raw_server(answers_anything) as server, raw_server(keeps_silent) as gone:
        pass
    async with raw_server(answers_anything) as server:
        redirect_ports(monkeypatch, {443: gone, 80: server})
        assert await find("localhost") == Endpoint("localhost", "http")


async def test_a_certificate_that_is_not_trusted_is_no_reason_for_plain_http(tmp_path: Path) -> None:
    tls = Authority(tmp_path).server()
    async with raw_server(answering(OK), tls) as server:
        with pytest.raises(TLSFailed, match="is not trusted"):
            await find(server.host)


async def test_a_certificate_that_is_not_trusted_is_taken_when_the_user_says_so(tmp_path: Path) -> None:
    async with raw_server(answering(OK), Authority(tmp_path).server()) as server:
        assert await find(server.host, insecure_tls=True) == Endpoint(server.host, insecure_tls=True)


async def test_what_registries_conf_calls_insecure_is_asked_for_wherever_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regtui.registry.endpoint.is_loopback", lambda host: False)
    async with raw_server(answering(OK), Authority(tmp_path).server()) as server:
        assert await find_endpoint(server.host, insecure=True) == Endpoint(server.host, insecure_tls=True)
    for script in (answers_anything, hangs_up):
        async with raw_server(script) as server:
            assert await find_endpoint(server.host, insecure=True) == Endpoint(server.host, "http")
    with pytest.raises(ConnectionFailed, match="refused the connection"):
        await find_endpoint(server.host, insecure=True)


async def test_a_tls_server_that_was_slow_once_is_not_taken_for_plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regtui.registry.endpoint._HANDSHAKE", 0.2)

    async def slow_tls(peer: Peer) -> None:
        if (await peer.reader.read(3)) != b"GET":
            await peer.gone()
        complaint = b"Client sent an HTTP request to an HTTPS server.\n"
        await peer.send(b"HTTP/1.0 400 Bad Request\r\n\r\n" + complaint)

    async with raw_server(slow_tls) as server:
        with pytest.raises(ConnectionFailed, match=r"kept silent for 0\.2 s when TLS was to be spoken"):
            await find(server.host)


async def test_a_port_where_nothing_listens_is_refused() -> None:
    async with raw_server(keeps_silent) as gone:
        pass
    with pytest.raises(ConnectionFailed, match=f"{gone.host} refused the connection"):
        await find(gone.host)


async def test_a_port_where_something_else_listens_is_no_registry() -> None:
    async def ssh(peer: Peer) -> None:
        await peer.send(b"SSH-2.0-OpenSSH_9.6\r\n")
        await peer.reader.read(1000)
        await peer.send(b"Invalid SSH identification string.\r\n")

    async with raw_server(ssh) as server:
        with pytest.raises(ConnectionFailed, match="speaks neither HTTPS nor plain HTTP"):
            await find(server.host)


async def test_a_ca_file_of_no_use_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    async with raw_server(answers_anything) as server:
        with pytest.raises(ConfigError, match="ca_file"):
            await find(server.host, ca_file=str(tmp_path / "missing.pem"))
    assert server.accepted == 0


def redirect_ports(monkeypatch: pytest.MonkeyPatch, ports: dict[int, RawServer]) -> None:
    """Connections to these ports go to the servers instead: 80 and 443 are nobody's to listen on."""
    import anyio

    connect = anyio.connect_tcp

    async def connect_tcp(remote_host: str, remote_port: int, **options: object) -> object:
        return await connect(remote_host, int(ports[remote_port].host.rpartition(":")[2]), **options)  # type: ignore[call-overload]

    monkeypatch.setattr(anyio, "connect_tcp", connect_tcp)
