"""Uploads: blobs on their way in, at once or in chunks, and mounts from other repositories."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from regtui.embedded.refusals import Refused, check_name, digest_from, name_of
from regtui.embedded.repositories import Repositories
from regtui.embedded.scratch import Scratch
from regtui.oci.digest import Digest

_PIECE = 1024 * 1024
"""Bytes that are gathered before they are written."""


class Upload:
    """A blob that grows in the scratch folder, hashed as it comes. One request at a time may hold it (`held`)."""

    def __init__(self, name: str, scratch: Scratch, algorithm: str = "sha256") -> None:
        self.name = name
        self.file: Path = scratch.new()
        self.file.touch()
        self.offset = 0
        self._algorithm = algorithm
        self._hash = hashlib.new(algorithm)
        self._lock = threading.Lock()

    @property
    def id(self) -> str:
        return self.file.name

    @contextmanager
    def held(self) -> Iterator[None]:
        """Refuses a second request while another one writes."""
        if not self._lock.acquire(blocking=False):
            raise Refused("BLOB_UPLOAD_INVALID", "Another request is writing to this upload", status=409)
        try:
            yield
        finally:
            self._lock.release()

    def write(self, data: bytes) -> None:
        with self.file.open("ab") as file:
            file.write(data)
        self._hash.update(data)
        self.offset += len(data)

    def digest(self, algorithm: str) -> str:
        """The digest of all that was written. Reads it again when it was hashed by another algorithm on its way."""
        if algorithm == self._algorithm:
            return f"{algorithm}:{self._hash.hexdigest()}"
        with self.file.open("rb") as file:
            return f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"

    def progress(self) -> dict[str, str]:
        """The headers that say where to go on, and how much is here (Docker writes nothing at all as 0-0)."""
        return {
            "Location": f"/v2/{self.name}/blobs/uploads/{self.id}",
            "Docker-Upload-UUID": self.id,
            "Range": f"0-{max(self.offset - 1, 0)}",
        }


class Uploads:
    """The endpoints below `/v2/<name>/blobs/uploads/`. What is unfinished ends with the process, or after a day."""

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories
        self._lock = threading.Lock()
        self._open: dict[str, Upload] = {}

    async def begin(self, request: Request) -> Response:
        """Mounts a blob, or takes it whole with this request, or opens an upload for the ones to come."""
        name, query = name_of(request), request.query_params
        if "mount" in query:
            digest = digest_from(query["mount"])
            source = check_name(query["from"]) if "from" in query else None
            if await run_in_threadpool(self._mount, name, digest, source):
                return _created(name, digest)
        wanted = digest_from(query["digest"]) if "digest" in query else None
        algorithm = query.get("digest-algorithm", "sha256")
        if algorithm not in ("sha256", "sha512"):
            raise Refused("DIGEST_INVALID", "The algorithms are sha256 and sha512")
        upload = await run_in_threadpool(self._start, name, wanted.partition(":")[0] if wanted else algorithm)
        if not wanted:
            return Response(status_code=202, headers=upload.progress())
        with upload.held():
            try:
                await _receive(request, upload)
                return await run_in_threadpool(self._finish, upload, wanted)
            finally:
                await run_in_threadpool(self._drop, upload)

    async def status(self, request: Request) -> Response:
        return Response(status_code=204, headers=self._find(request).progress())

    async def append(self, request: Request) -> Response:
        """A chunk, or with no Content-Range all there is (a stream)."""
        upload = self._find(request)
        with upload.held():
            await _receive(request, upload)
            return Response(status_code=202, headers=upload.progress())

    async def finish(self, request: Request) -> Response:
        """The last chunk, if there is one, and the digest of the whole."""
        upload = self._find(request)
        digest = digest_from(request.query_params.get("digest", ""))
        with upload.held():
            await _receive(request, upload)
            return await run_in_threadpool(self._finish, upload, digest)

    async def cancel(self, request: Request) -> Response:
        upload = self._find(request)
        with upload.held():
            await run_in_threadpool(self._drop, upload)
        return Response(status_code=204)

    def _find(self, request: Request) -> Upload:
        name, upload = name_of(request), self._open.get(request.path_params["upload"])
        if not upload or upload.name != name:
            raise Refused("BLOB_UPLOAD_UNKNOWN", "There is no such upload")
        return upload

    def _start(self, name: str, algorithm: str) -> Upload:
        """A new upload. Those that nobody went on with for a day are given up."""
        self._repositories.scratch.sweep()
        upload = Upload(name, self._repositories.scratch, algorithm)
        with self._lock:
            self._open = {each.id: each for each in (*self._open.values(), upload) if each.file.exists()}
        return upload

    def _drop(self, upload: Upload) -> None:
        with self._lock:
            self._open.pop(upload.id, None)
        upload.file.unlink(missing_ok=True)

    def _finish(self, upload: Upload, digest: Digest) -> Response:
        """The upload becomes a blob, or nothing when it has another digest."""
        try:
            found = upload.digest(digest.partition(":")[0])
            if found != digest:
                detail = {"given": digest, "found": found}
                raise Refused("DIGEST_INVALID", "What was uploaded has another digest", details=[detail])
            self._repositories.create(upload.name).adopt(upload.file, digest)
        finally:
            self._drop(upload)
        return _created(upload.name, digest)

    def _mount(self, name: str, digest: Digest, source: str | None) -> bool:
        layout = self._repositories.get(source) if source else self._repositories.holding(digest)
        return bool(layout and layout.has(digest) and self._repositories.create(name).mount(digest, layout))


def _created(name: str, digest: Digest) -> Response:
    headers = {"Location": f"/v2/{name}/blobs/{digest}", "Docker-Content-Digest": digest}
    return Response(status_code=201, headers=headers)


async def _receive(request: Request, upload: Upload) -> None:
    """Writes the request's body to the upload. Refuses a chunk that isn't the next one, or is not of its own length."""
    length = request.headers.get("content-length")
    expected = int(length) if length and length.isascii() and length.isdigit() else None
    given = request.headers.get("content-range")
    if given:
        match = re.fullmatch(r"([0-9]{1,18})-([0-9]{1,18})", given)
        if not match or int(match[1]) != upload.offset or int(match[2]) < int(match[1]):
            message = f"The next chunk begins at {upload.offset}"
            raise Refused("BLOB_UPLOAD_INVALID", message, status=416, headers=upload.progress())
        promised = int(match[2]) - int(match[1]) + 1
        if expected not in (None, promised):
            raise Refused("SIZE_INVALID", "Content-Range and Content-Length differ")
        expected = promised
    start = upload.offset
    async for piece in _gathered(request):
        if expected is not None and upload.offset + len(piece) - start > expected:
            raise Refused("SIZE_INVALID", "More came than was announced")
        await run_in_threadpool(upload.write, piece)
    if expected not in (None, upload.offset - start):
        raise Refused("SIZE_INVALID", "Less came than was announced")


async def _gathered(request: Request) -> AsyncIterator[bytes]:
    """The body in pieces worth a write."""
    buffer = bytearray()
    async for piece in request.stream():
        buffer += piece
        if len(buffer) >= _PIECE:
            yield bytes(buffer)
            buffer.clear()
    if buffer:
        yield bytes(buffer)
