"""A process that is killed (SIGKILL) at a request of the test's choice, by a proxy between it and real registries.

    with killing_proxy(registry) as proxy:        # or two registries: proxy.hosts are in their order
        alone = proxy.run(work)                   # in a forked process, to its end: alone.requests is what it sent
        ran = proxy.run(work, kill_at=7, when=Kill.UNANSWERED)
        assert ran.killed
        proxy.run(resume)                         # "starts it again": hosts stay the same

`work` is called in a process forked from this one: what it imports is there already, so a case takes some 50 ms. What
it raises is raised by `run`. Tests must not be `async`, or the child would have the test's loop.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum

from tests.registry_servers.docker_registry import DockerRegistry

LIMIT = 60
"""Seconds that a process may take at most."""


class Kill(StrEnum):
    """When the process dies, by the request of that number."""

    UNSENT = "unsent"  # the registry never sees it
    UNANSWERED = "unanswered"  # the registry has done it, and the process doesn't know
    ANSWERED = "answered"  # the process was told, and does nothing more, or very little


@dataclass(frozen=True, slots=True)
class Ran:
    """`requests` are those that the process sent, as "PUT /v2/team/app/manifests/1.0", in the order of their coming."""

    requests: list[str]
    killed: bool


class KillingProxy:
    """Speaks HTTP/1.1 with the process and with the registries, and passes on whole messages."""

    def __init__(self, registries: tuple[DockerRegistry, ...]) -> None:
        self._sockets = [socket.create_server(("127.0.0.1", 0)) for _ in registries]
        self._upstream = [registry.host.rsplit(":", 1) for registry in registries]
        self.hosts = [f"127.0.0.1:{each.getsockname()[1]}" for each in self._sockets]
        """What references begin with: the registries behind this proxy."""

    def run(self, work: Callable[[], None], *, kill_at: int | str = 0, when: Kill = Kill.UNANSWERED) -> Ran:
        """Calls `work` in a process of its own, killed at its request number `kill_at`, counted from 1; 0: never.
        Or at the first request that begins so, as "PUT /v2/team/app".

        It returns when that process is gone and the registries have answered all that they were asked. `killed` is
        false when there were fewer requests. Raises `AssertionError` with the traceback when `work` fails.
        """
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            _work(work, writing)
        os.close(writing)
        try:
            passing = _Passing(child, kill_at, when)
            said = asyncio.run(passing.serve([each.dup() for each in self._sockets], self._upstream, reading))
        finally:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        if said and not passing.killed:
            raise AssertionError(said)
        return Ran(passing.requests, passing.killed)

    def close(self) -> None:
        for each in self._sockets:
            each.close()


@contextmanager
def killing_proxy(*registries: DockerRegistry) -> Iterator[KillingProxy]:
    proxy = KillingProxy(registries)
    try:
        yield proxy
    finally:
        proxy.close()


def _work(work: Callable[[], None], writing: int) -> None:
    """The child's whole life. What it raises goes through the pipe; the pipe's end tells of the child's."""
    try:
        work()
    except BaseException:
        os.write(writing, traceback.format_exc().encode()[-60_000:])
    finally:
        sys.stdout.flush()
        os._exit(0)


@dataclass(slots=True)
class _Passing:
    """One process and what it sends."""

    child: int
    kill_at: int | str
    when: Kill
    requests: list[str] = field(default_factory=list)
    killed: bool = False
    _connections: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, sockets: list[socket.socket], upstream: list[list[str]], reading: int) -> str:
        """Until the child is gone; returns what it said."""
        servers = [
            await asyncio.start_server(self._connected(*where), sock=each)
            for each, where in zip(sockets, upstream, strict=True)
        ]
        try:
            return await asyncio.wait_for(_read_all(reading), LIMIT)
        finally:
            for server in servers:
                server.close()
            await asyncio.gather(*self._connections, return_exceptions=True)

    def _connected(
        self, host: str, port: str
    ) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], asyncio.Task[None]]:
        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> asyncio.Task[None]:
            task = asyncio.ensure_future(self._connection(reader, writer, host, port))
            self._connections.add(task)
            return task

        return connected

    async def _connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: str
    ) -> None:
        there, to_there = await asyncio.open_connection(host, int(port))
        try:
            while (request := await _message(reader)) and not self.killed:
                line = request.split(b"\r\n", 1)[0].decode()
                self.requests.append(line.rpartition(" ")[0].partition("?")[0])
                is_the_one = self._is_the_one(self.kill_at)
                if is_the_one and self.when is Kill.UNSENT:
                    self._kill()
                    break
                to_there.write(request)
                answer = await _message(there, is_bare=line.startswith("HEAD "))
                if is_the_one and self.when is Kill.UNANSWERED:
                    self._kill()
                writer.write(answer)
                await writer.drain()
                if is_the_one:
                    self._kill()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the child is gone
        finally:
            for each in (writer, to_there):
                each.close()

    def _is_the_one(self, kill_at: int | str) -> bool:
        """Whether the process dies by its latest request."""
        if isinstance(kill_at, int):
            return len(self.requests) == kill_at
        return self.requests[-1].startswith(kill_at)

    def _kill(self) -> None:
        if not self.killed:
            self.killed = True
            os.kill(self.child, signal.SIGKILL)


async def _message(reader: asyncio.StreamReader, *, is_bare: bool = False) -> bytes:
    """One whole request or answer with its body, which an answer to `HEAD` lacks; empty at the end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return b""
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    if is_bare:
        return head
    if fields.get(b"transfer-encoding") == b"chunked":
        return head + await _chunks(reader)
    return head + await reader.readexactly(int(fields.get(b"content-length", b"0")))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    """A chunked body as it came (RFC 9112, section 7.1), without trailers."""
    body = b""
    while True:
        size = await reader.readuntil(b"\r\n")
        chunk = await reader.readexactly(int(size.split(b";")[0], 16) + 2)
        body += size + chunk
        if len(chunk) == 2:
            return body


async def _read_all(descriptor: int) -> str:
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb")
    )
    try:
        return (await reader.read()).decode()
    finally:
        transport.close()
