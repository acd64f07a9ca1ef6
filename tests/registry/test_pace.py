"""How fast a host is asked: in turns, fewer after a 429, none while it wants to be left alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from regtui.errors import RateLimited
from regtui.oci import media_types
from regtui.registry.client import Client
from regtui.registry.endpoint import Endpoint
from regtui.registry.pace import Pace, Paces, insisting
from regtui.registry.retries import PAUSE_LIMIT, REFUSALS, WAIT_LIMIT, seconds, until
from regtui.registry.transport import open_transport
from tests.embedded.server import served
from tests.registry.fakes import (
    BLOB,
    BLOB_DIGEST,
    HOST,
    MANIFEST,
    RAW,
    SOMEONE,
    Server,
    Storage,
    collect,
    manifest,
    problem,
    serve,
)

NOTHING = httpx.Headers()


def asking(wait: float | str) -> httpx.Headers:
    return httpx.Headers({"Retry-After": f"{wait}"})


async def settle() -> None:
    """Lets all others go on as far as they can."""
    for _ in range(20):
        await asyncio.sleep(0)


class Sleeping:
    """Pauses last until the test ends them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[float] = []
        self._over = asyncio.Event()
        monkeypatch.setattr("regtui.registry.pace.sleep", self)

    async def __call__(self, wait: float) -> None:
        self.asked.append(wait)
        await self._over.wait()

    async def end(self) -> None:
        over, self._over = self._over, asyncio.Event()
        over.set()
        await settle()


@pytest.fixture
async def sleeping(monkeypatch: pytest.MonkeyPatch) -> Sleeping:
    return Sleeping(monkeypatch)


class Crowd:
    """So many who want a turn, each for as long as the test says."""

    def __init__(self, pace: Pace, number: int) -> None:
        self.began: list[int] = []
        self._ends = [asyncio.Event() for _ in range(number)]
        self.tasks = [asyncio.create_task(self._one(pace, number)) for number in range(number)]

    async def _one(self, pace: Pace, number: int) -> None:
        async with pace:
            self.began.append(number)
            await self._ends[number].wait()

    async def end(self, *numbers: int) -> None:
        for number in numbers:
            self._ends[number].set()
        await settle()


# Turns


async def test_turns_come_in_order() -> None:
    crowd = Crowd(Pace("host", 3), 6)
    await settle()
    assert crowd.began == [0, 1, 2]
    await crowd.end(1)
    assert crowd.began == [0, 1, 2, 3]
    await crowd.end(0, 2, 3, 4, 5)
    assert crowd.began == [0, 1, 2, 3, 4, 5]


async def test_nobody_overtakes_who_waits() -> None:
    pace = Pace("host", 1)
    crowd = Crowd(pace, 2)
    await settle()
    crowd.tasks[0].cancel()
    await settle()
    assert crowd.began == [0, 1]
    assert not pace.is_idle


async def test_who_is_cancelled_leaves_the_turn_to_the_next() -> None:
    pace = Pace("host", 1)
    crowd = Crowd(pace, 4)
    await settle()
    crowd.tasks[1].cancel()  # while it waits
    await settle()
    await crowd.end(0)
    assert crowd.began == [0, 2]
    crowd._ends[2].set()
    for _ in range(3):  # until its turn is given, and before it is taken
        await asyncio.sleep(0)
        if not pace._queue:
            break
    crowd.tasks[3].cancel()
    await settle()
    assert pace.is_idle
    async with pace:
        pass


# Slower and faster


async def test_a_burst_of_refusals_halves_once_and_the_next_one_again() -> None:
    pace = Pace("host", 16)
    for sent_in in [pace.round] * 16:
        pace.hear(sent_in, 503, NOTHING)
    assert pace.limit == 8
    limits = []
    for _ in range(5):
        pace.hear(pace.round, 503, NOTHING)
        limits.append(pace.limit)
    assert limits == [4, 2, 1, 1, 1]
    assert pace.paused_until is None


async def test_it_grows_by_one_a_round_that_goes_well_up_to_the_ceiling() -> None:
    pace = Pace("host", 16)
    pace.hear(pace.round, 503, NOTHING)
    for limit in range(8, 16):
        assert pace.limit == limit
        for _ in range(limit + 1):
            pace.hear(pace.round, 200, NOTHING)
    for _ in range(100):
        pace.hear(pace.round, 404, NOTHING)
    assert pace.limit == 16


async def test_answers_from_before_the_slowing_down_count_for_nothing() -> None:
    pace = Pace("host", 16)
    before = pace.round
    pace.hear(before, 503, NOTHING)
    for _ in range(100):
        pace.hear(before, 200, NOTHING)
    assert pace.limit == 8


# Pauses


async def test_nobody_begins_in_a_pause_and_half_as_many_after_it(sleeping: Sleeping) -> None:
    pace = Pace("host", 4)
    crowd = Crowd(pace, 12)
    await settle()
    pace.hear(pace.round, 429, asking(7))
    await crowd.end(0, 1, 2, 3)
    assert crowd.began == [0, 1, 2, 3]
    assert pace.paused_until
    assert timedelta(seconds=6) < pace.paused_until - datetime.now(UTC) <= timedelta(seconds=7)
    await sleeping.end()
    assert crowd.began == [0, 1, 2, 3, 4, 5]
    assert len(sleeping.asked) == 1


async def test_a_pause_grows_while_it_lasts_and_never_shrinks(sleeping: Sleeping) -> None:
    pace = Pace("host", 4)
    for wait in (5, 30, 10):
        pace.hear(0, 429, asking(wait))
        await settle()
    crowd = Crowd(pace, 1)
    await sleeping.end()
    assert crowd.began == []
    assert 29 < sleeping.asked[1] <= 30
    await sleeping.end()
    assert crowd.began == [0]


async def test_without_a_wish_the_pause_grows_with_each_round(sleeping: Sleeping) -> None:
    pace = Pace("host", 16)
    for number in range(5):
        for sent_in in [pace.round] * 10:
            pace.hear(sent_in, 429, NOTHING)
        await settle()
        assert 0.9 * 2**number < sleeping.asked[number] <= 2 * 2**number
        await sleeping.end()
    pace.hear(pace.round, 200, NOTHING)
    pace.hear(pace.round, 429, NOTHING)
    await settle()
    assert sleeping.asked[5] <= 2


async def test_a_host_that_always_refuses_is_left_alone_in_the_end(waits: list[float]) -> None:
    """However short a pause it names, and however many ask."""
    server = serve(httpx.Response(429, headers={"Retry-After": "0"}))
    client = server.client()
    ends = await asyncio.gather(*(client.manifest("team/app", "1.0") for _ in range(300)), return_exceptions=True)
    assert all(isinstance(end, RateLimited) for end in ends)
    assert len(server.requests) < 40
    assert sum(waits) < 300
    assert client.paused_until


async def test_in_a_long_pause_everybody_fails_at_once_and_nothing_is_sent() -> None:
    pace = Pace("docker.io", 2)
    crowd = Crowd(pace, 5)
    await settle()
    pace.hear(pace.round, 429, asking(3 * 3600))
    await settle()
    assert crowd.began == [0, 1]
    for task in crowd.tasks[2:]:
        with pytest.raises(RateLimited, match=r"^docker\.io takes no more requests until .* \(in [23] hours\)"):
            await task
    with pytest.raises(RateLimited):
        await pace.ready()
    with pytest.raises(RateLimited) as caught:
        await pace.__aenter__()
    assert caught.value.retry_after
    assert 10_790 < caught.value.retry_after <= 10_800


async def test_after_a_long_pause_things_go_on_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    pace, now = Pace("host", 2), time.time()
    pace.hear(pace.round, 429, asking(3600))
    monkeypatch.setattr("regtui.registry.pace.time.time", lambda: now + 3601)
    assert pace.paused_until is None
    await pace.ready()
    async with pace:
        pass
    assert not pace.is_paused


async def test_who_waits_in_a_short_pause_fails_when_it_becomes_a_long_one(sleeping: Sleeping) -> None:
    pace = Pace("host", 2)
    pace.hear(pace.round, 429, asking(5))
    crowd, streamed = Crowd(pace, 2), asyncio.create_task(pace.ready())
    await settle()
    pace.hear(pace.round, 429, asking(3600))
    for task in (*crowd.tasks, streamed):
        with pytest.raises(RateLimited):
            await task


async def test_who_waits_in_a_pause_can_be_cancelled(sleeping: Sleeping) -> None:
    pace = Pace("host", 2)
    pace.hear(pace.round, 429, asking(5))
    crowd, streamed = Crowd(pace, 3), asyncio.create_task(pace.ready())
    await settle()
    for task in (crowd.tasks[0], streamed):
        task.cancel()
    await settle()
    assert crowd.tasks[0].cancelled()
    assert streamed.cancelled()
    assert pace.is_paused  # the others go on waiting
    await sleeping.end()
    assert crowd.began == [1]


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("1.5", 1.5),
        ("0", 0),
        ("1000000000", PAUSE_LIMIT),
        ("9" * 5000, PAUSE_LIMIT),
        ("1e9", None),
        ("-5", None),
        ("", None),
        ("soon", None),
        ("٣", None),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
        ("Sun Nov  6 08:49:37 1994", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", PAUSE_LIMIT),
        ("Fri, 99 Dec 2099 23:59:59 GMT", None),
    ],
)
def test_what_a_server_may_ask_for(text: str, wait: float | None) -> None:
    assert seconds(text) == wait


def test_a_date_without_a_zone_is_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        text = (datetime.now(UTC) + timedelta(seconds=30)).strftime("%a, %d %b %Y %H:%M:%S")
        for date in (f"{text} -0000", f"{text} GMT"):
            assert 25 < (seconds(date) or 0) <= 30
    finally:
        monkeypatch.undo()
        time.tzset()


@given(st.text(max_size=60))
def test_whatever_a_server_asks_for_is_within_bounds(text: str) -> None:
    wait = seconds(text)
    assert wait is None or 0 <= wait <= PAUSE_LIMIT


def test_until_when_is_said_by_this_machines_clock() -> None:
    later = datetime.now() + timedelta(hours=3)
    assert until(3 * 3600).startswith(f"until {later:%H:%M}")
    assert until(3 * 3600).endswith("(in 3 hours)")
    assert f" on {datetime.now() + timedelta(days=1):%Y-%m-%d} (in a day)" in until(PAUSE_LIMIT)


async def test_hosts_without_end_are_forgotten_but_for_those_that_are_paused() -> None:
    paces = Paces(httpx.URL(f"https://{HOST}"), HOST, 4)
    paused = httpx.URL("https://paused.example")
    paces.at(paused).hear(0, 429, asking(3600))
    for number in range(500):
        paces.at(httpx.URL(f"https://storage-{number}.example"))
    assert len(paces._paces) < 100
    assert paces.at(paused).is_paused
    assert paces.at(httpx.URL(f"https://{HOST}/v2/")) is paces.home
    assert paces.paused_until is None  # nothing waits there: requests fail


# The client


class Limited(Server):
    """Refuses the first so many requests."""

    def __init__(self, refusals: int, retry_after: str = "5", status: int = 429) -> None:
        super().__init__(self.respond)
        self._left, self._headers, self._status = refusals, {"Retry-After": retry_after}, status

    def respond(self, request: httpx.Request) -> httpx.Response:
        self._left -= 1
        return httpx.Response(self._status, headers=self._headers) if self._left >= 0 else manifest()


async def test_200_requests_wait_together_and_all_are_answered(sleeping: Sleeping) -> None:
    server = Limited(16)
    client = server.client()
    tasks = [asyncio.create_task(client.manifest("team/app", "1.0")) for _ in range(200)]
    await settle()
    assert len(server.requests) == 16
    await settle()
    assert len(server.requests) == 16  # nobody asks during the pause
    assert client.paused_until
    late = asyncio.create_task(client.head("team/app", "1.0"))
    await settle()
    assert len(server.requests) == 16  # who comes new doesn't either
    late.cancel()
    await sleeping.end()
    assert {(await task).digest for task in tasks} == {MANIFEST}
    assert len(server.requests) == 216
    assert len(sleeping.asked) == 1
    assert client.paused_until is None


async def test_on_the_wire_nobody_asks_during_the_pause_and_few_at_first_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("regtui.registry.pace.sleep", asyncio.sleep)
    came: list[float] = []
    under_way, most = [0], [0]

    async def answer(request: Request) -> Response:
        came.append(time.monotonic())
        if len(came) <= 16:
            return Response(status_code=429, headers={"Retry-After": "1"})
        under_way[0] += 1
        most[0] = max(most[0], under_way[0]) if len(came) < 80 else most[0]
        await asyncio.sleep(0.01)
        under_way[0] -= 1
        return Response(RAW, media_type=media_types.OCI_MANIFEST)

    with served(Starlette(routes=[Route("/{path:path}", answer)])) as host:
        endpoint = Endpoint(host, "http")
        async with aclosing(Client(endpoint, open_transport(endpoint, connections=20))) as client:
            found = await asyncio.gather(*(client.manifest("team/app", "1.0") for _ in range(200)))
    assert {each.digest for each in found} == {MANIFEST}
    assert len(came) == 216
    assert came[16] - came[15] > 0.9
    assert most[0] <= 13


async def test_a_date_pauses_as_seconds_do(sleeping: Sleeping) -> None:
    client = Limited(1, formatdate(time.time() + 40, usegmt=True)).client()
    task = asyncio.create_task(client.manifest("team/app", "1.0"))
    await settle()
    assert client.paused_until
    assert timedelta(seconds=35) < client.paused_until - datetime.now(UTC) <= timedelta(seconds=40)
    await sleeping.end()
    assert (await task).digest == MANIFEST


async def test_a_long_pause_holds_for_every_request_to_the_host() -> None:
    server = Limited(1, "3600")
    client = server.client(registry="docker.io")
    for _ in range(3):
        with pytest.raises(RateLimited, match=r"docker\.io takes no more requests until .* \(in .*(hour|minutes)\)"):
            await client.manifest("team/app", "1.0")
    with pytest.raises(RateLimited):
        await collect(client.blob("team/app", BLOB_DIGEST))
    with pytest.raises(RateLimited):
        await client.delete_manifest("team/app", "1.0")
    assert len(server.requests) == 1
    assert client.paused_until


async def test_what_a_change_left_half_done_is_sent_in_a_long_pause_too(sleeping: Sleeping) -> None:
    server = Limited(1, "3600")
    client = server.client()
    with pytest.raises(RateLimited):
        await client.manifest("team/app", "1.0")
    with insisting():
        assert (await client.manifest("team/app", "1.0")).digest == MANIFEST
    with pytest.raises(RateLimited):
        await client.manifest("team/app", "1.0")
    assert len(server.requests) == 2


async def test_changes_that_wait_are_neither_lost_nor_sent_twice(sleeping: Sleeping) -> None:
    server = Server(lambda request: httpx.Response(429, headers={"Retry-After": "5"}) if is_first() else done(request))
    first = [True]

    def is_first() -> bool:
        was, first[0] = first[0], False
        return was

    def done(request: httpx.Request) -> httpx.Response:
        return httpx.Response(201 if request.method == "PUT" else 202)

    client = server.client()
    tasks: list[asyncio.Task[object]] = [
        asyncio.create_task(client.put_manifest("team/app", "1.0", RAW, media_types.OCI_MANIFEST))
    ]
    await settle()
    tasks += [asyncio.create_task(client.put_manifest("team/app", "2.0", RAW, media_types.OCI_MANIFEST))]
    tasks += [asyncio.create_task(client.delete_manifest("team/app", MANIFEST))]
    cancelled = asyncio.create_task(client.delete_manifest("team/other", MANIFEST))
    await settle()
    assert len(server.requests) == 1
    cancelled.cancel()
    await sleeping.end()
    await asyncio.gather(*tasks)
    assert sorted(server.asked) == [
        f"DELETE /v2/team/app/manifests/{MANIFEST}",
        "PUT /v2/team/app/manifests/1.0",
        "PUT /v2/team/app/manifests/1.0",
        "PUT /v2/team/app/manifests/2.0",
    ]


async def test_a_503_is_waited_for_by_the_one_who_got_it(waits: list[float]) -> None:
    server = Limited(1, "20", status=503)
    client = server.client()
    await client.manifest("team/app", "1.0")
    assert [round(wait) for wait in waits] == [20]
    assert client.paused_until is None
    assert client._exchange._paces.home.limit == 8


async def test_one_who_is_refused_again_and_again_gives_up(waits: list[float]) -> None:
    server = Limited(100, "1")
    with pytest.raises(RateLimited):
        await server.client().manifest("team/app", "1.0")
    assert len(server.requests) == REFUSALS
    assert len(waits) >= REFUSALS - 1


async def test_storage_that_refuses_holds_back_nothing_at_the_registry(sleeping: Sleeping) -> None:
    storage = Storage("https://storage.example.net/blob?signed")
    refusing = [True]

    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.host != HOST and refusing[0]:
            return httpx.Response(429, headers={"Retry-After": "5"})
        return manifest() if "manifests" in request.url.path else storage.respond(request)

    server = Server(respond)
    client = server.client(concurrency=4)
    blobs = [asyncio.create_task(client.blob_bytes("team/app", BLOB_DIGEST, 100_000)) for _ in range(20)]
    streamed = asyncio.create_task(collect(client.blob("team/app", BLOB_DIGEST)))
    await settle()
    assert client.paused_until  # they wait for it
    asked = len([name for name in server.asked if "storage" in name])
    assert (await client.manifest("team/app", "1.0")).digest == MANIFEST
    assert client._exchange._paces.home.limit <= 3
    refusing[0] = False
    assert len([name for name in server.asked if "storage" in name]) == asked
    await sleeping.end()
    assert {await task for task in blobs} == {BLOB}
    assert await streamed == BLOB


@pytest.mark.parametrize("always", [False, True])
async def test_a_login_server_has_a_pace_of_its_own(always: bool, waits: list[float]) -> None:
    refused = [0]

    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.host != HOST:
            refused[0] += 1
            if always or refused[0] == 1:
                return httpx.Response(429, headers={"Retry-After": "2"})
            return httpx.Response(200, json={"token": "t"})
        if "authorization" not in request.headers:
            challenge = 'Bearer realm="https://auth.registry.example.com/token",service="s"'
            return problem(401, "UNAUTHORIZED", www_authenticate=challenge)
        return manifest()

    client = Server(respond).client(SOMEONE)
    tasks = [asyncio.create_task(client.manifest("team/app", "1.0")) for _ in range(50)]
    if always:
        assert all(isinstance(end, RateLimited) for end in await asyncio.gather(*tasks, return_exceptions=True))
        assert refused[0] < 60
    else:
        assert {(await task).digest for task in tasks} == {MANIFEST}
        assert (refused[0], [round(wait) for wait in waits]) == (2, [2])


@pytest.mark.parametrize("method", ["HEAD", "GET"])
async def test_pulls_left_are_noticed_on_either_answer(method: str) -> None:
    limits: dict[str, Any] = {"ratelimit_limit": "100;w=21600", "ratelimit_remaining": "76;w=21600"}
    server = serve(manifest(docker_content_digest=MANIFEST, **limits))
    client = server.client()
    read: Callable[[str, str], Any] = client.head if method == "HEAD" else client.manifest
    await read("team/app", "1.0")
    assert (server.requests[0].method, client.pulls) == (method, "76/100")


def test_the_limit_of_waiting_is_a_minute() -> None:
    assert WAIT_LIMIT == 60
