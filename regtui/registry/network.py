"""How a connection is opened: straight to the host, or through an HTTP proxy.

httpcore2 has proxies of its own, but a tunnel whose TLS fails there holds its place in the pool for good, and an IPv6
address is sent to the proxy without its brackets. So the way through a proxy is opened here, below the pool.
"""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any

import anyio
import httpcore2
import httpx

opened: ContextVar[bool] = ContextVar("opened")
"""Whether the request in hand opened its connection; if not, it was sent on a kept one."""


class Network(httpcore2.AnyIOBackend):
    """Opens connections for one pool: all `https` or all `http`, all through one proxy or none."""

    def __init__(self, scheme: str, proxy: httpx.URL | None) -> None:
        self._scheme = scheme
        self._proxy = proxy

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """A stream to the host, or to the proxy that passes plain HTTP on. `timeout` is for each step of the way."""
        opened.set(True)
        if self._proxy is not None:
            return await self._through_proxy(self._proxy, host, port, timeout)
        # Names below localhost are this machine (RFC 6761, 6.3), but not every resolver knows.
        host = "localhost" if host.endswith(".localhost") else host
        return _Stream(await super().connect_tcp(host, port, timeout))

    async def _through_proxy(
        self, proxy: httpx.URL, host: str, port: int, timeout: float | None
    ) -> httpcore2.AsyncNetworkStream:
        name = proxy.netloc.decode("ascii")
        try:
            proxy_port = proxy.port or (443 if proxy.scheme == "https" else 80)
            stream: httpcore2.AsyncNetworkStream = _Stream(await super().connect_tcp(proxy.host, proxy_port, timeout))
            if proxy.scheme == "https":
                context = await anyio.to_thread.run_sync(httpcore2.default_ssl_context)
                stream = _Stream(await stream.start_tls(context, proxy.host, timeout))
        except httpcore2.ConnectError as error:
            raise httpcore2.ProxyError(f"the proxy {name} can't be reached") from error
        except httpcore2.ConnectTimeout as error:
            raise httpcore2.ProxyError(f"the proxy {name} keeps silent") from error
        return await _tunnel(stream, proxy, host, port, timeout) if self._scheme == "https" else stream


async def _tunnel(
    stream: httpcore2.AsyncNetworkStream, proxy: httpx.URL, host: str, port: int, timeout: float | None
) -> httpcore2.AsyncNetworkStream:
    name = proxy.netloc.decode("ascii")
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    url = httpcore2.URL(scheme=proxy.raw_scheme, host=proxy.raw_host, port=proxy.port, target=target)
    request = httpcore2.Request(
        "CONNECT",
        url,
        headers=[(b"Host", target.encode("ascii")), *proxy_login(proxy)],
        extensions={"timeout": {"read": timeout, "write": timeout}},
    )
    connection = httpcore2.AsyncHTTP11Connection(url.origin, stream)
    try:
        answer = await connection.handle_async_request(request)
    except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException) as error:
        raise httpcore2.ProxyError(f"the proxy {name} gave no answer") from error
    if not 200 <= answer.status < 300:
        await connection.aclose()
        reason = answer.extensions["reason_phrase"].decode("ascii", "replace")
        raise httpcore2.ProxyError(f"the proxy {name} answered {answer.status} {reason}".rstrip())
    tunnel: httpcore2.AsyncNetworkStream = answer.extensions["network_stream"]
    return tunnel


def proxy_login(proxy: httpx.URL) -> list[tuple[bytes, bytes]]:
    """The header for a proxy whose URL holds a user and a password, or none."""
    if not proxy.userinfo:
        return []
    return [(b"Proxy-Authorization", b"Basic " + b64encode(f"{proxy.username}:{proxy.password}".encode()))]


class _Stream(httpcore2.AsyncNetworkStream):
    """A stream whose socket is closed when its TLS handshake is cancelled: httpcore2's would stay open."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self._stream = stream

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.AsyncNetworkStream:
        try:
            return await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._stream.aclose()
            raise

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
