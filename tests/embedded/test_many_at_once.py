"""Many clients, threads, event loops and processes on one folder."""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
from starlette.types import ASGIApp

from regtui.embedded.app import registry_app
from regtui.oci.digest import digest_of
from regtui.registry.asgi import StreamingASGITransport
from tests.embedded.content import push_blob, push_image


async def push_some(app: ASGIApp, who: str) -> None:
    transport = StreamingASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://r.test") as client, asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(push_image(client, "app", f"{who}-{number}", layer=f"{who} {number}".encode()))


async def test_two_event_loops_in_two_threads_share_one_app(client: httpx.AsyncClient, root: Path) -> None:
    app = registry_app(root)
    other = threading.Thread(target=lambda: asyncio.run(push_some(app, "runner")))
    other.start()
    await push_some(app, "screen")
    await asyncio.to_thread(other.join)
    tags = (await client.get("/v2/app/tags/list")).json()["tags"]
    assert tags == [f"{who}-{number}" for who in ("runner", "screen") for number in range(8)]


def _push_from_a_process(root: Path, who: str) -> None:
    asyncio.run(push_some(registry_app(root), who))


async def test_two_processes_lose_none_of_each_others_tags(client: httpx.AsyncClient, root: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_push_from_a_process, args=(root, who)) for who in ("a", "b")]
    for process in processes:
        process.start()
    for process in processes:
        await asyncio.to_thread(process.join)
    assert len((await client.get("/v2/app/tags/list")).json()["tags"]) == 16


async def test_one_upload_takes_one_request_at_a_time(client: httpx.AsyncClient) -> None:
    gate = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"a"
        await gate.wait()
        yield b"b"

    url = (await client.post("/v2/app/blobs/uploads/")).headers["location"]
    first = asyncio.create_task(client.patch(url, content=slow()))
    await asyncio.sleep(0.05)
    assert (await client.patch(url, content=b"c")).status_code == 409
    gate.set()
    assert (await first).status_code == 202
    assert (await client.put(url, params={"digest": digest_of(b"ab")})).status_code == 201


async def test_a_blob_that_is_deleted_while_it_is_read_is_read_to_its_end(client: httpx.AsyncClient) -> None:
    content = b"x" * (3 << 20)
    digest = await push_blob(client, "app", content)
    async with client.stream("GET", f"/v2/app/blobs/{digest}") as answer:
        await client.delete(f"/v2/app/blobs/{digest}")
        assert len(await answer.aread()) == len(content)
