"""Pushing manifests (distribution-spec, "Pushing Manifests"): by tag, by digest, with a subject, refused."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest

from regtui.oci import media_types
from regtui.oci.digest import digest_of
from regtui.oci.manifest import MANIFEST_LIMIT
from tests.embedded.content import (
    NOTHING,
    codes,
    descriptor,
    index,
    manifest,
    push,
    push_blob,
    push_image,
    put_manifest,
)


async def test_a_manifest_pushed_by_tag_says_where_it_is(client: httpx.AsyncClient) -> None:
    config = b"{}"
    await push_blob(client, "app", config)
    raw = manifest(config)
    answer = await put_manifest(client, "app", "1.0", raw)
    assert (answer.status_code, answer.headers["docker-content-digest"]) == (201, digest_of(raw))
    assert "oci-subject" not in answer.headers
    assert (await client.get(answer.headers["location"])).content == raw


async def test_a_tag_moves_and_what_it_named_stays_by_digest(client: httpx.AsyncClient) -> None:
    first = await push_image(client, "app", "latest", "1.0", layer=b"one")
    second = await push_image(client, "app", "latest", layer=b"two")
    third = await push_image(client, "app", "1.0", layer=b"three")
    assert (await client.get("/v2/app/manifests/latest")).content == second
    assert (await client.get("/v2/app/manifests/1.0")).content == third
    assert (await client.get(f"/v2/app/manifests/{digest_of(first)}")).content == first


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
async def test_a_manifest_pushed_by_digest_has_no_tag(client: httpx.AsyncClient, algorithm: str) -> None:
    config, digest = b"{}", digest_of(b"{}", algorithm)
    await client.post("/v2/app/blobs/uploads/", params={"digest": digest}, content=config)
    raw = manifest(config, config=descriptor(config, media_types.OCI_CONFIG, algorithm))
    answer = await put_manifest(client, "app", digest_of(raw, algorithm), raw)
    assert answer.headers["docker-content-digest"] == digest_of(raw, algorithm)
    assert (await client.get(answer.headers["location"])).content == raw
    assert (await client.get("/v2/app/tags/list")).json()["tags"] == []


async def test_another_digest_is_refused(client: httpx.AsyncClient) -> None:
    await push_blob(client, "app", b"{}")
    for version in (NOTHING, "sha256:baddigeststring"):
        answer = await put_manifest(client, "app", version, manifest(b"{}"))
        assert (answer.status_code, codes(answer)) == (400, ["DIGEST_INVALID"])


@pytest.mark.parametrize(
    ("raw", "media_type"),
    [
        (b"no JSON", media_types.OCI_MANIFEST),
        (b"[]", media_types.OCI_MANIFEST),
        (b'{"schemaVersion":2}', media_types.OCI_MANIFEST),  # no config
        (b'{"schemaVersion":2}', ""),  # says in no way what it is
        (b'{"schemaVersion":2,"manifests":[{"digest":"../../x"}]}', media_types.OCI_INDEX),
        (manifest(b"{}"), media_types.DOCKER_MANIFEST),  # says of itself that it is OCI's
        (b"[" * 5000, media_types.OCI_INDEX),
    ],
)
async def test_what_is_no_manifest_is_refused(client: httpx.AsyncClient, raw: bytes, media_type: str) -> None:
    answer = await client.put("/v2/app/manifests/1", content=raw, headers={"Content-Type": media_type})
    assert (answer.status_code, codes(answer)) == (400, ["MANIFEST_INVALID"])


async def test_what_can_be_no_tag_is_refused(client: httpx.AsyncClient) -> None:
    await push_blob(client, "app", b"{}")
    for tag in ("-x", "a" * 129, "a b"):
        assert codes(await put_manifest(client, "app", tag, manifest(b"{}"))) == ["MANIFEST_INVALID"]


async def test_without_a_telling_content_type_the_manifest_speaks_for_itself(client: httpx.AsyncClient) -> None:
    await push_blob(client, "app", b"{}")
    await client.put("/v2/app/manifests/1", content=manifest(b"{}"))
    assert (await client.head("/v2/app/manifests/1")).headers["content-type"] == media_types.OCI_MANIFEST


async def test_up_to_4_MiB_and_not_a_byte_more(client: httpx.AsyncClient) -> None:  # noqa: N802
    await push_blob(client, "app", b"{}")
    room = MANIFEST_LIMIT - len(manifest(b"{}", annotations={"long": ""}))
    assert (
        await put_manifest(client, "app", "1", manifest(b"{}", annotations={"long": "x" * room}))
    ).status_code == 201
    answer = await put_manifest(client, "app", "2", manifest(b"{}", annotations={"long": "x" * (room + 1)}))
    assert (answer.status_code, codes(answer)) == (413, ["SIZE_INVALID"])


async def test_every_blob_must_be_there_and_all_that_are_missing_are_named(client: httpx.AsyncClient) -> None:
    await push_blob(client, "app", b"there")
    answer = await put_manifest(client, "app", "1", manifest(b"config", b"there", b"missing"))
    assert (answer.status_code, codes(answer)) == (400, ["MANIFEST_BLOB_UNKNOWN"] * 2)
    assert [error["detail"]["digest"] for error in answer.json()["errors"]] == [
        digest_of(b"config"),
        digest_of(b"missing"),
    ]


async def test_the_children_of_an_index_must_be_there(client: httpx.AsyncClient) -> None:
    child = await push_image(client, "app")
    assert (await put_manifest(client, "app", "1", index(child))).status_code == 201
    assert codes(await put_manifest(client, "app", "2", index(child, manifest(b"?")))) == ["MANIFEST_BLOB_UNKNOWN"]


async def test_layers_kept_elsewhere_need_not_be_there(client: httpx.AsyncClient) -> None:
    await push_blob(client, "app", b"{}")
    elsewhere = [
        {**descriptor(b"w", "application/vnd.oci.image.layer.nondistributable.v1.tar")},
        {**descriptor(b"x", "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")},
        {**descriptor(b"y", "application/vnd.oci.image.layer.v1.tar"), "urls": ["https://store.example.com/y"]},
    ]
    assert (await put_manifest(client, "app", "1", manifest(b"{}", layers=elsewhere))).status_code == 201


async def test_indexes_of_indexes_and_empty_ones(client: httpx.AsyncClient) -> None:
    inner = index(await push_image(client, "app"))
    await push(client, "app", inner)
    for raw in (index(inner), index()):
        await push(client, "app", raw, "outer")
        assert (await client.get("/v2/app/manifests/outer")).content == raw


@pytest.mark.parametrize("subject", [b"is there", b"is not there"])
async def test_a_subject_is_acknowledged_and_need_not_exist(client: httpx.AsyncClient, subject: bytes) -> None:
    image = await push_image(client, "app", "1.0")
    of = image if subject == b"is there" else manifest(subject)
    await push_blob(client, "app", b"{}")
    answer = await put_manifest(client, "app", "sig", manifest(b"{}", subject=descriptor(of, media_types.OCI_MANIFEST)))
    assert (answer.status_code, answer.headers["oci-subject"]) == (201, digest_of(of))


@pytest.mark.parametrize(
    "fields", [{"layers": []}, {"org.example.unknown": [1, {"deep": None}]}, {"artifactType": "application/x"}]
)
async def test_unusual_manifests_are_kept_as_they_are(client: httpx.AsyncClient, fields: dict[str, Any]) -> None:
    await push_blob(client, "app", b"{}")
    raw = b"\n " + manifest(b"{}", **fields) + b"\n"
    assert (await put_manifest(client, "app", "odd", raw)).status_code == 201
    assert (await client.get("/v2/app/manifests/odd")).content == raw


async def test_descriptors_with_their_data_inside(client: httpx.AsyncClient) -> None:
    await push_blob(client, "app", b"{}")
    raw = manifest(b"{}", config={**descriptor(b"{}", media_types.OCI_EMPTY), "data": "e30="})
    assert (await put_manifest(client, "app", "1", raw)).status_code == 201
    assert msgspec.json.decode((await client.get("/v2/app/manifests/1")).content)["config"]["data"] == "e30="
