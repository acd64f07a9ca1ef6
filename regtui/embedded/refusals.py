"""What the registry refuses, as the answers that the distribution specification gives for it ("Error Codes")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from regtui.errors import ReferenceError
from regtui.oci.digest import Digest, parse_digest
from regtui.oci.reference import check_repository

_STATUS = {
    "NAME_INVALID": 400,
    "NAME_UNKNOWN": 404,
    "MANIFEST_UNKNOWN": 404,
    "MANIFEST_INVALID": 400,
    "MANIFEST_BLOB_UNKNOWN": 400,
    "BLOB_UNKNOWN": 404,
    "BLOB_UPLOAD_UNKNOWN": 404,
    "BLOB_UPLOAD_INVALID": 400,
    "DIGEST_INVALID": 400,
    "SIZE_INVALID": 400,
    "UNSUPPORTED": 405,
}

OWN_ENTRIES = frozenset({"blobs", "index.json", "oci-layout"})
"""What a layout keeps in its folder: no repository below it can have a part of this name."""


class Refused(Exception):
    """A request that is answered with an error: a code of the specification, its usual status unless another is given.

    `details` makes one error each, for codes that may occur several times in an answer.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        details: Sequence[object] = ({},),
        status: int = 0,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.details = details
        self.status = status or _STATUS[code]
        self.headers = headers

    def answer(self) -> Response:
        errors = [{"code": self.code, "message": self.message, "detail": detail} for detail in self.details]
        return json_answer({"errors": errors}, self.status, self.headers)


def json_answer(
    content: object, status: int = 200, headers: Mapping[str, str] | None = None, media_type: str = "application/json"
) -> Response:
    return Response(msgspec.json.encode(content), status, headers, media_type)


def name_of(request: Request) -> str:
    """The repository in the request's path, checked."""
    return check_name(request.path_params["name"])


def check_name(name: str) -> str:
    """Refuses what can't be a repository's name, or could not be kept as a layout."""
    try:
        check_repository(name)
    except ReferenceError as error:
        raise Refused("NAME_INVALID", str(error)) from None
    if not OWN_ENTRIES.isdisjoint(name.split("/")):
        raise Refused("NAME_INVALID", "No part of a name may be blobs, index.json or oci-layout")
    return name


def digest_from(text: str) -> Digest:
    """A digest from the path or the query. Refuses what is none."""
    try:
        return parse_digest(text)
    except ReferenceError as error:
        raise Refused("DIGEST_INVALID", str(error)) from None


def number_from(request: Request, name: str) -> int | None:
    """A whole number from the query, None when it isn't there."""
    text = request.query_params.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Refused("UNSUPPORTED", f"{name} must be a number from 0 to 999999999", status=400)
    return int(text)
