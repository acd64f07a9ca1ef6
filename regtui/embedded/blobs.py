"""Blobs: pulled whole or in part, and deleted."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import BinaryIO

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from regtui.embedded.refusals import Refused, digest_from, name_of
from regtui.embedded.repositories import Readable, Repositories
from regtui.oci.digest import Digest

_PIECE = 256 * 1024
"""Bytes that are read, and held, at once."""


class ReadBlobs:
    """The endpoint `/v2/<name>/blobs/<digest>`, for reading."""

    def __init__(self, repositories: Readable) -> None:
        self._readable = repositories

    async def get(self, request: Request) -> Response:
        """GET, a single byte range of it if asked for, and HEAD."""
        name, digest = name_of(request), digest_from(request.path_params["digest"])
        file, begin, size = await run_in_threadpool(self._open, name, digest)
        headers = {
            "Docker-Content-Digest": digest,
            "Content-Type": "application/octet-stream",
            "Content-Length": str(size),
            "Accept-Ranges": "bytes",
        }
        if request.method == "HEAD":
            file.close()
            return Response(headers=headers)
        try:
            span = byte_range(request.headers.get("range", ""), size)
        except Refused:
            file.close()
            raise
        if span is None:
            return StreamingResponse(_pieces(file, begin, begin + size), headers=headers)
        start, end = span
        headers |= {"Content-Length": str(end - start), "Content-Range": f"bytes {start}-{end - 1}/{size}"}
        return StreamingResponse(_pieces(file, begin + start, begin + end), 206, headers)

    def _open(self, name: str, digest: Digest) -> tuple[BinaryIO, int, int]:
        """The file that holds a blob, where in it that begins, and the blob's size."""
        repository = self._readable.get(name)
        try:
            if repository:
                return repository.open(digest)
        except FileNotFoundError:
            pass
        raise _unknown(digest)


class Blobs(ReadBlobs):
    """The endpoint, for deleting too."""

    def __init__(self, repositories: Repositories, deletion: bool) -> None:
        super().__init__(repositories)
        self._repositories = repositories
        self._deletion = deletion

    def delete(self, request: Request) -> Response:
        name, digest = name_of(request), digest_from(request.path_params["digest"])
        if not self._deletion:
            raise Refused("UNSUPPORTED", "Deletion is switched off")
        layout = self._repositories.get(name)
        if layout and digest in layout.contents().manifests:
            raise Refused("UNSUPPORTED", "This is a manifest: it is deleted at /manifests/, not at /blobs/")
        if not layout or not layout.remove_blob(digest):
            raise _unknown(digest)
        return Response(status_code=202)


def byte_range(header: str, size: int) -> tuple[int, int] | None:
    """Start and end (exclusive) of the one range that a Range header asks for; None: everything.

    Refuses a range that lies outside (RFC 9110, 14.1.2). Several ranges, and what can't be read, are left aside.
    """
    match = re.fullmatch(r"bytes=([0-9]{0,18})-([0-9]{0,18})", header.strip())
    if not match or not (match[1] or match[2]):
        return None
    if match[1]:
        start, end = int(match[1]), min(int(match[2]) + 1 if match[2] else size, size)
    else:
        start, end = max(size - int(match[2]), 0), size
    if start >= end:
        raise Refused(
            "SIZE_INVALID", "The blob has no such range", status=416, headers={"Content-Range": f"bytes */{size}"}
        )
    return start, end


async def _pieces(file: BinaryIO, start: int, end: int) -> AsyncIterator[bytes]:
    """The bytes of a file from start to end; closes it."""
    try:
        file.seek(start)
        while start < end:
            piece = await run_in_threadpool(file.read, min(_PIECE, end - start))
            if not piece:
                return
            start += len(piece)
            yield piece
    finally:
        file.close()


def _unknown(digest: str) -> Refused:
    return Refused("BLOB_UNKNOWN", "There is no such blob", details=[{"digest": digest}])
