"""Bringing blobs into a repository: mounted from a neighbour, or sent (distribution-spec, "Pushing blobs")."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx

from regtui.errors import ContentError, DigestMismatch, RegistryError
from regtui.oci.digest import Digest
from regtui.oci.reference import check_repository
from regtui.registry.answers import ERROR_LIMIT, Answer
from regtui.registry.endpoint import Endpoint
from regtui.registry.exchange import Exchange
from regtui.registry.tokens import access
from regtui.text import shown

COMMIT_PATIENCE = 300.0
"""Seconds, beyond the usual, that a server may take to store a blob after its last byte."""


async def mount(exchange: Exchange, repository: str, digest: Digest, source: str) -> bool:
    """See `Client.mount_blob`."""
    path = f"/v2/{check_repository(repository)}/blobs/uploads/?mount={digest}&from={check_repository(source)}"
    needed = access(repository, "pull,push", source)
    answer = await exchange.send("POST", path, needed, limit=ERROR_LIMIT)
    if answer.status not in (201, 202):
        raise exchange.refusal(answer, f"{exchange.registry}/{repository}", repository)
    return answer.status == 201


async def upload(exchange: Exchange, repository: str, digest: Digest, size: int, chunks: AsyncIterator[bytes]) -> None:
    """See `Client.upload_blob`."""
    needed = access(repository, "pull,push")
    subject = f"{exchange.registry}/{repository}@{digest}"
    begun = await exchange.send("POST", f"/v2/{check_repository(repository)}/blobs/uploads/", needed, limit=ERROR_LIMIT)
    if begun.status != 202:
        raise exchange.refusal(begun, subject, repository)
    location = _location(begun, exchange.endpoint)
    done = await exchange.send(
        "PUT",
        f"{location}{'&' if '?' in location else '?'}digest={digest}",
        needed,
        limit=ERROR_LIMIT,
        headers={"Content-Type": "application/octet-stream", "Content-Length": str(size)},
        content=_exactly(chunks, size, subject),
        patience=COMMIT_PATIENCE,
    )
    if done.status not in (200, 201, 204):
        raise exchange.refusal(done, subject, repository)
    if done.digest and done.digest.partition(":")[0] == digest.partition(":")[0] and done.digest != digest:
        raise DigestMismatch(f"{exchange.registry} stored {done.digest} where {subject} was sent")


def _location(answer: Answer, endpoint: Endpoint) -> str:
    """Where the bytes go, its query untouched: it may be signed."""
    text = answer.headers.get("location", "").partition("#")[0]
    try:
        url = answer.url.join(text) if text else httpx.URL()
        host = url.host
    except (httpx.InvalidURL, UnicodeError):  # UnicodeError: `xn--` with nothing that it could stand for
        url, host = httpx.URL(), ""
    home = httpx.URL(endpoint.base)
    if url.scheme not in ("http", "https") or not host or url.userinfo:
        raise RegistryError(f"{answer.place} names no place to upload to: {shown(text, 200)!r}")
    if home.scheme == "https" and url.scheme == "http":
        # A proxy that ends TLS often leaves its registry believing in plain HTTP.
        if host != home.host:
            raise RegistryError(
                f"{answer.place} sends an upload from HTTPS to plain HTTP, and regtui does not follow it"
            )
        url = url.copy_with(scheme=home.scheme, port=home.port)
    return str(url)


async def _exactly(chunks: AsyncIterator[bytes], size: int, subject: str) -> AsyncIterator[bytes]:
    sent = 0
    async for chunk in chunks:
        sent += len(chunk)
        if sent > size:
            break
        yield chunk
    if sent != size:
        has = f"more than {size:,}" if sent > size else f"{sent:,}, not {size:,},"
        raise ContentError(f"The content to send as {subject} has {has} bytes")
