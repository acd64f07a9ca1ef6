"""The client: what it asks, what it understands of the answers, what it refuses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from regtui.errors import (
    Answered,
    ConnectionFailed,
    Forbidden,
    LoginNeeded,
    NotFound,
    ReadOnly,
    ReferenceError,
    TimedOut,
)
from regtui.oci import media_types
from regtui.registry.answers import ERROR_LIMIT
from regtui.registry.client import Client
from regtui.registry.endpoint import Endpoint
from tests.registry.fakes import (
    DIGEST,
    HOST,
    MANIFEST,
    RAW,
    Server,
    collect,
    headers,
    manifest,
    names,
    problem,
    serve,
    stream,
)

# --- Is it a registry?


async def test_a_registry_answers_its_front_door() -> None:
    server = serve(httpx.Response(200, json={}))
    await server.client().ping()
    assert server.asked == ["GET /v2/"]
    assert headers(server.requests[0], "user-agent").startswith("regtui/")


async def test_a_web_site_is_no_registry() -> None:
    with pytest.raises(
        Answered, match=r"https://registry.example.com/v2/ answered 200 with a web page, titled 'W & W'"
    ):
        await serve(httpx.Response(200, html="<head><title>\nW &amp;\n W</title>")).client().ping()
    with pytest.raises(NotFound, match=r"registry.example.com is no registry"):
        await serve(httpx.Response(404, text="nothing")).client().ping()


# --- What errors say


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (problem(404, "MANIFEST_UNKNOWN"), NotFound, "registry.example.com/team/app has no tag 1.0"),
        (problem(404, "NAME_UNKNOWN"), NotFound, "registry.example.com has no repository team/app"),
        (problem(403, "DENIED", "not yours"), Forbidden, "does not allow this for .*/team/app:1.0 (DENIED: not yours)"),
        (problem(401, "UNAUTHORIZED"), LoginNeeded, "asked for a login for .*/team/app:1.0, and none was given"),
        (problem(400, "ODD", "x"), Answered, "answered 400 (ODD: x) to GET https://.*/v2/team/app/manifests/1.0"),
        (httpx.Response(418, json={"errors": "no list"}), Answered, "answered 418 to GET"),
        (httpx.Response(418, json={"errors": [1]}), Answered, "answered 418 to GET"),
        (httpx.Response(418, json={"message": "a teapot"}), Answered, "answered 418 (a teapot)"),
        (httpx.Response(418, json={"errors": [{"status": 418, "message": "tea"}]}), Answered, "answered 418 (tea)"),
        (httpx.Response(418, content=b"\xff{"), Answered, "answered 418 to GET"),
        (httpx.Response(418, json={"message": "\x1b[31m" + "x" * 9999}), Answered, r"\\x1b\[31mx{200}"),
        (httpx.Response(418, content=b'{"message":"' + b" " * 2 * ERROR_LIMIT), Answered, "answered 418 to GET"),
        (httpx.Response(503, json={"message": "later"}), Answered, "failed with 503 (later)"),
        (httpx.Response(502, html="<title>Bad gateway</title>"), Answered, "answered 502 with a web page, titled 'Bad"),
        (httpx.Response(403, html="blocked"), Forbidden, "answered 403 with a web page not a registry's answer"),
        (httpx.Response(404, html="nothing"), NotFound, "answered 404 with a web page"),
        (httpx.Response(200, html="<title>Hello</title>"), Answered, "answered 200 with a web page, titled 'Hello'"),
        (httpx.Response(204), Answered, "answered 204 to GET .* which regtui does not expect"),
        (httpx.Response(302), Answered, "answered 302 to GET .* which regtui does not expect"),
    ],
)
async def test_every_refusal_has_its_sentence(answer: httpx.Response, kind: type[Answered], words: str) -> None:
    pattern = words.replace("(", r"\(").replace(")", r"\)") if "\\" not in words else words
    with pytest.raises(kind, match=pattern) as caught:
        await serve(answer).client().manifest("team/app", "1.0")
    assert caught.value.status == answer.status_code
    assert len(str(caught.value)) < 700


async def test_queries_stay_out_of_messages() -> None:
    server = serve(
        httpx.Response(307, headers={"Location": "https://store.example/x?Signature=hunter2"}), problem(400, "ODD")
    )
    with pytest.raises(Answered, match=r"https://store\.example/x") as caught:
        await server.client().blob_bytes("team/app", DIGEST, 10)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ConnectError, ConnectionFailed),
        (httpx.ConnectTimeout, TimedOut),
        (httpx.ReadTimeout, TimedOut),
        (httpx.ProxyError, ConnectionFailed),
    ],
)
async def test_who_does_not_answer_is_not_asked_again(error: type[httpx.TransportError], kind: type[Exception]) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error("why", request=request)

    server = Server(fail)
    with pytest.raises(kind, match=HOST):
        await server.client().head("team/app", "1.0")
    assert len(server.requests) == 1


@pytest.mark.parametrize("version", ["..", "", "a/b", "a?b", "sha256:0", "-x", "x" * 129])
async def test_what_can_be_no_tag_is_never_asked_for(version: str) -> None:
    server = serve(manifest())
    client = server.client()
    for ask in (client.head, client.manifest, client.delete_manifest):
        with pytest.raises(ReferenceError):
            await ask("team/app", version)
    assert server.requests == []


@pytest.mark.parametrize("repository", ["", "..", "team/../app", "Team", "a b", "team//app", "x?y"])
async def test_what_can_be_no_repository_is_never_asked_for(repository: str) -> None:
    server = serve(httpx.Response(200))
    client = server.client()
    asks: list[Callable[[], Any]] = [
        lambda: client.manifest(repository, "1.0"),
        lambda: names(client.tags(repository)),
        lambda: collect(client.blob(repository, DIGEST)),
        lambda: client.blob_size(repository, DIGEST),
        lambda: client.mount_blob("team/app", DIGEST, repository),
        lambda: client.upload_blob(repository, DIGEST, 0, stream()),
        lambda: client.referrers(repository, DIGEST),
    ]
    for ask in asks:
        with pytest.raises(ReferenceError):
            await ask()
    assert server.requests == []


# --- What the registry wants the user to know


async def test_pulls_left_and_warnings_are_kept() -> None:
    warning = r'299 - "old \"registry\"", 299 host "moving"'
    server = serve(
        manifest(ratelimit_limit="100;w=21600", ratelimit_remaining="88;w=21600", warning=warning),
        manifest(warning='299 - "moving", 199 - "other"'),
    )
    client = server.client()
    assert (client.pulls, client.warnings) == (None, [])
    await client.manifest("team/app", "1.0")
    await client.manifest("team/app", "1.0")
    assert client.pulls == "88/100"
    assert client.warnings == ['old "registry"', "moving"]


async def test_warnings_do_not_pile_up() -> None:
    client = Server(lambda request: manifest(warning=f'299 - "{time.perf_counter_ns()}"')).client()
    for _ in range(30):
        await client.manifest("team/app", "1.0")
    assert len(client.warnings) == 20


# --- Read-only


async def test_read_only_sends_nothing_but_reads() -> None:
    server = serve(manifest())
    client = server.client(read_only=True)
    assert client.read_only
    changes: list[Callable[[], Any]] = [
        lambda: client.put_manifest("team/app", "1.0", RAW, media_types.OCI_MANIFEST),
        lambda: client.delete_manifest("team/app", MANIFEST),
        lambda: client.may_delete("team/app"),
        lambda: client.mount_blob("team/app", DIGEST, "team/other"),
        lambda: client.upload_blob("team/app", DIGEST, 1, stream(b"x")),
    ]
    for change in changes:
        with pytest.raises(ReadOnly, match=r"registry\.example\.com are switched off"):
            await change()
    assert server.requests == []
    assert (await client.manifest("team/app", "1.0")).digest == MANIFEST


# --- The client itself


async def test_no_more_small_requests_are_under_way_than_allowed() -> None:
    under_way = most = 0

    class Slow(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.001)
            under_way -= 1
            return manifest()

    client = Client(Endpoint(HOST), Slow(), concurrency=3)
    await asyncio.gather(*(client.manifest("team/app", "1.0") for _ in range(20)))
    assert most == 3


async def test_the_registry_is_called_what_people_call_it() -> None:
    client = serve(problem(404, "")).client(endpoint=Endpoint("registry-1.docker.io"), registry="docker.io")
    with pytest.raises(NotFound, match=r"^docker\.io/library/debian has no tag 12"):
        await client.manifest("library/debian", "12")


async def test_closing_closes_every_transport() -> None:
    closed = []

    class Closing(httpx.AsyncBaseTransport):
        async def aclose(self) -> None:
            closed.append(self)

    own, other = Closing(), Closing()
    await Client(Endpoint(HOST), own, elsewhere=other).aclose()
    assert closed == [own, other]
