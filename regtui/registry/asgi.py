"""An ASGI application as a registry: httpx's transport API without a socket, streaming both ways."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

import httpx

Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]

_log = logging.getLogger(__name__)


class StreamingASGITransport(httpx.AsyncBaseTransport):
    """Calls `app` for every request, in a task of the loop that asks. Nobody gets lifespan events.

    httpx's own `ASGITransport` gathers the whole answer first. Here one chunk at a time is under way in either
    direction: an app that is read slowly is held back, and a layer of 2 GB never is in memory.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends one request. The response's body is a stream: close the response, whatever happens.

        An app that fails is a `httpx.ReadError`, one that stops half-way a `httpx.RemoteProtocolError`, before the
        body or in it, as with a server on a socket; its traceback is logged.
        """
        exchange = _Exchange(self._app, request)
        try:
            status, headers = await exchange.started
        except BaseException:
            await exchange.aclose()
            raise
        return httpx.Response(status, headers=headers, stream=exchange, request=request)


class _Exchange(httpx.AsyncByteStream):
    """One request and its answer: the app runs until it is done, or until nobody wants the rest of the answer."""

    def __init__(self, app: App, request: httpx.Request) -> None:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        self._request = request
        self._upload: AsyncIterator[bytes] | None = aiter(request.stream)
        self._chunk = b""  # what the app sent and nobody took yet
        self._answered = False  # the app sent the last of its answer
        self._error: Exception | None = None
        self._sent, self._taken, self._gone = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.started: asyncio.Future[tuple[int, list[tuple[bytes, bytes]]]] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._run(app))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            await self._sent.wait()
            self._sent.clear()
            chunk, self._chunk = self._chunk, b""
            if not chunk:  # nothing left: the end
                break
            self._taken.set()
            yield chunk
        if self._error is not None:
            raise self._error

    async def aclose(self) -> None:
        """Returns when the app has returned. An app that is still answering is cancelled."""
        self._gone.set()
        self._taken.set()
        if not self._answered:
            self._task.cancel()
        try:
            await asyncio.wait([self._task])
        finally:
            self._task.cancel()

    async def _run(self, app: App) -> None:
        try:
            await app(_scope(self._request), self._receive, self._send)
        except Exception as error:
            if self._error is None:  # else it fell over what broke the upload
                _log.exception("The application failed at %s %s", self._request.method, self._request.url.path)
            self._fail(httpx.ReadError("the application failed", request=self._request), error)
        finally:
            if not self._answered:
                self._fail(httpx.RemoteProtocolError("the answer is incomplete", request=self._request))
            self._sent.set()

    def _fail(self, error: Exception, cause: Exception | None = None) -> None:
        if self._error is None and not self._answered:
            error.__cause__ = cause
            self._error = error
            if not self.started.done():
                self.started.set_exception(error)

    async def _receive(self) -> Message:
        if self._upload is not None and not self._gone.is_set():
            try:
                return {"type": "http.request", "body": await anext(self._upload), "more_body": True}
            except StopAsyncIteration:
                self._upload = None
                return {"type": "http.request", "body": b"", "more_body": False}
            except Exception as error:  # the caller's own stream broke: its owner hears why, the app of a disconnect
                self._upload = None
                self._fail(error)
                self._gone.set()
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if not self.started.done():
                self.started.set_result((message["status"], list(message.get("headers", []))))
        elif message["type"] == "http.response.body" and not self._answered:
            chunk = b"" if self._request.method == "HEAD" else message.get("body", b"")
            self._answered = not message.get("more_body", False)
            if chunk:
                self._chunk = chunk
                self._sent.set()
                await self._taken.wait()
                self._taken.clear()
            if self._answered:
                self._sent.set()


def _scope(request: httpx.Request) -> Message:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": request.url.raw_path.partition(b"?")[0],
        "query_string": request.url.query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "server": (request.url.host, request.url.port),
        "client": ("127.0.0.1", 0),
    }
