"""The request log: each request once, as it went, and nothing of a login."""

from __future__ import annotations

import asyncio
import os
import re
import stat
import threading
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.errors import ConfigError, ConnectionFailed
from regtui.oci import media_types
from regtui.registry.logged import LoggedTransport
from regtui.registry.request_log import KEPT, URL_LIMIT, RequestLog, masked
from regtui.registry.transport import Transport
from tests.registry.fakes import (
    BLOB,
    BLOB_DIGEST,
    HOST,
    RAW,
    SOMEONE,
    Body,
    Server,
    Storage,
    collect,
    manifest,
    problem,
    serve,
    stream,
)
from tests.registry.wire import answering, ask, raw_server


def entries(log: RequestLog) -> list[str]:
    return [f"{record.method} {record.url.partition('://')[2]} {record.outcome}" for record in log.records()]


async def test_a_request_is_an_entry_with_what_came_and_went() -> None:
    log = RequestLog()
    server = serve(manifest(), httpx.Response(201))
    client = server.client(log=log)
    await client.manifest("team/app", "1.0")
    await client.put_manifest("team/app", "2.0", RAW, media_types.OCI_MANIFEST)
    assert entries(log) == [
        f"GET {HOST}/v2/team/app/manifests/1.0 200",
        f"PUT {HOST}/v2/team/app/manifests/2.0 201",
    ]
    read, put = log.records()
    assert (read.received, read.sent, put.received, put.sent) == (len(RAW), 0, 0, len(RAW))
    assert read.seconds is not None
    assert read.time.tzinfo
    assert log.count == 2


async def test_tries_redirects_and_login_servers_are_entries_of_their_own() -> None:
    log = RequestLog()
    storage = Storage("https://storage.example.net/blob?X-Signature=s%2Fecret&page=1")

    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            return httpx.Response(200, json={"token": "to-ken"})
        if request.url.host == HOST and "authorization" not in request.headers:
            challenge = 'Bearer realm="https://auth.registry.example.com/token",service="s"'
            return problem(401, "UNAUTHORIZED", www_authenticate=challenge)
        return storage.respond(request)

    client = Server(respond).client(SOMEONE, log=log)
    assert await client.blob_bytes("team/app", BLOB_DIGEST, 20_000) == BLOB
    scope = "scope=repository%3Ateam%2Fapp%3Apull"
    assert entries(log) == [
        f"GET {HOST}/v2/team/app/blobs/{BLOB_DIGEST} 401",
        f"GET auth.registry.example.com/token?service=s&{scope}&account=… 200",
        f"GET {HOST}/v2/team/app/blobs/{BLOB_DIGEST} 307",
        "GET storage.example.net/blob?X-Signature=…&page=1 200",
    ]
    assert log.records()[-1].received == len(BLOB)


async def test_a_body_is_counted_as_it_streams_and_the_entry_is_complete_at_its_end() -> None:
    log = RequestLog()
    client = Storage().client(log=log)
    chunks = client.blob("team/app", BLOB_DIGEST)
    assert await anext(chunks)
    (record,) = log.records()
    assert (record.received, record.status, record.seconds) == (100, 200, None)
    await collect(chunks)
    assert record.received == len(BLOB)
    assert record.seconds is not None


async def test_who_stops_early_ends_the_entry_too() -> None:
    log = RequestLog()
    async with raw_server(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")) as server:
        transport = LoggedTransport(Transport(), log)
        response = await transport.handle_async_request(httpx.Request("GET", f"http://{server.host}/"))
        assert isinstance(response.stream, httpx.AsyncByteStream)
        async for _ in response.stream:
            break
        await response.aclose()
        await transport.aclose()
    (record,) = log.records()
    assert (record.received, record.error) == (5, "")
    assert record.seconds is not None


async def test_what_fails_says_how() -> None:
    log = RequestLog()
    broken = Body(RAW[:9], error=httpx.ReadError("", request=httpx.Request("GET", "http://x")))
    await serve(httpx.Response(200, stream=broken), manifest()).client(log=log).manifest("team/app", "1.0")

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(ConnectionFailed):
        await Server(refuse).client(log=log).ping()
    assert [record.outcome for record in log.records()] == ["200 ReadError", "200", "ConnectError"]


async def test_a_cancelled_request_is_not_under_way_for_ever() -> None:
    log = RequestLog()

    async def silent(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    transport = LoggedTransport(httpx.MockTransport(silent), log)
    task = asyncio.create_task(ask(transport, "http://x/"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert log.records()[0].seconds is None
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log.records()[0].outcome == "stopped"


async def test_an_upload_is_counted_by_what_was_sent() -> None:
    log = RequestLog()
    server = serve(
        httpx.Response(202, headers={"Location": "/v2/team/app/uploads/1?_state=secret"}), httpx.Response(201)
    )
    await server.client(log=log).upload_blob("team/app", BLOB_DIGEST, len(BLOB), stream(BLOB[:100], BLOB[100:]))
    begun, done = log.records()
    assert (begun.sent, done.sent) == (0, len(BLOB))
    assert done.url.endswith(f"/v2/team/app/uploads/1?_state=…&digest={BLOB_DIGEST}")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:pa%40ss@host:5000/v2/", "https://host:5000/v2/"),
        ("https://user@host/v2/?n=5&last=1.0", "https://host/v2/?n=5&last=1.0"),
        ("https://host/?X-Amz-Signature=abc&X-Amz-Expires=60", "https://host/?X-Amz-Signature=…&X-Amz-Expires=…"),
        ("https://host/?secret", "https://host/?…"),
        ("https://host/?secret&n=1&", "https://host/?…&n=1&"),
        ("https://host/?N=1&%6e=2", "https://host/?N=…&%6e=…"),
        ("https://host/?n=1;token=x", "https://host/?n=…"),
        ("https://host/#access_token=x", "https://host/"),
        ("https://host/a@b/c", "https://host/a@b/c"),
        ("https://host/\x1b[31m\u202e", "https://host/\\x1b[31m\\u202e"),
    ],
)
def test_logins_and_signatures_are_masked(url: str, shown: str) -> None:
    assert masked(url) == shown


def test_a_long_url_is_cut() -> None:
    for url in (f"https://host/{'x' * 100_000}", f"https://host/?{'&'.join(['n=1'] * 100_000)}"):
        assert len(masked(url)) == URL_LIMIT


@given(st.text(max_size=50), st.text(alphabet="abc=&;%?#@:/", max_size=50))
def test_no_url_breaks_it(path: str, query: str) -> None:
    assert masked(f"https://user:hunter2@host/{path}?{query}&token=hunter2").count("hunter2") <= (path + query).count(
        "hun"
    )


def test_only_the_last_are_kept() -> None:
    log = RequestLog()
    for number in range(KEPT + 5):
        log.end(log.begin("GET", f"https://host/{number}"))
    numbers = [record.number for record in log.records()]
    assert numbers == list(range(5, KEPT + 5))
    assert log.count == KEPT + 5


def test_any_thread_may_write(tmp_path: Path) -> None:
    log = RequestLog(str(tmp_path / "log"))

    def write() -> None:
        for number in range(500):
            log.end(log.begin("GET", f"https://host/{number}"))
            log.records()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    lines = (tmp_path / "log").read_text().splitlines()
    assert len(lines) == log.count == 2000
    assert sorted({record.number for record in log.records()}) == list(range(2000))


LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [A-Z]+ https?://\S+ \S+ \d+ms \d+ \d+( cached)?")


async def test_the_file_has_a_line_for_each_behind_what_is_there(tmp_path: Path) -> None:
    file = tmp_path / "requests.log"
    file.write_text("before\n")
    log = RequestLog(str(file))
    await serve(manifest()).client(log=log).manifest("team/app", "1.0")
    log.note_cached("GET", f"https://{HOST}/v2/team/app/blobs/{BLOB_DIGEST}", 12)
    under_way = log.begin("GET", "https://host/\nhttps://forged/ ")
    before, read, cached = file.read_text().splitlines()  # at once, not when the log is closed
    assert before == "before"
    assert LINE.fullmatch(read)
    assert f"GET https://{HOST}/v2/team/app/manifests/1.0 200 " in read
    assert read.endswith(f"ms {len(RAW)} 0")
    assert cached.endswith(f"/v2/team/app/blobs/{BLOB_DIGEST} 0 0ms 12 0 cached")
    log.end(under_way, "ReadError")
    log.close()
    log.note_cached("GET", "https://host/", 0)  # after the end it goes nowhere
    assert len(file.read_text().splitlines()) == 4


def test_the_file_is_the_users_own(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        RequestLog(str(tmp_path / "log")).close()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["", "no/such/folder/log", "a\0b"])
def test_a_file_that_can_t_be_written_is_an_error_at_once(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^The request log .* can't be written: "):
        RequestLog(str(tmp_path / name))


def test_a_full_disk_stops_nothing() -> None:
    log = RequestLog("/dev/full")
    log.end(log.begin("GET", "https://host/"))
    assert log.count == 1
