"""Manifests: read and checked, asked for by HEAD, put and deleted."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode

import httpx
import pytest

from regtui.errors import (
    Answered,
    ContentError,
    DigestMismatch,
    Forbidden,
    NotFound,
    TooLarge,
    Unsupported,
)
from regtui.oci import media_types
from regtui.oci.digest import digest_of
from regtui.oci.manifest import MANIFEST_LIMIT, Descriptor
from regtui.registry.client import Deletion
from tests.registry.fakes import (
    MANIFEST,
    RAW,
    ZEROS,
    Body,
    headers,
    manifest,
    problem,
    serve,
)


async def test_a_manifest_keeps_its_exact_bytes() -> None:
    server = serve(manifest(docker_content_digest=MANIFEST))
    document = await server.client().manifest("team/app", "1.0")
    assert (document.raw, document.digest, document.media_type) == (RAW, MANIFEST, media_types.OCI_MANIFEST)
    assert headers(server.requests[0], "accept") == media_types.ACCEPT
    assert server.asked == ["GET /v2/team/app/manifests/1.0"]


@pytest.mark.parametrize("named", ["", "nonsense", "md5:00", MANIFEST.upper()])
async def test_a_tag_without_a_digest_gets_the_one_of_its_bytes(named: str) -> None:
    answer = manifest(docker_content_digest=named)
    assert (await serve(answer).client().manifest("team/app", "1.0")).digest == MANIFEST


async def test_sha512_is_checked_as_well() -> None:
    digest = digest_of(RAW, "sha512")
    assert (await serve(manifest(docker_content_digest=digest)).client().manifest("team/app", digest)).digest == digest
    with pytest.raises(DigestMismatch):
        await serve(manifest(RAW + b" ")).client().manifest("team/app", digest)


async def test_other_bytes_than_those_named_are_never_content() -> None:
    with pytest.raises(DigestMismatch, match=r"What came for registry.example.com/team/app:1.0"):
        await serve(manifest(docker_content_digest=ZEROS)).client().manifest("team/app", "1.0")
    with pytest.raises(DigestMismatch, match=r"What came for registry.example.com/team/app@sha256:0000"):
        await serve(manifest(docker_content_digest=MANIFEST)).client().manifest("team/app", ZEROS)


async def test_a_manifest_beyond_the_bound_is_not_read() -> None:
    body = Body(*[b"x" * 1024 * 1024] * 9)
    with pytest.raises(TooLarge, match=r"manifest registry.example.com/team/app:1.0 .* more than 4,194,304 bytes"):
        await serve(httpx.Response(200, stream=body)).client().manifest("team/app", "1.0")
    assert body.read == MANIFEST_LIMIT // 1024 // 1024 + 1


async def test_the_digest_of_a_signed_schema_1_is_of_what_was_signed() -> None:
    beginning, tail = b'{\n   "schemaVersion": 1,\n   "name": "team/app"', b"\n}"
    protected = {"formatLength": len(beginning), "formatTail": urlsafe_b64encode(tail).decode().rstrip("=")}
    signature = {"protected": urlsafe_b64encode(json.dumps(protected).encode()).decode().rstrip("=")}
    raw = beginning + b',\n   "signatures": ' + json.dumps([signature]).encode() + tail
    digest = digest_of(beginning + tail)
    signed = manifest(raw, media_types.DOCKER_SCHEMA1_SIGNED, docker_content_digest=digest)
    document = await serve(signed).client().manifest("team/app", "1.0")
    assert (document.digest, document.raw) == (digest, raw)
    other = manifest(raw, media_types.DOCKER_SCHEMA1_SIGNED, docker_content_digest=ZEROS)
    with pytest.raises(DigestMismatch):
        await serve(other).client().manifest("team/app", "1.0")
    for broken in (
        b'{"signatures":[]}',
        b'{"signatures":[{"protected":"!"}]}',
        b'{"signatures":[{"protected":"e30"}]}',
    ):
        answer = manifest(broken, media_types.DOCKER_SCHEMA1_SIGNED, docker_content_digest=digest)
        with pytest.raises(ContentError, match="schema 1"):
            await serve(answer).client().manifest("team/app", "1.0")


async def test_head_reads_three_headers() -> None:
    server = serve(manifest(docker_content_digest=MANIFEST))
    expected = Descriptor(media_types.OCI_MANIFEST, MANIFEST, len(RAW))
    assert await server.client().head("team/app", "1.0") == expected
    assert server.asked == ["HEAD /v2/team/app/manifests/1.0"]


@pytest.mark.parametrize(
    "bad",
    [
        httpx.Response(405),
        httpx.Response(404),
        httpx.Response(400),
        httpx.Response(200, headers={"Content-Length": "9"}),
        httpx.Response(200, headers={"Content-Length": "9", "Docker-Content-Digest": "nonsense"}),
        httpx.Response(200, headers={"Docker-Content-Digest": MANIFEST}, stream=Body()),
    ],
)
async def test_head_is_done_by_get_where_a_server_answers_it_badly(bad: httpx.Response) -> None:
    server = serve(bad, manifest(docker_content_digest=MANIFEST))
    expected = Descriptor(media_types.OCI_MANIFEST, MANIFEST, len(RAW))
    assert await server.client().head("team/app", "1.0") == expected
    assert server.asked == ["HEAD /v2/team/app/manifests/1.0", "GET /v2/team/app/manifests/1.0"]


async def test_head_takes_a_refusal_for_one() -> None:
    with pytest.raises(Forbidden):
        await serve(problem(403, "DENIED")).client().head("team/app", "1.0")
    with pytest.raises(NotFound, match=r"has no tag 1.0"):
        await serve(problem(404, "MANIFEST_UNKNOWN")).client().head("team/app", "1.0")
    with pytest.raises(DigestMismatch):
        await serve(manifest(docker_content_digest=MANIFEST)).client().head("team/app", ZEROS)


# --- Changing manifests


async def test_a_manifest_is_put_byte_by_byte() -> None:
    server = serve(httpx.Response(201, headers={"Docker-Content-Digest": MANIFEST}))
    assert await server.client().put_manifest("team/app", "2.0", RAW, media_types.OCI_MANIFEST) == MANIFEST
    (request,) = server.requests
    assert (request.method, request.content) == ("PUT", RAW)
    assert headers(request, "content-type") == media_types.OCI_MANIFEST


async def test_a_put_that_changes_the_digest_is_an_error() -> None:
    server = serve(httpx.Response(201, headers={"Docker-Content-Digest": ZEROS}))
    with pytest.raises(DigestMismatch):
        await server.client().put_manifest("team/app", "2.0", RAW, media_types.OCI_MANIFEST)
    with pytest.raises(DigestMismatch):
        await server.client().put_manifest("team/app", ZEROS, RAW, media_types.OCI_MANIFEST)
    assert len(server.requests) == 1, "bytes of another digest are not even sent"


@pytest.mark.parametrize(
    ("version", "answer", "kind", "words"),
    [
        ("1.0", problem(405, "UNSUPPORTED"), Unsupported, "REGISTRY_STORAGE_DELETE_ENABLED=true"),
        (MANIFEST, problem(405, "UNSUPPORTED"), Unsupported, "REGISTRY_STORAGE_DELETE_ENABLED=true"),
        ("1.0", problem(400, "DIGEST_INVALID"), Unsupported, "doesn't delete a tag by its name"),
        ("1.0", problem(404, "UNSUPPORTED"), Unsupported, "doesn't delete a tag by its name"),
        (MANIFEST, problem(400, "DIGEST_INVALID"), Answered, "answered 400"),
        ("1.0", problem(404, "MANIFEST_UNKNOWN"), NotFound, "has no tag 1.0"),
        (MANIFEST, problem(404, "MANIFEST_UNKNOWN"), NotFound, "has no manifest sha256:"),
        ("1.0", problem(403, "DENIED"), Forbidden, "does not allow this"),
    ],
)
async def test_a_deletion_that_is_refused_says_why(
    version: str, answer: httpx.Response, kind: type[Answered], words: str
) -> None:
    with pytest.raises(kind, match=words) as caught:
        await serve(answer).client().delete_manifest("team/app", version)
    assert type(caught.value) is kind


@pytest.mark.parametrize("status", [200, 202, 204])
async def test_a_deletion_that_is_taken_says_nothing(status: int) -> None:
    server = serve(httpx.Response(status))
    await server.client().delete_manifest("team/app", "1.0")
    assert server.asked == ["DELETE /v2/team/app/manifests/1.0"]


@pytest.mark.parametrize(
    ("answer", "deletion"),
    [
        (problem(404, "MANIFEST_UNKNOWN"), Deletion.ON),
        (problem(405, "UNSUPPORTED"), Deletion.OFF),
        (httpx.Response(405), Deletion.OFF),
        (problem(404, "UNSUPPORTED"), Deletion.OFF),
        (problem(401, "UNAUTHORIZED"), Deletion.FORBIDDEN),
        (problem(403, "DENIED"), Deletion.FORBIDDEN),
        (problem(404, "NAME_UNKNOWN"), Deletion.UNKNOWN),
        (httpx.Response(404, html="<h1>404</h1>"), Deletion.UNKNOWN),
        (httpx.Response(202), Deletion.UNKNOWN),
        (problem(400, "DIGEST_INVALID"), Deletion.UNKNOWN),
    ],
)
async def test_the_probe_asks_once_a_repository_whether_the_server_deletes(
    answer: httpx.Response, deletion: Deletion
) -> None:
    server = serve(answer)
    client = server.client()
    assert [await client.may_delete("team/app") for _ in range(3)] == [deletion] * 3
    assert await client.may_delete("team/db") == deletion
    assert server.asked == [f"DELETE /v2/{name}/manifests/{ZEROS}" for name in ("team/app", "team/db")]
