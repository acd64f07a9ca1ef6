"""The registry as an ASGI application: the OCI distribution specification 1.1 over a folder of OCI layouts."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import cast
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, ExceptionHandler

from regtui.embedded.blobs import Blobs, ReadBlobs
from regtui.embedded.manifests import Manifests, ReadManifests
from regtui.embedded.refusals import Refused, json_answer, name_of, number_from
from regtui.embedded.repositories import Readable, Repositories
from regtui.embedded.uploads import Uploads
from regtui.errors import RegtuiError

_REPOSITORY = "/v2/{name:path}"


def registry_app(root: Path | Repositories, *, deletion: bool = True) -> ASGIApp:
    """A registry of all OCI layouts below `root`; what is pushed makes new ones.

    Without `deletion` it refuses to delete tags, manifests and blobs, as Docker's registry does by default. It may be
    called from several event loops in several threads at once, and needs no lifespan.
    """
    repositories = root if isinstance(root, Repositories) else Repositories(root)
    repositories.scratch.sweep()
    lists, manifests = Lists(repositories), Manifests(repositories, deletion)
    blobs, uploads = Blobs(repositories, deletion), Uploads(repositories)
    return _app(
        [
            *_reading(lists, manifests, blobs),
            Route(f"{_REPOSITORY}/manifests/{{version}}", manifests.put, methods=["PUT"]),
            Route(f"{_REPOSITORY}/manifests/{{version}}", manifests.delete, methods=["DELETE"]),
            Route(f"{_REPOSITORY}/blobs/uploads/", uploads.begin, methods=["POST"]),
            Route(f"{_REPOSITORY}/blobs/uploads", uploads.begin, methods=["POST"]),
            Route(f"{_REPOSITORY}/blobs/uploads/{{upload}}", uploads.status),
            Route(f"{_REPOSITORY}/blobs/uploads/{{upload}}", uploads.append, methods=["PATCH"]),
            Route(f"{_REPOSITORY}/blobs/uploads/{{upload}}", uploads.finish, methods=["PUT"]),
            Route(f"{_REPOSITORY}/blobs/uploads/{{upload}}", uploads.cancel, methods=["DELETE"]),
            Route(f"{_REPOSITORY}/blobs/{{digest}}", blobs.delete, methods=["DELETE"]),
        ]
    )


def reading_app(repositories: Readable) -> ASGIApp:
    """A registry that takes nothing: an archive."""
    return _app(_reading(Lists(repositories), ReadManifests(repositories), ReadBlobs(repositories)))


def _reading(lists: Lists, manifests: ReadManifests, blobs: ReadBlobs) -> list[Route]:
    return [
        Route("/v2/", ping),
        Route("/v2", ping),
        Route("/v2/_catalog", lists.catalog),
        Route(f"{_REPOSITORY}/tags/list", lists.tags),
        Route(f"{_REPOSITORY}/manifests/{{version}}", manifests.get),
        Route(f"{_REPOSITORY}/referrers/{{digest}}", manifests.referrers),
        Route(f"{_REPOSITORY}/blobs/{{digest}}", blobs.get),
    ]


def _app(routes: Sequence[Route]) -> ASGIApp:
    handlers = {
        Refused: cast(ExceptionHandler, _refusal),
        HTTPException: cast(ExceptionHandler, _unknown_request),
        ClientDisconnect: _nobody,
        OSError: _failure,
        RegtuiError: _failure,
    }
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.router.redirect_slashes = False
    return app


class Lists:
    """The catalog, and the tags of a repository."""

    def __init__(self, repositories: Readable) -> None:
        self._repositories = repositories

    def catalog(self, request: Request) -> Response:
        return _page(request, {}, "repositories", self._repositories.names())

    def tags(self, request: Request) -> Response:
        name = name_of(request)
        tags = self._repositories.tags(name)
        if tags is None:
            raise Refused("NAME_UNKNOWN", "There is no such repository", details=[{"name": name}])
        return _page(request, {"name": name}, "tags", tags)


async def ping(request: Request) -> Response:
    return json_answer({}, headers={"Docker-Distribution-Api-Version": "registry/2.0"})


def _page(request: Request, head: dict[str, str], key: str, names: Sequence[str]) -> Response:
    """Up to `n` of the sorted names after `last`, with a Link to the next ones (distribution-spec, "Listing Tags")."""
    count = number_from(request, "n")
    start = bisect_right(names, request.query_params.get("last", ""))
    page = names[start:] if count is None else names[start : start + count]
    headers = {}
    if page and start + len(page) < len(names):
        query = f"n={count}&last={quote(page[-1], safe='')}"
        headers["Link"] = f'<{quote(request.url.path)}?{query}>; rel="next"'
    return json_answer({**head, key: page}, headers=headers)


async def _refusal(request: Request, error: Refused) -> Response:
    return error.answer()


async def _unknown_request(request: Request, error: HTTPException) -> Response:
    """No such path, or no such method on it."""
    return Refused("UNSUPPORTED", error.detail, status=error.status_code, headers=error.headers).answer()


async def _nobody(request: Request, error: Exception) -> Response:
    """The client went away while it sent something: this is for nobody."""
    return Response(status_code=400)


async def _failure(request: Request, error: Exception) -> Response:
    """The disk failed, or what stands on it can't be read. A client need not know where on the disk."""
    message = f"The registry's disk failed: {error.strerror}" if isinstance(error, OSError) else str(error)
    return json_answer({"errors": [{"code": "UNKNOWN", "message": message, "detail": {}}]}, 500)
