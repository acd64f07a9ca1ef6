"""The wire: httpx's transport API over httpcore2's connection pool.

Errors leave as httpx's own, mapped by class in one place, each with its request. A request is sent once; only a read
that ran into a kept connection which the server had closed meanwhile goes out again.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import httpcore2
import httpx

from regtui.registry.proxies import proxy_for
from regtui.registry.tls import ssl_context

if TYPE_CHECKING:
    from regtui.registry.endpoint import Endpoint

__all__ = ["Transport", "open_transport", "ssl_context"]

KEEP_ALIVE = 15.0
"""Seconds an idle connection is kept: below what servers allow, so that writes rarely meet one that is just closing."""

HEADER_LIMIT = 100 * 1024
"""Bytes of a response's headers that pass, httpcore2's bound; beyond it the answer is a `httpx.RemoteProtocolError`."""

_SLICE = 64 * 1024  # bytes sent under one write timeout: a slow upload that goes on must not look like a stalled one


class Transport(httpx.AsyncBaseTransport):
    """Connections to the hosts that one TLS context is meant for, through the proxies that the environment names.

    `tls` is a context or what builds one when the first `https` URL is asked for. `timeout` is in seconds: how long a
    peer may keep silent, where a request doesn't say so itself (`extensions["timeout"]`, as httpx has it). Waiting for
    one of `connections` is no silence, and has no limit of its own.

    A client certificate is shown to every host that asks for one: redirects to other hosts need another transport.
    """

    def __init__(
        self,
        tls: ssl.SSLContext | Callable[[], ssl.SSLContext] | None,
        *,
        connections: int = 16,
        timeout: float = 30.0,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._tls = tls
        self._connections = connections
        self._timeout = {"connect": timeout, "read": timeout, "write": timeout, "pool": None}
        self._environ = environ
        self._pools: dict[tuple[str, httpx.URL | None], httpcore2.AsyncConnectionPool] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends one request. The response's body is a stream: close the response, whatever happens."""
        pool = self._pool(request.url)
        extensions = dict(request.extensions)
        extensions.setdefault("timeout", self._timeout)
        sent = httpcore2.Request(
            method=request.method,
            url=httpcore2.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=_sliced(request),
            extensions=extensions,
        )
        with _as_httpx(request):
            answer = await pool.handle_async_request(sent)
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(answer.stream, request),
            extensions=dict(answer.extensions),
            request=request,
        )

    async def aclose(self) -> None:
        """Closes every connection, those in use too."""
        pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            await pool.aclose()

    def _pool(self, url: httpx.URL) -> httpcore2.AsyncConnectionPool:
        proxy = proxy_for(url) if self._environ is None else proxy_for(url, self._environ)
        key = (url.scheme, proxy)
        if key not in self._pools:
            if callable(self._tls):
                self._tls = self._tls() if url.scheme == "https" else self._tls
            self._pools[key] = httpcore2.AsyncConnectionPool(
                ssl_context=self._tls if isinstance(self._tls, ssl.SSLContext) else None,
                proxy=_proxy(proxy) if proxy else None,
                max_connections=self._connections,
                keepalive_expiry=KEEP_ALIVE,
            )
        return self._pools[key]


def open_transport(endpoint: Endpoint, *, connections: int = 16, timeout: float = 30.0) -> Transport:
    """The transport for one endpoint. For redirects to other hosts: `open_transport(endpoint.elsewhere(), …)`."""
    return Transport(partial(ssl_context, endpoint), connections=connections, timeout=timeout)


class _Body(httpx.AsyncByteStream):
    def __init__(self, stream: Any, request: httpx.Request) -> None:
        self._stream = stream
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx(self._request):
            async for chunk in self._stream:
                yield chunk

    async def aclose(self) -> None:
        with _as_httpx(self._request):
            await self._stream.aclose()


async def _sliced(request: httpx.Request) -> AsyncIterator[bytes]:
    assert isinstance(request.stream, httpx.AsyncByteStream)
    async for chunk in request.stream:
        for start in range(0, len(chunk), _SLICE):
            yield chunk[start : start + _SLICE]


def _proxy(proxy: httpx.URL) -> httpcore2.Proxy:
    login = (proxy.username.encode(), proxy.password.encode()) if proxy.userinfo else None
    return httpcore2.Proxy(str(proxy.copy_with(userinfo=b"")), auth=login)


_BY_CLASS: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
    (httpcore2.ConnectTimeout, httpx.ConnectTimeout),
    (httpcore2.ReadTimeout, httpx.ReadTimeout),
    (httpcore2.WriteTimeout, httpx.WriteTimeout),
    (httpcore2.PoolTimeout, httpx.PoolTimeout),
    (httpcore2.ConnectError, httpx.ConnectError),
    (httpcore2.ReadError, httpx.ReadError),
    (httpcore2.WriteError, httpx.WriteError),
    (httpcore2.ProxyError, httpx.ProxyError),
    (httpcore2.UnsupportedProtocol, httpx.UnsupportedProtocol),
    (httpcore2.LocalProtocolError, httpx.LocalProtocolError),
    (httpcore2.RemoteProtocolError, httpx.RemoteProtocolError),
    # httpcore2 lets these through: an alert of TLS 1.3 that comes after the handshake, a host that is no name.
    (ssl.SSLError, httpx.ReadError),
    (UnicodeError, httpx.ConnectError),
)


@contextmanager
def _as_httpx(request: httpx.Request) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        for theirs, ours in _BY_CLASS:
            if isinstance(error, theirs):
                raise ours(str(error), request=request) from error
        raise
