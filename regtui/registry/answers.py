"""An answer of a server, read within bounds."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import Any

import httpx

from regtui.errors import ContentError, TooLarge
from regtui.oci.decode import decode
from regtui.oci.digest import Digest, is_digest
from regtui.oci.media_types import bare
from regtui.text import shown

ERROR_LIMIT = 64 * 1024
"""Bytes of an error's body that are read; the rest is left."""

_TITLE = re.compile(rb"<title[^<>]*>([^<]{1,300})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and the whole body (cut at `ERROR_LIMIT` when the status says an error)."""

    method: str
    url: httpx.URL
    status: int
    headers: httpx.Headers
    body: bytes = field(default=b"", repr=False)

    @property
    def place(self) -> str:
        """Where it came from, for messages: a query may hold a signature, and stays out."""
        return str(shown(f"{self.url.scheme}://{self.url.netloc.decode('ascii')}{self.url.path}", 300))

    @property
    def digest(self) -> Digest | None:
        """`Docker-Content-Digest`, when it is a digest."""
        text = self.headers.get("docker-content-digest", "")
        return Digest(text) if is_digest(text) else None

    @property
    def code(self) -> str:
        """The first error's code (distribution-spec, "Error Codes"), such as `MANIFEST_UNKNOWN`, or empty."""
        return str(shown(self._problem()[0], 100))

    @property
    def said(self) -> str:
        """`CODE: message` of the first error, or what of it there is."""
        return ": ".join(str(shown(part, 300)) for part in self._problem() if part)

    @property
    def is_web_page(self) -> bool:
        """Whether a proxy, or a server that is no registry, answered for people instead of programs."""
        return bare(self.headers.get("content-type", "")) in ("text/html", "application/xhtml+xml")

    @property
    def title(self) -> str:
        """The web page's title, or empty."""
        match = _TITLE.search(self.body[:ERROR_LIMIT])
        return str(shown(" ".join(html.unescape(match[1].decode("utf-8", "replace")).split()), 100)) if match else ""

    def _problem(self) -> tuple[str, str]:
        """Code and message, as specified or as near to it as servers come."""
        if self.method == "HEAD" or not self.body or self.status < 400:
            return "", ""
        try:
            body: Any = decode(self.body, dict[str, Any], "error", ERROR_LIMIT)
        except ContentError:
            return "", ""
        errors = body.get("errors")
        first = errors[0] if isinstance(errors, list) and errors else body
        if not isinstance(first, dict):
            return "", ""
        message = first.get("message") or first.get("error_description") or first.get("details") or first.get("error")
        code = first.get("code")
        return (code if isinstance(code, str) else ""), (message if isinstance(message, str) else "")


async def read_answer(method: str, url: httpx.URL, response: httpx.Response, limit: int, name: str) -> Answer:
    """Reads the body and ends the response. Raises `TooLarge`, naming it, when a good answer goes beyond `limit` bytes.

    Raises httpx's errors when the connection breaks on the way.
    """
    failed = response.status_code >= 400
    limit = ERROR_LIMIT if failed or method == "HEAD" else limit
    body = await _read(response, limit)
    if len(body) > limit and not failed:
        raise TooLarge(f"The {name} of {url.host} has more than {limit:,} bytes, which regtui does not read")
    return Answer(method, url, response.status_code, response.headers, body[:limit])


async def read_ahead(response: httpx.Response) -> httpx.Response:
    """The same response off the wire, its body cut at `ERROR_LIMIT`: its connection is free for others."""
    body = await _read(response, ERROR_LIMIT)
    return httpx.Response(response.status_code, headers=response.headers, stream=httpx.ByteStream(body))


def chunks(response: httpx.Response) -> httpx.AsyncByteStream:
    """The body as it comes off the wire, whatever `Content-Encoding` says: that is what digests are made of."""
    assert isinstance(response.stream, httpx.AsyncByteStream)
    return response.stream


async def _read(response: httpx.Response, limit: int) -> bytes:
    """Up to `limit` bytes and a little; ends the response. A body read to its end leaves a connection to use again."""
    body = bytearray()
    try:
        async for chunk in chunks(response):
            body += chunk
            if len(body) > limit:
                break
    finally:
        await response.aclose()
    return bytes(body)
