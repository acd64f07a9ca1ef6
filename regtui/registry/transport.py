"""The wire: httpx's transport API over httpcore2's connection pool.

Errors leave as httpx's own, mapped by class in one place, each with its request. A request is sent once; only a read
that ran into a kept connection which the server had closed meanwhile goes out again.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import h11
import httpcore2
import httpx

from regtui.registry.network import Network, opened, proxy_login
from regtui.registry.proxies import proxy_for
from regtui.registry.tls import ssl_context

if TYPE_CHECKING:
    from regtui.registry.endpoint import Endpoint

__all__ = ["Transport", "open_transport", "ssl_context"]

KEEP_ALIVE = 15.0
"""Seconds an idle connection is kept: fewer than servers allow, so that a write rarely meets one that is closing."""

HEADER_LIMIT = httpcore2.AsyncHTTP11Connection.MAX_INCOMPLETE_EVENT_SIZE
"""Bytes of a response's headers that pass for certain (100 KiB); far beyond, it is a `httpx.RemoteProtocolError`."""

_SLICE = 64 * 1024  # bytes sent under one write timeout: a slow upload that goes on must not look like a stalled one


class Transport(httpx.AsyncBaseTransport):
    """Connections to the hosts that one TLS context is meant for, through the proxies that the environment names.

    `tls` is a context, or what builds one (in a thread) when the first `https` URL is asked for. `timeout` is in
    seconds: how long a peer may keep silent, where a request doesn't say so itself (`extensions["timeout"]`, as httpx
    has it). Waiting for one of the `connections` of a scheme is no silence: it has no limit unless the request sets it.

    A client certificate is shown to every host that asks for one: redirects to other hosts need another transport.
    """

    def __init__(
        self,
        tls: ssl.SSLContext | Callable[[], ssl.SSLContext] | None = None,
        *,
        connections: int = 16,
        timeout: float = 30.0,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._tls = tls or httpcore2.default_ssl_context
        self._tls_wanted = asyncio.Lock()
        self._connections = connections
        self._timeout = {"connect": timeout, "read": timeout, "write": timeout, "pool": None}
        self._environ = environ
        self._pools: dict[tuple[str, httpx.URL | None], httpcore2.AsyncConnectionPool] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends one request. The response's body is a stream: close the response, whatever happens.

        Raises `httpx.TransportError`s with the request in them (`connection_failure` has the words for people),
        `ConfigError` for a proxy or a certificate that can't be used.
        """
        proxy = proxy_for(request.url, self._environ)
        pool = self._pools.get((request.url.scheme, proxy)) or await self._open_pool(request.url.scheme, proxy)
        request.extensions.setdefault("timeout", self._timeout)
        with _as_httpx(request):
            while True:
                opened.set(False)
                try:
                    answer = await pool.handle_async_request(_for_pool(request, proxy))
                    break
                except (httpcore2.ReadError, httpcore2.RemoteProtocolError):
                    # A kept connection that the server closed just now. The pool drops those that it knows of; this
                    # one is gone from it too, so this ends, at the latest with a fresh one. No pools: we closed it.
                    if opened.get() or request.method not in ("GET", "HEAD") or not self._pools:
                        raise
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(answer.stream, request),
            extensions=dict(answer.extensions),
            request=request,
        )

    async def aclose(self) -> None:
        """Closes every connection, those in use too: cancel first what waits for one."""
        pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            await pool.aclose()

    async def _open_pool(self, scheme: str, proxy: httpx.URL | None) -> httpcore2.AsyncConnectionPool:
        context = None
        if scheme == "https":
            async with self._tls_wanted:
                if not isinstance(self._tls, ssl.SSLContext):
                    self._tls = await asyncio.to_thread(self._tls)
                context = self._tls
        pool = httpcore2.AsyncConnectionPool(
            ssl_context=context,
            max_connections=self._connections,
            keepalive_expiry=KEEP_ALIVE,
            network_backend=Network(scheme, proxy),
        )
        return self._pools.setdefault((scheme, proxy), pool)


def open_transport(endpoint: Endpoint, *, connections: int = 16, timeout: float = 30.0) -> Transport:
    """The transport for one endpoint. Redirects to other hosts: `open_transport(endpoint.elsewhere(), …)`."""
    return Transport(partial(ssl_context, endpoint), connections=connections, timeout=timeout)


def _for_pool(request: httpx.Request, proxy: httpx.URL | None) -> httpcore2.Request:
    url = request.url
    headers, target = request.headers.raw, url.raw_path
    if proxy is not None and url.scheme == "http":  # a proxy wants the whole URL (RFC 9112, 3.2.2)
        headers, target = [*headers, *proxy_login(proxy)], b"http://%b%b" % (url.netloc, target)
    return httpcore2.Request(
        request.method,
        httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=target),
        headers=headers,
        content=_sliced(request.stream),
        extensions=request.extensions,
    )


async def _sliced(stream: Any) -> AsyncIterator[bytes]:
    async for chunk in stream:
        for start in range(0, len(chunk), _SLICE):
            yield chunk[start : start + _SLICE]


class _Body(httpx.AsyncByteStream):
    def __init__(self, stream: Any, request: httpx.Request) -> None:
        self._stream = stream
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx(self._request):
            async with aclosing(aiter(self._stream)) as chunks:
                async for chunk in chunks:
                    yield chunk

    async def aclose(self) -> None:
        with _as_httpx(self._request):
            await self._stream.aclose()


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
    # httpcore2 lets these through: an alert of TLS 1.3 that comes after the handshake, a body that is longer or shorter
    # than its Content-Length, a host that can be no name.
    (ssl.SSLError, httpx.ReadError),
    (h11.LocalProtocolError, httpx.LocalProtocolError),
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
