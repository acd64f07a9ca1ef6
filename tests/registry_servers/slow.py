"""A registry that takes its time: a proxy before a real one, which lets every request wait."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.registry_servers.docker_registry import DockerRegistry


@contextmanager
def slow_registry(registry: DockerRegistry, delay: float) -> Iterator[str]:
    """Gives the host that references begin with. Whatever is sent reaches the registry `delay` seconds later."""
    host, port = registry.host.rsplit(":", 1)
    connections: set[asyncio.Task[None]] = set()
    loop, listening = asyncio.new_event_loop(), threading.Event()
    name = ""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, wait: float) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await asyncio.sleep(wait)
                writer.write(data)
                await writer.drain()
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to_there = await asyncio.open_connection(host, int(port))
        await asyncio.gather(pass_on(reader, to_there, delay), pass_on(there, writer, 0))

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(connected(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    async def serve() -> None:
        nonlocal name
        server = await asyncio.start_server(begin, "127.0.0.1", 0)
        name = "{}:{}".format(*server.sockets[0].getsockname())
        listening.set()
        await stopped.wait()
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    stopped = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), name="slow-registry")
    thread.start()
    listening.wait()
    try:
        yield name
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join()
        loop.close()
