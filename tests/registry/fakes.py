"""Servers that answer by a function, for what a real one can't be made to do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx

from regtui.oci.digest import digest_of
from regtui.registry.client import Client
from regtui.registry.credentials import Credentials
from regtui.registry.endpoint import Endpoint

HOST = "registry.example.com"
SOMEONE = Credentials("someone", "pass:wörd")
BASIC = "Basic c29tZW9uZTpwYXNzOnfDtnJk"
"""What SOMEONE's credentials look like on the wire."""

DIGEST = digest_of(b"something")


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
