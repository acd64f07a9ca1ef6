"""Servers that answer by a function, for what a real one can't be made to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx

from regtui.oci import media_types
from regtui.oci.digest import digest_of
from regtui.registry.client import Client
from regtui.registry.credentials import Credentials
from regtui.registry.endpoint import Endpoint

HOST = "registry.example.com"
SOMEONE = Credentials("someone", "pass:wörd")
BASIC = "Basic c29tZW9uZTpwYXNzOnfDtnJk"
"""What SOMEONE's credentials look like on the wire."""

DIGEST = digest_of(b"something")
ZEROS = "sha256:" + "0" * 64
RAW = b'{"schemaVersion":2,"config":{"mediaType":"a/b","digest":"x","size":1},"layers":[]}'
MANIFEST = digest_of(RAW)
BLOB = bytes(range(256)) * 40
BLOB_DIGEST = digest_of(BLOB)


class Server:
    """Every host of the network at once: `answer` gets each request, and `requests` keeps them."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self._answer = answer
        self.requests: list[httpx.Request] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        await asyncio.sleep(0)
        self.requests.append(httpx.Request(request.method, request.url, headers=request.headers, content=body))
        return self._answer(request)

    @property
    def asked(self) -> list[str]:
        """The requests to the registry as "GET /v2/?n=1", those to other hosts with the host."""
        return [
            f"{request.method} {'' if request.url.host == HOST else request.url.host}{request.url.raw_path.decode()}"
            for request in self.requests
        ]

    def client(self, login: Credentials | None = None, endpoint: Endpoint | None = None, **options: Any) -> Client:
        """A client whose whole network this is."""

        async def credentials(repository: str) -> Credentials | None:
            return login

        transport = httpx.MockTransport(self)
        options = {"credentials": credentials, "elsewhere": httpx.MockTransport(self), **options}
        return Client(endpoint or Endpoint(HOST), transport, **options)


def serve(*answers: httpx.Response) -> Server:
    """Answers with these in turn, and with the last one for ever."""
    waiting = list(answers)
    return Server(lambda request: waiting.pop(0) if len(waiting) > 1 else waiting[0])


def problem(status: int, code: str, message: str = "", **headers: str) -> httpx.Response:
    """An error as the specification has it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json={"errors": [{"code": code, "message": message}]}, headers=named)


def headers(request: httpx.Request, name: str) -> str:
    value: str = request.headers.get(name, "")
    return value


def manifest(raw: bytes = RAW, media_type: str = media_types.OCI_MANIFEST, **named: str) -> httpx.Response:
    fields = {name.replace("_", "-"): value for name, value in named.items()}
    return httpx.Response(200, content=raw, headers={"Content-Type": media_type, **fields})


async def names(pages: AsyncIterator[list[str]]) -> list[str]:
    return [name async for page in pages for name in page]


async def collect(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


async def stream(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


class Body(httpx.AsyncByteStream):
    """A body in chunks that knows how far it was read, and whether it was closed."""

    def __init__(self, *chunks: bytes, error: Exception | None = None) -> None:
        self.chunks, self.error = chunks, error
        self.read = 0
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            self.read += 1
            yield chunk
        if self.error:
            raise self.error

    async def aclose(self) -> None:
        self.closed = True


def basic(answer: Callable[[httpx.Request], httpx.Response]) -> Server:
    """Asks for Basic on the registry's host, then answers."""

    def respond(request: httpx.Request) -> httpx.Response:
        if str(request.url).startswith(f"https://{HOST}/") and "authorization" not in request.headers:
            return problem(401, "UNAUTHORIZED", www_authenticate="Basic")
        return answer(request)

    return Server(respond)


class Storage(Server):
    """A registry that holds BLOB, and may redirect to object storage on another host."""

    def __init__(self, redirect: str = "", status: int = 307) -> None:
        super().__init__(self.respond)
        self.redirect, self.status = redirect, status
        self.ranges = True

    def respond(self, request: httpx.Request) -> httpx.Response:
        if self.redirect and request.url.host == HOST and request.url.port is None:
            return httpx.Response(self.status, headers={"Location": self.redirect})
        wanted = headers(request, "range").removeprefix("bytes=")
        if not wanted or not self.ranges:
            return httpx.Response(200, stream=Body(*[BLOB[at : at + 100] for at in range(0, len(BLOB), 100)]))
        first, _, last = wanted.partition("-")
        start, end = int(first), min(int(last) + 1 if last else len(BLOB), len(BLOB))
        if start >= len(BLOB):
            return httpx.Response(416)
        content_range = {"Content-Range": f"bytes {start}-{end - 1}/{len(BLOB)}"}
        return httpx.Response(206, stream=Body(BLOB[start:end]), headers=content_range)
