"""Reading blobs: streamed, in part, whole; and their size (distribution-spec, "Pulling blobs")."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial

import httpx

from regtui.errors import Answered, ConnectionFailed, ContentError, NoRanges, RegistryError
from regtui.oci.digest import Digest, Verifier, verify
from regtui.oci.reference import check_repository
from regtui.registry.answers import Answer, chunks
from regtui.registry.exchange import Exchange
from regtui.registry.tokens import access

_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
_WORTH = 256 * 1024  # bytes that a connection brought, so that another one promises more


async def stream(
    exchange: Exchange, repository: str, digest: Digest, start: int, end: int | None, *, only_part: bool
) -> AsyncGenerator[bytes, None]:
    """See `Client.blob`. Where a connection breaks that brought much, another one brings the rest."""
    if end is not None and end <= start:
        return
    verifier = Verifier(digest) if start == 0 and end is None else None
    had = start
    while True:
        before = had
        try:
            async with aclosing(_part(exchange, repository, digest, had, end, only_part=only_part)) as part:
                async for chunk in part:
                    if verifier:
                        verifier.update(chunk)
                    had += len(chunk)
                    yield chunk
            break
        except ConnectionFailed:
            if had - before < _WORTH:
                raise
    if verifier:
        verifier.check(_place(exchange, repository, digest)[1])


async def _part(
    exchange: Exchange, repository: str, digest: Digest, start: int, end: int | None, *, only_part: bool
) -> AsyncGenerator[bytes, None]:
    """What one request brings."""
    path, subject = _place(exchange, repository, digest)
    is_whole = start == 0 and end is None
    headers = {} if is_whole else {"Range": f"bytes={start}-{'' if end is None else end - 1}"}
    refuse = partial(_refusal, exchange, repository, digest)
    async with exchange.stream(path, access(repository), headers, refuse) as response:
        if response.status_code == 206 and not is_whole and _begins_at(response, start):
            skip = 0
        elif response.status_code == 200 and only_part and start:
            raise NoRanges(f"{exchange.registry} sends blobs only as a whole")
        elif response.status_code == 200:
            skip = start
        else:
            raise RegistryError(f"{exchange.registry} answered with another part of {subject} than was asked for")
        left = None if end is None else end - start
        async for chunk in chunks(response):
            if skip:
                skip, chunk = max(0, skip - len(chunk)), chunk[skip:]
            if left is not None:
                chunk = chunk[:left]
                left -= len(chunk)
            if chunk:
                yield chunk
            if left == 0:
                return
    if not is_whole and (skip or left):
        raise ContentError(f"{subject} ends before the part that was asked for")


async def whole(exchange: Exchange, repository: str, digest: Digest, limit: int) -> bytes:
    """See `Client.blob_bytes`."""
    path, subject = _place(exchange, repository, digest)
    answer = await exchange.send("GET", path, access(repository), limit=limit, name=f"blob {digest}")
    if answer.status != 200:
        raise _refusal(exchange, repository, digest, answer)
    verify(answer.body, digest, subject)
    return answer.body


async def size(exchange: Exchange, repository: str, digest: Digest) -> int:
    """See `Client.blob_size`."""
    path, subject = _place(exchange, repository, digest)
    answer = await exchange.send("HEAD", path, access(repository), limit=0)
    text = answer.headers.get("content-length", "")
    if answer.status == 200 and text.isdigit():
        return int(text)
    if answer.status in (404, 429):
        raise _refusal(exchange, repository, digest, answer)
    # Object storage signs a GET and refuses a HEAD with it: the first byte tells the size as well.
    refuse = partial(_refusal, exchange, repository, digest)
    async with exchange.stream(path, access(repository), {"Range": "bytes=0-0"}, refuse) as response:
        told = _RANGE.fullmatch(response.headers.get("content-range", ""))
        text = told[3] if told else response.headers.get("content-length", "")
    if not text.isdigit():
        raise RegistryError(f"{exchange.registry} does not tell the size of {subject}")
    return int(text)


def _place(exchange: Exchange, repository: str, digest: Digest) -> tuple[str, str]:
    """The path on the registry, and the name in messages."""
    return f"/v2/{check_repository(repository)}/blobs/{digest}", f"{exchange.registry}/{repository}@{digest}"


def _refusal(exchange: Exchange, repository: str, digest: Digest, answer: Answer) -> Answered:
    missing = f"{exchange.registry}/{repository} has no blob {digest}"
    return exchange.refusal(answer, f"{exchange.registry}/{repository}@{digest}", repository, missing)


def _begins_at(response: httpx.Response, start: int) -> bool:
    told = _RANGE.fullmatch(response.headers.get("content-range", ""))
    return told is not None and int(told[1]) == start
