"""An app in the process, reached like a registry: streaming both ways, and broken in all the ways."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from regtui.errors import ConnectionFailed
from regtui.registry.asgi import App, Message, StreamingASGITransport
from regtui.registry.failures import connection_failure
from tests.registry.wire import ask

Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

URL = "http://demo.localhost/v2/"


async def start(send: Send, status: int = 200, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers or []})


async def part(send: Send, body: bytes, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})


def answering(status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None) -> App:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await start(send, status, headers)
        await part(send, body, more=False)

    return app


async def open_response(app: App, request: httpx.Request | None = None) -> httpx.Response:
    return await StreamingASGITransport(app).handle_async_request(request or httpx.Request("GET", URL))


def other_tasks() -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks() - {asyncio.current_task()}


# Plain exchanges


async def test_an_answer_arrives_with_its_status_headers_and_body() -> None:
    headers = [(b"www-authenticate", b"Basic"), (b"www-authenticate", b"Bearer")]
    response = await ask(StreamingASGITransport(answering(401, b"no", headers)), URL)
    assert (response.status_code, response.content) == (401, b"no")
    assert response.headers.get_list("www-authenticate") == ["Basic", "Bearer"]


async def test_the_app_sees_the_request_as_a_server_would_give_it() -> None:
    seen: Message = {}

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        seen.update(scope)
        await answering(200, b"")(scope, receive, send)

    await ask(StreamingASGITransport(app), f"{URL}a%2Fb/tags?n=1&last=x%20y", headers={"Accept": "a/b"})
    assert (seen["type"], seen["method"], seen["scheme"]) == ("http", "GET", "http")
    assert (seen["path"], seen["raw_path"], seen["query_string"]) == (
        "/v2/a/b/tags",
        b"/v2/a%2Fb/tags",
        b"n=1&last=x%20y",
    )
    assert {(b"host", b"demo.localhost"), (b"accept", b"a/b")} <= set(seen["headers"])


async def test_head_is_answered_without_a_body_though_the_app_sends_one() -> None:
    response = await ask(StreamingASGITransport(answering(200, b"body", [(b"content-length", b"4")])), URL, "HEAD")
    assert (response.content, response.headers["content-length"]) == (b"", "4")


async def test_it_works_under_a_client_of_httpx_too() -> None:
    async with httpx.AsyncClient(transport=StreamingASGITransport(answering(200, b"ok"))) as client:
        assert (await client.get(URL)).text == "ok"


async def test_one_transport_serves_loops_of_other_threads() -> None:
    transport = StreamingASGITransport(answering(200, b"ok"))
    texts = []

    def in_a_thread() -> None:
        texts.append(asyncio.run(ask(transport, URL)).text)

    threads = [threading.Thread(target=in_a_thread) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    assert texts == ["ok"] * 3


async def test_nobody_gets_lifespan_events() -> None:
    types = []

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        types.append(scope["type"])
        await answering(200, b"")(scope, receive, send)

    async with StreamingASGITransport(app) as transport:
        await ask(transport, URL)
    assert types == ["http"]


# Streaming


async def test_the_answer_arrives_while_the_app_is_still_sending_and_holds_it_back() -> None:
    sent: list[int] = []

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await start(send)
        for number in range(1000):
            sent.append(number)
            await part(send, b"x" * 10)
        await part(send, b"", more=False)

    response = await open_response(app)
    received = 0
    async for chunk in response.aiter_raw():
        received += 1
        await asyncio.sleep(0)
        assert chunk == b"x" * 10
        assert len(sent) <= received + 1
        if received == 100:
            break
    await response.aclose()
    assert len(sent) <= 101


async def test_the_upload_is_taken_as_the_app_asks_for_it() -> None:
    taken: list[bytes] = []
    given: list[bytes] = []

    async def source() -> AsyncIterator[bytes]:
        for letter in (b"a", b"b", b"c"):
            given.append(letter)
            yield letter

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        more = True
        while more:
            assert len(given) == len(taken)
            message = await receive()
            taken.append(message["body"])
            more = message["more_body"]
        await answering(201, b"")(scope, receive, send)

    response = await ask(StreamingASGITransport(app), URL, "PUT", source())
    assert (response.status_code, taken) == (201, [b"a", b"b", b"c", b""])


async def test_an_app_may_answer_while_it_still_takes_the_upload() -> None:
    async def source() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    async def echo(scope: Message, receive: Receive, send: Send) -> None:
        await start(send)
        more = True
        while more:
            message = await receive()
            more = message["more_body"]
            await part(send, message["body"].upper(), more)

    response = await ask(StreamingASGITransport(echo), URL, "PUT", source())
    assert response.content == b"ONETWO"


async def test_an_app_may_answer_without_taking_the_upload() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x"

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        await answering(413, b"")(scope, receive, send)

    assert (await ask(StreamingASGITransport(app), URL, "PUT", endless())).status_code == 413
    assert not other_tasks()


# Closing and cancelling


async def test_closing_a_half_read_answer_cancels_the_app() -> None:
    cleaned_up = []

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await start(send)
        try:
            while True:
                await part(send, b"x")
        finally:
            cleaned_up.append(True)

    for reads in (0, 1):
        response = await open_response(app)
        if reads:
            async for _chunk in response.aiter_raw():
                break
        async with asyncio.timeout(2):
            await response.aclose()
            await response.aclose()  # again is no harm
    assert cleaned_up == [True, True]
    assert not other_tasks()


async def test_closing_an_answer_whose_last_part_nobody_read_lets_the_app_finish() -> None:
    done = []

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await answering(200, b"unread")(scope, receive, send)
        done.append(True)

    response = await open_response(app)
    async with asyncio.timeout(2):
        await response.aclose()
    assert done == [True]


async def test_cancelling_a_request_that_has_no_answer_yet_cancels_the_app() -> None:
    cancelled = asyncio.Event()

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    task = asyncio.create_task(ask(StreamingASGITransport(app), URL))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cancelled.is_set()
    assert not other_tasks()


async def test_cancelling_a_reader_in_the_middle_of_the_body_cancels_the_app() -> None:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await start(send)
        await part(send, b"first")
        await asyncio.sleep(60)

    task = asyncio.create_task(ask(StreamingASGITransport(app), URL))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not other_tasks()


async def test_an_app_that_waits_for_the_disconnect_gets_it_when_the_response_is_closed() -> None:
    messages = []

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        await receive()
        await answering(200, b"ok")(scope, receive, send)
        messages.append(await receive())

    async with asyncio.timeout(2):
        assert (await ask(StreamingASGITransport(app), URL)).text == "ok"
    assert messages == [{"type": "http.disconnect"}]


async def test_what_an_app_does_after_its_answer_is_done_when_the_response_is_closed() -> None:
    done = []

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await answering(200, b"ok")(scope, receive, send)
        await asyncio.sleep(0.01)
        done.append(True)

    await ask(StreamingASGITransport(app), URL)
    assert done == [True]


# Broken apps, broken uploads


async def test_an_app_that_fails_before_its_answer_is_a_failed_connection_and_a_log_entry(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        raise KeyError("a bug")

    with caplog.at_level(logging.ERROR), pytest.raises(httpx.TransportError) as caught:
        await ask(StreamingASGITransport(app), URL)
    error = connection_failure(caught.value)
    assert (type(error), str(error).partition(".")[0]) == (ConnectionFailed, "The connection to demo")
    assert "a bug" in caplog.text
    assert not other_tasks()


async def test_an_app_that_fails_in_its_body_gives_what_it_sent_and_then_the_error() -> None:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await start(send)
        await part(send, b"half")
        raise KeyError("a bug")

    response = await open_response(app)
    chunks = response.aiter_raw()
    assert await anext(chunks) == b"half"
    with pytest.raises(httpx.ReadError):
        await anext(chunks)
    await response.aclose()


@pytest.mark.parametrize("parts", [0, 1, 2])
async def test_an_app_that_stops_half_way_is_an_incomplete_answer(parts: int) -> None:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        if parts > 0:
            await start(send)
        if parts > 1:
            await part(send, b"half")

    with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
        await ask(StreamingASGITransport(app), URL)
    assert not other_tasks()


async def test_an_app_that_cancels_itself_is_an_incomplete_answer() -> None:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        raise asyncio.CancelledError

    async with asyncio.timeout(2):
        with pytest.raises(httpx.RemoteProtocolError):
            await ask(StreamingASGITransport(app), URL)


async def test_a_failure_after_the_answer_is_complete_is_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await answering(200, b"ok")(scope, receive, send)
        raise KeyError("a bug")

    assert (await ask(StreamingASGITransport(app), URL)).text == "ok"
    assert "a bug" in caplog.text


@pytest.mark.parametrize("answers_first", [False, True])
async def test_an_upload_that_fails_at_its_source_raises_that_error_and_disconnects_the_app(
    answers_first: bool, caplog: pytest.LogCaptureFixture
) -> None:
    messages = []

    async def source() -> AsyncIterator[bytes]:
        yield b"begun"
        raise LookupError("the source dried up")

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        if answers_first:
            await start(send)
        while (message := await receive())["type"] == "http.request":
            messages.append(message["body"])
        raise ConnectionError("the client went away")

    with pytest.raises(LookupError, match="dried up"):
        await ask(StreamingASGITransport(app), URL, "PUT", source())
    assert messages == [b"begun"]
    assert not caplog.text
    assert not other_tasks()


async def test_starlettes_streaming_answers_pass_through() -> None:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response, StreamingResponse
    from starlette.routing import Route

    async def echo(request: Request) -> Response:
        return StreamingResponse(request.stream(), media_type="application/octet-stream")

    async def source() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 1000

    app = Starlette(routes=[Route("/v2/", echo, methods=["PUT"])])
    response = await ask(StreamingASGITransport(app), URL, "PUT", source())
    assert response.content == b"x" * 100_000
    assert not other_tasks()
