"""Servers of a few lines on real sockets, for what no proper server can be made to do; certificates for them."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import trustme


@dataclass
class Peer:
    """One connection, seen from the server."""

    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    server: RawServer

    async def request(self) -> bytes:
        """Reads one request whole, by its Content-Length, and counts it. Returns its head."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        self.server.heads.append(head)
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                self.server.bodies.append(await self.reader.readexactly(int(line.partition(b":")[2])))
        return head

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def gone(self) -> None:
        """Returns when the client has closed the connection."""
        while await self.reader.read(65536):
            pass


@dataclass
class RawServer:
    """What a test sees of a server: where it is, what came, and how many connections are open."""

    host: str = ""
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    accepted: int = 0
    open: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def until_open(self, number: int) -> None:
        """Waits until so many connections are open; five seconds without that are a failure."""
        async with asyncio.timeout(5):
            while self.open != number:
                self.changed.clear()
                await self.changed.wait()

    def count(self, step: int) -> None:
        self.accepted += max(step, 0)
        self.open += step
        self.changed.set()


Script = Callable[[Peer], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def answering(*answers: bytes) -> Script:
    """One answer to each request of a connection, then the connection is closed."""

    async def script(peer: Peer) -> None:
        for answer in answers:
            await peer.request()
            await peer.send(answer)

    return script


async def keeps_silent(peer: Peer) -> None:
    """Takes everything, says nothing."""
    await peer.gone()


async def answers_forever(peer: Peer) -> None:
    while True:
        await peer.request()
        await peer.send(OK)


@asynccontextmanager
async def raw_server(
    script: Script,
    tls: ssl.SSLContext | None = None,
    address: str = "127.0.0.1",
    receive_buffer: int = 0,
) -> AsyncIterator[RawServer]:
    """Runs the script for each connection, and closes the connection when it returns."""
    state = RawServer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(state.accepted, reader, writer, state)
        state.count(+1)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await script(peer)
        finally:
            writer.close()
            state.count(-1)

    listener = socket.create_server((address, 0), family=socket.AF_INET6 if ":" in address else socket.AF_INET)
    if receive_buffer:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    server = await asyncio.start_server(serve, sock=listener, ssl=tls)
    number = listener.getsockname()[1]
    state.host = f"[{address}]:{number}" if ":" in address else f"{address}:{number}"
    try:
        yield state
    finally:
        server.close()


async def ask(
    transport: httpx.AsyncBaseTransport,
    url: str,
    method: str = "GET",
    content: bytes | AsyncIterator[bytes] | None = None,
    headers: dict[str, str] | None = None,
    *,
    connect: float | None = None,
    read: float | None = None,
    write: float | None = None,
    pool: float | None = None,
) -> httpx.Response:
    """One request, the way the client sends them: without `httpx.AsyncClient`. The body is read."""
    request = httpx.Request(method, url, content=content, headers=headers)
    timeouts = {"connect": connect, "read": read, "write": write, "pool": pool}
    if any(timeouts.values()):
        request.extensions["timeout"] = timeouts
    response = await transport.handle_async_request(request)
    try:
        await response.aread()
    finally:
        await response.aclose()
    return response


class Authority:
    """A CA of the tests: certificates for their servers and clients, its own as a file."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self.ca_file = str(folder / "ca.pem")
        self.client_cert = str(folder / "client.pem")
        self._ca.cert_pem.write_to_path(self.ca_file)
        self._ca.issue_cert("someone@example.com").private_key_and_cert_chain_pem.write_to_path(self.client_cert)

    def server(self, *names: str, expired: bool = False, wants_client: bool = False) -> ssl.SSLContext:
        """The TLS of a server whose certificate is for these names (`127.0.0.1` and `localhost` if none are given)."""
        ended = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC) if expired else None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(*(names or ("127.0.0.1", "localhost")), not_after=ended).configure_cert(context)
        if wants_client:
            self._ca.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context
