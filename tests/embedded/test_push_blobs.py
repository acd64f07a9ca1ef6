"""Pushing blobs (distribution-spec, "Pushing blobs"): at once, in chunks, as a stream, and by mount."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from regtui.oci.digest import Digest, digest_of
from tests.embedded.content import NOTHING, codes, push_blob

UPLOADS = "/v2/app/blobs/uploads/"
CHUNKS = [b"a" * 1000, b"b" * 1000, b"c" * 300]
WHOLE = b"".join(CHUNKS)


def files_below(root: Path) -> list[Path]:
    return [file for file in root.rglob("*") if file.is_file()]


async def begin(client: httpx.AsyncClient) -> str:
    answer = await client.post(UPLOADS)
    assert (answer.status_code, answer.headers["range"]) == (202, "0-0")
    return answer.headers["location"]


async def patch(client: httpx.AsyncClient, url: str, start: int, chunk: bytes) -> httpx.Response:
    return await client.patch(url, content=chunk, headers={"Content-Range": f"{start}-{start + len(chunk) - 1}"})


async def assert_pushed(client: httpx.AsyncClient, answer: httpx.Response, content: bytes, digest: Digest) -> None:
    assert (answer.status_code, answer.headers["docker-content-digest"]) == (201, digest)
    assert (await client.get(answer.headers["location"])).content == content


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("content", [b"", b"{}", b"some content"])
async def test_one_post(client: httpx.AsyncClient, algorithm: str, content: bytes) -> None:
    digest = digest_of(content, algorithm)
    await assert_pushed(client, await client.post(UPLOADS, params={"digest": digest}, content=content), content, digest)


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
async def test_post_then_put(client: httpx.AsyncClient, algorithm: str) -> None:
    digest = digest_of(WHOLE, algorithm)
    answer = await client.put(await begin(client), params={"digest": digest}, content=WHOLE)
    await assert_pushed(client, answer, WHOLE, digest)


@pytest.mark.parametrize("last_in_put", [False, True])
async def test_chunks_in_order_with_the_last_in_a_patch_or_in_the_put(
    client: httpx.AsyncClient, last_in_put: bool
) -> None:
    url, offset = await begin(client), 0
    for chunk in CHUNKS[:-1] if last_in_put else CHUNKS:
        answer = await patch(client, url, offset, chunk)
        offset += len(chunk)
        assert (answer.status_code, answer.headers["range"]) == (202, f"0-{offset - 1}")
        url = answer.headers["location"]
    digest = digest_of(WHOLE)
    headers = {"Content-Range": "2000-2299"} if last_in_put else {}
    answer = await client.put(
        url, params={"digest": digest}, content=CHUNKS[-1] if last_in_put else b"", headers=headers
    )
    await assert_pushed(client, answer, WHOLE, digest)


async def test_chunks_may_be_hashed_with_sha512_from_the_start(client: httpx.AsyncClient) -> None:
    started = await client.post(UPLOADS, params={"digest-algorithm": "sha512"})
    await patch(client, started.headers["location"], 0, WHOLE)
    digest = digest_of(WHOLE, "sha512")
    answer = await client.put(started.headers["location"], params={"digest": digest})
    await assert_pushed(client, answer, WHOLE, digest)
    assert codes(await client.post(UPLOADS, params={"digest-algorithm": "md5"})) == ["DIGEST_INVALID"]


async def test_a_stream_without_length_or_range(client: httpx.AsyncClient) -> None:
    async def stream() -> AsyncIterator[bytes]:
        for chunk in CHUNKS:
            yield chunk

    url = await begin(client)
    assert (await client.patch(url, content=stream())).status_code == 202
    await assert_pushed(client, await client.put(url, params={"digest": digest_of(WHOLE)}), WHOLE, digest_of(WHOLE))


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_a_chunk_out_of_order_is_a_416_and_the_upload_goes_on_from_its_status(
    client: httpx.AsyncClient, method: str
) -> None:
    url = await begin(client)
    await patch(client, url, 0, CHUNKS[0])
    for start in (0, 2000):
        headers = {"Content-Range": f"{start}-{start + 999}"}
        answer = await client.request(method, f"{url}?digest={digest_of(WHOLE)}", content=CHUNKS[1], headers=headers)
        assert (answer.status_code, codes(answer)) == (416, ["BLOB_UPLOAD_INVALID"])
        assert (answer.headers["location"], answer.headers["range"]) == (url, "0-999")
    status = await client.get(url)
    assert (status.status_code, status.headers["range"], status.headers["location"]) == (204, "0-999", url)
    await patch(client, url, 1000, CHUNKS[1] + CHUNKS[2])
    await assert_pushed(client, await client.put(url, params={"digest": digest_of(WHOLE)}), WHOLE, digest_of(WHOLE))


async def test_a_chunk_is_as_long_as_it_says(client: httpx.AsyncClient) -> None:
    async def stream() -> AsyncIterator[bytes]:
        yield CHUNKS[0]

    url = await begin(client)
    for promised in ("0-10", "0-5000"):
        assert codes(await client.patch(url, content=stream(), headers={"Content-Range": promised})) == ["SIZE_INVALID"]
        assert codes(await client.patch(url, content=CHUNKS[0], headers={"Content-Range": promised})) in (
            ["SIZE_INVALID"],
            ["BLOB_UPLOAD_INVALID"],
        )


async def test_another_digest_is_refused_and_nothing_is_kept(client: httpx.AsyncClient, root: Path) -> None:
    answers = [
        await client.post(UPLOADS, params={"digest": NOTHING}, content=WHOLE),
        await client.put(await begin(client), params={"digest": NOTHING}, content=WHOLE),
        await client.post(UPLOADS, params={"digest": "sha256:short"}, content=WHOLE),
        await client.post(UPLOADS, params={"digest": f"md5:{'0' * 32}"}, content=WHOLE),
    ]
    for answer in answers:
        assert (answer.status_code, codes(answer)) == (400, ["DIGEST_INVALID"])
    assert not files_below(root)
    assert (await client.get(f"/v2/app/blobs/{NOTHING}")).status_code == 404


async def test_a_put_without_digest_is_refused_and_the_upload_stays(client: httpx.AsyncClient) -> None:
    url = await begin(client)
    assert codes(await client.put(url, content=WHOLE)) == ["DIGEST_INVALID"]
    assert (await client.get(url)).status_code == 204


async def test_a_cancelled_upload_is_gone(client: httpx.AsyncClient, root: Path) -> None:
    url = await begin(client)
    await patch(client, url, 0, CHUNKS[0])
    assert (await client.delete(url)).status_code == 204
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        answer = await client.request(method, f"{url}?digest={NOTHING}")
        assert (answer.status_code, codes(answer)) == (404, ["BLOB_UPLOAD_UNKNOWN"])
    assert not files_below(root)


async def test_an_upload_that_nobody_went_on_with_is_given_up_after_a_day(
    client: httpx.AsyncClient, root: Path
) -> None:
    old, new = await begin(client), await begin(client)
    yesterday = time.time() - 25 * 60 * 60
    os.utime(root / ".uploads" / old.rpartition("/")[2], (yesterday, yesterday))
    await begin(client)
    assert codes(await client.get(old)) == ["BLOB_UPLOAD_UNKNOWN"]
    assert (await client.get(new)).status_code == 204


async def test_an_upload_belongs_to_its_repository(client: httpx.AsyncClient) -> None:
    url = (await begin(client)).replace("/v2/app/", "/v2/other/")
    assert codes(await client.get(url)) == ["BLOB_UPLOAD_UNKNOWN"]


async def test_an_upload_whose_client_went_away_goes_on_from_what_came(client: httpx.AsyncClient) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"a" * (1 << 20)
        raise RuntimeError("the network fell out")

    url = await begin(client)
    with pytest.raises(RuntimeError):
        await client.patch(url, content=broken())
    assert (await client.get(url)).headers["range"] == f"0-{(1 << 20) - 1}"


@pytest.mark.parametrize("source", [{"from": "team/base"}, {}])
async def test_a_blob_is_mounted_from_a_repository_named_or_found(
    client: httpx.AsyncClient, root: Path, source: dict[str, str]
) -> None:
    digest = await push_blob(client, "team/base", WHOLE)
    await assert_pushed(client, await client.post(UPLOADS, params={"mount": digest, **source}), WHOLE, digest)
    files = [root / name / "blobs" / "sha256" / digest[7:] for name in ("team/base", "app")]
    assert files[0].samefile(files[1])


async def test_mounted_content_outlives_its_source(client: httpx.AsyncClient) -> None:
    digest = await push_blob(client, "team/base", WHOLE)
    await client.post(UPLOADS, params={"mount": digest, "from": "team/base"})
    await client.delete(f"/v2/team/base/blobs/{digest}")
    assert (await client.get(f"/v2/app/blobs/{digest}")).content == WHOLE


async def test_what_cannot_be_mounted_becomes_an_upload(client: httpx.AsyncClient) -> None:
    await push_blob(client, "team/base", b"something else")
    for source in ({"from": "team/base"}, {"from": "nowhere"}, {}):
        answer = await client.post(UPLOADS, params={"mount": digest_of(WHOLE), **source})
        assert answer.status_code == 202
        answer = await client.put(answer.headers["location"], params={"digest": digest_of(WHOLE)}, content=WHOLE)
        await assert_pushed(client, answer, WHOLE, digest_of(WHOLE))
        await client.delete(f"/v2/app/blobs/{digest_of(WHOLE)}")


async def test_a_mount_from_outside_the_registry_is_refused(client: httpx.AsyncClient, root: Path) -> None:
    secret = root.parent / "outside" / "blobs" / "sha256" / digest_of(WHOLE)[7:]
    secret.parent.mkdir(parents=True)
    secret.write_bytes(WHOLE)
    (root.parent / "outside" / "index.json").touch()
    answer = await client.post(UPLOADS, params={"mount": digest_of(WHOLE), "from": "../outside"})
    assert (answer.status_code, codes(answer)) == (400, ["NAME_INVALID"])
