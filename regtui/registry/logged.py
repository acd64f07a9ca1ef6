"""A transport whose every request stands in the request log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx

from regtui.registry.request_log import STOPPED, URL_LIMIT, RequestLog, RequestRecord, masked


def logged(transport: httpx.AsyncBaseTransport, log: RequestLog | None) -> httpx.AsyncBaseTransport:
    """The transport as it is where there is no log."""
    return LoggedTransport(transport, log) if log else transport


class LoggedTransport(httpx.AsyncBaseTransport):
    """Passes everything on as it is, and counts it."""

    def __init__(self, transport: httpx.AsyncBaseTransport, log: RequestLog) -> None:
        self._transport = transport
        self._log = log

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """As the transport's own."""
        is_short = len(request.url.raw_path) <= URL_LIMIT  # what a server makes up may be long, and 2,000 are kept
        url = request.url if is_short else masked(str(request.url))
        stream, record = request.stream, self._log.begin(request.method, url)
        if isinstance(stream, httpx.ByteStream):
            record.sent = int(request.headers.get("content-length", 0))
        elif isinstance(stream, httpx.AsyncByteStream):
            request.stream = _Upload(stream, record)
        try:
            response = await self._transport.handle_async_request(request)
        except BaseException as error:
            self._log.end(record, _name(error))
            raise
        record.status = response.status_code
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _Download(response.stream, record, self._log)
        return response

    async def aclose(self) -> None:
        await self._transport.aclose()


class _Upload(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream, record: RequestRecord) -> None:
        self._stream = stream
        self._record = record

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            self._record.sent += len(chunk)
            yield chunk


class _Download(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream, record: RequestRecord, log: RequestLog) -> None:
        self._stream = stream
        self._record = record
        self._log = log

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._stream:
                self._record.received += len(chunk)
                yield chunk
        except Exception as error:
            self._log.end(self._record, _name(error))
            raise
        self._log.end(self._record)

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._log.end(self._record)


def _name(error: BaseException) -> str:
    return STOPPED if isinstance(error, asyncio.CancelledError) else type(error).__name__
