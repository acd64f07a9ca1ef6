"""Manifests: pulled, pushed and deleted by tag or digest, and asked for their referrers."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from regtui.embedded.layout import Layout
from regtui.embedded.refusals import Refused, digest_from, json_answer, name_of
from regtui.embedded.repositories import Readable, Repositories
from regtui.errors import ContentError
from regtui.oci import media_types
from regtui.oci.digest import Digest, digest_of, is_digest
from regtui.oci.manifest import MANIFEST_LIMIT, Descriptor, Document, Index, Manifest, decode_document
from regtui.oci.reference import is_tag

_SAYS_NOTHING = frozenset({"", "application/json", "application/octet-stream"})
"""Content types with which a manifest is taken for what it says of itself."""


class ReadManifests:
    """The endpoints below `/v2/<name>/manifests/` and `/v2/<name>/referrers/`, for reading."""

    def __init__(self, repositories: Readable) -> None:
        self._readable = repositories

    def get(self, request: Request) -> Response:
        """GET and HEAD. `Accept` is not looked at: the client gets what was pushed."""
        name, version = name_of(request), request.path_params["version"]
        repository = self._readable.get(name)
        if not repository:
            raise _no_repository(name)
        found = repository.find(version)
        if not found:
            raise _unknown(version)
        headers = {"Docker-Content-Digest": found.digest, "Content-Type": found.media_type}
        try:
            file, start, size = repository.open(found.digest)
        except FileNotFoundError:  # deleted just now
            raise _unknown(version) from None
        with file:
            if request.method == "HEAD":
                return Response(headers={**headers, "Content-Length": str(size)})
            file.seek(start)
            return Response(file.read(min(size, MANIFEST_LIMIT + 1)), headers=headers)

    def referrers(self, request: Request) -> Response:
        name, digest = name_of(request), digest_from(request.path_params["digest"])
        repository = self._readable.get(name)
        found = repository.referrers(digest) if repository else []
        headers = {}
        wanted = request.query_params.get("artifactType")
        if wanted:
            found = [each for each in found if each.artifact_type == wanted]
            headers["OCI-Filters-Applied"] = "artifactType"
        index = {"schemaVersion": 2, "mediaType": media_types.OCI_INDEX, "manifests": found}
        return json_answer(index, headers=headers, media_type=media_types.OCI_INDEX)


class Manifests(ReadManifests):
    """The endpoints, for pushing and deleting too."""

    def __init__(self, repositories: Repositories, deletion: bool) -> None:
        super().__init__(repositories)
        self._repositories = repositories
        self._deletion = deletion

    async def put(self, request: Request) -> Response:
        name, version = name_of(request), request.path_params["version"]
        raw = await _bounded_body(request)
        return await run_in_threadpool(self._push, name, version, raw, request.headers.get("content-type", ""))

    def delete(self, request: Request) -> Response:
        """A tag alone, or a manifest with every tag on it."""
        layout, version = self._layout(request), request.path_params["version"]
        if not self._deletion:
            raise Refused("UNSUPPORTED", "Deletion is switched off")
        if not (layout.remove(digest_from(version)) if ":" in version else layout.remove_tag(version)):
            raise _unknown(version)
        return Response(status_code=202)

    def _layout(self, request: Request) -> Layout:
        name = name_of(request)
        layout = self._repositories.get(name)
        if not layout:
            raise _no_repository(name)
        return layout

    def _push(self, name: str, version: str, raw: bytes, content_type: str) -> Response:
        digest, tag = _digest_and_tag(version, raw)
        document, media_type = _checked(raw, digest, media_types.bare(content_type))
        layout = self._repositories.get(name)
        missing = _missing(document, layout)
        if missing:
            raise Refused("MANIFEST_BLOB_UNKNOWN", "The manifest refers to content that isn't here", details=missing)
        (layout or self._repositories.create(name)).put(document, media_type, tag)
        headers = {"Location": f"/v2/{name}/manifests/{digest}", "Docker-Content-Digest": digest}
        if document.subject:
            headers["OCI-Subject"] = document.subject.digest
        return Response(status_code=201, headers=headers)


async def _bounded_body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MANIFEST_LIMIT:
            raise Refused("SIZE_INVALID", f"A manifest has {MANIFEST_LIMIT} bytes at most", status=413)
    return bytes(body)


def _digest_and_tag(version: str, raw: bytes) -> tuple[Digest, str]:
    if ":" not in version:
        if not is_tag(version):
            raise Refused("MANIFEST_INVALID", "That is no tag", details=[{"tag": version}])
        return digest_of(raw), version
    given = digest_from(version)
    found = digest_of(raw, given.partition(":")[0])
    if found != given:
        raise Refused("DIGEST_INVALID", "The manifest has another digest", details=[{"given": given, "found": found}])
    return given, ""


def _checked(raw: bytes, digest: Digest, pushed_as: str) -> tuple[Document, str]:
    """The manifest and its media type: the one it was pushed as, which must be the one that it names, if it does."""
    try:
        document = decode_document(raw, digest, pushed_as)
    except ContentError as error:
        raise Refused("MANIFEST_INVALID", str(error)) from None
    media_type = document.media_type if pushed_as in _SAYS_NOTHING else pushed_as
    if not media_type:
        raise Refused("MANIFEST_INVALID", "Neither the Content-Type nor the manifest says what it is")
    inside = document.content.media_type if isinstance(document.content, Manifest | Index) else ""
    if inside and media_types.bare(inside) != media_type:
        raise Refused("MANIFEST_INVALID", f"The manifest says that it is {inside}, its Content-Type {media_type}")
    subject = [document.subject] if document.subject else []
    for descriptor in (*document.blobs, *document.children, *subject):
        if not is_digest(descriptor.digest):
            raise Refused("MANIFEST_INVALID", "A descriptor has no digest", details=[{"digest": descriptor.digest}])
    return document, media_type


def _missing(document: Document, layout: Layout | None) -> list[object]:
    """What the manifest refers to and the repository lacks. A subject may be missing, and layers kept elsewhere."""
    needed = (*(each for each in document.blobs if not _is_elsewhere(each)), *document.children)
    return [{"digest": each.digest} for each in needed if not (layout and layout.has(each.digest))]


def _is_elsewhere(descriptor: Descriptor) -> bool:
    return bool(descriptor.urls) or descriptor.media_type.startswith(media_types.FOREIGN)


def _no_repository(name: str) -> Refused:
    return Refused("NAME_UNKNOWN", "There is no such repository", details=[{"name": name}])


def _unknown(version: str) -> Refused:
    kind = "digest" if is_digest(version) else "tag"
    return Refused("MANIFEST_UNKNOWN", "There is no such manifest", details=[{kind: version}])
