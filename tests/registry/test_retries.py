"""What is tried again, how often, and what never is."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import httpx
import pytest

from regtui.errors import (
    Answered,
    ConnectionFailed,
    RateLimited,
)
from regtui.oci import media_types
from tests.registry.fakes import (
    DIGEST,
    MANIFEST,
    RAW,
    Body,
    Server,
    manifest,
    problem,
    serve,
    stream,
)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_read_is_tried_three_times_with_growing_pauses(status: int, waits: list[float]) -> None:
    server = serve(httpx.Response(status))
    with pytest.raises(Answered):
        await server.client().manifest("team/app", "1.0")
    assert len(server.requests) == 3
    assert len(waits) == 2
    assert 0.3 < waits[0] <= 0.8 <= waits[1] <= 1.6
    server = serve(httpx.Response(status), manifest())
    assert (await server.client().manifest("team/app", "1.0")).digest == MANIFEST


async def test_a_broken_connection_is_tried_again_on_the_way_too() -> None:
    broken = httpx.Response(
        200, stream=Body(RAW[:9], error=httpx.ReadError("", request=httpx.Request("GET", "http://x")))
    )
    server = serve(broken, manifest())
    assert (await server.client().manifest("team/app", "1.0")).digest == MANIFEST
    assert len(server.requests) == 2


async def test_the_server_says_how_long_to_wait(waits: list[float]) -> None:
    date = formatdate(time.time() + 7, usegmt=True)
    server = serve(
        httpx.Response(429, headers={"Retry-After": "3"}),
        httpx.Response(503, headers={"Retry-After": date}),
        manifest(),
    )
    await server.client().manifest("team/app", "1.0")
    assert 2.9 < waits[0] <= 3
    assert 5 < waits[1] <= 7


async def test_a_long_wait_is_for_the_user_to_decide(waits: list[float]) -> None:
    server = serve(problem(429, "TOOMANYREQUESTS", "pull limit", retry_after="3600"))
    with pytest.raises(RateLimited, match=r"takes no more requests until .* \(in an hour\) \(TOO.*: pull l") as caught:
        await server.client().manifest("team/app", "1.0")
    assert caught.value.retry_after == 3600
    assert caught.value.advice == "Try again then. A user who is logged in often has a higher limit."
    assert (len(server.requests), waits) == (1, [])


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_change_is_never_sent_twice(status: int) -> None:
    server = serve(httpx.Response(status))
    client = server.client()
    changes: list[Callable[[], Any]] = [
        lambda: client.put_manifest("team/app", "1.0", RAW, media_types.OCI_MANIFEST),
        lambda: client.delete_manifest("team/app", MANIFEST),
        lambda: client.mount_blob("team/app", DIGEST, "team/other"),
        lambda: client.upload_blob("team/app", DIGEST, 1, stream(b"x")),
        lambda: client.may_delete("team/app"),
    ]
    for number, change in enumerate(changes, start=1):
        with pytest.raises(Answered, match=str(status)):
            await change()
        assert len(server.requests) == number


async def test_a_change_that_was_refused_for_its_pace_is_sent_again() -> None:
    server = serve(httpx.Response(429), httpx.Response(201))
    assert await server.client().put_manifest("team/app", "1.0", RAW, media_types.OCI_MANIFEST) == MANIFEST
    assert [request.content for request in server.requests] == [RAW, RAW]


async def test_a_change_whose_connection_broke_is_not_sent_again() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("reset", request=request)

    server = Server(fail)
    with pytest.raises(ConnectionFailed):
        await server.client().delete_manifest("team/app", MANIFEST)
    assert len(server.requests) == 1
