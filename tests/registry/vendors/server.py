"""One real HTTP server that stands for every host of the network, and answers as the vendors document it.

A test takes the fixture `network` (conftest.py here) and says what is answered where:

    network.on("GET quay.io/api/v1/repository", {"repositories": []})           # JSON, 200, for ever
    network.on("GET quay.io/api/v1/repository?page=2", Reply(429, {...}))        # this query before the path alone
    network.on("GET hub.docker.com/v2/x", first, second)                        # in turn, the last one for ever
    network.on("DELETE hub.docker.com/v2/x", lambda request: Reply(204))         # by the request

A route is the method, the host as the client names it (with its port where it isn't the scheme's), and the path byte
for byte as it comes over the wire (`%2F` stays). What has no route is answered by `network.otherwise`, a 404 as long as
a test doesn't set it; `/v2/` too.

    client = network.client("quay.io", SOMEONE)           # a Client: `await client.ping()` chooses its vendor
    vendor = network.vendor(Quay, "quay.io", SOMEONE)     # or one vendor's class at once; options go to the Client
    network.requests, network.asked                    # what came: `Seen`s; or "GET quay.io/api/v1/repository?page=2"

Their requests go, whatever their host and scheme, by real HTTP over a loopback socket to this server; method, path,
query, headers (Host too) and body arrive as they would there. `Seen.scheme` tells how they would have gone.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from regtui.oci.reference import Reference
from regtui.registry.client import Client
from regtui.registry.credentials import Credentials
from regtui.registry.endpoint import Endpoint
from regtui.registry.transport import Transport
from regtui.registry.vendors import Vendor
from tests.embedded.server import served

T = TypeVar("T")
AnyVendor = TypeVar("AnyVendor", bound=Vendor)

SOMEONE = Credentials("someone", "pass:wörd")
BASIC = "Basic c29tZW9uZTpwYXNzOnfDtnJk"
"""What SOMEONE's credentials look like on the wire."""

_SCHEME = "x-forwarded-proto"


@dataclass(frozen=True)
class Seen:
    """A request as it came in. `query` is as on the wire, without its question mark."""

    method: str
    scheme: str
    host: str
    path: str
    query: str
    headers: httpx.Headers
    body: bytes

    def __str__(self) -> str:
        return f"{self.method} {self.host}{self.path}{'?' if self.query else ''}{self.query}"

    @property
    def authorization(self) -> str:
        """Its `Authorization`, or empty."""
        value: str = self.headers.get("authorization", "")
        return value

    @property
    def json(self) -> Any:
        """Its body's JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """An answer: JSON unless `body` is bytes. Names of headers may have `_` for `-`."""

    status: int = 200
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """As it goes over the wire."""
        raw = self.body if isinstance(self.body, bytes) else b"" if self.body is None else json.dumps(self.body)
        named = {"content-type": "application/json", **{k.replace("_", "-"): v for k, v in self.headers.items()}}
        return Response(raw, self.status, named)


WEB_PAGE = Reply(200, b"<html><title>Sign in</title></html>", {"content_type": "text/html; charset=utf-8"})
HALF = Reply(200, b'{"results": [{"name": "la')
"""JSON that breaks off."""


class Network:
    """The server, its routes, and the clients that are sent to it."""

    def __init__(self) -> None:
        self.address = ""
        self.requests: list[Seen] = []
        self.otherwise: object = Reply(404, {"message": "no route"})
        self._routes: dict[str, Iterator[object]] = {}
        self._clients: list[Client] = []

    def on(self, route: str, *answers: object) -> None:
        """What a route answers: a `Reply`, a function of the request (`Seen`) that gives one, or anything as JSON."""
        self._routes[route] = _in_turn(answers)

    @property
    def asked(self) -> list[str]:
        """The requests so far, as routes have them."""
        return [str(request) for request in self.requests]

    @property
    def last(self) -> Seen:
        return self.requests[-1]

    def client(self, registry: str, login: Credentials | None = None, **options: Any) -> Client:
        """A client for a registry as people write it, by https (`endpoint=` for another); this is its whole network."""

        async def credentials(repository: str) -> Credentials | None:
            return login

        endpoint = options.pop("endpoint", None) or Endpoint(Reference(registry).host)
        options = {"credentials": credentials, "elsewhere": _Diversion(self.address), "timeout": 10, **options}
        client = Client(endpoint, _Diversion(self.address), registry=registry, **options)
        self._clients.append(client)
        return client

    def vendor(
        self,
        kind: type[AnyVendor],
        registry: str,
        login: Credentials | None = None,
        **options: Any,
    ) -> AnyVendor:
        """One vendor's class for a registry, without a look at its `/v2/`."""
        return kind(self.client(registry, login, **options).vendor.exchange)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        headers = httpx.Headers(request.headers.raw)
        seen = Seen(
            request.method,
            headers.pop(_SCHEME),
            headers["host"],
            scope["raw_path"].decode("ascii"),
            scope["query_string"].decode("ascii"),
            headers,
            await request.body(),
        )
        self.requests.append(seen)
        route = self._routes.get(str(seen)) or self._routes.get(str(seen).partition("?")[0])
        answer = next(route) if route else self.otherwise
        if callable(answer):
            answer = answer(seen)
        await (answer if isinstance(answer, Reply) else Reply(200, answer)).response()(scope, receive, send)

    async def aclose(self) -> None:
        """Closes the clients."""
        for client in self._clients:
            await client.aclose()


@asynccontextmanager
async def open_network() -> AsyncIterator[Network]:
    """A server without routes; its clients are closed at the end."""
    network = Network()
    with served(network) as network.address:
        try:
            yield network
        finally:
            await network.aclose()


async def flat(pages: AsyncIterator[list[T]]) -> list[T]:
    """All pages in one."""
    return [item async for page in pages for item in page]


def pages(*answers: object) -> Callable[[Seen], Reply]:
    """A list by page numbers (`?page=2`, from 1); beyond the last page a 404."""

    def answer(request: Seen) -> Reply:
        number = int(httpx.QueryParams(request.query).get("page", "1"))
        return Reply(200, answers[number - 1]) if 0 < number <= len(answers) else Reply(404, {"message": "no page"})

    return answer


def _in_turn(answers: tuple[object, ...]) -> Iterator[object]:
    yield from answers
    while True:
        yield answers[-1]


class _Diversion(httpx.AsyncBaseTransport):
    """Sends every request to the one server, as it would have gone to its own host."""

    def __init__(self, address: str) -> None:
        self._host, _, port = address.partition(":")
        self._port = int(port)
        self._wire = Transport(timeout=10, environ={})

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._wire.handle_async_request(
            httpx.Request(
                request.method,
                request.url.copy_with(scheme="http", host=self._host, port=self._port),
                headers=[*request.headers.raw, (_SCHEME.encode(), request.url.scheme.encode())],
                stream=request.stream,
                extensions=request.extensions,
            )
        )

    async def aclose(self) -> None:
        await self._wire.aclose()
